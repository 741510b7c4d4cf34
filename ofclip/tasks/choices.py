"""Forced choices: a picture, its right caption, and one that says the same words of other things.

The idea is that of Yuksekgonul et al. 2023 (ICLR, arXiv 2210.01936): swapped attributes and shuffled words, which a
model that reads a caption as a bag of words cannot tell from the right one. Negation is asked in the same form. All
captions but those whose words are shuffled are written from exact labels by templates of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.files import digest
from ofclip.metrics import forced_choice
from ofclip.metrics.crossed import bootstrap_crossed
from ofclip.metrics.metric import Metric
from ofclip.models import Model
from ofclip.tasks.result import Result
from ofclip.text.templates import fill

#: Makes the right and a wrong caption of one product, a row of a catalogue's table; None where there is nothing to ask.
Captions = Callable[[pd.Series], tuple[str, str] | None]


@dataclass(frozen=True)
class Choice:
    """One question: its name, what is right and what is wrong, and the two captions for each product."""

    name: str
    meaning: str
    captions: Captions


def choices(catalog: Catalog, colour: str, type_: str, seed: int = 0) -> list[Choice]:
    """Return the questions that a catalogue's labels allow; `colour` and `type_` name the two that all need.

    "another colour" and "another accent" ask whether the model knows the attribute at all: without that, the harder
    questions beside them say nothing. What is drawn, an other colour or an order of words, depends on the product's
    id and `seed` alone. Raises SettingError for an unknown label.
    """
    colours = sorted(catalog.label(colour).dropna().unique())
    catalog.label(type_)

    def has(row: pd.Series, *names: str) -> bool:
        return all(name in row.index and pd.notna(row[name]) for name in names)

    def other(row: pd.Series, *not_these: str) -> str | None:
        left = [name for name in colours if name not in not_these]
        return left[int(_rng(seed, row["id"], "colour").integers(len(left)))] if left else None

    def another_colour(row: pd.Series) -> tuple[str, str] | None:
        if not has(row, colour, type_) or (wrong := other(row, row[colour])) is None:
            return None
        return f"{row[colour]} {row[type_]}", f"{wrong} {row[type_]}"

    def printed(row: pd.Series, first: str, second: str) -> str:
        return f"{first} {row[type_]}, {row['pattern']} pattern in {second}"

    def another_accent(row: pd.Series) -> tuple[str, str] | None:
        if not has(row, colour, type_, "pattern", "accent"):
            return None
        wrong = other(row, row[colour], row["accent"])
        return None if wrong is None else (printed(row, row[colour], row["accent"]), printed(row, row[colour], wrong))

    def swapped(row: pd.Series) -> tuple[str, str] | None:
        if not has(row, colour, type_, "pattern", "accent") or row[colour] == row["accent"]:
            return None
        return printed(row, row[colour], row["accent"]), printed(row, row["accent"], row[colour])

    def order(row: pd.Series) -> tuple[str, str] | None:
        caption = row["texts"][0] if len(row["texts"]) else ""
        shuffled = shuffle(caption, _rng(seed, row["id"], "order"))
        return None if shuffled is None else (caption, shuffled)

    def affirmed(row: pd.Series) -> tuple[str, str] | None:
        if not has(row, colour, type_):
            return None
        return f"{row[type_]}, {row[colour]}", f"{row[type_]}, not {row[colour]}"

    def denied(row: pd.Series) -> tuple[str, str] | None:
        if not has(row, colour, type_) or (absent := other(row, row[colour])) is None:
            return None
        return f"{row[type_]}, not {absent}", f"{row[type_]}, {absent}"

    def sleeves(sleeveless: bool) -> Captions:
        def ask(row: pd.Series) -> tuple[str, str] | None:
            if not has(row, "sleeve", type_) or (row["sleeve"] == "sleeveless") != sleeveless:
                return None
            both = f"{row[type_]} without sleeves", f"{row[type_]} with sleeves"
            return both if sleeveless else both[::-1]

        return ask

    return [
        Choice("another colour", "its colour against another", another_colour),
        Choice("another accent", "the colour of its pattern against a third one", another_accent),
        Choice("swapped colours", "its two colours in their places against the same two swapped", swapped),
        Choice("word order", "its own caption against the same words shuffled", order),
        Choice("colour affirmed", 'its colour against "not" its colour', affirmed),
        Choice("colour denied", '"not" another colour against that colour', denied),
        Choice("sleeves affirmed", '"with sleeves" against "without", on products with sleeves', sleeves(False)),
        Choice("sleeves denied", '"without sleeves" against "with", on products without', sleeves(True)),
    ]


def choose(
    model: Model, vectors: Embeddings, catalog: Catalog, asked: Sequence[Choice], template: str, of: str = ""
) -> Result:
    """Return for each question the share of pictures whose right caption scores above the wrong one.

    `vectors` are those of the catalogue. Captions are put into the template, in lower case. Questions that no product
    of the catalogue allows are left out. `of` names the model where it is not the one under test. Table "choices":
    dataset, model, choice, pictures, not_asked, ties, accuracy, low, high. Raises SettingError if no question is
    left.
    """
    products = catalog.products.set_index(catalog.products["id"].astype(str)).loc[vectors.ids]
    metrics, table = [], []
    suffix = f" ({of})" if of else ""
    for choice in asked:
        pairs = [choice.captions(row) for _, row in products.iterrows()]
        kept = np.flatnonzero([pair is not None for pair in pairs])
        if not len(kept):
            continue
        texts = [[pair[side].lower() for pair in pairs if pair is not None] for side in (0, 1)]
        distinct = list(dict.fromkeys(text for side in texts for text in side))
        place = {text: number for number, text in enumerate(distinct)}
        encoded = model.encode_texts(fill(template, distinct))
        right, wrong = (
            np.einsum("ij,ij->i", vectors.images[kept], encoded[[place[text] for text in side]]) for side in texts
        )
        hits = forced_choice.wins(right, wrong)
        interval = bootstrap_crossed(hits[None], vectors.groups[kept])
        metrics.append(
            Metric(
                f"{choice.name} accuracy{suffix}",
                f"share of pictures whose right caption scores above the wrong one: {choice.meaning}; a tie counts "
                "against it; interval over products",
                "higher",
                vectors.dataset,
                vectors.split,
                len(hits),
                float(hits.mean()),
                interval,
                forced_choice.chance(2),
                1.0,
            )
        )
        ties = int(forced_choice.ties(right, wrong).sum())
        where = (vectors.dataset, of or "model", choice.name, len(hits), len(products) - len(hits), ties)
        table.append((*where, float(hits.mean()), *interval))
    if not table:
        raise SettingError(f"{catalog.name}: no product has the labels that any of the questions needs")
    columns = ["dataset", "model", "choice", "pictures", "not_asked", "ties", "accuracy", "low", "high"]
    return Result(metrics, {"choices": pd.DataFrame(table, columns=columns)})


def shuffle(caption: str, rng: np.random.Generator) -> str | None:
    """Return the words of a caption in another order, None where there is none.

    >>> shuffle("red red", np.random.default_rng(0)) is None
    True
    >>> shuffle("red dress", np.random.default_rng(0))
    'dress red'
    """
    words = caption.split()
    if len(set(words)) < 2:
        return None
    while True:
        other = [words[place] for place in rng.permutation(len(words))]
        if other != words:
            return " ".join(other)


def _rng(seed: int, identity: object, purpose: str) -> np.random.Generator:
    """Return random numbers of one product's own, the same whatever else is asked."""
    return np.random.default_rng(int(digest("choices", seed, identity, purpose), 16))

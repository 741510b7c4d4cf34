"""What texts are made into before training: templates on and off, and noun phrases in place of whole captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import embed
from ofclip.errors import SettingError
from ofclip.metrics import ranking, recall
from ofclip.metrics.groups import linked
from ofclip.metrics.metric import Metric
from ofclip.models import Model
from ofclip.tasks.paired import compare
from ofclip.tasks.prompt_choice import NONE, PHRASES, SINGLE, K, caption_ceiling, encode, extract, sought
from ofclip.tasks.result import Result
from ofclip.text.relative import describe_target
from ofclip.text.templates import TEST, fill
from ofclip.training.loop import train
from ofclip.training.settings import Training

#: Marks the Catalog whose texts are noun phrases.
EXTRACTED = " (phrases)"
#: What Atelier has of the relative captions of Fashion IQ, which speak of two pictures.
RELATIVE = ("atelier/pairs",)
#: So long a run on two cores takes a quarter of a minute, and small batches give it steps enough to learn from.
SAMPLES, BATCH = 3_200, 64
WAYS = (NONE, SINGLE, PHRASES)


@dataclass(frozen=True)
class Habit:
    """One way to treat texts while training: its name, its run, and whether captions became noun phrases."""

    name: str
    settings: Training
    phrases: bool


class Asked(NamedTuple):
    """Which queries were found by way to ask, each (q,), the queries' groups (q,), and the bounds of their recall."""

    found: dict[str, np.ndarray]
    groups: np.ndarray
    chance: float
    ceiling: float


def habits(run: Training, samples: int = SAMPLES, batch: int = BATCH) -> list[Habit]:
    """Return four runs of equal samples: with and without templates, each on whole captions and on noun phrases.

    `run` is the profile's, whose share of texts in a template is that of the runs with templates. The first run has
    neither: the others are compared with it. The last has both, as OpenFashionCLIP has.
    """
    habits = []
    for extracted in (False, True):
        for share in (0.0, run.template_share):
            sources = {name + EXTRACTED * extracted: weight for name, weight in run.sources.items()}
            name = f"{'phrases' if extracted else 'captions'}, {'templates' if share else 'no templates'}"
            settings = run.but(sources=sources, samples=samples, batch=batch, template_share=share, evaluations=0)
            habits.append(Habit(name, settings, extracted))
    return habits


def extracted(catalog: Catalog, relative: Sequence[str] = RELATIVE) -> Catalog:
    """Return a catalogue whose texts are their noun phrases, joined by commas, under a name that says so.

    Captions of the `relative` catalogues become what they say of their target, as Fashion IQ's do here. A text that
    holds no phrase stays as it is.
    """
    read: Callable[[str], str] = describe_target if catalog.name in relative else extract
    texts = [tuple(dict.fromkeys(read(text) or text for text in own)) for own in catalog.products["texts"]]
    return replace(catalog, name=catalog.name + EXTRACTED, products=catalog.products.assign(texts=texts))


def train_habits(
    plan: Sequence[Habit],
    start: Callable[[], Model],
    catalogs: Sequence[Catalog],
    tests: Sequence[Catalog],
    out: str | Path,
    queries: int | None = None,
) -> Result:
    """Train each habit from what `start` returns and ask the tests in three ways: bare, in the test prompt, extracted.

    Text-to-image recall@10 is that of the first captions, of `queries` of them per test where it is given. Runs lie in
    folders below `out`, and one that is complete is not repeated. Table "training": a row per test, way to ask and
    run, each compared with the first run asked in the same way. Intervals cover the draw of queries, not that of
    seeds. Raises SettingError for no run.
    """
    if not plan:
        raise SettingError("train_habits needs at least one run")
    found: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    asked: dict[str, Asked] = {}
    for habit in plan:
        names = set(habit.settings.sources)
        own = [made for catalog in catalogs for made in (catalog, extracted(catalog)) if made.name in names]
        model = train(start(), own, habit.settings, Path(out) / habit.name.replace(",", "").replace(" ", "-")).model
        for test in tests:
            asked[test.name] = ask(model, test, queries)
            for way, hits in asked[test.name].found.items():
                found.setdefault((test.name, way), {})[habit.name] = hits
    metrics, tables = [], []
    for test in tests:
        for way in WAYS:
            table = compare(found[test.name, way], plan[0].name, asked[test.name].groups)
            where = {"dataset": test.name, "asked": way, "templates": [bool(h.settings.template_share) for h in plan]}
            where["phrases"] = [habit.phrases for habit in plan]
            tables.append(table.reset_index(names="run").assign(**where)[[*where, "run", *table]])
            if way == SINGLE:
                metrics += _metrics(test, table, plan, asked[test.name])
    return Result(metrics, {"training": pd.concat(tables, ignore_index=True)})


def ask(model: Model, test: Catalog, queries: int | None = None) -> Asked:
    """Return which first captions of a test find their own picture among the first 10, for each way to ask."""
    vectors = embed(model, test, cache=False)
    owner, captions = sought(vectors, queries)
    said: dict[str, Sequence[str] | np.ndarray] = {NONE: captions, SINGLE: fill(TEST, captions.tolist())}
    said[PHRASES] = fill(TEST, [extract(text) for text in captions])
    found = {way: ranking.ranks(encode(model, texts), vectors.images, owner) <= K for way, texts in said.items()}
    chance = recall.chance_any_hit(len(vectors), K)
    return Asked(found, linked(vectors.groups[owner], captions), chance, caption_ceiling(captions))


def _metrics(test: Catalog, table: pd.DataFrame, plan: Sequence[Habit], asked: Asked) -> list[Metric]:
    samples = {habit.name: habit.settings.samples for habit in plan}
    return [
        Metric(
            f"text-to-image recall@{K} (trained on {name})",
            f"share of captions, asked as {TEST!r}, whose own picture is among the first {K}; an equal score ranks "
            f"before it; after {samples[name]} samples from scratch",
            "higher", test.name, test.split, int(row["n"]), row["value"], (row["low"], row["high"]),
            asked.chance, asked.ceiling,
        )
        for name, row in table.iterrows()
    ]  # fmt: skip

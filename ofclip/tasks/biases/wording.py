"""Gendered wording against neutral: what "women's" and "men's" change, and whose products a neutral query brings up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import classification, ranking, recall
from ofclip.metrics.groups import linked
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows
from ofclip.models import Model
from ofclip.tasks.paired import compare
from ofclip.tasks.prompt_choice import encode
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result
from ofclip.text.templates import TEST, fill

#: How a catalogue's values of gender are read and said; products of other genders, or of none, are left out.
GENDERS = {"women": "women's", "men": "men's", "Women": "women's", "Men": "men's"}
WOMEN, MEN = "women's", "men's"
NEUTRAL, OWN, OTHER = "neutral", "own gender", "other gender"
K = 10


def gendered_wording(
    model: Model,
    embeddings: Embeddings,
    catalog: Catalog,
    label: str,
    colour: str | None = None,
    gender: str = "gender",
) -> Result:
    """Return what naming a gender changes, for women's and for men's products, and who leads a neutral ranking.

    Only products whose gender is women's or men's take part, and the others are counted (table "gender_rows"). Three
    wordings are asked: neutral ("a photo of a shirt"), the product's own gender ("men's shirt") and the other one.
    Accuracy by `label` names all classes in the wording; recall@10 asks for colour and label, and any product of the
    same colour, label and gender is a hit. Table "wording": a row per gender and wording, each against neutral.

    For each class that both genders have, one neutral query by its name ranks the products ("whose products lead"):
    women's share of the first 10 that are of the class, minus that among all products of the class, and over all pairs
    of a woman's and a man's product the share in which the woman's scores higher minus that of the opposite (the rank-
    biserial correlation; Wilcoxon's statistic). Both are 0 where gender plays no part. Table "gender_shares": a row
    per class. Raises SettingError for an unknown column, and unless both genders and two classes are there.
    """
    columns = {name: catalog.label(name) for name in (label, gender, *([colour] if colour else []))}
    table = pd.DataFrame(columns).set_axis(catalog.products["id"].astype(str)).reindex(embeddings.ids)
    spoken = table[gender].map(GENDERS)
    kept = np.flatnonzero(spoken.notna() & table[label].notna())
    who = spoken.iloc[kept].to_numpy(dtype=str)
    names = table[label].iloc[kept].astype(str).str.lower().to_numpy(dtype=str)
    classes, true = np.unique(names, return_inverse=True)
    if len(set(who)) < 2 or len(classes) < 2:
        raise SettingError(
            f"{embeddings.dataset}: {len(kept)} products have a {label} and are women's or men's; products of both "
            "genders and of two classes are needed"
        )
    tint = table[colour].iloc[kept].fillna("").astype(str).str.lower().to_numpy(dtype=str) if colour else None
    said = names if tint is None else np.char.strip(np.char.add(np.char.add(tint, " "), names))
    pictures = rows(f"pictures of {embeddings.dataset}", embeddings.images)[kept]
    groups = embeddings.groups[kept]
    metric = partial(Metric, dataset=embeddings.dataset, split=embeddings.split)

    vectors = {word: prompt_vectors(model.encode_texts, _said(classes, word), [TEST]) for word in ("", WOMEN, MEN)}
    hits = {word: classification.hits_at(pictures @ own.T, true, 1) for word, own in vectors.items()}
    kinds = np.unique(np.stack([said, who]), axis=1, return_inverse=True)[1].ravel()
    asked = {word: encode(model, fill(TEST, _said(said, word))) for word in ("", WOMEN, MEN)}
    found = {word: ranking.any_hit_ranks(own, pictures, kinds, kinds) <= K for word, own in asked.items()}
    size = np.bincount(kinds)[kinds]
    metrics, tables = [], []
    nearest = f"share of {{}} products whose {label} is the nearest of {len(classes)}; a tie counts against it"
    brought = (
        f"share of {{}} products whose colour and {label}, as a query, bring any product of the same colour, {label} "
        f"and gender among the first {K}; an equal score of another ranks before it"
    )
    for task, by_word, linked_by, meaning in (
        (f"{label} accuracy@1", hits, groups, nearest),
        (f"recall@{K}", found, linked(groups, kinds), brought),
    ):
        for mine, others in ((WOMEN, MEN), (MEN, WOMEN)):
            here = who == mine
            ways = {NEUTRAL: by_word[""][here], OWN: by_word[mine][here], OTHER: by_word[others][here]}
            compared = compare(ways, NEUTRAL, linked_by[here])
            where = {"dataset": embeddings.dataset, "task": task, "products": mine}
            tables.append(compared.reset_index(names="wording").assign(**where)[[*where, "wording", *compared]])
            chance = 1 / len(classes) if by_word is hits else recall.chance_any_hit(len(kept), K, size[here])
            for way, row in compared.iterrows():
                metrics.append(
                    metric(
                        f"{task} ({mine}, asked by {way})", f"{meaning.format(mine)}; wording: {way}, in {TEST!r}",
                        "higher", n=int(row["n"]), value=row["value"], interval=(row["low"], row["high"]),
                        chance=chance, ceiling=1.0,
                    )
                )  # fmt: skip
    led, shares = _leaders(metric, vectors[""], pictures, classes, true, who == WOMEN)
    counts = {"women's": [int((who == WOMEN).sum())], "men's": [int((who == MEN).sum())]}
    counts |= {"other or unknown": [len(embeddings) - len(kept)]}
    wording = pd.concat(tables, ignore_index=True)
    shares.insert(0, "dataset", embeddings.dataset)
    counted = pd.DataFrame({"dataset": [embeddings.dataset]} | counts)
    return Result(metrics + led, {"wording": wording, "gender_shares": shares, "gender_rows": counted})


def _said(names: Iterable[str], word: str) -> list[str]:
    return [f"{word} {name}".strip() for name in names]


def _leaders(
    metric: partial[Metric],
    vectors: np.ndarray,
    pictures: np.ndarray,
    classes: np.ndarray,
    true: np.ndarray,
    women: np.ndarray,
) -> tuple[list[Metric], pd.DataFrame]:
    """Return by how much women's products lead the neutral queries (C, d), over the classes that both genders have."""
    both = [c for c in range(len(classes)) if len(set(women[true == c].tolist())) == 2]
    if not both:
        return [], pd.DataFrame(columns=["class", "products", "women_share", "top_share", "women_first"])
    first = ranking.top(vectors[both], pictures, K)
    table = []
    for c, best in zip(both, first, strict=True):
        of_class = women[true == c]
        shown = women[best[true[best] == c]]
        top = float(shown.mean()) if len(shown) else None
        scores = pictures[true == c] @ vectors[c]
        ahead = float(np.sign(scores[of_class][:, None] - scores[~of_class]).mean())
        table.append((str(classes[c]), len(of_class), float(of_class.mean()), top, ahead))
    shares = pd.DataFrame(table, columns=["class", "products", "women_share", "top_share", "women_first"])
    gaps = (shares["top_share"].astype(float) - shares["women_share"]).dropna().to_numpy()
    meanings: Mapping[str, tuple[str, np.ndarray]] = {
        f"women's share of the first {K} over their base rate": (
            f"mean over classes, asked neutrally, of women's share of those of the first {K} that are of the class, "
            "minus their share of the class; equal scores keep the order of the gallery",
            gaps,
        ),
        "women's products first": (
            "mean over classes, asked neutrally, of the share of pairs of a woman's and a man's product of the class "
            "in which the woman's scores higher, minus that in which it scores lower; equal scores count for neither",
            shares["women_first"].to_numpy(),
        ),
    }
    return [
        metric(
            name, f"{meaning}; the interval draws classes", "nearer 0", n=len(values), value=float(values.mean()),
            interval=bootstrap_mean(values), chance=0.0, ceiling=0.0,
        )
        for name, (meaning, values) in meanings.items() if len(values)
    ], shares  # fmt: skip

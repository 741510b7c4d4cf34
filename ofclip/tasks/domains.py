"""One model on several data sets at once: what it finds, names and loses on each, query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ofclip.catalog import Catalog
from ofclip.embeddings import embed
from ofclip.errors import SettingError
from ofclip.metrics import ceilings, classification, ranking
from ofclip.metrics.contrastive import contrastive_losses
from ofclip.metrics.metric import Metric
from ofclip.metrics.strata import bootstrap_strata, mean_of_means
from ofclip.models import Model
from ofclip.tasks.prompts import prompt_vectors

K = 10
#: Products of each data set that are asked for: recall@k depends on how many there are, so all have equally many.
QUERIES = 144
BATCH = 48  # pairs that the loss compares: a third of the queries


@dataclass(frozen=True)
class Scores:
    """What one model reaches on one data set, query by query, so that models can be compared on the same queries.

    `found` (n,) says whether the own picture is among the first K of n; `right` (m,) whether the picture is named
    rightly, of those with a label; `losses` are those of `contrastive_losses`. `ceiling` bounds the mean of
    `found`, since products may share a caption, and `classes` is how many names there were to choose from.
    """

    dataset: str
    split: str
    losses: np.ndarray
    found: np.ndarray
    right: np.ndarray
    ceiling: float
    classes: int


#: field of Scores -> name and meaning of its mean
MEANINGS = {
    "found": (
        f"text-to-image recall@{K}",
        f"share of first captions whose own picture is among the first {K}; an equal score ranks before it "
        "(pessimistic ties)",
    ),
    "right": (
        "{label} accuracy@1",
        "share of pictures whose true class has the nearest prompt; a tie counts against it",
    ),
}


def measure(
    model: Model, catalogs: Sequence[Catalog], label: str, template: str, batch: int
) -> dict[str, Scores]:
    """Return what a model reaches on each of the catalogues, by name.

    Queries are first captions, put into `template`; the classes are all values of the column `label` that occur in
    a catalogue, in lower case. The loss compares `batch` pairs. Raises SettingError for two catalogues of one name,
    for one with fewer products with a text than a batch, and for one without that label.
    """
    measured: dict[str, Scores] = {}
    for catalog in catalogs:
        if catalog.name in measured:
            raise SettingError(f"{catalog.name}: is to be measured twice")
        firsts = catalog.products.assign(texts=[texts[:1] for texts in catalog.products["texts"]])
        # other captions are not asked for, and encoding them would take as long as the pictures
        vectors = embed(model, replace(catalog, products=firsts), template, cache=False)
        products, first = np.unique(vectors.owner, return_index=True)
        captions = np.array(vectors.captions, dtype=object)[first]
        texts, images = vectors.texts[first], vectors.images[products]
        diagonal = np.arange(len(products))
        best = ceilings.best_ranks_of_shared_queries(np.unique(captions, return_inverse=True)[1], diagonal)
        right, classes = _named(model, catalog, vectors.ids, vectors.images, label, template)
        measured[catalog.name] = Scores(
            catalog.name,
            catalog.split,
            losses=contrastive_losses(images, texts, model.scale, batch),
            found=ranking.ranks(texts, images, diagonal) <= K,
            right=right,
            ceiling=float((best <= K).mean()),
            classes=classes,
        )
    return measured


def common_batch(catalogs: Sequence[Catalog]) -> int:
    """Return how many pairs the loss can compare on all of the catalogues: BATCH, or as many as the smallest has.

    Losses are comparable only for equal batches.
    """
    return min(BATCH, *map(len, catalogs))


def together(scores: Sequence[Scores], what: str, label: str, dataset: str, suffix: str, meaning: str) -> Metric:
    """Return a metric over several data sets that count alike: the mean of the means of `what`, "found" or "right".

    `dataset` says which these are, `suffix` and `meaning` what was measured, as in "(all)" and "after the run 'all'".
    """
    name, definition = MEANINGS[what]
    strata = [getattr(each, what) for each in scores]
    recall = what == "found"
    several = f", averaged over {len(scores)} data sets with equal weights" if len(scores) > 1 else ""
    chance = [min(K / len(each.found), 1.0) if recall else 1 / each.classes for each in scores]
    return Metric(
        f"{name.format(label=label)} {suffix}",
        f"{definition}{several}; {meaning}",
        "higher",
        dataset,
        "+".join(dict.fromkeys(each.split for each in scores)),
        sum(map(len, strata)),
        mean_of_means(strata),
        bootstrap_strata(strata),
        chance=float(np.mean(chance)),
        ceiling=float(np.mean([each.ceiling for each in scores])) if recall else 1.0,
    )


def change(scores: Sequence[Scores], reference: Mapping[str, Scores], what: str) -> tuple[float, float, float]:
    """Return the mean change of `what` from the reference on the same queries, and its 95 % interval."""
    strata = [getattr(each, what).astype(int) - getattr(reference[each.dataset], what) for each in scores]
    return mean_of_means(strata), *bootstrap_strata(strata)


def _named(
    model: Model, catalog: Catalog, ids: np.ndarray, images: np.ndarray, label: str, template: str
) -> tuple[np.ndarray, int]:
    values = catalog.label(label).set_axis(catalog.products["id"].astype(str)).reindex(ids)
    kept = values.notna().to_numpy()
    classes, true = np.unique(values[kept].to_numpy(dtype=str), return_inverse=True)
    if not len(classes):
        raise SettingError(f"no product of {catalog.name} has a value in the column {label!r}")
    prompts = prompt_vectors(model.encode_texts, [name.lower() for name in classes], [template])
    return classification.hits_at(images[kept] @ prompts.T, true, 1), len(classes)

"""What changes when one checkpoint is run a little otherwise: its activation, the prompt, how pictures are resized."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings, embed
from ofclip.errors import SettingError
from ofclip.images.fitting import parse
from ofclip.metrics import classification, ranking, recall
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.models import GELU, QUICK_GELU, Model, activation, with_activation
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result
from ofclip.tasks.retrieval import pairs_of
from ofclip.text.templates import PLAIN

#: Rules of resizing and interpolations that are tried (our choice: what published models use, and the crudest one).
RULES, INTERPOLATIONS = ("pad", "crop", "squash"), ("bicubic", "bilinear", "nearest")
#: What a factor is called, in the order of the figure.
ACTIVATION, PROMPT, RESIZE, INTERPOLATION = "activation", "prompt", "resizing", "interpolation"
OWN = "as trained"
K = 10


@dataclass(frozen=True)
class Way:
    """One way to run a checkpoint: the factor in which it differs from the first one, what it is, model, template."""

    factor: str
    name: str
    model: Model
    template: str


def ways(model: Model, template: str, resizing: bool = True) -> Iterator[Way]:
    """Yield the checkpoint as it was trained, then with one thing changed at a time: activation, prompt, pictures.

    The prompt is `template` or none. With `resizing` pictures are fitted by other rules, then by the model's own rule
    with other interpolations.
    """
    yield Way(OWN, OWN, model, template)
    other = GELU if activation(model.architecture) == QUICK_GELU else QUICK_GELU
    yield Way(ACTIVATION, {GELU: "GELU", QUICK_GELU: "QuickGELU"}[other], with_activation(model, other), template)
    yield Way(PROMPT, "no prompt", model, PLAIN)
    if not resizing:
        return
    rule, interpolation = parse(model.preprocess.how)
    changes = [(RESIZE, each, f"{each} {interpolation}") for each in RULES if each != rule]
    changes += [(INTERPOLATION, each, f"{rule} {each}") for each in INTERPOLATIONS if each != interpolation]
    for factor, name, how in changes:
        how = how.removesuffix(" bicubic")  # the pixels that are in the cache already are under the short name
        yield Way(factor, name, replace(model, preprocess=replace(model.preprocess, how=how)), template)


class Answered(NamedTuple):
    """One measure of one way: the metric, which queries were answered rightly (n,), and which are drawn together."""

    metric: Metric
    hits: np.ndarray
    groups: np.ndarray | None


def compare(model: Model, catalog: Catalog, label: str, template: str, resizing: bool = True) -> Result:
    """Return zero-shot accuracy by `label` and text-to-image recall@10 of one checkpoint, run in several ways.

    Each way differs from the first in one thing, see `ways`, and answers the same queries, so the interval of a
    change is that of the mean difference, query by query (a paired bootstrap; Efron and Tibshirani 1993). Products
    without the label take no part in accuracy, those without a text none in recall. Metrics: both measures of every
    way. Table "effects": dataset, measure, factor, way, n, value, and against the first way change, low, high, and
    how many queries it `gained` and `lost`. Raises SettingError for an unknown label, and if no product has a
    value of it, or a text.
    """
    names = catalog.label(label).set_axis(catalog.products["id"].astype(str))
    if not names.notna().any():
        raise SettingError(f"no product of {catalog.name} has a value in the column {label!r}")
    if not any(map(len, catalog.products["texts"])):
        raise SettingError(f"no product of {catalog.name} has a text, so there is nothing to retrieve by")
    metrics: list[Metric] = []
    rows = []
    first: dict[str, np.ndarray] = {}
    for way in ways(model, template, resizing):
        vectors = embed(way.model, catalog, way.template)
        for metric, hits, groups in (_accuracy(way, vectors, names, label), _recall(way, vectors)):
            measure = metric.name.partition(" (")[0]
            base = first.setdefault(measure, hits)
            change = hits.astype(np.int64) - base
            interval = (None, None) if way.factor == OWN else bootstrap_mean(change, groups)
            difference = None if way.factor == OWN else float(change.mean())
            gained, lost = int((change > 0).sum()), int((change < 0).sum())
            where = (metric.dataset, measure, way.factor, way.name)
            rows.append((*where, metric.n, metric.value, difference, *interval, gained, lost))
            metrics.append(metric)
    columns = ["dataset", "measure", "factor", "way", "n", "value", "change", "low", "high", "gained", "lost"]
    return Result(metrics, {"effects": pd.DataFrame(rows, columns=columns)})


def _answered(
    way: Way, vectors: Embeddings, name: str, definition: str, hits: np.ndarray, groups: np.ndarray | None,
    **bounds: float,
) -> Answered:  # fmt: skip
    metric = Metric(
        f"{name} ({way.name})", f"{definition}; the checkpoint {_said(way)}", "higher", vectors.dataset, vectors.split,
        len(hits), float(hits.mean()), bootstrap_mean(hits, groups), **bounds,
    )  # fmt: skip
    return Answered(metric, hits, groups)


def _said(way: Way) -> str:
    return {
        OWN: f"as it was trained, prompt {way.template!r}",
        ACTIVATION: f"with {way.name} in its transformers in place of its own activation",
        PROMPT: "with no prompt around a text",
        RESIZE: f"with pictures made square by {way.name!r} in place of its own rule",
        INTERPOLATION: f"with pictures resized by {way.name} interpolation in place of its own",
    }[way.factor]


def _accuracy(way: Way, vectors: Embeddings, names: pd.Series, label: str) -> Answered:
    values = names.reindex(vectors.ids)
    classes = sorted(values.dropna().unique())
    kept = np.flatnonzero(values.notna())
    codes = pd.Index(classes).get_indexer(values.iloc[kept])
    prompts = prompt_vectors(way.model.encode_texts, [str(name).lower() for name in classes], [way.template])
    hits = classification.hits_at(vectors.images[kept] @ prompts.T, codes, 1)
    definition = (
        f"share of pictures whose true {label} is the nearest of the {len(classes)} class vectors; a tie counts "
        "against it"
    )
    bounds = {"chance": 1 / len(classes), "ceiling": 1.0}
    return _answered(way, vectors, f"{label} accuracy@1", definition, hits, vectors.groups[kept], **bounds)


def _recall(way: Way, vectors: Embeddings) -> Answered:
    pairs = pairs_of(vectors)
    own = np.arange(len(pairs.ids))
    hits = ranking.ranks(pairs.texts, pairs.images, own) <= K
    best = float((pairs.best_ranks("text-to-image", "own") <= K).mean())
    definition = (
        f"share of queries, each product's first text, whose own picture is among the first {K}; an equal score "
        "ranks before it (pessimistic ties)"
    )
    bounds = {"chance": recall.chance_any_hit(len(own), K), "ceiling": best}
    return _answered(way, vectors, f"text-to-image recall@{K}", definition, hits, pairs.drawn_together, **bounds)

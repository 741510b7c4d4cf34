"""Attribute recognition: a picture is scored against prompts for all values of an attribute family."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError, unknown
from ofclip.metrics import multilabel
from ofclip.metrics.intervals import bootstrap_mean, bootstrap_rows
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows
from ofclip.models import Model
from ofclip.sources import get
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result

KS = (3, 5)
#: The name of all families together, in one ranking.
ALL = "all"
TIES = "of equal scores wrong ones rank first"


def attributes(
    embeddings: Embeddings,
    labels: Sequence[object],
    values: Sequence[str],
    vectors: np.ndarray,
    family: str = "attributes",
    ks: Sequence[int] = KS,
    template: str = "",
) -> Result:
    """Return recall@k and mAP of pictures against the vectors (A, d) of the `values` of one attribute family.

    `labels` holds per picture its value, a collection of its values (an empty one says that it has none), or
    nothing where that is not known: such a picture takes no part. The main recall@k is averaged over attributes; where
    some picture has several values, those pooled and per picture stand beside it, and precision@k; see
    `ofclip.metrics.multilabel`. A k that is not below the number of values finds everything and is left out.
    `template` is named in the definitions. Intervals draw whole groups of products.

    Tables: "attributes" (per value: pictures that have it, recall@k, average precision and that of chance) and
    "families" (pictures that take part and that do not, values per picture, recall@k pooled of always giving
    the most frequent values). Raises SettingError for a label that is not among the values, repeated values, fewer than
    two, lengths that do not fit, k below 1, and if no picture has any of the values.

    >>> import ofclip                                                                          # doctest: +SKIP
    >>> vectors = prompt_vectors(model.encode_texts, ["red", "blue"], ["a photo of a {}"])     # doctest: +SKIP
    >>> attributes(ofclip.embed(model, catalog), catalog.label("colour"), ["red", "blue"], vectors)  # doctest: +SKIP
    """
    values = list(values)
    if len(values) < 2:
        raise SettingError(f"family {family}: {len(values)} values give nothing to rank; at least two are needed")
    if any(k < 1 for k in ks):
        raise SettingError(f"ks must be positive, got {list(ks)}")
    truth, kept = truth_of(embeddings, labels, values)
    pictures = rows(f"pictures of {embeddings.dataset}", embeddings.images)[kept]
    vectors = rows("vectors of attributes", vectors)
    if vectors.shape != (len(values), pictures.shape[1]):
        raise SettingError(
            f"vectors of attributes have the shape {vectors.shape}, expected {(len(values), pictures.shape[1])}"
        )
    scores, groups = pictures @ vectors.T, embeddings.groups[kept]
    support = truth.sum(axis=0)
    several = truth.sum(axis=1).max() > 1
    prompt = f"; prompt: {template!r}" if template else ""
    among = f"of the {len(values)} values of {family}"

    metric = partial(
        Metric, direction="higher", dataset=embeddings.dataset, split=embeddings.split, n=len(kept), ceiling=1.0
    )
    metrics, per_value, blind = [], {}, {}
    for k in ks:
        name, trivial = f"{family} recall@{k}", k >= len(values)
        hits = multilabel.in_top(scores, truth, k)
        per_value[f"recall@{k}"] = np.full(len(values), np.nan) if trivial else (
            multilabel.recall_of_attributes(hits, truth)
        )  # fmt: skip
        blind[f"blind recall@{k}"] = np.nan if trivial else (
            multilabel.recall_pooled(multilabel.frequent(truth, k), truth)
        )  # fmt: skip
        if trivial:
            continue
        metrics.append(
            metric(
                name,
                f"share of a value's pictures that have it among their {k} nearest {among}, averaged over the values "
                f"that occur (per attribute); {TIES}{prompt}",
                value=multilabel.recall_per_attribute(hits, truth),
                interval=multilabel.bootstrap_recall_per_attribute(hits, truth, groups),
                chance=k / len(values),
                ceiling=multilabel.ceiling_recall_per_attribute(truth, k),
            )
        )
        if several:
            metrics += _of_several(metric, name, among, hits, truth, groups, k, prompt)
    chance = multilabel.chance_average_precision(support, len(kept))
    metrics.append(
        metric(
            f"{family} mAP",
            f"average precision of each value over the pictures, averaged over the values that occur {among}; not "
            f"interpolated, pictures of equal scores pass a threshold together{prompt}",
            value=multilabel.mean_average_precision(scores, truth),
            interval=multilabel.bootstrap_mean_average_precision(scores, truth, groups),
            chance=float(chance[support > 0].mean()),
        )
    )
    where = {"dataset": embeddings.dataset, "family": family}
    columns = {
        "value": values, "pictures": support, **per_value,
        "average precision": multilabel.average_precisions(scores, truth),
        "chance": np.where(support > 0, chance, np.nan),
    }  # fmt: skip
    size = {
        "values": len(values), "pictures": len(kept), "not known": len(embeddings) - len(kept),
        "values per picture": truth.sum(axis=1).mean(), **blind,
    }  # fmt: skip
    tables = {
        "families": pd.DataFrame([{**where, **size}]),
        "attributes": pd.DataFrame({**{key: [text] * len(values) for key, text in where.items()}, **columns}),
    }
    return Result(metrics, tables)


def recognise(
    model: Model, embeddings: Embeddings, catalog: Catalog, template: str, ks: Sequence[int] = KS
) -> Result:
    """Return the Result of `attributes` for each attribute family of the catalogue that was embedded, and for all.

    The families, and how each says its values, are those of the source's card that the catalogue has columns for;
    the values are those that occur. A family with a single value is left out. Where there are several families,
    "all" ranks the values of all of them together, as DeepFashion's "All" does; a picture has those that are known of
    it. Raises SettingError for a source without attribute families, and where no family takes two values.
    """
    known = {name: say for name, say in get(catalog.name).families.items() if name in catalog.labels}
    if not known:
        raise SettingError(f"{catalog.name} has no attribute families; see the cards of `ofclip sources`")
    of_all: list[list[str]] = [[] for _ in embeddings.ids]
    result, said, parts = Result([]), [], []
    for family, say in known.items():
        labels = catalog.label(family).set_axis(catalog.products["id"].astype(str)).reindex(embeddings.ids).tolist()
        own = [_several(label) for label in labels]
        values = sorted({value for some in own if some for value in some})
        if len(values) < 2:
            continue
        vectors = prompt_vectors(model.encode_texts, [say(value) for value in values], [template])
        result += attributes(embeddings, labels, values, vectors, family, ks, template)
        said += [f"{family}: {value}" for value in values]
        parts.append(vectors)
        for collected, some in zip(of_all, own, strict=True):
            collected += [f"{family}: {value}" for value in some or ()]
    if len(parts) > 1:
        # without any value nothing is known
        labels = [tuple(some) or None for some in of_all]
        result += attributes(embeddings, labels, said, np.concatenate(parts), ALL, ks, template)
    if not parts:
        raise SettingError(f"no attribute of {catalog.name} takes two values or more")
    return result


def truth_of(
    embeddings: Embeddings, labels: Sequence[object], values: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return truth (n, A) bool of the pictures whose labels are known, and their row numbers (n,).

    Errors are those of `attributes`.
    """
    place = {value: i for i, value in enumerate(values)}
    if len(place) < len(values):
        repeated = pd.Series(values)
        raise SettingError(f"attribute {repeated[repeated.duplicated()].iloc[0]!r} is given more than once")
    labels = list(labels)
    if len(labels) != len(embeddings):
        raise SettingError(f"{len(labels)} labels for {len(embeddings)} pictures of {embeddings.dataset}")
    own = [_several(label) for label in labels]
    kept = np.array([row for row, some in enumerate(own) if some is not None], dtype=np.int64)
    if not any(own):
        raise SettingError(f"no picture of {embeddings.dataset} has any of the attributes")
    truth = np.zeros((len(kept), len(values)), dtype=bool)
    for place_of, row in enumerate(kept):
        for value in own[row]:
            if value not in place:
                raise unknown("attribute", value, place)
            truth[place_of, place[value]] = True
    return truth, kept


def _several(label: Any) -> Collection[str] | None:
    """Return a label's values, None where it is not known."""
    if isinstance(label, tuple | list | set | frozenset):
        return label
    return None if pd.isna(label) else (label,)


def _of_several(
    metric: partial[Metric],
    name: str,
    among: str,
    hits: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    k: int,
    prompt: str,
) -> list[Metric]:
    """Return the other readings of recall@k, and precision@k, which differ where pictures have several values."""
    own, any_value = truth.sum(axis=1), truth.any(axis=1)
    found, best = hits.sum(axis=1), multilabel.ceiling_recall_of_pictures(truth, k)

    def pooled(drawn: np.ndarray) -> np.ndarray:
        pairs = drawn @ own
        return np.divide(drawn @ found, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)

    recall, precision = multilabel.recall_of_pictures(hits, truth), multilabel.precision_of_pictures(hits, k)
    return [
        metric(
            f"{name}, pooled",
            f"share of all pairs of a picture and a value that it has in which the value is among the picture's {k} "
            f"nearest {among}; {TIES}{prompt}",
            value=multilabel.recall_pooled(hits, truth),
            interval=bootstrap_rows(pooled, len(own), groups),
            chance=k / truth.shape[1],
            ceiling=float((best * own[any_value]).sum() / own.sum()),
        ),
        metric(
            f"{name}, per picture",
            f"share of a picture's values that are among its {k} nearest {among}, averaged over the pictures that have "
            f"any; {TIES}{prompt}",
            n=int(any_value.sum()),
            value=float(recall.mean()),
            interval=bootstrap_mean(recall, groups[any_value]),
            chance=k / truth.shape[1],
            ceiling=float(best.mean()),
        ),
        metric(
            name.replace("recall", "precision"),
            f"share of a picture's {k} nearest {among} that it has, averaged over the pictures; {TIES}{prompt}",
            value=float(precision.mean()),
            interval=bootstrap_mean(precision, groups),
            chance=float(truth.mean()),
            ceiling=float((np.minimum(own, k) / k).mean()),
        ),
    ]


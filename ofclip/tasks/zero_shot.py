"""Zero-shot classification: a picture gets the class whose prompt vector is nearest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError, unknown
from ofclip.metrics import calibration, classification
from ofclip.metrics.intervals import bootstrap_classes, bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows
from ofclip.models import Model
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result


def zero_shot(
    embeddings: Embeddings,
    labels: Sequence[object],
    classes: Sequence[str],
    class_vectors: np.ndarray,
    templates: Sequence[str] = (),
    ks: Sequence[int] = (1,),
    scale: float | None = None,
) -> Result:
    """Return accuracy@k, weighted and macro F1 and mean per-class accuracy of pictures against class vectors (C, d).

    `labels` holds a class name per picture; rows where it is missing are left out and counted in the table
    "rows". `templates` are named in the definitions. Further tables: "classes" and "confusion" (true,
    predicted, count; without zeros). With `scale`, 1 / temperature of the softmax over the classes, also the expected
    calibration error, with bins of equal width and of equal mass, and the table "reliability" (bins of equal mass).
    Intervals draw whole groups of products. Raises SettingError for a label that is not among the classes, for
    repeated classes, for lengths that do not fit, and if no picture has a label.
    """
    if any(k < 1 for k in ks):
        raise SettingError(f"ks must be positive, got {list(ks)}")
    classes = list(classes)
    true, kept = codes_of(embeddings, labels, classes)
    pictures = rows(f"pictures of {embeddings.dataset}", embeddings.images)[kept]
    vectors = rows("class vectors", class_vectors)
    if vectors.shape != (len(classes), pictures.shape[1]):
        raise SettingError(
            f"class vectors have the shape {vectors.shape}, expected {(len(classes), pictures.shape[1])}"
        )
    scores = pictures @ vectors.T
    predicted = classification.predict(scores, true)
    confusion = classification.confusion_matrix(true, predicted, len(classes))
    counts, groups = classification.marginals(confusion), embeddings.groups[kept]
    by_class = partial(bootstrap_classes, true, predicted, len(classes), groups=groups)

    prompts = f"; prompts: {', '.join(map(repr, templates))}" if len(templates) else ""
    metric = partial(
        Metric,
        direction="higher",
        dataset=embeddings.dataset,
        split=embeddings.split,
        n=len(true),
        ceiling=1.0,
    )
    metrics = []
    for k in ks:
        hits = classification.hits_at(scores, true, k)
        metrics.append(
            metric(
                f"accuracy@{k}",
                f"share of pictures whose true class is among the {k} nearest of the {len(classes)} class "
                f"vectors; a tie counts against it{prompts}",
                value=float(hits.mean()),
                interval=bootstrap_mean(hits, groups),
                chance=min(k / len(classes), 1.0),
            )
        )
    metrics.append(
        metric(
            "weighted F1",
            f"F1 of each class averaged by its share of the pictures; accuracy@1 decides a hit{prompts}",
            value=float(classification.weighted_f1(*counts)),
            interval=by_class(statistic=classification.weighted_f1),
            chance=classification.chance_weighted_f1(counts.support),
        )
    )
    metrics.append(
        metric(
            "macro F1",
            f"F1 of each class averaged over the classes that occur; accuracy@1 decides a hit{prompts}",
            value=float(classification.macro_f1(*counts)),
            interval=by_class(statistic=classification.macro_f1),
            chance=classification.chance_macro_f1(counts.support),
        )
    )
    metrics.append(
        metric(
            "mean per-class accuracy",
            f"accuracy@1 within each class, averaged over the classes that occur{prompts}",
            value=float(classification.mean_per_class_accuracy(*counts)),
            interval=by_class(statistic=classification.mean_per_class_accuracy),
            chance=1 / len(classes),
        )
    )
    metrics.append(
        metric(
            "majority-class accuracy",
            "accuracy@1 of a baseline that looks at no picture and always answers the most frequent class",
            value=classification.majority_share(counts.support),
            chance=1 / len(classes),
        )
    )
    tables = _tables(confusion, counts, classes, left_out=len(embeddings) - len(true))
    if scale is not None:
        confidences = calibration.softmax(scores, scale).max(axis=1)
        right = predicted == true
        metrics[-1:-1] = _calibration(partial(metric, direction="lower"), confidences, right, groups, prompts)
        columns = calibration.reliability(confidences, right, scheme="mass")
        table = dict(zip(("confidence", "accuracy", "pictures"), columns, strict=True))
        tables["reliability"] = pd.DataFrame(table)
    return Result(metrics, tables)


def _calibration(
    metric: partial[Metric],
    confidences: np.ndarray,
    right: np.ndarray,
    groups: np.ndarray,
    prompts: str,
) -> list[Metric]:
    return [
        metric(
            f"calibration error{note}",
            # its number is no part of the definition: it is learned, and other runs of the same learn another
            "expected calibration error of the softmax over the classes at the model's own scale: mean distance of "
            f"confidence and accuracy over {calibration.BINS} bins of equal {scheme}; a tie counts as wrong; the "
            f"ceiling is what a perfectly calibrated model of the same confidences has from noise alone{prompts}",
            value=calibration.expected_calibration_error(confidences, right, scheme=scheme),
            interval=calibration.bootstrap_ece(confidences, right, groups, scheme=scheme),
            ceiling=calibration.calibrated_ece(confidences, scheme=scheme),
        )
        for scheme, note in (("width", ""), ("mass", ", equal mass"))
    ]


def classify(
    model: Model,
    embeddings: Embeddings,
    catalog: Catalog,
    label: str,
    templates: Sequence[str],
    words: Mapping[str, Sequence[str]] | None = None,
    scale: float | None = None,
) -> Result:
    """Return the Result of zero-shot classification by one label column of the catalogue that was embedded.

    The classes are all values of the column that occur, put into the templates in lower case, or in the plain
    `words` given for a value. Metrics carry the label's name in front, and how classes were prompted where it
    is not by one template and the value itself ("colour accuracy@1 (ensemble of 17)", "(plain words)"); tables
    carry the columns dataset and label. For calibration give the model's own `scale`. Raises SettingError for an
    unknown label.

    >>> import ofclip                                                            # doctest: +SKIP
    >>> catalog = ofclip.load_catalog("kagl", split="test")                      # doctest: +SKIP
    >>> model = ofclip.load_model("weights.safetensors")                         # doctest: +SKIP
    >>> classify(model, ofclip.embed(model, catalog), catalog, "articleType", ["a photo of a {}"])  # doctest: +SKIP
    """
    values, classes, names = asked(embeddings, catalog, label, words)
    vectors = prompt_vectors(model.encode_texts, names, templates)
    result = zero_shot(embeddings, values.tolist(), classes, vectors, templates, scale=scale)
    kinds = ["plain words"] * bool(words) + [f"ensemble of {len(templates)}"] * (len(templates) > 1)
    kind = f" ({', '.join(kinds)})" if kinds else ""
    said = "; ".join(f"{name}: {', '.join(own)}" for name, own in zip(classes, names, strict=True)) if words else ""
    metrics = [
        replace(
            metric,
            name=f"{label} {metric.name}{kind}",
            definition=metric.definition + (f"; a class is the mean of its words ({said})" if said else ""),
        )
        for metric in result.metrics
    ]
    where = {"dataset": embeddings.dataset, "label": label}
    tables = {name: pd.DataFrame(where, index=table.index).join(table) for name, table in result.tables.items()}
    return Result(metrics, tables)


def asked(
    embeddings: Embeddings, catalog: Catalog, label: str, words: Mapping[str, Sequence[str]] | None = None
) -> tuple[pd.Series, list[str], list[Sequence[str]]]:
    """Return the value of a label per embedded picture, the classes that occur, and each class's names.

    A class is called by its `words`, else by its value in lower case. Raises SettingError for an unknown label, and
    one without any value.
    """
    values = catalog.label(label)
    values = values.set_axis(catalog.products["id"].astype(str)).reindex(embeddings.ids)  # damaged ones are left out
    classes = sorted(values.dropna().unique())
    if not classes:
        raise SettingError(f"no product of {catalog.name} has a value in the column {label!r}")
    return values, classes, [(words or {}).get(name, (str(name).lower(),)) for name in classes]


def codes_of(
    embeddings: Embeddings, labels: Sequence[object], classes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the class number of each labelled picture and the row numbers of those pictures."""
    repeated = pd.Series(classes)[pd.Series(classes).duplicated()]
    if len(repeated):
        raise SettingError(f"class {repeated.iloc[0]!r} is given more than once")
    given = pd.Series(list(labels), dtype=object)
    if len(given) != len(embeddings):
        raise SettingError(f"{len(given)} labels for {len(embeddings)} pictures of {embeddings.dataset}")
    kept = np.flatnonzero(given.notna())
    if not len(kept):
        raise SettingError(f"no picture of {embeddings.dataset} has a label")
    codes = pd.Index(classes).get_indexer(given.iloc[kept])
    if (codes < 0).any():
        raise unknown("class", given.iloc[kept[(codes < 0).argmax()]], classes)
    return codes, kept


def _tables(
    confusion: np.ndarray, counts: classification.Marginals, classes: list[str], left_out: int
) -> dict[str, pd.DataFrame]:
    true, predicted = np.nonzero(confusion)
    names = np.array(classes, dtype=object)
    return {
        "rows": pd.DataFrame({"evaluated": [int(counts.support.sum())], "without label": [left_out]}),
        "classes": pd.DataFrame(
            {
                "class": names,
                "support": counts.support,
                "precision": classification.precision(*counts),
                "recall": classification.recall(*counts),
                "f1": classification.f1(*counts),
            }
        ),
        "confusion": pd.DataFrame(
            {"true": names[true], "predicted": names[predicted], "count": confusion[true, predicted]}
        ),
    }

"""Small classes against large ones: does a model know best what it has seen most?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import classification
from ofclip.metrics.correlation import bootstrap_spearman, spearman
from ofclip.metrics.intervals import RESAMPLES, bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows
from ofclip.models import Model
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result
from ofclip.text.templates import TEST

LEAST = 5


def class_sizes(
    model: Model, embeddings: Embeddings, catalog: Catalog, label: str, training: Sequence[Catalog], least: int = LEAST
) -> Result:
    """Return how a class's zero-shot accuracy goes with the number of its products in the `training` catalogues.

    All classes that occur among the pictures can be answered; those with fewer than `least` pictures say too little
    of their own accuracy, and are left out and counted. What is compared are classes, which differ in more than their
    size, so the two intervals draw classes with all their pictures; those of a single class draw its products. The
    larger half has the middle class where their number is odd. Table "class_sizes": a row per class.
    Raises SettingError for an unknown label, a `least` below 1, and if fewer than three classes are left.
    """
    if least < 1:
        raise SettingError(f"least must be at least 1 picture per class, got {least}")
    values = catalog.label(label)
    values = values.set_axis(catalog.products["id"].astype(str)).reindex(embeddings.ids)
    kept = np.flatnonzero(values.notna())
    classes, true = np.unique(values.iloc[kept].to_numpy(dtype=str), return_inverse=True)
    support = np.bincount(true, minlength=len(classes))
    large = np.flatnonzero(support >= least)
    if len(large) < 3:
        raise SettingError(
            f"{label} of {embeddings.dataset}: {len(large)} classes have {least} pictures or more; lower least, or "
            "take another label"
        )
    seen = pd.concat([source.label(label) for source in training]).value_counts()
    sizes = seen.reindex(classes, fill_value=0).to_numpy(dtype=np.int64)
    vectors = prompt_vectors(model.encode_texts, [name.lower() for name in classes], [TEST])
    pictures = rows(f"pictures of {embeddings.dataset}", embeddings.images)[kept]
    hits = classification.hits_at(pictures @ vectors.T, true, 1).astype(np.float64)
    accuracy = np.bincount(true, weights=hits)[large] / support[large]
    order = np.argsort(sizes[large], kind="stable")
    small, big = (accuracy[half] for half in np.split(order, [len(order) // 2]))

    metric = partial(
        Metric, direction="nearer 0", dataset=embeddings.dataset, split=embeddings.split, n=len(large), chance=0.0,
        ceiling=0.0,
    )  # fmt: skip
    left = len(classes) - len(large)
    asked = f"asked as {TEST!r}; {left} of {len(classes)} classes are left out, with fewer than {least} pictures"
    metrics = [
        metric(
            f"{label}: class size and accuracy",
            f"Spearman's rank correlation, over classes, of the number of products trained on with accuracy@1, "
            f"{asked}; the interval draws classes",
            value=float(np.nan_to_num(spearman(sizes[large], accuracy))),  # 0 where all are alike
            interval=bootstrap_spearman(sizes[large], accuracy),
        ),
        metric(
            f"{label}: accuracy of large minus small classes",
            "mean accuracy@1 of the larger half of the classes, by products trained on, minus that of the smaller "
            f"half; a tie counts against a picture; {asked}; the interval draws classes",
            value=float(big.mean() - small.mean()),
            interval=_gap_interval(big, small),
        ),
    ]
    table = [
        (embeddings.dataset, label, classes[c], int(sizes[c]), int(support[c]), float(own),
         *bootstrap_mean(hits[true == c], embeddings.groups[kept][true == c]))
        for c, own in zip(large, accuracy, strict=True)
    ]  # fmt: skip
    columns = ["dataset", "label", "class", "trained_on", "pictures", "accuracy", "low", "high"]
    shown = pd.DataFrame(table, columns=columns).sort_values("trained_on", kind="stable")
    return Result(metrics, {"class_sizes": shown.reset_index(drop=True)})


def _gap_interval(big: np.ndarray, small: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of the difference of means, drawn anew within each half."""
    rng = np.random.default_rng(0)
    means = [half[rng.integers(0, len(half), (RESAMPLES, len(half)))].mean(axis=1) for half in (big, small)]
    low, high = np.quantile(means[0] - means[1], (0.025, 0.975))
    return float(low), float(high)

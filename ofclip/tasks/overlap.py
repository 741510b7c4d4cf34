"""Overlap: how much of a benchmark the training data hold already, and how often a batch contradicts itself."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.tasks.duplicates import KINDS, duplicates, leakage
from ofclip.tasks.false_negatives import false_negatives
from ofclip.tasks.result import Result

#: From a small GPU-less batch to the largest that the papers' family of recipes uses.
BATCHES = (64, 256, 1024, 4096)

DEFINITIONS = {
    "picture exact": "identical at 32x32 pixels",
    "picture near": "of nearly the same hash and pixels, or identical",
    "caption": "with its first caption among their texts, case and spaces aside",
}


def overlap(training: Sequence[Catalog], benchmark: Catalog) -> Result:
    """Return the share of a benchmark's products that have a duplicate in the training data, by kind.

    Training and benchmark are whole splits. Metrics: "shared pictures (exact)", "shared pictures (near)" and
    "shared captions", with bootstrap intervals over the benchmark's products; table "leaks" counts them for each
    training catalogue. Raises DataError for a damaged picture.
    """
    found = {catalog.name: leakage(catalog, benchmark) for catalog in training}
    names = ", ".join(f"{catalog.name}@{catalog.split}" for catalog in training)
    metrics, rows = [], []
    pictures = benchmark.images.present and all(catalog.images.present for catalog in training)
    for place, kind in enumerate(KINDS):
        if kind != "caption" and not pictures:
            continue
        kinds = KINDS[: place + 1] if kind == "picture near" else (kind,)
        leaked = {name: leaks["benchmark"][leaks["kind"].isin(kinds)].unique() for name, leaks in found.items()}
        hit = benchmark.products["id"].isin([product for own in leaked.values() for product in own]).to_numpy(float)
        metrics.append(
            Metric(
                {"picture exact": "shared pictures (exact)", "picture near": "shared pictures (near)"}.get(
                    kind, "shared captions"
                ),
                f"share of the products with one in {names} {DEFINITIONS[kind]}",
                "lower", benchmark.name, benchmark.split, len(benchmark), float(hit.mean()),
                bootstrap_mean(hit), None, None,
            )  # fmt: skip
        )
        rows += [(benchmark.name, benchmark.split, name, kind, len(own)) for name, own in leaked.items()]
    columns = ["dataset", "split", "training", "kind", "products"]
    return Result(metrics, {"leaks": pd.DataFrame(rows, columns=columns)})


def within(catalog: Catalog, batches: Sequence[int] = BATCHES) -> Result:
    """Return what a data set shares with itself: tables "duplicates" (by split) and "false_negatives" (by batch size).

    False negatives are those of the training split, or of the whole where there is none, by caption and by
    group; see `ofclip.tasks.false_negatives`.
    """
    train = catalog.where(split="train") if "train" in set(catalog.products["split"]) else catalog
    rates = false_negatives(train.captions, batches, train.products["group"].tolist())
    rates.insert(0, "dataset", train.name)
    rates = rates.drop(columns="source")
    return Result([], {"duplicates": duplicates(catalog), "false_negatives": rates})

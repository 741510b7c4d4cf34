"""What a data set looks like in numbers: splits, length and specificity of its captions, duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.files import digest
from ofclip.images import pixels
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result


def describe(catalogs: Sequence[tuple[Catalog, str]], size: int, label: str | None = None) -> Result:
    """Return metrics and tables on catalogues, each given with its role ("training", "held out" ...).

    Pictures count as identical if they are so at `size` pixels; they are read split by split, as training reads
    them, so that both share one cache. `label` is the column whose entropy given the caption measures
    specificity; it defaults to each catalogue's first label. Metrics: mean words per caption, mean attributes
    per caption (see `attributes_said`) and the share of products whose caption is not theirs alone. Tables:
    "domains", "splits", "captions", "lengths" (histogram of words), "duplicates" and "labels" (the most frequent
    values). A catalogue without pictures has no identical ones.
    """
    result = Result([])
    for catalog, role in catalogs:
        column = label or (catalog.labels[0] if catalog.labels else None)
        result += _one(catalog, role, size, column)
    return result


def entropy_given(captions: Sequence[str], values: Sequence[object]) -> float:
    """Return the entropy in bits of a label given the caption, H(label | caption), over products with a label.

    Zero means that each caption settles the label; the label's own entropy, that captions say nothing of it.

    >>> entropy_given(["shirt", "shirt", "red dress"], ["polo", "tee", "dress"])
    0.6666666666666666
    """
    frame = pd.DataFrame({"caption": list(captions), "value": list(values)}).dropna()
    if frame.empty:
        return float("nan")
    joint = frame.value_counts()
    given = joint.groupby("caption").transform("sum")
    return float(max(0.0, -(joint / len(frame) * np.log2(joint / given)).sum()))


def attributes_said(catalog: Catalog) -> np.ndarray:
    """Return how many of a product's labels its first caption names (n,): those whose value occurs in it.

    Case and punctuation do not count, and a plural s at the end of a word is dropped on both sides. A column
    of several values per product counts each. Synonyms are missed, so this is a lower bound.

    >>> import ofclip
    >>> attributes_said(ofclip.load_catalog("atelier/phrases", n=2)).tolist()
    [5, 3]
    """
    said = [f" {_plain(caption)} " for caption in catalog.captions]
    plain = lru_cache(maxsize=None)(_plain)
    counts = np.zeros(len(catalog), dtype=np.int64)
    for name in catalog.labels:
        for row, value in enumerate(catalog.products[name]):
            values = value if isinstance(value, tuple) else () if pd.isna(value) else (value,)
            counts[row] += sum(f" {plain(one)} " in said[row] for one in values)
    return counts


def _plain(text: str) -> str:
    return " ".join(word.removesuffix("s") for word in re.split(r"\W+", str(text).lower()) if word)


def _one(catalog: Catalog, role: str, size: int, label: str | None) -> Result:
    name, products = catalog.name, catalog.products
    words = np.asarray([len(text.split()) for texts in products["texts"] for text in texts])
    captions = pd.Series(catalog.captions)
    shared = captions.duplicated(keep=False).to_numpy()
    vocabulary = {word for texts in products["texts"] for text in texts for word in text.lower().split()}
    splits = products["split"].value_counts()
    identical = _identical(catalog, splits.index, size) if catalog.images.present else None
    held_back = int(splits.get("val", splits.get("validation", 0)))
    lengths = pd.Series(words).value_counts().sort_index()
    values = products[label] if label else pd.Series(dtype=object)

    def metric(metric_name: str, definition: str, per_item: np.ndarray, chance=None, ceiling=None) -> Metric:
        return Metric(
            metric_name, definition, "higher", name, catalog.split, len(per_item), float(per_item.mean()),
            bootstrap_mean(per_item.astype(float)), chance, ceiling,
        )  # fmt: skip

    attributes = attributes_said(catalog)
    metrics = [
        metric("attributes per caption", "mean number of a product's labels that its first caption names", attributes),
        metric("words per caption", "mean number of words, parted by spaces, over all captions", words),
        metric("shared captions", "share of products whose first caption another product has too", shared, 0.0, 1.0),
    ]
    tables = {
        "domains": pd.DataFrame(
            {
                "dataset": [name],
                "role": [role],
                "products": [len(catalog)],
                "train": [int(splits.get("train", 0))],
                "val": [held_back],
                "test": [int(splits.get("test", 0))],
            }
        ),
        "splits": pd.DataFrame({"dataset": name, "split": splits.index, "products": splits.to_numpy()}),
        "captions": pd.DataFrame(
            {
                "dataset": [name],
                "captions": [len(words)],
                "words_mean": [words.mean()],
                "words_p05": [np.percentile(words, 5)],
                "words_median": [np.median(words)],
                "words_p95": [np.percentile(words, 95)],
                "vocabulary": [len(vocabulary)],
                "attributes_mean": [attributes.mean()],
                "distinct_share": [captions.nunique() / len(captions)],
                "type_entropy_bits": [entropy_given(captions, values) if label else None],
            }
        ),
        "lengths": pd.DataFrame({"dataset": name, "words": lengths.index, "count": lengths.to_numpy()}),
        "duplicates": pd.DataFrame(
            {
                "dataset": [name],
                "products": [len(catalog)],
                "sharing_caption": [int(shared.sum())],
                "identical_pictures": [None if identical is None else int(identical.sum())],
            }
        ),
    }
    if label:
        top = values.value_counts().head(12)
        tables["labels"] = pd.DataFrame(
            {"dataset": name, "label": label, "value": top.index, "count": top.to_numpy()}
        )
    return Result(metrics, tables)


def _identical(catalog: Catalog, splits: Iterable[str], size: int) -> np.ndarray:
    """Return whether each picture equals another (n,), in the order of the splits."""
    parts = (pixels(catalog.where(split=split).images, size).array for split in splits)
    digests = pd.Series([digest(picture.tobytes()) for part in parts for picture in part])
    return digests.duplicated(keep=False).to_numpy()

"""How often a batch holds a false negative: another product that the caption fits just as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ofclip.errors import SettingError


def false_negatives(
    captions: Sequence[str],
    batch_sizes: Iterable[int],
    groups: Sequence[object] | None = None,
    sources: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return how many samples of a batch are expected to meet a false negative in it, by source and batch size.

    A contrastive batch treats all pairs but its own as negatives; it errs where another product has the same
    caption (exactly), or is of the same group. A batch is B different products of one source (all n are one
    source unless `sources` names one for each), all batches equally likely. Columns: source, products, batch, same
    ("caption"; with `groups` also "group" and "either"), `rate`, the expected share of a batch's samples with
    at least one false negative, and `number`, how many a sample has on average. Both are missing for a batch
    larger than its source. A product without a caption, or group (empty or missing), shares none.

    With m others of N - 1 that count, a batch of B holds none of them with the hypergeometric probability
    C(N - 1 - m, B - 1) / C(N - 1, B - 1), and (B - 1) m / (N - 1) on average. Raises SettingError for a batch size
    below 1 and for sequences of different lengths.

    >>> false_negatives(["bag", "bag", "hat", "cap"], [2])["rate"].round(3).tolist()
    [0.167]
    """
    keys = {"caption": captions} if groups is None else {"caption": captions, "group": groups}
    sizes = {"captions": len(captions), **{name: len(key) for name, key in keys.items() if name == "group"}}
    sizes |= {} if sources is None else {"sources": len(sources)}
    if len(set(sizes.values())) > 1:
        raise SettingError(f"{', '.join(f'{count} {name}' for name, count in sizes.items())}: must be as many")
    batches = [int(size) for size in batch_sizes]
    if any(size < 1 for size in batches):
        raise SettingError(f"batch size {min(batches)}: must be at least 1")
    source = pd.Series(["all"] * len(captions) if sources is None else list(sources), dtype=object)
    codes = {name: _codes(key) for name, key in keys.items()}

    rows = []
    for name in source.unique():
        here = np.flatnonzero((source == name).to_numpy())
        others = {kind: _others(code[here]) for kind, code in codes.items()}
        if groups is not None:
            caption, group = (code[here] for code in codes.values())
            both = np.where((caption < 0) | (group < 0), -1, caption * (group.max() + 2) + group)
            others["either"] = others["caption"] + others["group"] - _others(both)
        for kind, count in others.items():
            rows += [(name, len(here), batch, kind, *_expected(count, batch)) for batch in batches]
    table = pd.DataFrame(rows, columns=["source", "products", "batch", "same", "rate", "number"])
    return table.astype({"rate": "Float64", "number": "Float64"})


def _codes(values: Sequence[object]) -> np.ndarray:
    return pd.factorize(pd.Series(list(values), dtype=object).replace("", None))[0].astype(np.int64)


def _others(code: np.ndarray) -> np.ndarray:
    """Return how many other rows have the value of each row; none for -1."""
    value = pd.factorize(code)[0]
    return np.where(code < 0, 0, np.bincount(value)[value] - 1)


def _expected(others: np.ndarray, batch: int) -> tuple[float | None, float | None]:
    n = len(others)
    if batch > n:
        return None, None
    if n == 1:
        return 0.0, 0.0
    # a sum of logarithms, term by term, keeps rates of one in a million exact where quotients of factorials do not
    before = np.arange(others.max())
    before = before[before < n - batch]
    none = np.full(others.max() + 1, -np.inf)  # with so many others that no batch can miss them all
    none[: len(before) + 1] = np.concatenate([[0.0], np.cumsum(np.log1p(-(batch - 1) / (n - 1 - before)))])
    return float(-np.expm1(none[others]).mean()) + 0.0, float(others.mean() * (batch - 1) / (n - 1))

"""Median rank: the rank at which half of the queries have found their first relevant item."""

from __future__ import annotations

import numpy as np

from ofclip.metrics.ranking import Ranked


def median_rank(found: Ranked, ties: str = "pessimistic") -> float:
    """Return the median over queries of the rank of the first relevant item; the two middle ones are averaged."""
    return float(np.median(found.first(ties)))


def chance(items: int, relevant: int | np.ndarray = 1) -> float:
    """Return the median, over queries, of the first relevant item's rank in random orders without ties.

    `relevant` is how many items are right: one number or one per query. With one it is (items + 1) / 2.

    >>> chance(10), chance(3, relevant=2)
    (5.5, 1.0)
    """
    sizes, share = np.unique(np.atleast_1d(relevant), return_counts=True)
    missed = np.zeros(items)  # the share of queries that find nothing up to each rank
    for size, many in zip(sizes, share, strict=True):
        missed += many / share.sum() * np.cumprod(np.maximum(1 - size / (items - np.arange(items)), 0))
    half = 0.5 + 1e-9  # products of many factors are rounded
    lower, upper = (missed <= half).argmax(), (missed < 1 - half).argmax()
    return float(1 + (lower + upper) / 2)

"""Reciprocal rank, full and cut: one over the rank of a query's first relevant item. Its mean is the MRR."""

from __future__ import annotations

import numpy as np

from ofclip.metrics.ranking import Ranked


def reciprocal_rank(found: Ranked, k: int | None = None, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) 1 / rank of the first relevant item, or 0 beyond rank k, as trec_eval's recip_rank.

    >>> from ofclip.metrics.ranking import ranked
    >>> from ofclip.metrics.relevance import of_targets
    >>> found = ranked(np.array([[1.0]]), np.array([[3.0], [2.0], [1.0]]), of_targets([1], items=3))
    >>> reciprocal_rank(found).tolist(), reciprocal_rank(found, k=1).tolist()
    ([0.5], [0.0])
    """
    first = found.first(ties)
    if k is None:
        return 1 / first
    found.within(k, ties)
    return np.where(first <= k, 1 / first, 0.0)


def positive_scores(found: Ranked, k: int | None = None, ties: str = "pessimistic") -> np.ndarray:
    """Return as `reciprocal_rank`, but 0 if the first relevant item has a score of 0 or less, as torchmetrics."""
    return reciprocal_rank(found, k, ties) * (found.scores[found.indptr[:-1]] > 0)


def chance(items: int, relevant: int | np.ndarray = 1, k: int | None = None) -> float:
    """Return the expected reciprocal rank of a random order without ties, averaged over queries.

    `relevant` is how many items are right: one number or one per query. The first of r among m is at rank t with the
    probability (1 - r/m)(1 - r/(m-1)) ... r/(m-t+1); for r = 1 this gives the harmonic number of m, over m.
    """
    places = np.arange(min(k or items, items))
    sizes, share = np.unique(np.atleast_1d(relevant), return_counts=True)
    total = 0.0
    for size, many in zip(sizes, share, strict=True):  # one row at a time: m may be large
        here = np.minimum(size / (items - places), 1)
        missed = np.append(1.0, np.cumprod(1 - here)[:-1])
        total += many * float((missed * here / (1 + places)).sum())
    return total / share.sum()

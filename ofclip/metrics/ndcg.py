"""nDCG@k: the discounted gain of the relevant items among the first k, over that of the best order.

Gains are binary: a relevant item gains 1, discounted by log2(rank + 1) (Järvelin and Kekäläinen, 2002, in the form that
trec_eval and scikit-learn compute).
"""

from __future__ import annotations

import numpy as np

from ofclip.metrics.ranking import Ranked


def ndcg(found: Ranked, k: int | None = None, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) the normalised discounted cumulative gain of the first k items, or of all.

    >>> from ofclip.metrics.ranking import ranked
    >>> from ofclip.metrics.relevance import of_targets
    >>> found = ranked(np.array([[1.0]]), np.array([[3.0], [2.0], [1.0]]), of_targets([2], items=3))
    >>> ndcg(found).tolist(), ndcg(found, k=2).tolist()
    ([0.5], [0.0])
    """
    gains = 1 / np.log2(found.ranks(ties) + 1)
    if k is not None:
        gains = gains * found.within(k, ties)
    return found.add(gains) / _ideal(found.sizes, found.items, k)


def chance(items: int, relevant: int | np.ndarray = 1, k: int | None = None) -> float:
    """Return the expected nDCG@k of a random order without ties, averaged over queries: each rank gains r/m."""
    relevant = np.atleast_1d(relevant)
    discounts = 1 / np.log2(np.arange(1, min(k or items, items) + 1) + 1)
    return float((relevant / items * discounts.sum() / _ideal(relevant, items, k)).mean())


def _ideal(sizes: np.ndarray, items: int, k: int | None) -> np.ndarray:
    discounts = np.cumsum(1 / np.log2(np.arange(1, min(k or items, items) + 1) + 1))
    return discounts[np.minimum(sizes, len(discounts)) - 1]

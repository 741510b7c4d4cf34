"""Ceilings: the best ranks that the data allow, where vectors are shared or several items are right.

The ceiling of a metric is the metric itself, computed on the ranks that are given here.
"""

from __future__ import annotations

import numpy as np

from ofclip.metrics.ranking import Ranked


def ideal(sizes: np.ndarray, items: int) -> Ranked:
    """Return the ranks 1, 2, ... of queries with `sizes` (q,) relevant items each, of positive scores.

    No order is better for a query on its own; it may be out of reach where equal queries want different items.
    """
    indptr = np.append(0, np.cumsum(sizes))
    places = 1 + np.arange(indptr[-1]) - np.repeat(indptr[:-1], sizes)
    return _best(indptr, places, items)


def one_each(ranks: np.ndarray, items: int) -> Ranked:
    """Return given ranks (q,) as those of queries with one relevant item each."""
    return _best(np.arange(len(ranks) + 1), np.asarray(ranks), items)


def _best(indptr: np.ndarray, ranks: np.ndarray, items: int) -> Ranked:
    queries = np.arange(len(indptr) - 1)
    return Ranked(queries, 0, items, indptr, 1 / ranks, ranks, ranks, ranks)


def best_ranks_of_shared_queries(texts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the best ranks (n,) that queries can reach together when some of them are the same text.

    Query i is text `texts[i]` (n,) and wants an item of group `groups[i]` (n,); with groups all different,
    its own item. Equal texts get one ranking of the items, in which the first item of each wanted group
    has a place of its own. So at best the groups take the places 1, 2, ..., most wanted first, and
    any summary that falls with the ranks is bounded by its value here: for m products with one caption
    recall@k by min(k, m)/m and MRR by (1 + 1/2 + ... + 1/m)/m.

    >>> best_ranks_of_shared_queries(np.array(["bag", "bag", "hat"]), groups=np.arange(3)).tolist()
    [1, 2, 1]
    """
    pairs, pair, wanted = _pairs(texts, groups)
    order = np.lexsort((-wanted, pairs[0]))
    text = pairs[0][order]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = 1 + np.arange(len(order)) - np.searchsorted(text, text)
    return place[pair]


def best_ranks_of_shared_items(texts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the best rank (n,) of each query when some of the n items are the same text.

    Item i is text `texts[i]` (n,) of group `groups[i]` (n,), and query i wants an item of its group.
    Equal texts have equal scores, and pessimistic ties put those of other groups first: m products with one
    caption reach rank m at best if only the own one counts. A group may choose its rarest text.

    >>> best_ranks_of_shared_items(np.array(["bag", "bag", "hat"]), groups=np.arange(3)).tolist()
    [2, 2, 1]
    """
    (text, group), pair, inside = _pairs(texts, groups)
    everywhere = np.bincount(text, weights=inside).astype(np.int64)
    best = np.full(group.max() + 1, len(texts))
    np.minimum.at(best, group, 1 + everywhere[text] - inside)
    return best[group[pair]]


def _pairs(texts: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct (text, group) pairs as codes (2, p), each row's pair (n,), and counts (p,)."""
    codes = np.stack([np.unique(labels, return_inverse=True)[1] for labels in (texts, groups)])
    pairs, pair, counts = np.unique(codes, axis=1, return_inverse=True, return_counts=True)
    return pairs, pair.ravel(), counts

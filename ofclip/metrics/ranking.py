"""Retrieval: ranks in bounded memory, their summaries, what guessing reaches and what the data allow.

Ties are pessimistic: an item with the same score as the wanted one ranks before it. Items with equal vectors
get equal scores by construction, because the matrix product is taken over distinct vectors only: its rounding
may differ from column to column, which would otherwise break such ties by accident.
"""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.vectors import rows

#: Queries scored at once; with 50,000 items a block takes 100 MB.
BLOCK = 512


def ranks(queries: np.ndarray, items: np.ndarray, target: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """Return the rank (n,) from 1 of item `target[i]` for query i among all items, by inner product.

    queries (n, d), items (m, d), target (n,) row numbers of items. Raises SettingError for vectors that are
    not finite, and for fewer than one query per block.

    >>> ranks(np.eye(2), np.array([[0.9, 0.1], [0.8, 0.2]]), target=np.array([1, 1])).tolist()
    [2, 1]
    """
    target = np.asarray(target)
    return _first_hits(queries, items, target, target + 1, np.arange(len(items)), block)


def any_hit_ranks(
    queries: np.ndarray,
    items: np.ndarray,
    query_groups: np.ndarray,
    item_groups: np.ndarray,
    block: int = BLOCK,
) -> np.ndarray:
    """Return the rank (n,) from 1 of the best item that is of the query's group.

    query_groups (n,) and item_groups (m,) are labels of one type. An item of another group with the same
    score ranks first. Raises SettingError as `ranks` does, and for a query whose group has no item.

    >>> vectors = np.array([[0.9, 0.1], [0.8, 0.2]])
    >>> any_hit_ranks(np.eye(2), vectors, np.array(["a", "a"]), np.array(["b", "a"])).tolist()
    [2, 1]
    """
    members = np.argsort(item_groups, kind="stable")
    ordered = np.asarray(item_groups)[members]
    start = np.searchsorted(ordered, query_groups, side="left")
    stop = np.searchsorted(ordered, query_groups, side="right")
    if (start == stop).any():
        row = int((start == stop).argmax())
        raise SettingError(f"queries: row {row} has no item of its group {query_groups[row]}")
    return _first_hits(queries, items, start, stop, members, block)


def _first_hits(
    queries: np.ndarray,
    items: np.ndarray,
    start: np.ndarray,
    stop: np.ndarray,
    members: np.ndarray,
    block: int,
) -> np.ndarray:
    """Return the rank of the best item among `members[start[i]:stop[i]]` for each query i."""
    if block < 1:
        raise SettingError(f"block must be at least 1, got {block}")
    queries, items = rows("queries", queries), rows("items", items)
    _, first, column, copies = np.unique(
        items.view(f"V{items.itemsize * items.shape[1]}").ravel(),
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    distinct = items if len(first) == len(items) else items[first]
    if distinct is items:
        column = np.arange(len(items))
    copies = copies.astype(np.float32)  # whole numbers below 2**24 add up exactly in float32

    found = np.empty(len(queries), dtype=np.int64)
    for low in range(0, len(queries), block):
        here = slice(low, low + block)
        scores = queries[here] @ distinct.T
        sizes = stop[here] - start[here]
        ends = sizes.cumsum()
        row = np.repeat(np.arange(len(sizes)), sizes)
        relevant = members[np.arange(ends[-1]) + np.repeat(start[here] - (ends - sizes), sizes)]
        own = scores[row, column[relevant]]
        best = np.maximum.reduceat(own, ends - sizes)
        relevant_at_best = np.add.reduceat(own == best[row], ends - sizes, dtype=np.int64)
        not_worse = np.greater_equal(scores, best[:, None], out=scores) @ copies
        found[here] = 1 + not_worse - relevant_at_best
    return found


def top(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    """Return the row numbers (n, min(k, m)) of the best items for a few queries (n, d), best first.

    Equal scores keep the order of the items. All n x m scores are held at once.
    """
    scores = rows("queries", queries) @ rows("items", items).T
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def recall_at(ranks: np.ndarray, k: int) -> float:
    """Return the share of ranks (n,) that are at most k."""
    return float((ranks <= k).mean())


def mean_reciprocal_rank(ranks: np.ndarray) -> float:
    """Return the mean of 1 / rank over ranks (n,), not cut at any rank."""
    return float((1 / ranks).mean())


def chance_recall(items: int, k: int, relevant: int | np.ndarray = 1) -> float:
    """Return the expected recall@k, any hit, of a random order without ties, averaged over queries.

    `relevant` is how many of the items are right for a query: one number or one per query. No hit among
    k drawn without replacement has the probability (1 - r/m)(1 - r/(m-1)) ...; so k/m for a single one.
    """
    drawn = np.arange(min(k, items))
    misses = np.clip(1 - np.atleast_1d(relevant)[:, None] / (items - drawn), 0, 1)
    return float((1 - misses.prod(axis=1)).mean())


def chance_mean_reciprocal_rank(items: int) -> float:
    """Return the expected MRR of a random order: the harmonic number of the items, divided by the items."""
    return float((1 / np.arange(1, items + 1)).mean())


def chance_median_rank(items: int) -> float:
    """Return the median rank of a random order: (items + 1) / 2."""
    return (items + 1) / 2


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

"""Ranks: at which places of the gallery a query's relevant items stand, under three rules for equal scores.

- pessimistic (the default): irrelevant items with the score of a relevant one stand before it;
- optimistic: they stand behind it;
- by index: equal scores keep the order of the gallery, as a stable sort does.

Items with equal vectors have equal scores by construction; see `ofclip.metrics.counting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ofclip.errors import SettingError, unknown
from ofclip.metrics.counting import BLOCK, Counts, count
from ofclip.metrics.relevance import Relevance, of_groups, of_targets
from ofclip.metrics.vectors import rows

TIES = ("pessimistic", "optimistic", "by index")


@dataclass(frozen=True)
class Ranked:
    """The ranks of all relevant items of q queries among `items` items, as rows of unequal length.

    `queries` (q,) are the numbers of the queries that have a relevant item; `left_out` others have none. Query i's
    relevant items have the scores `scores[indptr[i]:indptr[i + 1]]`, falling, and under each rule of
    ties the ranks, from 1 and rising, at the same places of `pessimistic`, `optimistic` and `by_index`.
    """

    queries: np.ndarray
    left_out: int
    items: int
    indptr: np.ndarray
    scores: np.ndarray
    pessimistic: np.ndarray
    optimistic: np.ndarray
    by_index: np.ndarray

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def sizes(self) -> np.ndarray:
        """How many relevant items each query has (q,)."""
        return np.diff(self.indptr)

    def ranks(self, ties: str = "pessimistic") -> np.ndarray:
        """Return the ranks under a rule; raises SettingError with the nearest known one."""
        if ties not in TIES:
            raise unknown("tie rule", ties, TIES)
        return getattr(self, ties.replace(" ", "_"))

    def first(self, ties: str = "pessimistic") -> np.ndarray:
        """Return the rank (q,) of each query's best relevant item."""
        return self.ranks(ties)[self.indptr[:-1]]

    def add(self, values: np.ndarray) -> np.ndarray:
        """Return the sums (q,) over each query's relevant items of values at the places of `scores`."""
        return np.add.reduceat(values, self.indptr[:-1])

    def within(self, k: int, ties: str = "pessimistic") -> np.ndarray:
        """Return whether each relevant item is among the first k; SettingError for a k below 1.

        With a k larger than the gallery every item is.
        """
        if k < 1:
            raise SettingError(f"k must be at least 1, got {k}")
        return self.ranks(ties) <= k

    @property
    def places(self) -> np.ndarray:
        """The number, from 1, of each relevant item among those of its query, best first."""
        return 1 + np.arange(self.indptr[-1]) - np.repeat(self.indptr[:-1], self.sizes)


def ranked(
    queries: np.ndarray, items: np.ndarray, relevance: Relevance, block: int = BLOCK, threads: int | None = None
) -> Ranked:
    """Return the ranks of relevant items for queries (n, d) among items (m, d), by inner product.

    Memory is bounded by a tile of `block` queries per thread. Raises SettingError for vectors that are not
    finite or of unequal width, for a relevance of other lengths, and if no query has a relevant item.

    >>> vectors = np.array([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2]])
    >>> found = ranked(np.eye(2), vectors, of_targets(np.array([1, 1]), items=3))
    >>> found.pessimistic.tolist(), found.optimistic.tolist(), found.by_index.tolist()
    ([3, 2], [2, 1], [2, 1])
    """
    return _ranked(queries, items, [relevance], False, block, threads)[0][0]


def ranked_both_ways(
    queries: np.ndarray,
    items: np.ndarray,
    relevances: Sequence[Relevance],
    block: int = BLOCK,
    threads: int | None = None,
) -> list[tuple[Ranked, Ranked]]:
    """Return for each relevance the ranks from queries to items, and from items to queries by its transpose.

    All of them come from one matrix product. Shapes and errors are those of `ranked`.
    """
    return _ranked(queries, items, relevances, True, block, threads)


def _ranked(
    queries: np.ndarray,
    items: np.ndarray,
    relevances: Sequence[Relevance],
    both: bool,
    block: int,
    threads: int | None,
) -> list[tuple[Ranked, Any]]:
    """Return for each relevance the ranks from queries to items, and back if asked for `both` (else None)."""
    for relevance in relevances:
        if (len(relevance), relevance.items) != (len(queries), len(items)):
            raise SettingError(
                f"relevance is of {len(relevance)} queries and {relevance.items} items, "
                f"the vectors of {len(queries)} and {len(items)}"
            )
        if not len(relevance.indices):
            raise SettingError(f"none of the {len(queries)} queries has a relevant item: there is nothing to rank")
    # relevances overlap: each pair is counted once
    codes = [relevance.queries_of_pairs * len(items) + relevance.indices for relevance in relevances]
    pairs, place = np.unique(np.concatenate(codes), return_inverse=True)
    across, along = count(queries, items, np.divmod(pairs, len(items)), both, block, threads)
    found = []
    for code, mine in zip(codes, np.split(place, np.cumsum([len(code) for code in codes])[:-1]), strict=True):
        query, item = np.divmod(code, len(items))
        one = _sorted(across, mine, query, len(queries), len(items))
        found.append((one, _sorted(along, mine, item, len(items), len(queries)) if along else None))
    return found


def _sorted(counts: Counts, pairs: np.ndarray, query: np.ndarray, queries: int, items: int) -> Ranked:
    """Return the ranks of pairs (p,) of a query number each."""
    score, above, reached, before = (
        values[pairs] for values in (counts.score, counts.above, counts.reached, counts.before)
    )
    order = np.lexsort((before, -score, query))  # among equals the first of the gallery is first
    query, score, above, reached, before = (values[order] for values in (query, score, above, reached, before))
    sizes = np.bincount(query, minlength=queries)
    kept = np.flatnonzero(sizes)
    indptr = np.append(0, sizes[kept].cumsum())
    begin = np.repeat(indptr[:-1], sizes[kept])
    here = np.arange(len(query))
    new = np.ones(len(query), dtype=bool)  # the first of each run of equal scores
    new[1:] = (query[1:] != query[:-1]) | (score[1:] != score[:-1])
    starts = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    first, after = starts[run], np.append(starts[1:], len(query))[run]
    better, as_good = first - begin, after - begin  # relevant ones with a higher, and with no lower, score
    return Ranked(
        queries=kept,
        left_out=queries - len(kept),
        items=items,
        indptr=indptr,
        scores=score,
        pessimistic=1 + reached - as_good + here - begin,
        optimistic=1 + above - better + here - begin,
        by_index=1 + above + before,
    )


def ranks(queries: np.ndarray, items: np.ndarray, target: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """Return the rank (n,) from 1 of item `target[i]` for query i among all items, ties pessimistic.

    queries (n, d), items (m, d), target (n,) row numbers of items. Raises SettingError as `ranked` does.

    >>> ranks(np.eye(2), np.array([[0.9, 0.1], [0.8, 0.2]]), target=np.array([1, 1])).tolist()
    [2, 1]
    """
    return ranked(queries, items, of_targets(target, len(items)), block).pessimistic


def any_hit_ranks(
    queries: np.ndarray,
    items: np.ndarray,
    query_groups: np.ndarray,
    item_groups: np.ndarray,
    block: int = BLOCK,
) -> np.ndarray:
    """Return the rank (n,) from 1 of the best item that is of the query's group, ties pessimistic.

    query_groups (n,) and item_groups (m,) are labels of one type. Raises SettingError as `ranked` does, and
    for a query whose group has no item.

    >>> vectors = np.array([[0.9, 0.1], [0.8, 0.2]])
    >>> any_hit_ranks(np.eye(2), vectors, np.array(["a", "a"]), np.array(["b", "a"])).tolist()
    [2, 1]
    """
    relevance = of_groups(query_groups, item_groups)
    if not relevance.sizes.all():
        row = int((relevance.sizes == 0).argmax())
        raise SettingError(f"queries: row {row} has no item of its group {query_groups[row]}")
    return ranked(queries, items, relevance, block).first()


def top(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    """Return the row numbers (n, min(k, m)) of the best items for a few queries (n, d), best first.

    Equal scores keep the order of the items. All n x m scores are held at once.
    """
    scores = rows("queries", queries) @ rows("items", items).T
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]

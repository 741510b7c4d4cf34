"""Relevance: which items are right for which query, as sets in compressed rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ofclip.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Relevance:
    """Query i of n wants the items `indices[indptr[i]:indptr[i + 1]]`, each of them in 0 ... items - 1 and named once.

    `indptr` (n + 1,) and `indices` as in a CSR matrix. A set may be empty: such a query cannot be answered, is left out
    of every mean, and is counted. Raises SettingError for sets that do not fit, unknown items, and an item named twice.

    >>> of_sets([[2, 0], []], items=3).sizes.tolist()
    [2, 0]
    """

    indptr: np.ndarray
    indices: np.ndarray
    items: int

    def __post_init__(self) -> None:
        indptr, indices = np.asarray(self.indptr, dtype=np.int64), np.asarray(self.indices, dtype=np.int64)
        object.__setattr__(self, "indptr", indptr)
        object.__setattr__(self, "indices", indices)
        sizes = np.diff(indptr)
        if not len(indptr) or indptr[0] != 0 or indptr[-1] != len(indices) or (sizes < 0).any():
            raise SettingError(f"relevance: indptr must rise from 0 to {len(indices)}, the number of indices")
        wrong = np.flatnonzero((indices < 0) | (indices >= self.items))
        if len(wrong):
            row = int(np.searchsorted(indptr, wrong[0], side="right")) - 1
            raise SettingError(
                f"relevance: query {row} wants item {indices[wrong[0]]}, which is not among the {self.items} items"
            )
        codes = np.sort(self.queries_of_pairs * max(self.items, 1) + indices)
        twice = np.flatnonzero(codes[1:] == codes[:-1])
        if len(twice):
            row, item = divmod(int(codes[twice[0]]), self.items)
            raise SettingError(f"relevance: query {row} names item {item} twice; give each item once")

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def sizes(self) -> np.ndarray:
        """How many items are right for each query (n,)."""
        return np.diff(self.indptr)

    @property
    def queries_of_pairs(self) -> np.ndarray:
        """The query of each entry of `indices`."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def transposed(self) -> Relevance:
        """Return the other direction: an item asks for the queries that want it."""
        order = np.lexsort((self.queries_of_pairs, self.indices))
        counts = np.bincount(self.indices, minlength=self.items)
        return Relevance(np.append(0, counts.cumsum()), self.queries_of_pairs[order], len(self))


def of_targets(targets: np.ndarray, items: int) -> Relevance:
    """Return one right item per query, `targets` (n,): the diagonal, where targets are 0 ... n - 1."""
    targets = np.asarray(targets)
    return Relevance(np.arange(len(targets) + 1), targets, items)


def of_groups(query_groups: np.ndarray, item_groups: np.ndarray) -> Relevance:
    """Return for each query all items of its group: query_groups (n,) and item_groups (m,) are labels of one type.

    >>> of_groups(np.array(["bag", "hat", "shoe"]), np.array(["hat", "bag", "hat"])).indices.tolist()
    [1, 0, 2]
    """
    item_groups, query_groups = np.asarray(item_groups), np.asarray(query_groups)
    members = np.argsort(item_groups, kind="stable")
    ordered = item_groups[members]
    start = np.searchsorted(ordered, query_groups, side="left")
    sizes = np.searchsorted(ordered, query_groups, side="right") - start
    indptr = np.append(0, sizes.cumsum())
    within = np.arange(indptr[-1]) - np.repeat(indptr[:-1], sizes)
    return Relevance(indptr, members[within + np.repeat(start, sizes)], len(item_groups))


def of_sets(sets: Iterable[Sequence[int]], items: int) -> Relevance:
    """Return given sets of item numbers, one per query."""
    arrays = [np.asarray(one, dtype=np.int64).ravel() for one in sets]
    indptr = np.append(0, np.cumsum([len(one) for one in arrays], dtype=np.int64))
    return Relevance(indptr, np.concatenate(arrays) if arrays else np.zeros(0, np.int64), items)

"""How many items score above, and as high as, the relevant ones: both directions from one streamed matrix product.

Scores are inner products in float32. They are made tile by tile and never kept: a tile fits the processor's cache, and
what is read from it are counts. Equal vectors get equal scores by construction, because the product is taken over
distinct vectors only: its rounding may differ from place to place, which would break such ties by accident. For
the same reason a relevant item's score comes out of the very tile that it is compared in.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.exceeding import ONES, exceeding, marks
from ofclip.metrics.vectors import rows

#: Queries and items of a tile. A tile is 4 MB.
BLOCK, WIDTH = 512, ONES * 8
#: A row with more relevant items than this is sorted once; with fewer, comparing it with each of them is cheaper.
COMPARED = 8


@dataclass(frozen=True)
class Distinct:
    """The distinct rows of vectors, in a given order: which row is of which class, and how often each occurs."""

    vectors: np.ndarray  # (c, d)
    label: np.ndarray  # (n,) class of each row
    copies: np.ndarray  # (c,)

    @cached_property
    def members(self) -> np.ndarray:
        """Rows sorted by class, ascending within it."""
        return np.argsort(self.label, kind="stable")

    @cached_property
    def start(self) -> np.ndarray:
        """Where each class begins among the members (c + 1,)."""
        return np.append(0, self.copies.cumsum())

    def ordered(self, order: np.ndarray) -> Distinct:
        """Return the classes in another order (c,)."""
        if (order == np.arange(len(order))).all():
            return self
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return Distinct(self.vectors[order], place[self.label], self.copies[order])


def distinct(vectors: np.ndarray) -> Distinct:
    """Return the distinct rows of contiguous vectors (n, d), in the order in which they first occur."""
    head = np.ascontiguousarray(vectors[:, :2])
    if len(np.unique(head.view(f"u{head[0].nbytes}"))) == len(vectors):  # most often so, and much sooner seen
        return Distinct(vectors, np.arange(len(vectors)), np.ones(len(vectors), dtype=np.int64))
    as_bytes = vectors.view(f"V{vectors.itemsize * vectors.shape[1]}").ravel()
    _, first, label, copies = np.unique(as_bytes, return_index=True, return_inverse=True, return_counts=True)
    if len(first) == len(vectors):
        return Distinct(vectors, np.arange(len(vectors)), np.ones(len(vectors), dtype=np.int64))
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Distinct(vectors[first[order]], place[label], copies[order])


@dataclass(frozen=True)
class Counts:
    """For each pair (query, item): its score, and how many of all items score higher, as high or higher, and equally
    high but stand before it; the item itself is among those as high, and so are items with its vector."""

    score: np.ndarray
    above: np.ndarray
    reached: np.ndarray
    before: np.ndarray


def count(
    queries: np.ndarray,
    items: np.ndarray,
    pairs: tuple[np.ndarray, np.ndarray],
    both: bool = True,
    block: int = BLOCK,
    threads: int | None = None,
) -> tuple[Counts, Counts | None]:
    """Return the Counts of pairs (query numbers, item numbers) among all items and, if `both`, among all queries.

    queries (n, d), items (m, d). Besides copies of vectors where some are equal, memory is bounded by two tiles per
    thread and by the number of pairs. `threads` defaults to the number of processors. Raises SettingError for vectors
    that are not finite or of unequal width, and for a block below 1.
    """
    if block < 1:
        raise SettingError(f"block must be at least 1, got {block}")
    queries, items = rows("queries", queries), rows("items", items)
    if queries.shape[1] != items.shape[1]:
        raise SettingError(
            f"queries have {queries.shape[1]} numbers each and items {items.shape[1]}: embed both with one model"
        )
    asked, found = _neighbouring(distinct(queries), distinct(items), *pairs)
    codes = asked.label[pairs[0]] * len(found.vectors) + found.label[pairs[1]]
    codes, pair = np.unique(codes, return_inverse=True)
    row, column = np.divmod(codes, len(found.vectors))
    across = _Side(asked, found, row, column, pair, pairs[1], block, WIDTH, axis=1)
    along = _Side(found, asked, column, row, pair, pairs[0], WIDTH, block, axis=0) if both else None
    _Product(across, along, threads).run()
    return across.counts(), along.counts() if along else None


def _neighbouring(asked: Distinct, found: Distinct, query: np.ndarray, item: np.ndarray) -> tuple[Distinct, Distinct]:
    """Order both so that pairs lie near the diagonal: few tiles then hold a pair, and only these are made twice."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, m = len(asked.vectors), len(found.vectors)
    edges = asked.label[query], n + found.label[item]
    graph = csr_array((np.ones(len(query), dtype=np.int8), edges), (n + m, n + m))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)  # of each component the first query, or an item without one
    rank = np.argsort(np.argsort(first))[component]
    return (
        asked.ordered(np.argsort(rank[:n], kind="stable")),
        found.ordered(np.argsort(rank[n:], kind="stable")),
    )


class _Side:
    """One direction: distinct queries' wanted scores, and the counts that grow with each tile."""

    def __init__(
        self,
        asked: Distinct,
        found: Distinct,
        row: np.ndarray,
        column: np.ndarray,
        pair: np.ndarray,
        item: np.ndarray,
        height: int,
        width: int,
        axis: int,
    ) -> None:
        """`row`, `column` are the distinct pairs; each pair asked for is number `pair` of them and wants `item`.

        Along `axis` of a tile lies what is found, `width` of it; along the other who asks, `height` of them.
        """
        self.asked, self.found, self.height, self.width, self.axis = asked, found, height, width, axis
        order = np.argsort(row, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        self.place, self.row, self.column = place, row[order], column[order]
        self.score = np.empty(len(row), dtype=np.float32)
        self.above, self.reached = np.zeros((2, len(row)), dtype=np.int64)
        # equal queries want equal things: one target for each (distinct pair, item)
        codes, self.back = np.unique(place[pair] * len(found.label) + item, return_inverse=True)
        self.target, self.item = np.divmod(codes, len(found.label))
        own = found.start[self.column[self.target]]
        rank = np.empty(len(found.label), dtype=np.int64)
        rank[found.members] = np.arange(len(found.label))
        self.before = rank[self.item] - own  # those of its own vector; tiles add those of others
        self.pair = self.target[self.back]
        self.edges = np.searchsorted(self.row, np.arange(0, len(asked.vectors) + height, height))
        self.layers = [
            _layers(self.row[low:high]) for low, high in zip(self.edges[:-1], self.edges[1:], strict=True)
        ]
        self.targets = np.searchsorted(self.target, self.edges)

    def counts(self) -> Counts:
        """Return the counts of the pairs asked for, in their order."""
        score, above, reached = (values[self.pair] for values in (self.score, self.above, self.reached))
        return Counts(score, above, reached, self.before[self.back])

    def tally(self, scores: np.ndarray, i: int, j: int, own: _Memory, lock: threading.Lock) -> None:
        """Add what block i of the asked finds in block j: scores (queries, items), asked along the other axis."""
        low, high = self.edges[i], self.edges[i + 1]
        if low == high:
            return
        start = j * self.width
        copies = self.found.copies[start : start + self.width]
        row, wanted = self.row[low:high] - i * self.height, self.score[low:high]
        counts = np.empty((2, high - low), dtype=np.int64)
        layers, sorted_rows = self.layers[i]
        for layer in layers:
            part = own.some(scores, row[layer], 1 - self.axis)
            counts[:, layer] = exceeding(part, wanted[layer], self.axis, copies, own.marks)
        lines = scores if self.axis == 1 else scores.T
        for one in sorted_rows:
            line = lines[row[one[0]]]
            order = np.argsort(line)
            tail = np.append(copies[order][::-1].cumsum()[::-1], 0)
            counts[0, one] = tail[np.searchsorted(line[order], wanted[one], side="right")]
            counts[1, one] = tail[np.searchsorted(line[order], wanted[one], side="left")]
        above, reached = counts
        place = self.column[low:high] - start
        inside = (place >= 0) & (place < len(copies))
        others = reached - above
        others[inside] -= copies[place[inside]]
        with lock:  # tiles of other threads may add to the same queries
            self.above[low:high] += above
            self.reached[low:high] += reached
        tied = np.flatnonzero(others)
        if len(tied):
            self._order(lines, row, wanted, place, tied, i, start, copies, lock)

    def _order(self, scores, row, wanted, place, tied, i, start, copies, lock) -> None:
        """Add the tied items of other vectors that stand before the wanted one; ties are rare, so this may be slow."""
        low, high = self.targets[i], self.targets[i + 1]
        pair = self.target[low:high] - self.edges[i]
        here = np.flatnonzero(np.isin(pair, tied))
        columns = np.repeat(np.arange(len(copies)), copies)
        members = self.found.members[self.found.start[start] : self.found.start[start + len(copies)]]
        for chunk in np.array_split(here, -(-len(here) // 256)):
            mine = pair[chunk]
            equal = scores[row[mine]] == wanted[mine, None]
            inside = np.flatnonzero((place[mine] >= 0) & (place[mine] < len(copies)))
            equal[inside, place[mine][inside]] = False
            number = (equal[:, columns] & (members < self.item[low:high][chunk, None])).sum(axis=1)
            with lock:
                self.before[low + chunk] += number


class _Memory(threading.local):
    """Each thread's own tile, what is picked out of it, and marks of what exceeds: asked of the system once."""

    def __init__(self, height: int, width: int) -> None:
        self.tile, self.picked = np.empty((2, height * width), dtype=np.float32)
        self.marks = marks(width)

    def some(self, scores: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
        """Return the lines of a tile at ascending places along an axis; the tile itself if these are all."""
        if len(places) == scores.shape[axis]:
            return scores
        shape = (len(places), scores.shape[1]) if axis == 0 else (len(scores), len(places))
        out = self.picked[: shape[0] * shape[1]].reshape(shape)
        return scores.take(places, axis=axis, out=out, mode="clip")  # other modes copy once more


class _Product:
    """Goes through the tiles of the matrix product, several at once."""

    def __init__(self, across: _Side, along: _Side | None, threads: int | None) -> None:
        self.across, self.along = across, along
        self.height, self.width = across.height, across.width
        self.blocks = -(-len(across.asked.vectors) // self.height)
        self.strips = -(-len(across.found.vectors) // self.width)
        self.threads = min(threads or _processors(), self.blocks)
        self.lock, self.own = threading.Lock(), _Memory(self.height, self.width)
        # which pairs lie in which tile
        tile = across.row // self.height * self.strips + across.column // self.width
        self.by_tile = np.argsort(tile, kind="stable")
        self.ends = np.searchsorted(tile[self.by_tile], np.arange(self.blocks * self.strips + 1))

    def run(self) -> None:
        """Take the wanted scores, then compare all others with them."""
        from threadpoolctl import threadpool_limits

        # one product per thread: the counting between two products then runs on all processors too
        limits = threadpool_limits(1, user_api="blas") if self.threads > 1 else nullcontext()
        with limits, ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(self._scores, range(self.blocks)))
            if self.along:
                self.along.score[self.along.place] = self.across.score[self.across.place]
            list(pool.map(self._counts, range(self.blocks)))

    def _tile(self, i: int, j: int) -> np.ndarray:
        left = self.across.asked.vectors[i * self.height : (i + 1) * self.height]
        right = self.across.found.vectors[j * self.width : (j + 1) * self.width]
        out = self.own.tile[: len(left) * len(right)].reshape(len(left), len(right))
        return np.matmul(left, right.T, out=out)

    def _pairs(self, i: int, j: int) -> np.ndarray:
        tile = i * self.strips + j
        return self.by_tile[self.ends[tile] : self.ends[tile + 1]]

    def _scores(self, i: int) -> None:
        side = self.across
        for j in range(self.strips):
            pairs = self._pairs(i, j)
            if len(pairs):
                side.score[pairs] = self._tile(i, j)[self._places(pairs, i, j)]

    def _places(self, pairs: np.ndarray, i: int, j: int) -> tuple[np.ndarray, np.ndarray]:
        return self.across.row[pairs] - i * self.height, self.across.column[pairs] - j * self.width

    def _counts(self, i: int) -> None:
        for j in range(self.strips):
            scores = self._tile(i, j)
            pairs = self._pairs(i, j)
            scores[self._places(pairs, i, j)] = self.across.score[pairs]  # equal already, unless BLAS is moody
            self.across.tally(scores, i, j, self.own, self.lock)
            if self.along:
                self.along.tally(scores, j, i, self.own, self.lock)


def _layers(row: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Part ascending rows (p,) into sets of places in which each row occurs once, and the places of each long row."""
    first = np.searchsorted(row, row)
    within = np.arange(len(row)) - first
    long = np.searchsorted(row, row, side="right") - first > COMPARED
    layers = [np.flatnonzero(~long & (within == number)) for number in range(COMPARED)]
    lines = np.split(np.flatnonzero(long), np.flatnonzero(np.diff(row[long])) + 1)
    return [layer for layer in layers if len(layer)], [line for line in lines if len(line)]


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

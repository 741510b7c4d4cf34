"""Which sample comes when: shards in random order, their samples shuffled within windows of several shards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ofclip.errors import SettingError


class ShardOrder:
    """The order of samples in each epoch, a pure function of (sizes, seed, window, epoch).

    `sizes` are the samples of each shard, rows count through them. Each epoch permutes the shards, takes them
    `window` at a time, and permutes the samples of those together: so only a few shards are read at once,
    while a window of all shards is a full shuffle. Nothing is remembered from one call to the next. Raises
    SettingError for a window below 1 or no samples.

    >>> order = ShardOrder([3, 2, 4], seed=0, window=2)
    >>> sorted(order.rows(epoch=0).tolist()) == list(range(9))
    True
    """

    def __init__(self, sizes: Sequence[int] | np.ndarray, seed: int = 0, window: int = 8) -> None:
        self.sizes = np.asarray(sizes, np.int64)
        if window < 1 or not self.sizes.sum() or self.sizes.min() < 0:
            raise SettingError(f"window {window}, {self.sizes.sum()} samples: both must be 1 or more")
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.seed, self.window = seed, window
        # a few windows of indices are remembered, whatever the size of the set
        self._windows, self._shuffled = lru_cache(4)(self._make_windows), lru_cache(4)(self._make_shuffled)

    def __reduce__(self) -> tuple:
        return ShardOrder, (self.sizes, self.seed, self.window)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def rows(self, epoch: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the rows at positions `start` to `stop` of an epoch."""
        stop = len(self) if stop is None else min(stop, len(self))
        edges = self._windows(epoch)[1]
        found = [np.arange(0)]
        number = int(np.searchsorted(edges, start, side="right")) - 1
        while start < stop:
            end = min(stop, int(edges[number + 1]))
            found.append(self._shuffled(epoch, number)[start - edges[number] : end - edges[number]])
            start, number = end, number + 1
        return np.concatenate(found)

    def row(self, epoch: int, position: int) -> int:
        """Return the row at one position of an epoch."""
        edges = self._windows(epoch)[1]
        number = int(np.searchsorted(edges, position, side="right")) - 1
        return int(self._shuffled(epoch, number)[position - edges[number]])

    def shards_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of the shard that holds each row."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def share(self, part: int, parts: int) -> tuple[int, int]:
        """Return the first position of a part of an epoch and the one after its last.

        Each part is one run of positions, so that it reads few shards besides its own. Together they hold
        every sample once, none is dropped or repeated; where the samples do not divide, some parts have one more.
        A loop that wants as many full batches on all ranks takes `len(order) // (ranks * batch)` of them.

        >>> order = ShardOrder([10])
        >>> [order.share(part, 3) for part in range(3)]
        [(0, 3), (3, 6), (6, 10)]
        """
        if not 0 <= part < parts:
            raise SettingError(f"part {part} of {parts}: count from 0 to {parts - 1}")
        return part * len(self) // parts, (part + 1) * len(self) // parts

    def _make_windows(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The shards of an epoch in their order, and the position where each window starts."""
        shards = generator(self.seed, 0, epoch).permutation(len(self.sizes))
        shards = shards[self.sizes[shards] > 0]
        ends = np.cumsum(self.sizes[shards])
        last = np.append(np.arange(self.window, len(shards), self.window), len(shards)) - 1
        return shards, np.concatenate([[0], ends[last]])

    def _make_shuffled(self, epoch: int, number: int) -> np.ndarray:
        shards = self._windows(epoch)[0][number * self.window : (number + 1) * self.window]
        rows = np.concatenate([np.arange(self.starts[shard], self.starts[shard + 1]) for shard in shards])
        return generator(self.seed, 1, epoch, number).permutation(rows)


def generator(*key: int) -> np.random.Generator:
    """Return a random generator that depends on the key alone."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))

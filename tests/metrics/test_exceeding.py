"""Counts of what exceeds limits against plain sums, for tiles of every shape that memory is shared between."""

import numpy as np
import pytest

from ofclip.metrics.exceeding import ONES, ROWS, exceeding, marks


@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (ROWS, 8), (2 * ROWS + 1, 8 * ONES), (ROWS - 1, 8 * ONES - 3)])
def test_counts_are_plain_sums_in_memory_that_was_used_before(shape) -> None:
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 3, shape).astype(np.float32)
    memory = marks(8 * ONES)
    memory[:] = 255  # what an earlier, wider tile may have left
    for axis in (0, 1):
        limits = rng.integers(0, 3, shape[1 - axis]).astype(np.float32)
        for copies in (np.ones(shape[axis], dtype=int), rng.integers(1, 4, shape[axis])):
            weights, limit = np.expand_dims(copies, 1 - axis), np.expand_dims(limits, axis)
            expected = [((tile > limit) * weights).sum(axis=axis), ((tile >= limit) * weights).sum(axis=axis)]
            np.testing.assert_array_equal(exceeding(tile, limits, axis, copies, memory), expected)


def test_bytes_hold_the_sums_of_full_tiles() -> None:
    tile = np.ones((ROWS, 8 * ONES), np.float32)
    for axis in (0, 1):
        n = tile.shape[axis]
        counts = exceeding(tile, np.zeros(tile.shape[1 - axis]), axis, np.ones(n, dtype=int), marks(8 * ONES))
        assert (counts == n).all() and ROWS <= ONES

"""How many scores of a tile are above, and at least, a limit of their row or of their column.

A tile is compared some rows at a time: the marks that a comparison leaves, bytes of 0 or 1, are added up before they
leave the processor's nearer cache, and bytewise, so that one addition adds many of them.
"""

from __future__ import annotations

import numpy as np

#: A byte holds the sum of up to this many ones.
ONES = 255
#: Rows at a time, no more than a byte can count: the marks of 2,040 columns are a quarter of a megabyte.
ROWS = 128

ABOVE_AND_REACHED = (np.greater, np.greater_equal)


def marks(width: int) -> np.ndarray:
    """Return memory for the marks of tiles of up to `width` columns."""
    return np.empty(ROWS * _whole_words(width), dtype=np.uint8)


def exceeding(scores: np.ndarray, limits: np.ndarray, axis: int, copies: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Return how many scores along `axis` are above, and how many are at least, each of the limits (n,): (2, n).

    scores (r, c) are contiguous and have at most 8 * 255 columns. What lies at place i along the axis counts
    `copies[i]` times. `memory` is `marks` of c columns or more.

    >>> tile = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    >>> exceeding(tile, np.array([2, 6]), 1, np.array([1, 1, 2]), marks(3)).tolist()
    [[2, 0], [3, 2]]
    >>> exceeding(tile, np.array([1, 1, 7]), 0, np.array([1, 1]), marks(3)).tolist()
    [[1, 2, 0], [2, 2, 0]]
    """
    counts = _along_rows(scores, limits, memory) if axis == 1 else _along_columns(scores, limits, memory)
    more = np.flatnonzero(copies > 1)
    if len(more):
        several, extra = scores.take(more, axis=axis), (copies[more] - 1).astype(np.float32)
        for count, compare in zip(counts, ABOVE_AND_REACHED, strict=True):
            marked = compare(several, np.expand_dims(limits, axis))
            count += (marked @ extra if axis == 1 else extra @ marked).astype(np.int64)
    return counts


def _along_rows(scores: np.ndarray, limits: np.ndarray, memory: np.ndarray) -> np.ndarray:
    height, width = scores.shape
    marked = memory[: ROWS * _whole_words(width)].reshape(ROWS, -1)
    marked[:, width:] = 0
    sums = np.empty((2, height), dtype=np.uint64)  # of words of eight marks: in each byte the sum of an eighth
    for start in range(0, height, ROWS):
        part, limit = scores[start : start + ROWS], limits[start : start + ROWS, None]
        here = marked[: len(part)]
        bits, words = here[:, :width].view(bool), here.view(np.uint64)
        for compare, out in zip(ABOVE_AND_REACHED, sums[:, start : start + ROWS], strict=True):
            compare(part, limit, out=bits)
            np.add.reduce(words, axis=1, out=out)
    return sums.view(np.uint8).reshape(2, height, 8).sum(axis=2, dtype=np.int64)


def _along_columns(scores: np.ndarray, limits: np.ndarray, memory: np.ndarray) -> np.ndarray:
    height, width = scores.shape
    marked = memory[: ROWS * width].reshape(ROWS, width)
    starts = range(0, height, ROWS)
    sums = np.empty((len(starts), 2, width), dtype=np.uint8)
    for start, both in zip(starts, sums, strict=True):
        part = scores[start : start + ROWS]
        here = marked[: len(part)]
        for compare, out in zip(ABOVE_AND_REACHED, both, strict=True):
            compare(part, limits, out=here.view(bool))
            np.add.reduce(here, axis=0, dtype=np.uint8, out=out)
    return sums.sum(axis=0, dtype=np.int64)


def _whole_words(width: int) -> int:
    """Return the next multiple of eight bytes."""
    return -(-width // 8) * 8

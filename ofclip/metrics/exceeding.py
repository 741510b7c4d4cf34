"""How many scores of a tile are above, and at least, a limit of their row or of their column.

A tile is compared in chunks that stay in the processor's nearer cache: the comparison's bytes, 0 or 1, are added
up before they leave it, many at a time.
"""

from __future__ import annotations

import numpy as np

#: Bytes hold sums of up to this many ones.
WORDS = 255
#: Rows that are compared at a time: half a megabyte of a tile of full width.
CHUNK = 64


def scratch(width: int) -> np.ndarray:
    """Return memory for the comparisons of tiles of up to `width` columns."""
    return np.empty(CHUNK * (-(-width // 8) * 8), dtype=np.uint8)


def exceeding(scores: np.ndarray, limits: np.ndarray, axis: int, copies: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Return the counts (2, n) along `axis` of what is above, and of what is at least, each of the limits (n,).

    scores (r, c) have at most 2,040 columns. What lies at place j along the axis counts `copies[j]` times; `bits`
    is a `scratch` for c columns.

    >>> tile = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    >>> exceeding(tile, np.array([2, 6]), 1, np.array([1, 1, 2]), scratch(3)).tolist()
    [[2, 0], [3, 2]]
    >>> exceeding(tile, np.array([1, 1, 7]), 0, np.array([1, 1]), scratch(3)).tolist()
    [[1, 2, 0], [2, 2, 0]]
    """
    counted = _within_rows if axis == 1 else _within_columns
    counts = counted(scores, limits, bits)
    more = np.flatnonzero(copies > 1)
    if len(more):
        several, extra = scores.take(more, axis=axis), (copies[more] - 1).astype(np.float32)
        for count, compare in zip(counts, (np.greater, np.greater_equal), strict=True):
            marked = compare(several, np.expand_dims(limits, axis))
            count += (marked @ extra if axis == 1 else extra @ marked).astype(np.int64)
    return counts


def _within_rows(scores: np.ndarray, limits: np.ndarray, bits: np.ndarray) -> np.ndarray:
    height, width = scores.shape
    padded = -(-width // 8) * 8
    marks = bits[: CHUNK * padded].reshape(CHUNK, padded)
    marks[:, width:] = 0
    sums = np.empty((2, height), dtype=np.uint64)  # each of eight bytes is the sum of every eighth column
    limits = limits[:, None]
    for start in range(0, height, CHUNK):
        here = slice(start, start + CHUNK)
        part, limit, into = scores[here], limits[here], sums[:, here]
        marked = marks[: len(part)]
        seen, words = marked[:, :width].view(bool), marked.view(np.uint64)
        np.greater(part, limit, out=seen)
        np.add.reduce(words, axis=1, out=into[0])
        np.greater_equal(part, limit, out=seen)
        np.add.reduce(words, axis=1, out=into[1])
    return sums.view(np.uint8).reshape(2, height, 8).sum(axis=2, dtype=np.int64)


def _within_columns(scores: np.ndarray, limits: np.ndarray, bits: np.ndarray) -> np.ndarray:
    height, width = scores.shape
    marks = bits[: CHUNK * width].reshape(CHUNK, width)
    sums = np.empty((2, -(-height // CHUNK), width), dtype=np.uint8)
    for number, start in enumerate(range(0, height, CHUNK)):
        part = scores[start : start + CHUNK]
        marked = marks[: len(part)]
        seen = marked.view(bool)
        np.greater(part, limits, out=seen)
        np.add.reduce(marked, axis=0, dtype=np.uint8, out=sums[0, number])
        np.greater_equal(part, limits, out=seen)
        np.add.reduce(marked, axis=0, dtype=np.uint8, out=sums[1, number])
    return sums.sum(axis=1, dtype=np.int64)

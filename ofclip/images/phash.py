"""Perceptual hashes: 64 bits per picture that survive resizing and encoding, and the pairs that are close."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from ofclip.errors import SettingError

#: Side of the thumbnails that are hashed; the hash keeps the 8x8 lowest frequencies of 32x32.
SIDE = 32
#: Above this nearly everything is near, and the search has nothing left to go by.
FARTHEST = 16
#: Pictures hashed, and candidate pairs compared, at once.
BLOCK, CANDIDATES = 4096, 2**21
_BITS = np.array([bin(value).count("1") for value in range(2**16)], np.uint8)


def phash(pixels: np.ndarray) -> np.ndarray:
    """Return the perceptual hash (n,) uint64 of RGB thumbnails (n, 32, 32, 3) uint8.

    The picture's grey levels go through a cosine transform; each of the 64 lowest frequencies, the mean
    included, gives a bit: above their median or not, the first row first, as `imagehash.phash` has it.
    Coefficients are rounded to 1e-6, so that a picture of one colour has one hash and not the noise of its
    rounding errors.

    >>> f"{phash(np.full((1, 32, 32, 3), 200, np.uint8))[0]:016x}"
    '8000000000000000'
    """
    from scipy.fft import dctn

    found = np.empty(len(pixels), np.uint64)
    for start in range(0, len(pixels), BLOCK):
        grey = luminance(np.asarray(pixels[start : start + BLOCK])).astype(np.float64)
        lowest = dctn(grey, axes=(1, 2))[:, :8, :8].reshape(-1, 64).round(6)
        bits = lowest > np.median(lowest, axis=1, keepdims=True)
        found[start : start + BLOCK] = np.packbits(bits, axis=1).view(">u8")[:, 0]
    return found


def luminance(pixels: np.ndarray) -> np.ndarray:
    """Return grey levels (...) uint8 of RGB (..., 3) uint8, to the level as Pillow's mode "L" has them (ITU-R 601)."""
    weighted = pixels.astype(np.uint32) * np.array([19595, 38470, 7471], np.uint32)
    return ((weighted.sum(-1, dtype=np.uint32) + 0x8000) >> 16).astype(np.uint8)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return in how many bits two arrays of hashes differ, element by element.

    >>> distances(np.array([0, 255], np.uint64), np.array([1, 0], np.uint64)).tolist()
    [1, 8]
    """
    return _BITS[(a ^ b)[..., None].view(np.uint16)].sum(-1, dtype=np.uint8)


def near_pairs(a: np.ndarray, b: np.ndarray | None = None, distance: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (i, j) of all pairs of hashes at most `distance` bits apart, in the order of i, then j.

    Of one array (n,) uint64 each pair comes once, with i < j; with two, i is a row of `a` and j of `b`.
    Raises SettingError for a distance that is not 0 to 16.

    >>> near_pairs(np.array([0, 255, 1], np.uint64), distance=1)[1].tolist()
    [2]
    """
    blocks = list(near_blocks(a, b, distance))
    i, j = (np.concatenate([block[side] for block in blocks] or [np.empty(0, np.int64)]) for side in (0, 1))
    order = np.lexsort((j, i))
    return i[order], j[order]


def near_blocks(
    a: np.ndarray, b: np.ndarray | None = None, distance: int = 4
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what `near_pairs` returns in blocks of no particular order, so that not all need be held at once.

    By the pigeonhole principle: of distance + 2 bands of bits, `distance` flipped bits leave two untouched.
    So each two bands are a key, only rows with equal keys are compared, and a pair counts at the first key
    that it has in common.
    """
    if not 0 <= distance <= FARTHEST:
        raise SettingError(f"distance {distance}: must be 0 to {FARTHEST} bits")
    bands = [sum(1 << bit for bit in range(64) if bit % (distance + 2) == band) for band in range(distance + 2)]
    keys = [np.uint64(first | second) for first, second in itertools.combinations(bands, 2)]
    for number, key in enumerate(keys):
        for i, j in _equal(a & key, None if b is None else b & key):
            x, y = a[i], (a if b is None else b)[j]
            close = distances(x, y) <= distance
            i, j, differing = i[close], j[close], (x ^ y)[close]
            fresh = np.ones(len(i), bool)
            for earlier in keys[:number]:
                fresh &= (differing & earlier) != 0
            yield i[fresh], j[fresh]


def _equal(a: np.ndarray, b: np.ndarray | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield rows of equal values, in blocks; of one array each pair once, the lower row first."""
    order = np.argsort(a, kind="stable")
    ordered = a[order]
    sought = ordered if b is None else b
    low = np.arange(1, len(a) + 1) if b is None else np.searchsorted(ordered, sought, "left")
    counts = np.searchsorted(ordered, sought, "right") - low
    totals = np.cumsum(counts)
    start = 0
    while start < len(sought):
        before = totals[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(totals, before + CANDIDATES, "right")))
        many = counts[start:stop]
        rows = np.repeat(np.arange(start, stop), many)
        inside = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
        partner = order[np.repeat(low[start:stop], many) + inside]
        # a stable order keeps equal rows ascending: the row sought is the lower one
        yield (order[rows], partner) if b is None else (partner, rows)
        start = stop

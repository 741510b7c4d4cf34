"""Thumbnails: a handful of numbers per picture, what can be read from raw pixels without any model."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def thumbnails(pixels: np.ndarray, side: int = 8) -> np.ndarray:
    """Return pictures (n, s, s, 3) uint8 averaged to `side` x `side` cells, as vectors (n, 3 side^2) float32.

    Each number lies between -1 and 1 before all are divided by the root of their count, so that a vector is no longer
    than a unit vector, and a probe on it is regularised alike. Raises SettingError unless s is a multiple of `side`.

    >>> thumbnails(np.full((1, 16, 16, 3), 255, np.uint8)).shape
    (1, 192)
    """
    n, s, *_ = pixels.shape
    if side < 1 or s % side:
        raise SettingError(f"pictures of {s} pixels cannot be cut into {side} equal cells: choose a divisor")
    cell = s // side
    # in parts: all pixels of a large catalogue as floats would not fit
    parts = [
        pixels[low : low + 1024].reshape(-1, side, cell, side, cell, 3).mean(axis=(2, 4), dtype=np.float32)
        for low in range(0, n, 1024)
    ]
    means = np.concatenate(parts) if parts else np.zeros((0, side, side, 3), np.float32)
    return ((means / 127.5 - 1) / np.sqrt(3 * side**2)).reshape(n, 3 * side**2).astype(np.float32)

"""Light augmentation of whole batches of pixels."""

from __future__ import annotations

import numpy as np


def flip(pixels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return pictures (n, h, w, 3) with those mirrored left to right where `chosen` (n,) is true."""
    out = pixels.copy()
    out[chosen] = out[chosen, :, ::-1]
    return out


def shift(pixels: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return pictures (n, h, w, 3) moved by `offsets` (n, 2) pixels down and right, edges repeated."""
    n, height, width = pixels.shape[:3]
    rows = np.clip(np.arange(height)[None] - offsets[:, :1], 0, height - 1)
    columns = np.clip(np.arange(width)[None] - offsets[:, 1:], 0, width - 1)
    return pixels[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def augment(pixels: np.ndarray, rng: np.random.Generator, mirrored: bool, reach: int) -> np.ndarray:
    """Return pictures (n, h, w, 3) mirrored with probability 1/2 and moved by up to `reach` pixels each way."""
    n = len(pixels)
    if mirrored:
        pixels = flip(pixels, rng.random(n) < 0.5)
    if reach:
        pixels = shift(pixels, rng.integers(-reach, reach + 1, (n, 2)))
    return pixels

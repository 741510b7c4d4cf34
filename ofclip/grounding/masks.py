"""Masks that belong to pictures: made square the way the pictures are."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ofclip.errors import unknown
from ofclip.images.fitting import FITS


def fit_mask(mask: np.ndarray, size: int, how: str = "pad") -> np.ndarray:
    """Return a mask (h, w) as (size, size) bool, placed as `ofclip.images.fit` places its picture.

    A pixel belongs to it if at least half of its area does; padding does not. Raises SettingError for an unknown
    `how`.

    >>> fit_mask(np.array([[True, False]]), 2).tolist()
    [[True, False], [False, False]]
    """
    if how not in FITS:
        raise unknown("fit", how, FITS)
    levels = Image.fromarray(np.asarray(mask, bool).astype(np.uint8) * 255)
    width, height = levels.size
    box = (0.0, 0.0, float(width), float(height))
    shape = (size, size)
    if how == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    elif how == "pad":
        scale = size / max(width, height)
        shape = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(levels.resize(shape, Image.Resampling.BOX, box)) >= 128
    fitted = np.zeros((size, size), dtype=bool)
    top, left = (size - shape[1]) // 2, (size - shape[0]) // 2
    fitted[top : top + shape[1], left : left + shape[0]] = small
    return fitted

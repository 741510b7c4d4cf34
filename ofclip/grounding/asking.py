"""Checks that every kind of map begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.vectors import unit
from ofclip.models import Model


def asked(
    model: Model, pixels: np.ndarray, vectors: np.ndarray, owner: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels, unit vectors and the row numbers of the pictures they ask about.

    Raises SettingError for pictures of another size than the model's, vectors of another number than `owner`, a
    picture that is not there, and a vector that is zero or not finite.
    """
    pixels, owner, size = np.asarray(pixels), np.asarray(owner), model.preprocess.size
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (size, size, 3):
        raise SettingError(f"pictures must be uint8 (n, {size}, {size}, 3), got {pixels.dtype} {pixels.shape}")
    vectors = unit("texts", vectors)
    if owner.shape != (len(vectors),):
        raise SettingError(f"{len(vectors)} text vectors, but owner has the shape {owner.shape}")
    if owner.min() < 0 or owner.max() >= len(pixels):
        raise SettingError(f"owner names picture {owner.max()}, there are {len(pixels)} (counted from 0)")
    return pixels, vectors, owner


@contextmanager
def evaluating(clip) -> Iterator[None]:
    """Keep a module in evaluation mode, and put the mode of each of its parts back afterwards."""
    modes = {module: module.training for module in clip.modules()}
    clip.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training

"""Checks and scaling that every use of embedding vectors begins with."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def rows(name: str, vectors: np.ndarray) -> np.ndarray:
    """Return vectors (n, d) as contiguous float32 whose inner products are all finite.

    Raises SettingError with the first row that holds NaN or infinity, or is so long that float32 overflows.
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise SettingError(f"{name}: expected vectors of shape (n, d) with n, d > 0, got {vectors.shape}")
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        squares = np.einsum("ij,ij->i", vectors, vectors)  # finite squares bound every inner product
    bad = np.flatnonzero(~np.isfinite(squares))
    if len(bad):
        raise SettingError(
            f"{name}: row {bad[0]} is not finite ({len(bad)} of {len(vectors)} rows); "
            "check the weights and inputs that made these vectors"
        )
    return vectors


def unit(name: str, vectors: np.ndarray) -> np.ndarray:
    """Return vectors (n, d) scaled to length 1; raises SettingError for a zero or non-finite row.

    >>> unit("vectors", np.array([[3.0, 4.0]])).round(2).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    vectors = rows(name, vectors)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise SettingError(f"{name}: row {int(np.argmin(lengths))} has length 0 and so no direction")
    return vectors / lengths

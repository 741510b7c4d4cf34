"""FashionCLIP's occlusion maps: show only a band of the picture, and see whether that is more like the text.

The protocol is that of fashion-clip's `_get_heatmap` and `attention_map.py` (Chia et al. 2022), to the last band:
cuts every `cell` pixels; all bands of whole rows from the second cut on, and all bands of whole columns, none of
them beyond the last cut; everything else in the picture is grey. A band that is more similar to the text than the
whole picture is counts in its own pixels, by the difference; the mean over all bands is the map. Then the mean of
the map is taken off and what is negative set to 0, several times, and it is scaled to 0 to 1. One difference:
where nothing is left, fashion-clip divides 0 by 0; here the map is 0.

It is cheaper in four ways that change nothing. Bands that leave the same picture, as those that differ only in
grey margins do, are encoded once. Texts about one picture share its encodings. And since a band knows only rows or
only columns, the sum of all masks is an outer sum of two vectors. Of a ViT's last block only what is used is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from ofclip.errors import SettingError
from ofclip.grounding.asking import asked
from ofclip.grounding.encoding import encode
from ofclip.models import Model

#: What hides a picture: fashion-clip's grey.
GREY = 128
#: fashion-clip's cut every 15 of 224 pixels (its `display_attention`).
CELL, SIZE = 15, 224
#: How often the mean is taken off: fashion-clip's default.
ITERATIONS = 5

Band = tuple[int, int]


def occlusion_maps(
    model: Model,
    pixels: np.ndarray,
    vectors: np.ndarray,
    owner: np.ndarray,
    cell: int | None = None,
    iterations: int = ITERATIONS,
) -> np.ndarray:
    """Return the occlusion map (q, s, s) of each text vector on its picture; `cell` defaults to the same share of s.

    Raises SettingError as `ofclip.grounding.asking.asked` does, and for a cell that gives no two bands.
    """
    pixels, vectors, owner = asked(model, pixels, vectors, owner)
    cell = cell or max(1, model.preprocess.size * CELL // SIZE)
    maps = np.zeros((len(vectors), *pixels.shape[1:3]), np.float32)
    for picture in np.unique(owner):
        mine = np.flatnonzero(owner == picture)
        maps[mine] = occlusion(partial(encode, model), pixels[picture], vectors[mine], cell, iterations)
    return maps


def occlusion(
    encode: Callable[[np.ndarray], np.ndarray],
    picture: np.ndarray,
    vectors: np.ndarray,
    cell: int = CELL,
    iterations: int = ITERATIONS,
) -> np.ndarray:
    """Return the maps (t, s, s) float64 of one picture (s, s, 3) uint8 for unit text vectors (t, d).

    `encode` turns pictures (n, s, s, 3) uint8 into unit vectors (n, d).
    """
    size = len(picture)
    rows, columns = bands(size, cell)
    pictures, which = occluded(picture, rows, columns)
    similarities = (np.asarray(encode(pictures)) @ np.asarray(vectors, np.float32).T)[which]
    return heat(similarities.astype(np.float64), rows, columns, size, iterations)


def bands(size: int, cell: int) -> tuple[list[Band], list[Band]]:
    """Return the bands of rows and of columns as (start, stop) in pixels; fashion-clip's, uneven as they are.

    >>> bands(6, 2)
    ([(2, 4), (2, 6), (4, 6)], [(0, 2), (0, 4), (0, 6), (2, 4), (2, 6), (4, 6)])
    """
    if not 0 < 2 * cell < size:
        raise SettingError(f"cells of {cell} pixels in a picture of {size}: choose at least 1 and below half of it")
    cuts = range(size // cell + 1)

    def between(first: int) -> list[Band]:
        return [(i * cell, j * cell) for i in cuts[first:] for j in cuts[i + 1 :]]

    return between(1), between(0)


def occluded(picture: np.ndarray, rows: list[Band], columns: list[Band]) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct pictures that are to be encoded, and which of them the whole and each band are.

    The first entry of the second is the whole picture, then come the bands of rows and those of columns.
    """
    distinct: dict[tuple, tuple[slice, slice]] = {}
    which = []
    seen = picture != GREY
    lines = {axis: np.flatnonzero(seen.any(axis=(1 - axis, 2))) for axis in (0, 1)}  # those that are not all grey
    for axis, band in [(0, (0, len(picture)))] + [(0, band) for band in rows] + [(1, band) for band in columns]:
        left = lines[axis][np.searchsorted(lines[axis], band[0]) : np.searchsorted(lines[axis], band[1])]
        if len(left) == len(lines[axis]):
            key: tuple = ("all",)
        elif not len(left):
            key = ("none",)
        else:
            key = (axis, int(left[0]), int(left[-1]))
        place = (slice(*band), slice(None)) if axis == 0 else (slice(None), slice(*band))
        distinct.setdefault(key, place)
        which.append(list(distinct).index(key))
    pictures = np.full((len(distinct), *picture.shape), GREY, np.uint8)
    for shown, place in zip(pictures, distinct.values(), strict=True):
        shown[place] = picture[place]
    return pictures, np.asarray(which)


def heat(
    similarities: np.ndarray, rows: list[Band], columns: list[Band], size: int, iterations: int = ITERATIONS
) -> np.ndarray:
    """Return maps (t, size, size), 0 to 1, from similarities (1 + bands, t) of the whole picture and of each band."""
    whole, parts = similarities[0], similarities[1:]
    outside = np.clip(-whole, 0, None)  # where a band hides the picture, fashion-clip counts a similarity of 0
    gains = np.clip(parts - whole, 0, None) - outside

    def spread(own: list[Band], values: np.ndarray) -> np.ndarray:
        line = np.arange(size)
        inside = [(start <= line) & (line < stop) for start, stop in own]
        return np.asarray(inside, np.float64).T @ values  # (size, t)

    down, across = spread(rows, gains[: len(rows)]), spread(columns, gains[len(rows) :])
    total = down.T[:, :, None] + across.T[:, None, :] + (len(parts) * outside)[:, None, None]
    score = total / len(similarities)
    for _ in range(iterations):
        score = np.clip(score - score.mean(axis=(1, 2), keepdims=True), 0, None)
    low, high = (edge(score, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    return (score - low) / np.where(high > low, high - low, 1)


def square(picture: Image.Image, size: int = SIZE) -> np.ndarray:
    """Return a picture as fashion-clip squares it, (size, size, 3) uint8: shrunk whole, on grey, sides cut to whole.

    Only for comparison with it; `ofclip.images.fit` is how pictures become square everywhere else.
    """
    ratio = size / max(picture.size)
    width, height = (int(side * ratio) for side in picture.size)
    small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (size, size), (GREY, GREY, GREY))
    canvas.paste(small, ((size - width) // 2, (size - height) // 2))
    return np.asarray(canvas)

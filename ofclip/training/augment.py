"""Augmentation of whole batches of pixels: what differs between shops but not between garments.

Product pictures are centred on a plain ground, and a model that sees nothing else learns the ground too; so
FashionCLIP's card warns of a bias towards such pictures. Hence the ground may be painted over here.
"""

from __future__ import annotations

import numpy as np

from ofclip.images.phash import luminance
from ofclip.training.settings import Augmentation

NEAR, FAR = 10, 45  # levels of 255: how near to the ground's colour a pixel is ground, and how far it is not


def augment(pixels: np.ndarray, rng: np.random.Generator, how: Augmentation) -> np.ndarray:
    """Return pictures (n, h, w, 3) uint8, each changed at random as `how` says; the input stays as it is."""
    n = len(pixels)
    if how.flip:
        pixels = flip(pixels, rng.random(n) < 0.5)
    if how.shift or how.zoom:
        scale = np.exp(rng.uniform(-how.zoom, how.zoom, n))
        pixels = window(pixels, scale, rng.uniform(-how.shift, how.shift, (n, 2)))
    if how.ground:
        chosen = rng.random(n) < how.ground
        paint = scenery(rng, int(chosen.sum()), *pixels.shape[1:3])
        painted = pixels.copy()
        painted[chosen] = repaint(pixels[chosen], paint)
        pixels = painted
    if how.grey:
        chosen = rng.random(n) < how.grey
        pixels = pixels.copy()
        pixels[chosen] = luminance(pixels[chosen])[..., None]
    if how.light:
        pixels = relight(pixels, *rng.uniform(-how.light, how.light, (2, n)))
    return pixels


def flip(pixels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return pictures (n, h, w, 3) with those mirrored left to right where `chosen` (n,) is true."""
    out = pixels.copy()
    out[chosen] = out[chosen, :, ::-1]
    return out


def window(pixels: np.ndarray, scale: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return pictures (n, h, w, 3) enlarged about their centre by `scale` (n,) and moved by `offsets` (n, 2).

    Offsets are pixels down and right. The nearest pixel is taken, and beyond the border the edge goes on.
    """
    n, height, width = pixels.shape[:3]
    places = []
    for axis, side in enumerate((height, width)):
        centre = (side - 1) / 2
        place = (np.arange(side)[None] - centre - offsets[:, axis, None]) / scale[:, None] + centre
        places.append(np.clip(np.rint(place), 0, side - 1).astype(np.int64))
    out = np.empty_like(pixels)
    for picture, moved, rows, columns in zip(pixels, out, *places, strict=True):
        np.take(picture[rows], columns, axis=1, out=moved)  # one axis after the other: a third of the time of both
    return out


def repaint(pixels: np.ndarray, paint: np.ndarray) -> np.ndarray:
    """Return pictures (n, h, w, 3) whose ground is replaced by `paint` of the same shape.

    The ground's colour is the median of the border. A pixel that differs from it by less than NEAR levels in
    every channel is ground, one that differs by FAR is not, and between them the two are blended. It counts
    wherever it is: a white shirt on white may get holes, which is a fair price for not searching outlines.
    """
    edge = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], axis=1)
    colour = np.median(edge, axis=1).astype(np.int16)[:, None, None]
    far = np.abs(pixels - colour).max(axis=-1, keepdims=True)
    share = np.clip((FAR - far) * np.float32(1 / (FAR - NEAR)), 0, 1)
    return (pixels + share * (paint - pixels.astype(np.float32))).astype(np.uint8)


def scenery(rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
    """Return n random grounds (n, h, w, 3) float32 in 0 to 255: mostly neutral colours with coarse and fine patches."""
    ground = rng.uniform(20, 250, (n, 1, 1, 1)) + rng.normal(0, 18, (n, 1, 1, 3))
    for cells, strength in ((3, 60), (14, 45)):
        grey = rng.normal(0, 1, (n, cells, cells, 1)) + rng.normal(0, 0.4, (n, cells, cells, 3))
        patches = (grey * rng.uniform(0, strength, (n, 1, 1, 1))).astype(np.float32)
        down, across = _spread(cells, height), _spread(cells, width)
        ground = ground + np.einsum("hi,nijc,wj->nhwc", down, patches, across, optimize=True)
    return np.clip(ground, 0, 255).astype(np.float32)


def _spread(cells: int, side: int) -> np.ndarray:
    """Return the weights (side, cells) of linear interpolation from cells to pixels."""
    place = np.linspace(0, cells - 1, side)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(cells)[None])).astype(np.float32)


def relight(pixels: np.ndarray, brightness: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Return pictures (n, h, w, 3) brightened by a share of 255 and stretched about the middle grey, both (n,)."""
    levels = np.arange(256, dtype=np.float32)[None]
    table = (levels - 128) * (1 + contrast[:, None]) + 128 + 255 * brightness[:, None]
    table = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return np.take_along_axis(table, pixels.reshape(len(pixels), -1).astype(np.int64), axis=1).reshape(pixels.shape)

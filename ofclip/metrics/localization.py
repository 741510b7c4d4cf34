"""How well a heat map finds a region of a picture: pointing game, average precision, IoU, mass.

Every function takes maps (n, h, w) and masks (n, h, w) and returns n values from 0 to 1, more is better. What a
map that knows nothing reaches is the mask's `share` of the picture: a constant map gets exactly that from each.
Maps may have any scale. All raise SettingError for shapes that do not fit, for a map that is not finite, and
for a mask without a pixel, since nothing could be found there.
"""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError

#: Where a map's range is cut for IoU: half way from its lowest to its highest value (our choice, one rule for all).
THRESHOLD = 0.5


def pointing_game(maps: np.ndarray, masks: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """Return whether each map's highest pixel lies on the mask; of tied highest pixels, the share that does.

    Zhang et al. 2018 (IJCV 126, "Top-down neural attention by excitation backprop"), who allow a `tolerance` of 15
    pixels around the mask on photographs; ours is 0, since masks here are exact. A pixel counts as on the mask if
    its centre is at most `tolerance` pixels from that of one. Ties: the chance that a pixel drawn from them hits.

    >>> pointing_game(np.array([[[1, 2], [2, 0]]]), np.array([[[0, 1], [0, 0]]])).tolist()
    [0.5]
    """
    maps, masks = _checked(maps, masks)
    target = widened(masks, tolerance).reshape(len(maps), -1)
    flat = maps.reshape(len(maps), -1)
    highest = flat == flat.max(axis=1, keepdims=True)
    return (highest & target).sum(axis=1) / highest.sum(axis=1)


def average_precision(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the average precision of each map's pixels, ranked from high to low, against its mask.

    As scikit-learn's `average_precision_score`: precision at each recall that is reached, weighted by the gain in
    recall, without interpolation. Ties: pixels of one value are taken together, so their order does not matter.

    >>> average_precision(np.array([[[3, 2], [1, 0]]]), np.array([[[1, 0], [1, 0]]])).round(3).tolist()
    [0.833]
    """
    maps, masks = _checked(maps, masks)
    n = len(maps)
    flat, hits = maps.reshape(n, -1), masks.reshape(n, -1)
    order = np.argsort(-flat, axis=1)
    flat, hits = np.take_along_axis(flat, order, axis=1), np.take_along_axis(hits, order, axis=1)
    pixels = flat.shape[1]
    ends = np.ones(flat.shape, dtype=bool)  # the last pixel of its value
    ends[:, :-1] = flat[:, :-1] != flat[:, 1:]
    last = np.where(ends, np.arange(pixels), pixels)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    found = np.take_along_axis(hits.cumsum(axis=1), last, axis=1)
    return np.where(hits, found / (last + 1), 0).sum(axis=1) / hits.sum(axis=1)


def iou(maps: np.ndarray, masks: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """Return intersection over union of each mask with the pixels of its map at or above a threshold.

    The threshold is `threshold` of the way from the map's lowest to its highest value. A constant map's pixels are
    all at its highest, so all are taken: no other blind choice of pixels is expected to do better.

    >>> iou(np.array([[[9, 5], [1, 1]]]), np.array([[[1, 0], [0, 0]]])).tolist()
    [0.5]
    """
    if not 0 < threshold <= 1:
        raise SettingError(f"threshold {threshold} of a map's range: choose one above 0 and up to 1")
    maps, masks = _checked(maps, masks)
    low, high = (edge(maps, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    taken = maps >= low + threshold * (high - low)
    taken |= maps == high  # rounding must not leave a map without a pixel
    return (taken & masks).sum(axis=(1, 2)) / (taken | masks).sum(axis=(1, 2))


def mass(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the share of each map's total, above its lowest value, that lies on the mask.

    The "energy-based pointing game" of Wang et al. 2020 (Score-CAM), on a mask in place of a box. A constant map's
    total is taken to be spread evenly.

    >>> mass(np.array([[[4, 2], [1, 1]]]), np.array([[[1, 0], [0, 0]]])).tolist()
    [0.75]
    """
    maps, masks = _checked(maps, masks)
    above = maps - maps.min(axis=(1, 2), keepdims=True)
    total = above.sum(axis=(1, 2))
    flat = total == 0
    inside = np.where(flat, masks.sum(axis=(1, 2)), (above * masks).sum(axis=(1, 2)))
    return inside / np.where(flat, masks[0].size, total)


def share(masks: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """Return the share of the picture that each mask (n, h, w) covers, widened by `tolerance` pixels: chance."""
    masks = np.asarray(masks, dtype=bool)
    _, masks = _checked(np.zeros(masks.shape), masks)
    return widened(masks, tolerance).mean(axis=(1, 2))


def centre_map(height: int, width: int) -> np.ndarray:
    """Return a map (height, width) that falls from 1 at the picture's centre to 0 in its corners.

    Products stand in the middle of a shop's pictures, so a map that looks at nothing else is the baseline to beat.
    """
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in (height, width))
    return 1 - np.hypot(y[:, None], x[None, :]) / np.hypot(y[0], x[0]) if height * width > 1 else np.ones((1, 1))


def widened(masks: np.ndarray, tolerance: float) -> np.ndarray:
    """Return masks (n, h, w) with every pixel that is at most `tolerance` pixels from one of theirs."""
    if not tolerance >= 0:
        raise SettingError(f"tolerance {tolerance}: choose 0 pixels or more")
    if tolerance == 0:
        return masks
    from scipy.ndimage import distance_transform_edt

    return np.stack([distance_transform_edt(~mask) <= tolerance for mask in masks])


def _checked(maps: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    maps, masks = np.asarray(maps), np.asarray(masks).astype(bool)
    if maps.ndim != 3 or 0 in maps.shape or maps.shape != masks.shape:
        raise SettingError(f"maps and masks must both be (n, h, w), got {maps.shape} and {masks.shape}")
    maps = maps.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(maps).all(axis=(1, 2)))
    if len(bad):
        raise SettingError(f"map {bad[0]} is not finite ({len(bad)} of {len(maps)} maps); check the model's weights")
    empty = np.flatnonzero(~masks.any(axis=(1, 2)))
    if len(empty):
        raise SettingError(
            f"mask {empty[0]} has no pixel ({len(empty)} of {len(masks)} masks): leave out what cannot be found"
        )
    return maps, masks

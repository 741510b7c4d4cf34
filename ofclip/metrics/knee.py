"""The knee of a trade-off: the point of a curve that is furthest above the straight line between its ends."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def above_chord(gains: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return how far each point of a curve is above the chord from its first to its last point, over the last axis.

    gains and losses (..., m) are what the m points have reached of two things, both higher better: the one is lowest
    at the first point, the other at the last. Each is scaled so that its worse end is 0 and its better end 1. So the
    chord runs from (0, 1) to (1, 0), and a point's height above it is the sum of the two minus 1: 0 at both ends,
    below 0 where it lies under the chord; the distance itself is that over the square root of 2. Satopaa et al. 2011
    (Kneedle) scale and measure the same way; to take the highest point and smooth nothing is our choice, as the curve
    has few points. NaN where there is no trade-off: nothing gained from end to end, or nothing lost. Raises
    SettingError for shapes that differ and fewer than 3 points.

    >>> above_chord(np.array([0.2, 0.5, 0.6]), np.array([0.8, 0.7, 0.4])).round(3).tolist()
    [0.0, 0.5, 0.0]
    """
    gains, losses = np.asarray(gains, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if gains.shape != losses.shape or not gains.ndim or gains.shape[-1] < 3:
        raise SettingError(f"gains {gains.shape} and losses {losses.shape}: give both for the same 3 points or more")
    gained = gains[..., -1:] - gains[..., :1]
    lost = losses[..., :1] - losses[..., -1:]
    trade = (gained > 0) & (lost > 0)
    share = np.where(trade, (gains - gains[..., :1]) / np.where(trade, gained, 1), np.nan)
    kept = (losses - losses[..., -1:]) / np.where(trade, lost, 1)
    return share + kept - 1


def knee(gains: np.ndarray, losses: np.ndarray) -> int | None:
    """Return the number of the highest point above the chord, the first of equal ones; None if none lies above it.

    There is none where there is no trade-off, and where every point is on the chord or below: then nothing between
    the ends is a bargain.

    >>> knee(np.array([0.2, 0.5, 0.6]), np.array([0.8, 0.7, 0.4]))
    1
    """
    height = above_chord(gains, losses)
    if np.ndim(height) != 1:
        raise SettingError(f"one curve at a time, got gains of shape {np.shape(height)}")
    if not np.isfinite(height).all():
        return None
    best = int(height.argmax())
    return best if height[best] > 1e-12 else None  # rounding is no knee

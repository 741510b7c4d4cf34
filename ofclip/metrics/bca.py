"""Percentile and BCa intervals of a resampled value.

BCa, bias-corrected and accelerated: Efron, Better Bootstrap Confidence Intervals, JASA 82, 1987; as in ch. 14 of Efron
and Tibshirani, An Introduction to the Bootstrap, 1993, with the acceleration from the jackknife.
"""

from __future__ import annotations

import numpy as np

TAILS = (0.025, 0.975)


def percentiles(drawn: np.ndarray) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % quantile of resampled values (b,)."""
    low, high = np.quantile(drawn, TAILS)
    return float(low), float(high)


def bca(drawn: np.ndarray, value: float, left_out: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Return the 95 % BCa interval of `value`, from resampled values (b,) and the jackknife's.

    `left_out` (cells,) is the value without one observation of a cell, `counts` (cells,) how many it has. Resampled
    values equal to `value` count half as below it, as in scipy. Where the correction is not defined the interval is
    the percentile one: if leaving one out never changes the value or leaves nothing, or if all or none of the
    resampled values lie below it.
    """
    from scipy.special import ndtr, ndtri

    below = (np.mean(drawn < value) + np.mean(drawn <= value)) / 2
    change = np.average(left_out, weights=counts) - left_out
    spread = (counts * change**2).sum()
    scale = max(abs(value), np.abs(left_out).max())
    if not 0 < below < 1 or not spread > counts.sum() * (1e-14 * scale) ** 2:  # rounding is no spread, NaN is none
        return percentiles(drawn)
    bias = ndtri(below)
    acceleration = (counts * change**3).sum() / (6 * spread**1.5)
    tail = bias + ndtri(TAILS)
    low, high = np.quantile(drawn, ndtr(bias + tail / (1 - acceleration * tail)))
    return float(low), float(high)

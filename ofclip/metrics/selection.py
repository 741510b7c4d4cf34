"""Choosing a model by a score: what is lost by it, and how far two orders agree."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from ofclip.errors import SettingError


def regret(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the best target minus that of the candidate with the highest score, over the last axis.

    scores and targets (..., m) of m candidates, higher better in both; the result (...) is in the targets' unit.
    Of equal highest scores each candidate is as likely to be chosen, so their targets are averaged; with all scores
    equal it is what a random choice loses. Raises SettingError for no candidate, or shapes that differ.

    >>> regret(np.array([0.2, 0.9, 0.1]), np.array([0.5, 0.4, 0.1])).round(3).tolist()
    0.1
    """
    scores, targets = _pair(scores, targets)
    chosen = scores == scores.max(axis=-1, keepdims=True)
    lost = targets.max(axis=-1, keepdims=True) - targets  # first, so that the best loses nothing to the bit
    return (lost * chosen).sum(axis=-1) / chosen.sum(axis=-1)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation over the last axis of x and y (..., m): Pearson's of the ranks.

    Equal values share their mean rank. Where all values of x, or of y, are equal there is no order to agree with,
    and the result is NaN. Raises SettingError for no candidate, or shapes that differ.

    >>> spearman(np.array([1, 2, 3]), np.array([10, 30, 20])).tolist()
    0.5
    """
    ranks = [rankdata(values, axis=-1) for values in _pair(x, y)]
    centred = [each - each.mean(axis=-1, keepdims=True) for each in ranks]
    return _ratio(centred[0], centred[1])


def kendall(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Kendall's tau-b over the last axis of x and y (..., m), with the correction for ties; NaN as `spearman`.

    All m x m pairs are held at once. Raises SettingError for no candidate, or shapes that differ.

    >>> kendall(np.array([1, 2, 3]), np.array([10, 30, 20])).round(3).tolist()
    0.333
    """
    signs = [np.sign(values[..., :, None] - values[..., None, :]) for values in _pair(x, y)]
    flat = [each.reshape(*each.shape[:-2], -1) for each in signs]
    return _ratio(flat[0], flat[1])


def _ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the cosine over the last axis, NaN where one of the two is all zeros."""
    lengths = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return np.divide((x * y).sum(axis=-1), lengths, out=np.full(np.shape(lengths), np.nan), where=lengths > 0)


def _pair(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape or not x.ndim or not x.shape[-1]:
        raise SettingError(f"scores {x.shape} and targets {y.shape}: give one of each per candidate, at least one")
    if not np.isfinite(x).all() or not np.isfinite(y).all():
        raise SettingError("scores and targets must be finite: leave out candidates that were not measured")
    return x, y

"""Choosing a model by a score: what is lost by it."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def regret(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the best target minus that of the candidate with the highest score, over the last axis.

    scores and targets (..., m) of m candidates, higher better in both; the result (...) is in the targets' unit.
    Of equal highest scores each candidate is as likely to be chosen, so their targets are averaged; with all scores
    equal it is what a random choice loses. Raises SettingError for no candidate, or shapes that differ.

    >>> regret(np.array([0.2, 0.9, 0.1]), np.array([0.5, 0.4, 0.1])).round(3).tolist()
    0.1
    """
    scores, targets = np.asarray(scores, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if scores.shape != targets.shape or not scores.ndim or not scores.shape[-1]:
        raise SettingError(f"scores {scores.shape} and targets {targets.shape}: give one of each per candidate")
    if not np.isfinite(scores).all() or not np.isfinite(targets).all():
        raise SettingError("scores and targets must be finite: leave out candidates that were not measured")
    chosen = scores == scores.max(axis=-1, keepdims=True)
    lost = targets.max(axis=-1, keepdims=True) - targets  # first, so that the best loses nothing to the bit
    return (lost * chosen).sum(axis=-1) / chosen.sum(axis=-1)

"""Rank correlation (Spearman, The Proof and Measurement of Association between Two Things, 1904), and its interval."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.intervals import RESAMPLES, bootstrap_rows


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of x (n,) with each row of y (..., n); equal values share their mean rank.

    It is 0 where one of the two does not vary, since then neither goes with the other. Raises SettingError for
    fewer than two values, for lengths that differ and for values that are not finite.

    >>> float(spearman(np.array([1, 2, 3]), np.array([10, 20, 15])))
    0.5
    """
    from scipy.stats import rankdata

    x, y = _values(x, y)
    ranks = [rankdata(values, axis=-1) for values in (x, y)]
    return _pearson(ranks[0], ranks[1], np.ones(x.shape[-1]))


def bootstrap_spearman(
    x: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of Spearman's correlation of x (n,) and y (n,).

    Pairs are drawn with replacement, or whole groups (n,) of them, and ranked anew in each draw. Raises SettingError
    as `spearman` does.
    """
    x, y = _values(x, y)
    codes = [np.unique(values, return_inverse=True)[1] for values in (x, y)]

    def of_draws(drawn: np.ndarray) -> np.ndarray:
        return _pearson(_counted_ranks(codes[0], drawn), _counted_ranks(codes[1], drawn), drawn)

    return bootstrap_rows(of_draws, len(x), groups, resamples, seed)


def _values(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or len(x) < 2 or y.shape[-1:] != x.shape:
        raise SettingError(f"a rank correlation needs two values or more of each kind, got {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise SettingError("a rank correlation needs finite values")
    return x, y


def _counted_ranks(code: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return mean ranks (b, n) of values whose order is `code` (n,), each of which occurs counts (b, n) times."""
    order = np.argsort(code, kind="stable")
    ends = np.flatnonzero(np.diff(code[order], append=-1))
    reached = counts[:, order].cumsum(axis=1)[:, ends]
    before = np.concatenate([np.zeros((len(counts), 1)), reached[:, :-1]], axis=1)
    return ((before + reached + 1) / 2)[:, code]


def _pearson(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the correlations (...,) along the last axis of values that count as often as their weights say."""
    total = weights.sum(axis=-1, keepdims=True)
    x = x - (x * weights).sum(axis=-1, keepdims=True) / total
    y = y - (y * weights).sum(axis=-1, keepdims=True) / total
    together = (x * y * weights).sum(axis=-1)
    spread = np.sqrt((x * x * weights).sum(axis=-1) * (y * y * weights).sum(axis=-1))
    return np.divide(together, spread, out=np.zeros_like(together), where=spread > 1e-9)

"""Rank correlations (Spearman, The Proof and Measurement of Association between Two Things, 1904), and an interval."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.intervals import RESAMPLES, bootstrap_rows


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation over the last axis of x and y (..., n): Pearson's of the ranks.

    Equal values share their mean rank. Where all values of x, or of y, are equal there is no order to agree with,
    and the result is NaN. Raises SettingError for no value, for lengths that differ and for values that are not
    finite.

    >>> float(spearman(np.array([1, 2, 3]), np.array([10, 30, 20])))
    0.5
    """
    from scipy.stats import rankdata

    x, y = (rankdata(values, axis=-1) for values in _values(x, y))
    return _cosine(x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True))


def kendall(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Kendall's tau-b over the last axis of x and y (..., n), with the correction for ties.

    All n x n pairs are held at once (Kendall, The Treatment of Ties in Ranking Problems, 1945). NaN and errors are
    those of `spearman`.

    >>> kendall(np.array([1, 2, 3]), np.array([10, 30, 20])).round(3).tolist()
    0.333
    """
    signs = [np.sign(values[..., :, None] - values[..., None, :]) for values in _values(x, y)]
    pairs = [each.reshape(*each.shape[:-2], -1) for each in signs]
    return _cosine(pairs[0], pairs[1])


def bootstrap_spearman(
    x: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of Spearman's correlation of x (n,) and y (n,).

    Pairs are drawn with replacement, or whole groups (n,) of them, and ranked anew in each draw; a draw in which
    one of the two does not vary counts as 0, since neither goes with the other. Raises SettingError for fewer than two
    pairs, and as `spearman` does.
    """
    x, y = _values(x, y)
    if x.ndim != 1 or len(x) < 2:
        raise SettingError(f"an interval of a rank correlation needs two pairs or more, got {x.shape}")
    codes = [np.unique(values, return_inverse=True)[1] for values in (x, y)]

    def of_draws(drawn: np.ndarray) -> np.ndarray:
        return _pearson(_counted_ranks(codes[0], drawn), _counted_ranks(codes[1], drawn), drawn)

    return bootstrap_rows(of_draws, len(x), groups, resamples, seed)


def _cosine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the cosine over the last axis, NaN where one of the two is all zeros."""
    lengths = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return np.divide((x * y).sum(axis=-1), lengths, out=np.full(np.shape(lengths), np.nan), where=lengths > 0)


def _values(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not x.ndim or not x.shape[-1] or y.shape[-1:] != x.shape[-1:]:
        raise SettingError(f"values {x.shape} and {y.shape}: a rank correlation needs as many of each, at least one")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise SettingError("a rank correlation needs finite values: leave out what was not measured")
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

"""95 % percentile bootstrap intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13).

Drawing n values with replacement from a sample that holds each distinct value c times draws the counts
from a multinomial distribution. So the counts are resampled instead of the values: the same distribution,
but the cost follows the number of distinct values (two for a recall), not the number of queries.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ofclip.errors import SettingError

RESAMPLES = 2000
#: Numbers held at once while resampling: 32 MB of int64.
_BATCH = 1 << 22

Statistic = Callable[[np.ndarray], np.ndarray]


def bootstrap_counts(
    counts: np.ndarray, statistic: Statistic, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % quantile of `statistic` over resampled counts (cells,).

    `statistic` maps resampled counts (b, cells) to b values. Raises SettingError if all counts are 0.
    """
    n = int(counts.sum())
    if n == 0:
        raise SettingError("no interval can be given for 0 observations")
    rng = np.random.default_rng(seed)
    batch = max(1, _BATCH // len(counts))
    values = [
        statistic(rng.multinomial(n, counts / n, size=min(batch, resamples - start)))
        for start in range(0, resamples, batch)
    ]
    low, high = np.quantile(np.concatenate(values), (0.025, 0.975))
    return float(low), float(high)


def bootstrap_mean(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the mean of independent values (n,).

    >>> low, high = bootstrap_mean(np.array([0, 1] * 50))
    >>> round(low, 2), round(high, 2)
    (0.4, 0.6)
    """
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    return bootstrap_counts(counts, lambda drawn: drawn @ distinct / counts.sum(), resamples, seed)


def bootstrap_median(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the median of independent values (n,); the two middle ones are averaged."""
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    return bootstrap_counts(counts, lambda drawn: counted_median(distinct, drawn), resamples, seed)


def counted_median(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the medians (b,) of ascending values (v,) of which each occurs counts (b, v) times.

    >>> counted_median(np.array([1.0, 2.0, 5.0]), np.array([[2, 1, 0], [1, 1, 2]])).tolist()
    [1.0, 3.5]
    """
    reached = counts.cumsum(axis=1)
    n = reached[:, -1:]
    lower = (reached >= (n + 1) // 2).argmax(axis=1)
    upper = (reached >= n // 2 + 1).argmax(axis=1)
    return (values[lower] + values[upper]) / 2


def bootstrap_confusion(
    confusion: np.ndarray,
    statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % interval of a classification score, from its confusion matrix (C, C).

    The cells are resampled. `statistic` maps hits, support and predicted counts per class, each (b, C),
    to b values.
    """
    from scipy.sparse import csr_array

    true, predicted = np.nonzero(confusion)
    cells = np.arange(len(true))

    def total(columns: np.ndarray, kept: np.ndarray | slice = np.s_[:]) -> csr_array:
        """Return the 0/1 matrix that adds the kept cells up to the given class columns."""
        shape = (len(cells), len(confusion))
        return csr_array((np.ones(len(cells[kept]), dtype=np.int64), (cells[kept], columns[kept])), shape)

    hits, support, guesses = total(true, true == predicted), total(true), total(predicted)

    def of_cells(drawn: np.ndarray) -> np.ndarray:
        return statistic(drawn @ hits, drawn @ support, drawn @ guesses)

    return bootstrap_counts(confusion[true, predicted], of_cells, resamples, seed)

"""95 % bootstrap intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13 and 14).

Drawing n values with replacement from a sample that holds each distinct value c times draws the counts
from a multinomial distribution. So the counts are resampled instead of the values: the same distribution,
but the cost follows the number of distinct values (two for a recall), not the number of queries.

Queries that share a product are not independent of each other. With `groups`, labels of the rows, whole groups are
drawn with replacement, as many as there are (the cluster bootstrap): what is independent are the groups. How many
rows that gives differs from draw to draw. Groups of one row each are the same as none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ofclip.errors import SettingError, unknown
from ofclip.metrics.bca import bca, percentiles

RESAMPLES = 2000
METHODS = ("percentile", "bca")
#: Numbers held at once while resampling: 32 MB of int64.
_BATCH = 1 << 22
#: One multinomial count takes as long to draw as so many single values.
_DRAWS = 10

Statistic = Callable[[np.ndarray], np.ndarray]


def bootstrap_counts(
    counts: np.ndarray, statistic: Statistic, resamples: int = RESAMPLES, seed: int = 0, method: str = "percentile"
) -> tuple[float, float]:
    """Return the 95 % interval of `statistic` over resampled counts (cells,).

    `statistic` maps resampled counts (b, cells) to b values; `method` is "percentile" or "bca". Raises
    SettingError if all counts are 0, for fewer than two resamples, and for another method.
    """
    _check(resamples, method)
    counts = np.asarray(counts)
    n = int(counts.sum())
    if n == 0:
        raise SettingError("no interval can be given for 0 observations")
    rng = np.random.default_rng(seed)
    drawn = [statistic(rng.multinomial(n, counts / n, size=size)) for size in _batches(resamples, len(counts))]
    if method == "percentile" or n == 1:
        return percentiles(np.concatenate(drawn))
    there, cells = np.flatnonzero(counts), np.arange(len(counts))
    parts = np.array_split(there, -(-len(there) * len(counts) // _BATCH))
    left_out = [statistic(counts - (cells == part[:, None])) for part in parts]
    return bca(np.concatenate(drawn), statistic(counts[None])[0], np.concatenate(left_out), counts[there])


def bootstrap_rows(
    statistic: Statistic,
    n: int,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    around: float | None = None,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of any statistic of n rows.

    `statistic` maps how often each row was drawn, (b, n) float64, to b values; NaN where it is not defined, and
    such resamples are left out. Some statistics are biased by drawing rows repeatedly, so much that the interval may
    miss the value itself; given the value as `around`, it is moved to where the mean of the resamples would be the
    value (our choice: the spread is kept, the bias is not). Raises SettingError for no row, for fewer than two
    resamples, for groups of another length, and if every resample is NaN.
    """
    _check(resamples)
    if n < 1:
        raise SettingError("no interval can be given for 0 observations")
    values = np.concatenate([statistic(drawn) for drawn in _rows(n, groups, resamples, seed)])
    if np.isnan(values).all():
        raise SettingError(f"the statistic is not defined on any of {resamples} resamples")
    values = values[~np.isnan(values)]
    return percentiles(values if around is None else values - values.mean() + around)


def bootstrap_mean(
    values: np.ndarray,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: str = "percentile",
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values (n,): of independent ones, or of groups (n,) of them.

    Raises SettingError for no values, for one that is not finite, for groups of another length, and as
    `bootstrap_counts` does.

    >>> low, high = bootstrap_mean(np.array([0, 1] * 50))
    >>> round(low, 2), round(high, 2)
    (0.4, 0.6)
    >>> bootstrap_mean(np.array([0, 1] * 50), groups=np.arange(100) // 10)  # groups of equal means
    (0.5, 0.5)
    """
    _check(resamples, method)
    values = _finite(values)
    group = _codes(groups, len(values))
    if group is None:
        sums, counts = np.unique(values, return_counts=True)
        sizes = np.ones(len(sums))
    else:  # groups of one sum and size are alike
        content = np.stack([np.bincount(group, weights=values), np.bincount(group)], axis=1)
        content, counts = np.unique(content, axis=0, return_counts=True)
        sums, sizes = content.T
    n = int(counts.sum())
    parts: list[np.ndarray] = []
    rng = np.random.default_rng(seed)
    if len(counts) * _DRAWS <= n:
        for size in _batches(resamples, len(counts)):
            drawn = rng.multinomial(n, counts / n, size=size)
            parts.append((drawn @ sums) / (drawn @ sizes))
    else:
        all_sums, all_sizes = np.repeat(sums, counts), np.repeat(sizes, counts)
        for size in _batches(resamples, n):
            drawn = rng.integers(0, n, (size, n), dtype=np.int32)
            total = n if group is None else all_sizes[drawn].sum(axis=1)
            parts.append(all_sums[drawn].sum(axis=1) / total)
    means = np.concatenate(parts)
    if method == "percentile" or n == 1:
        return percentiles(means)
    left_out = (sums @ counts - sums) / (sizes @ counts - sizes)
    return bca(means, float(sums @ counts / (sizes @ counts)), left_out, counts)


def bootstrap_median(
    values: np.ndarray,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: str = "percentile",
) -> tuple[float, float]:
    """Return the 95 % interval of the median of values (n,); the two middle ones are averaged.

    Settings and errors are those of `bootstrap_mean`; with `groups` (n,) the method is "percentile".
    """
    _check(resamples, method)
    values = _finite(values)
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if _codes(groups, len(values)) is None:
        return bootstrap_counts(counts, lambda drawn: counted_median(distinct, drawn), resamples, seed, method)
    if method != "percentile":
        raise SettingError("a median of groups has no BCa interval here: leave out groups, or take the percentile one")
    members = _indicator(place, len(distinct))
    return bootstrap_rows(
        lambda drawn: counted_median(distinct, drawn @ members), len(values), groups, resamples, seed
    )


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
    true, predicted = np.nonzero(confusion)
    of_cells = _by_class(true, predicted, len(confusion), statistic)
    return bootstrap_counts(confusion[true, predicted], of_cells, resamples, seed)


def bootstrap_classes(
    labels: np.ndarray,
    predictions: np.ndarray,
    classes: int,
    statistic: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % interval of a classification score of class labels (n,) and predictions (n,) from 0.

    `statistic` is as for `bootstrap_confusion`, which this is where no two rows share a group.
    """
    if _codes(groups, len(labels)) is None:
        confusion = np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)
        return bootstrap_confusion(confusion, statistic, resamples, seed)
    of_rows = _by_class(labels, predictions, classes, statistic)
    return bootstrap_rows(of_rows, len(labels), groups, resamples, seed)


def _by_class(true: np.ndarray, predicted: np.ndarray, classes: int, statistic: Callable) -> Statistic:
    """Return the statistic of drawn counts (b, cells) of pairs true (cells,), predicted (cells,)."""
    support, guesses = _indicator(true, classes), _indicator(predicted, classes)
    hits = support.multiply(true[:, None] == predicted[:, None]).tocsr()
    return lambda drawn: statistic(drawn @ hits, drawn @ support, drawn @ guesses)


def _indicator(column: np.ndarray, columns: int):
    """Return the sparse 0/1 matrix (n, columns) whose row i has its one at `column[i]`."""
    from scipy.sparse import csr_array

    ones = np.ones(len(column), dtype=np.int64)
    return csr_array((ones, column, np.arange(len(column) + 1)), shape=(len(column), columns))


def _rows(n: int, groups: np.ndarray | None, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each row is drawn, (b, n), group by group."""
    group = _codes(groups, n)
    total = n if group is None else int(group.max()) + 1
    rng = np.random.default_rng(seed)
    for size in _batches(resamples, n):
        drawn = rng.integers(0, total, (size, total)) + total * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * total).reshape(size, total).astype(np.float64)
        yield times if group is None else times[:, group]


def _batches(resamples: int, width: int) -> list[int]:
    """Return the sizes of batches of so many resamples, each `width` numbers."""
    batch = max(1, _BATCH // width)
    return [min(batch, resamples - start) for start in range(0, resamples, batch)]


def _codes(groups: np.ndarray | None, n: int) -> np.ndarray | None:
    """Return the group number (n,) of each row, None where no two rows share one."""
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise SettingError(f"groups have the shape {groups.shape} for {n} values; give one label per value")
    distinct, codes = np.unique(groups, return_inverse=True)
    return None if len(distinct) == n else codes


def _finite(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if not values.size:
        raise SettingError("no interval can be given for 0 observations")
    if values.ndim != 1:
        raise SettingError(f"values must be (n,), not {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise SettingError(f"value {bad[0]} is {values[bad[0]]}, not finite ({len(bad)} of {len(values)})")
    return values


def _check(resamples: int, method: str = "percentile") -> None:
    if resamples < 2:
        raise SettingError(f"resamples must be at least 2, got {resamples}")
    if method not in METHODS:
        raise unknown("bootstrap method", method, METHODS)

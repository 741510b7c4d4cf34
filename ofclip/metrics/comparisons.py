"""Two models on the same queries: is one better, by how much, and could it be luck?

The difference is taken query by query, which cancels how hard a query is: far fewer queries are needed than if the
two intervals were held side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.intervals import RESAMPLES, bootstrap_mean

PERMUTATIONS = 10_000
#: Sums of signed differences that are listed one by one; above it they are drawn.
_EXACT = 100_000


def paired_bootstrap(
    ours: np.ndarray,
    theirs: np.ndarray,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: str = "percentile",
) -> tuple[float, tuple[float, float]]:
    """Return the mean of ours - theirs, values (n,) of the same queries, and its 95 % interval.

    Queries are resampled, so both models always see the same ones; settings and errors are those of
    `bootstrap_mean`.

    >>> paired_bootstrap(np.array([1, 1, 0, 1]), np.array([1, 0, 0, 0]))[0]
    0.5
    """
    difference = _difference(ours, theirs)
    return float(difference.mean()), bootstrap_mean(difference, groups, resamples, seed, method)


def paired_permutation(
    ours: np.ndarray,
    theirs: np.ndarray,
    groups: np.ndarray | None = None,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> float:
    """Return the two-sided p of the sign-flip test for the mean of ours - theirs, values (n,) of the same queries.

    If the models are alike, each query's difference could as well have had the other sign (Fisher, The Design of
    Experiments, 1935); with `groups` a group's differences flip together. Differences of equal size are alike, so
    only how many of them are positive matters. Where few enough sums are possible, all are taken and p is exact: for
    hits of 0 and 1 it is then the exact McNemar test, at any n. Otherwise `permutations` are drawn, and p is
    (b + 1) / (m + 1) with b of m drawn sums at least as far from 0 as the one seen (Phipson and Smyth, Permutation
    P-values Should Never Be Zero, 2010).

    Raises SettingError for values that do not pair up or are not finite, groups of another length, and fewer
    than 100 permutations.

    >>> round(paired_permutation(np.array([3.0, 2.0, 1.0]), np.zeros(3)), 6)  # two of eight patterns are so far out
    0.25
    """
    from scipy.stats import binom

    if permutations < 100:
        raise SettingError(f"permutations must be at least 100, got {permutations}")
    difference = _difference(ours, theirs)
    if groups is not None:
        if np.shape(groups) != difference.shape:
            raise SettingError(f"groups have the shape {np.shape(groups)} for {len(difference)} values")
        difference = np.bincount(np.unique(groups, return_inverse=True)[1], weights=difference)
    sizes, counts = np.unique(np.abs(difference), return_counts=True)
    sizes, counts = sizes[sizes > 0], counts[sizes > 0]
    # sums of the same numbers in another order differ by rounding
    least = abs(difference.sum()) - 1e-10 * np.abs(difference).sum()
    if np.log(counts + 1.0).sum() <= np.log(_EXACT):
        sums, chances = np.zeros(1), np.ones(1)
        for size, count in zip(sizes, counts, strict=True):
            positive = np.arange(count + 1)
            sums = np.add.outer(sums, size * (2 * positive - count)).ravel()
            chances = np.multiply.outer(chances, binom.pmf(positive, count, 0.5)).ravel()
        return min(1.0, float(chances[np.abs(sums) >= least].sum()))
    rng = np.random.default_rng(seed)
    batch, beyond = max(1, (1 << 22) // len(sizes)), 0
    single = counts == 1  # whose signs are bits, which cost less than counts of positive ones
    for start in range(0, permutations, batch):
        size = min(batch, permutations - start)
        sums = 2 * (_bits(rng, size, single.sum()) @ sizes[single]) - sizes[single].sum()
        positive = rng.binomial(counts[~single], 0.5, size=(size, (~single).sum()))
        sums += (2 * positive - counts[~single]) @ sizes[~single]
        beyond += int((np.abs(sums) >= least).sum())
    return (beyond + 1) / (permutations + 1)


def _bits(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Return fair coin tosses (rows, columns) uint8."""
    drawn = rng.integers(0, 256, (rows, -(-columns // 8)), dtype=np.uint8)
    return np.unpackbits(drawn, axis=1, count=columns)


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return p-values (m,) adjusted for m comparisons, so that below 0.05 none of them errs in 95 % of the cases.

    Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979: the smallest is multiplied by m, the
    next by m - 1 and so on; none may be smaller than the one before, or larger than 1. Raises SettingError for a
    value outside 0 to 1.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    if not ((p_values >= 0) & (p_values <= 1)).all():
        raise SettingError(f"p-values must lie between 0 and 1, got {p_values.tolist()}")
    order = np.argsort(p_values, kind="stable")
    steps = np.arange(len(p_values), 0, -1) * p_values[order]
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def _difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    ours, theirs = (np.asarray(values, dtype=np.float64) for values in (ours, theirs))
    if ours.shape != theirs.shape or ours.ndim != 1 or not len(ours):
        raise SettingError(f"values of the same queries must pair up, got shapes {ours.shape} and {theirs.shape}")
    difference = ours - theirs
    bad = np.flatnonzero(~np.isfinite(difference))
    if len(bad):
        raise SettingError(f"the values of query {bad[0]} are not finite ({len(bad)} of {len(difference)})")
    return difference

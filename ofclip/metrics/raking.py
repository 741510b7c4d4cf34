"""Raking: weights that give one sample the marginal distributions of another, and means under such weights.

Iterative proportional fitting (Deming and Stephan, Annals of Mathematical Statistics 11, 1940): the weights are
scaled to the wanted shares of one label after the other, over and over, until all of them fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ofclip.errors import SettingError

#: Rounds at most, and how far a share may be off to stop before.
ROUNDS, CLOSE = 500, 1e-6


def rake(sample: Sequence[np.ndarray], target: Sequence[np.ndarray]) -> np.ndarray:
    """Return weights (n,) of a sample, adding up to 1, under which each of its labels has the shares of the target.

    `sample` holds one array (n,) per label, `target` the same labels (m,) of the other sample, in the same order.
    Values that the target lacks get weight 0. Where no weights reach all shares at once, those of the last label
    fit, and `imbalance` says how far the others are off. Raises SettingError for no label or other lengths, and for
    a value of the target that the sample lacks.

    >>> rake([np.array(["a", "a", "b"])], [np.array(["a", "b"])]).tolist()
    [0.25, 0.25, 0.5]
    """
    coded = _coded(sample, target)
    weights = np.full(len(coded[0][0]), 1 / len(coded[0][0]))
    for _ in range(ROUNDS):
        for code, share in coded:
            now = np.bincount(code, weights, len(share))
            weights = weights * np.divide(share, now, out=np.zeros_like(share), where=now > 0)[code]
        if _worst(coded, weights) < CLOSE:
            break
    return weights / weights.sum()


def imbalance(sample: Sequence[np.ndarray], target: Sequence[np.ndarray], weights: np.ndarray) -> float:
    """Return the largest difference of a share between a weighted sample and the target, over labels and values.

    >>> imbalance([np.array(["a", "b"])], [np.array(["a", "b"])], np.array([0.75, 0.25]))
    0.25
    """
    return _worst(_coded(sample, target), weights / weights.sum())


def effective_size(weights: np.ndarray) -> float:
    """Return how many equally weighted items are as precise as weights (n,): (sum w)^2 / sum w^2 (Kish).

    >>> effective_size(np.array([0.5, 0.5, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def resampled_means(
    values: np.ndarray, weights: np.ndarray, groups: np.ndarray, resamples: int = 2000, seed: int = 0
) -> np.ndarray:
    """Return the weighted means (resamples,) of bootstrap samples of whole groups; all arrays (n,).

    Each item keeps its weight, so that the matching itself is taken as given. The difference of two such arrays with
    different seeds is that of two samples drawn on their own.

    >>> resampled_means(np.ones(4), np.arange(4.0), np.arange(4), resamples=3).tolist()
    [1.0, 1.0, 1.0]
    """
    values, weights = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    code = np.unique(groups, return_inverse=True)[1]
    sums, sizes = np.bincount(code, values * weights), np.bincount(code, weights)
    drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)
    total = drawn @ sizes
    whole = np.full(resamples, sums.sum() / sizes.sum())  # of a resample without any weight, which says nothing new
    return np.divide(drawn @ sums, total, out=whole, where=total > 0)


def _coded(sample: Sequence[np.ndarray], target: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each label the sample's codes (n,) and the wanted share of each code."""
    if not len(sample) or len(sample) != len(target):
        raise SettingError(f"raking needs the same labels on both sides, got {len(sample)} and {len(target)}")
    coded = []
    for number, (ours, theirs) in enumerate(zip(sample, target, strict=True), 1):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        if len(ours) != len(sample[0]) or len(theirs) != len(target[0]) or not len(theirs):
            raise SettingError(f"raking: label {number} has another length than the first, or is empty")
        values, counts = np.unique(theirs, return_counts=True)
        lacking = np.setdiff1d(values, ours)
        if len(lacking):
            raise SettingError(
                f"raking: the sample has no item of {str(lacking[0])!r}; leave such items out of the target"
            )
        place = np.searchsorted(values, ours).clip(max=len(values) - 1)
        code = np.where(values[place] == ours, place, len(values))  # the last code: what the target lacks
        coded.append((code, np.append(counts / counts.sum(), 0.0)))
    return coded


def _worst(coded: list[tuple[np.ndarray, np.ndarray]], weights: np.ndarray) -> float:
    return max(float(np.abs(np.bincount(code, weights, len(share)) - share).max()) for code, share in coded)

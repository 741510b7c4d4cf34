"""Means over several sets of queries that count alike, however many queries each has, and their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.intervals import RESAMPLES


def mean_of_means(strata: Sequence[np.ndarray]) -> float:
    """Return the mean over strata of the mean of each; SettingError if there is none, or one is empty.

    >>> mean_of_means([np.array([1, 0]), np.array([1, 1, 1])])
    0.75
    """
    if not len(strata) or not all(len(values) for values in strata):
        raise SettingError("a mean over sets of queries needs at least one set, and a query in each")
    return float(np.mean([np.mean(values) for values in strata]))


def bootstrap_strata(strata: Sequence[np.ndarray], resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of `mean_of_means`, values being drawn anew within each stratum.

    The strata are kept: the interval speaks of other queries to the same data sets, not of other data sets.
    """
    mean_of_means(strata)
    rng = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for values in strata:
        distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
        drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=resamples)
        total += drawn @ distinct / counts.sum()
    low, high = np.quantile(total / len(strata), (0.025, 0.975))
    return float(low), float(high)

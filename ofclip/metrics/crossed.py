"""An interval for a mean over two crossed factors, such as test items and draws of training items."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def bootstrap_crossed(
    values: np.ndarray, groups: np.ndarray | None = None, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values (d, n): draw i's result on test item j.

    The pigeonhole bootstrap (Owen, Annals of Applied Statistics 1, 2007): draws and items are resampled each on
    their own, and a cell counts as often as its draw times its item. It errs on the wide side. Items of one group
    (n,) are resampled together. Raises SettingError for values that are not (d, n) with d, n > 0.

    >>> bootstrap_crossed(np.ones((3, 20)))
    (1.0, 1.0)
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise SettingError(f"expected values (draws, items) with one of each at least, got {values.shape}")
    draws, items = values.shape
    code = np.arange(items) if groups is None else np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(code)
    sums = np.stack([np.bincount(code, row) for row in values])  # (d, g)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(draws, np.full(draws, 1 / draws), size=resamples)
    picked = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=resamples)
    means = ((picked @ sums.T) * drawn).sum(axis=1) / (draws * (picked @ sizes))
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.crossed import bootstrap_crossed


def slow(values, groups, resamples, seed):
    """Resample draws and groups one by one, and average the cells that fall on both."""
    rng = np.random.default_rng(seed)
    names = np.unique(groups)
    means = []
    for _ in range(resamples):
        draws = rng.integers(len(values), size=len(values))
        items = np.concatenate([np.flatnonzero(groups == name) for name in rng.choice(names, len(names))])
        means.append(values[np.ix_(draws, items)].mean())
    return np.quantile(means, (0.025, 0.975))


def test_against_a_slow_version_with_groups():
    rng = np.random.default_rng(0)
    values = rng.random((4, 60)) < np.linspace(0.3, 0.7, 4)[:, None]
    groups = rng.integers(0, 25, 60)
    assert bootstrap_crossed(values, groups, 4000) == pytest.approx(slow(values, groups, 4000, 1), abs=0.02)


def test_one_draw_is_the_bootstrap_of_its_items():
    values = (np.random.default_rng(0).random((1, 500)) < 0.4).astype(float)
    low, high = bootstrap_crossed(values)
    half = 1.96 * values.std() / np.sqrt(500)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_draws_that_disagree_widen_the_interval():
    even = np.tile(np.arange(200) % 2, (5, 1))
    uneven = np.stack([np.zeros(200), np.ones(200)] * 2 + [even[0]])
    assert np.diff(bootstrap_crossed(uneven)) > 3 * np.diff(bootstrap_crossed(even))


@pytest.mark.parametrize("shape", [(3,), (0, 3), (3, 0)])
def test_what_is_no_table_is_refused(shape):
    with pytest.raises(SettingError, match="draws, items"):
        bootstrap_crossed(np.ones(shape))

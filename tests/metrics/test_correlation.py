import numpy as np
import pytest
from scipy import stats

from ofclip.errors import SettingError
from ofclip.metrics.correlation import bootstrap_spearman, spearman


def test_hand_made():
    assert spearman(np.array([1, 2, 3, 4]), np.array([9, 7, 3, 1])) == -1
    assert spearman(np.array([1, 2, 3]), np.array([10, 20, 15])) == pytest.approx(0.5)
    assert spearman(np.array([1, 2, 3]), np.array([5, 5, 5])) == 0, "what does not vary goes with nothing"


@pytest.mark.parametrize("levels", [3, 1000])
def test_against_scipy_with_and_without_ties(levels):
    rng = np.random.default_rng(levels)
    x = rng.integers(0, levels, 80)
    y = x + rng.integers(0, levels, (5, 80))
    wanted = [stats.spearmanr(x, row).statistic for row in y]
    np.testing.assert_allclose(spearman(x, y), wanted)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_interval_is_that_of_the_slow_bootstrap(grouped):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 40), rng.integers(0, 9, 40)
    groups = np.arange(40) // 4 if grouped else None
    members = [np.flatnonzero(groups == g) for g in range(10)] if grouped else [[i] for i in range(40)]
    drawn = np.random.default_rng(1).integers(0, len(members), (4000, len(members)))
    slow = []
    for draw in drawn:
        rows = np.concatenate([members[g] for g in draw])
        slow.append(stats.spearmanr(x[rows], y[rows]).statistic)
    interval = bootstrap_spearman(x, y, groups, resamples=4000)
    np.testing.assert_allclose(interval, np.quantile(slow, (0.025, 0.975)), atol=0.02)
    assert interval[0] < spearman(x, y) < interval[1]


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [([1], [1], "two values"), ([1, 2], [1, 2, 3], "two values"), ([1, np.nan], [1, 2], "finite")],
)
def test_what_cannot_be_ranked_is_refused(x, y, message):
    for function in (spearman, bootstrap_spearman):
        with pytest.raises(SettingError, match=message):
            function(np.array(x), np.array(y))

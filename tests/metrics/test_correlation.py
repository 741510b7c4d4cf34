import numpy as np
import pytest
from scipy import stats

from ofclip.errors import SettingError
from ofclip.metrics.correlation import bootstrap_spearman, kendall, spearman


def cases():
    rng = np.random.default_rng(0)
    yield from ((rng.normal(size=9), rng.normal(size=9)) for _ in range(20))
    yield from ((rng.integers(0, 4, 9).astype(float), rng.integers(0, 3, 9).astype(float)) for _ in range(40))


def test_correlations_are_those_of_scipy_ties_and_all():
    x, y = map(np.stack, zip(*cases(), strict=True))
    for rows, columns, rho, tau in zip(x, y, spearman(x, y), kendall(x, y), strict=True):
        assert rho == pytest.approx(stats.spearmanr(rows, columns).statistic)
        assert tau == pytest.approx(stats.kendalltau(rows, columns).statistic)


def test_correlations_by_hand():
    up = np.arange(4)
    assert spearman(up, up**3) == kendall(up, up**3) == 1
    assert spearman(up, -up) == kendall(up, -up) == -1
    assert kendall(up, np.array([1, 0, 2, 3])) == pytest.approx(4 / 6), "five pairs agree, one does not"
    assert spearman(up, np.array([1, 0, 2, 3])) == pytest.approx(1 - 6 * 2 / (4 * 15))


def test_no_order_is_no_correlation():
    for correlation in (spearman, kendall):
        found = correlation(np.array([[1, 1, 1], [1, 2, 3]]), np.array([[1, 2, 3], [1, 2, 3]]))
        assert np.isnan(found[0]) and found[1] == pytest.approx(1)
        assert np.isnan(correlation(np.array([1.0]), np.array([2.0])))


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


@pytest.mark.parametrize("function", [spearman, kendall, bootstrap_spearman])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [([1, 2], [1, 2, 3], "as many of each"), ([], [], "at least one"), ([1, np.nan], [1, 2], "finite")],
)
def test_what_cannot_be_ranked_is_refused(function, x, y, message):
    with pytest.raises(SettingError, match=message):
        function(np.array(x), np.array(y))


def test_an_interval_needs_two_pairs():
    with pytest.raises(SettingError, match="two pairs or more"):
        bootstrap_spearman(np.array([1]), np.array([1]))


def test_draws_that_do_not_vary_count_as_no_correlation():
    assert bootstrap_spearman(np.array([1, 2, 3]), np.array([5, 5, 5])) == (0, 0)

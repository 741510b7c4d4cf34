import numpy as np
import pytest
from scipy import stats

from ofclip.errors import SettingError
from ofclip.metrics.selection import kendall, regret, spearman


def test_regret_by_hand():
    targets = np.array([0.5, 0.75, 0.25])
    assert regret(np.array([1, 2, 3]), targets) == 0.5, "the worst is chosen"
    assert regret(np.array([1, 3, 2]), targets) == 0.0, "the best is chosen"
    assert regret(np.array([3, 1, 3]), targets) == 0.375, "first or last, each in half of the cases"
    assert regret(np.zeros(3), targets) == 0.25, "any of them"
    both = regret(np.array([[1, 2, 3], [1, 3, 2]]), np.stack([targets, targets]))
    assert both.tolist() == [0.5, 0.0]


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


@pytest.mark.parametrize("function", [regret, spearman, kendall])
def test_what_cannot_be_compared_is_refused(function):
    with pytest.raises(SettingError, match=r"scores \(2,\) and targets \(3,\)"):
        function(np.zeros(2), np.zeros(3))
    with pytest.raises(SettingError, match="at least one"):
        function(np.zeros(0), np.zeros(0))
    with pytest.raises(SettingError, match="must be finite"):
        function(np.array([1.0, np.nan]), np.zeros(2))

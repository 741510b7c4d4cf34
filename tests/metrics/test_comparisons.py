from itertools import product

import numpy as np
import pytest
from scipy import stats

from ofclip.errors import SettingError
from ofclip.metrics import comparisons
from ofclip.metrics.comparisons import holm, paired_bootstrap, paired_permutation


def scipys(ours, theirs, **settings):
    return stats.permutation_test(
        (ours, theirs), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples",
        vectorized=True, **settings,
    ).pvalue  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("values", ["continuous", "ties"])
def test_exact_p_equals_scipys_over_all_sign_patterns(seed, values):
    rng = np.random.default_rng(seed)
    ours, theirs = rng.normal(0.4, 1, 10), rng.normal(size=10)
    if values == "ties":
        ours, theirs = ours.round(), theirs.round()
    assert paired_permutation(ours, theirs) == pytest.approx(scipys(ours, theirs, n_resamples=np.inf))


@pytest.mark.parametrize("seed", range(5))
def test_p_of_hits_is_the_exact_mcnemar_test_at_any_n(seed):
    rng = np.random.default_rng(seed)
    ours, theirs = rng.random(5000) < 0.32, rng.random(5000) < 0.3
    better, worse = (ours & ~theirs).sum(), (theirs & ~ours).sum()
    expected = stats.binomtest(better, better + worse).pvalue
    assert paired_permutation(ours, theirs) == pytest.approx(expected)


def test_drawn_p_comes_near_the_exact_one_and_never_to_zero(monkeypatch):
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(0.35, 1, 14), rng.normal(size=14).round()
    exact = paired_permutation(ours, theirs)
    assert 0.01 < exact < 0.6
    monkeypatch.setattr(comparisons, "_EXACT", 1)
    drawn = paired_permutation(ours, theirs)
    assert drawn != exact and drawn == pytest.approx(exact, abs=4 * np.sqrt(exact / 10_000))
    tied = paired_permutation(ours.round(), theirs)
    assert tied == pytest.approx(scipys(ours.round(), theirs, n_resamples=np.inf), abs=0.02)
    assert paired_permutation(np.arange(1.0, 200), np.zeros(199), permutations=999) == 1 / 1000


def test_a_groups_differences_flip_together():
    ours = np.array([1.0, 2.0, 4.0, -1.0, 3.0])
    groups = np.array(["b", "a", "b", "c", "a"])
    sums = np.array([5.0, 5.0, -1.0])
    slow = np.mean([abs(np.dot(signs, sums)) >= 9 for signs in product((1, -1), repeat=3)])
    assert paired_permutation(ours, np.zeros(5), groups) == slow == 0.5
    assert paired_permutation(ours, np.zeros(5)) == pytest.approx(scipys(ours, np.zeros(5), n_resamples=np.inf))


def test_p_is_uniform_where_the_models_are_alike():
    rng = np.random.default_rng(3)
    p = [paired_permutation(*rng.normal(size=(2, 40)), permutations=199, seed=i) for i in range(300)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(p) == pytest.approx(0.5, abs=0.05)


def test_equal_models_do_not_differ():
    values = np.random.default_rng(0).random(50)
    assert paired_permutation(values, values) == 1.0
    assert paired_bootstrap(values, values) == (0.0, (0.0, 0.0))


def test_pairs_are_resampled_together():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=400)
    ours, theirs = hard + 0.1 + 0.01 * rng.normal(size=400), hard
    difference, (low, high) = paired_bootstrap(ours, theirs)
    slow = stats.bootstrap(
        (ours, theirs), lambda a, b, axis: (a - b).mean(axis), paired=True, vectorized=True, method="percentile",
        n_resamples=5000, rng=1,
    ).confidence_interval  # fmt: skip
    assert difference == pytest.approx(0.1, abs=0.002)
    np.testing.assert_allclose((low, high), slow, atol=0.1 * (slow.high - slow.low))


def test_holm_by_hand_and_as_a_step_down_test():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0] and holm([]).tolist() == []
    rng = np.random.default_rng(0)
    for p in rng.random((50, 6)) ** 3:
        rejected = np.zeros(6, bool)
        for step, i in enumerate(np.argsort(p)):  # the procedure itself: stop at the first that does not hold
            if p[i] > 0.05 / (6 - step):
                break
            rejected[i] = True
        np.testing.assert_array_equal(holm(p) <= 0.05, rejected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_permutation(np.zeros(3), np.zeros(4)), "must pair up"),
        (lambda: paired_bootstrap(np.zeros(0), np.zeros(0)), "must pair up"),
        (lambda: paired_permutation(np.array([1.0, np.nan]), np.zeros(2)), "query 1 are not finite"),
        (lambda: paired_permutation(np.zeros(3), np.zeros(3), groups=np.arange(2)), "groups have the shape"),
        (lambda: paired_permutation(np.zeros(3), np.zeros(3), permutations=9), "at least 100"),
        (lambda: holm([0.2, 1.3]), "between 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(SettingError, match=message):
        call()

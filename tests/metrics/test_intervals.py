import numpy as np
import pytest
from scipy import stats

from ofclip.errors import SettingError
from ofclip.metrics.classification import marginals, mean_per_class_accuracy, weighted_f1
from ofclip.metrics.intervals import bootstrap_confusion, bootstrap_mean, bootstrap_median, counted_median


@pytest.mark.parametrize(("ours", "statistic"), [(bootstrap_mean, np.mean), (bootstrap_median, np.median)])
@pytest.mark.parametrize("n", [400, 401])
def test_resampling_counts_equals_resampling_values(ours, statistic, n):
    values = np.random.default_rng(n).exponential(size=n).round(1)
    slow = stats.bootstrap(
        (values,), statistic, n_resamples=5000, method="percentile", vectorized=True, rng=1
    ).confidence_interval
    width = slow.high - slow.low
    np.testing.assert_allclose(ours(values, resamples=20_000), slow, atol=0.1 * width)


def test_counted_median_equals_the_median_of_the_values():
    rng = np.random.default_rng(0)
    values = np.sort(rng.normal(size=9))
    for n in (1, 2, 7, 8, 500):
        counts = rng.multinomial(n, np.full(9, 1 / 9), size=50)
        slow = [np.median(np.repeat(values, row)) for row in counts]
        np.testing.assert_allclose(counted_median(values, counts), slow)


def test_confusion_bootstrap_equals_resampling_the_pairs():
    rng = np.random.default_rng(3)
    true = rng.choice(4, 200, p=[0.6, 0.2, 0.15, 0.05])
    predicted = np.where(rng.random(200) < 0.6, true, rng.integers(0, 4, 200))
    confusion = np.zeros((4, 4), dtype=int)
    np.add.at(confusion, (true, predicted), 1)
    for statistic in (weighted_f1, mean_per_class_accuracy):
        slow = []
        for rows in rng.integers(0, 200, (3000, 200)):
            drawn = np.zeros((4, 4), dtype=int)
            np.add.at(drawn, (true[rows], predicted[rows]), 1)
            slow.append(statistic(*marginals(drawn)))
        low, high = np.quantile(slow, (0.025, 0.975))
        ours = bootstrap_confusion(confusion, statistic, resamples=6000)
        np.testing.assert_allclose(ours, (low, high), atol=0.08 * (high - low))


def test_batches_cover_all_resamples_and_the_seed_decides(monkeypatch):
    values = np.random.default_rng(0).random(300)
    whole = bootstrap_mean(values, resamples=500)
    assert bootstrap_mean(values, resamples=500) == whole
    assert bootstrap_mean(values, resamples=500, seed=1) != whole
    monkeypatch.setattr("ofclip.metrics.intervals._BATCH", 1000)
    assert bootstrap_mean(values, resamples=500) == pytest.approx(whole)


def coverage(draw, interval, truth, runs=400):
    """Return the share of simulated samples whose interval holds the truth."""
    rng = np.random.default_rng(7)
    inside = [low <= truth <= high for low, high in (interval(draw(rng)) for _ in range(runs))]
    return np.mean(inside)


# The share of 400 intervals has a standard error of 1.1 %: the limits are 2.7 of them on either side.
LOW, HIGH = 0.92, 0.98


def test_intervals_of_recall_and_median_cover_the_truth():
    share = coverage(lambda rng: rng.random(300) < 0.3, lambda v: bootstrap_mean(v, 400), 0.3)
    assert LOW <= share <= HIGH
    median = np.log(2)
    share = coverage(lambda rng: rng.exponential(size=101), lambda v: bootstrap_median(v, 400), median)
    assert LOW <= share <= HIGH


def test_interval_of_weighted_f1_covers_the_truth():
    cells = np.array([[0.35, 0.05, 0.1], [0.05, 0.2, 0.05], [0.05, 0.05, 0.1]])
    truth = weighted_f1(*marginals(cells * 10**6))

    def draw(rng):
        return rng.multinomial(400, cells.ravel()).reshape(3, 3)

    share = coverage(draw, lambda confusion: bootstrap_confusion(confusion, weighted_f1, 400), truth)
    assert LOW <= share <= HIGH


def test_nothing_observed_is_an_error():
    with pytest.raises(SettingError, match="0 observations"):
        bootstrap_mean(np.array([]))

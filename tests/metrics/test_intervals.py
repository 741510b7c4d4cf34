import numpy as np
import pytest
from scipy import stats

from ofclip.errors import SettingError
from ofclip.metrics.classification import marginals, mean_per_class_accuracy, weighted_f1
from ofclip.metrics.intervals import (
    bootstrap_classes,
    bootstrap_confusion,
    bootstrap_counts,
    bootstrap_mean,
    bootstrap_median,
    bootstrap_rows,
    counted_median,
)


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
    share = coverage(lambda rng: rng.random(300) < 0.3, lambda v: bootstrap_mean(v, resamples=400), 0.3)
    assert LOW <= share <= HIGH
    median = np.log(2)
    share = coverage(lambda rng: rng.exponential(size=101), lambda v: bootstrap_median(v, resamples=400), median)
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


SKEWED = np.random.default_rng(5).exponential(size=60) ** 2


@pytest.mark.parametrize("values", [SKEWED, SKEWED.round(), SKEWED > 0.5], ids=["continuous", "ties", "hits"])
def test_bca_of_a_mean_equals_scipys(values):
    values = values.astype(float)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", vectorized=True, rng=1
    ).confidence_interval
    # a mean of hits moves in steps of one observation
    near = max(0.03 * (theirs.high - theirs.low), 1.01 / 60 if set(values) == {0, 1} else 0)
    np.testing.assert_allclose(bootstrap_mean(values, resamples=20_000, method="bca"), theirs, atol=near)
    distinct, counts = np.unique(values, return_counts=True)
    by_counts = bootstrap_counts(counts, lambda drawn: drawn @ distinct / 60, resamples=20_000, method="bca")
    np.testing.assert_allclose(by_counts, theirs, atol=near)


def test_bca_is_the_textbook_formula_on_the_same_resamples():
    values = np.sort(SKEWED[:20])
    drawn = values[np.random.default_rng(0).integers(0, 20, (2000, 20), dtype=np.int32)].mean(axis=1)
    bias = stats.norm.ppf((drawn < values.mean()).mean())
    change = np.array([np.delete(values, i).mean() for i in range(20)])
    change = change.mean() - change
    acceleration = (change**3).sum() / (6 * (change**2).sum() ** 1.5)
    tails = [bias + stats.norm.ppf(q) for q in (0.025, 0.975)]
    shares = [stats.norm.cdf(bias + tail / (1 - acceleration * tail)) for tail in tails]
    assert acceleration > 0.05
    np.testing.assert_allclose(bootstrap_mean(values, method="bca"), np.quantile(drawn, shares))


@pytest.mark.parametrize("values", [np.ones(9), np.full(30, 0.1), np.array([0.3])])
def test_where_bca_is_not_defined_it_is_the_percentile_interval(values):
    expected = (pytest.approx(values[0]),) * 2
    assert bootstrap_mean(values, method="bca") == bootstrap_mean(values) == expected
    assert bootstrap_median(values, method="bca") == expected
    one_group = np.zeros(len(values))
    assert bootstrap_mean(values, one_group, method="bca") == expected


@pytest.fixture(scope="module")
def grouped():
    """Values (300,) that depend on their group, and groups of 1 to 12 rows in no order."""
    rng = np.random.default_rng(2)
    groups = rng.permutation(np.repeat(np.arange(60), rng.integers(1, 13, 60))[:300])
    return rng.normal(size=60)[groups] + 0.3 * rng.normal(size=300), groups


def slowly(values, groups, statistic, resamples=4000):
    """The 95 % interval by drawing whole groups one after the other."""
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = []
    for _ in range(resamples):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        drawn.append(statistic(values[rows]))
    return np.quantile(drawn, (0.025, 0.975))


@pytest.mark.parametrize(("ours", "statistic"), [(bootstrap_mean, np.mean), (bootstrap_median, np.median)])
@pytest.mark.parametrize("change", [np.asarray, lambda values: values > 0.5], ids=["continuous", "hits"])
def test_groups_are_drawn_whole(grouped, ours, statistic, change):
    values, groups = change(grouped[0]), grouped[1]
    slow = slowly(values, groups, statistic)
    width = max(slow[1] - slow[0], 0.5)
    fast = ours(values, np.array([f"product {group}" for group in groups]), resamples=8000)
    np.testing.assert_allclose(fast, slow, atol=0.06 * width)
    assert np.diff(fast) >= np.diff(ours(values, resamples=8000))


def test_bca_of_groups_equals_scipys_bootstrap_of_their_ratio(grouped):
    values, groups = np.exp(grouped[0]), grouped[1]
    sums, sizes = np.bincount(groups, weights=values), np.bincount(groups)
    theirs = stats.bootstrap(
        (sums, sizes), lambda s, n, axis: s.sum(axis) / n.sum(axis), paired=True, vectorized=True,
        n_resamples=10_000, method="BCa", rng=3,
    ).confidence_interval  # fmt: skip
    ours = bootstrap_mean(values, groups, resamples=10_000, method="bca")
    np.testing.assert_allclose(ours, theirs, atol=0.04 * (theirs.high - theirs.low))


def test_groups_of_one_are_no_groups(grouped):
    values, alone = grouped[0], np.random.default_rng(0).permutation(300)
    for function in (bootstrap_mean, bootstrap_median):
        assert function(values, alone) == function(values)
    labels, predictions = np.arange(300) % 3, (values > 0).astype(int)
    assert bootstrap_classes(labels, predictions, 3, weighted_f1, alone) == bootstrap_classes(
        labels, predictions, 3, weighted_f1
    )


def test_classes_of_groups_are_drawn_whole(grouped):
    groups = grouped[1]
    labels = groups % 4
    predictions = np.where(grouped[0] > 0, labels, (labels + 1) % 4)

    def slow(rows):
        drawn = np.zeros((4, 4), dtype=int)
        np.add.at(drawn, (labels[rows], predictions[rows]), 1)
        return weighted_f1(*marginals(drawn))

    expected = slowly(np.arange(300), groups, slow)
    ours = bootstrap_classes(labels, predictions, 4, weighted_f1, groups, resamples=8000)
    np.testing.assert_allclose(ours, expected, atol=0.06 * (expected[1] - expected[0]))


def test_interval_of_grouped_values_covers_the_truth():
    def draw(rng):
        groups = np.repeat(np.arange(80), rng.integers(1, 6, 80))
        return rng.normal(size=80)[groups] + rng.normal(size=len(groups)), groups

    share = coverage(draw, lambda drawn: bootstrap_mean(*drawn, resamples=400), 0.0)
    blind = coverage(draw, lambda drawn: bootstrap_mean(drawn[0], resamples=400), 0.0)
    assert LOW - 0.01 <= share <= HIGH and blind < 0.9


def test_any_statistic_of_rows_can_be_resampled(grouped):
    values, groups = grouped
    ours = bootstrap_rows(lambda drawn: drawn @ values / drawn.sum(axis=1), 300, groups, resamples=8000)
    np.testing.assert_allclose(ours, bootstrap_mean(values, groups, resamples=8000), atol=0.03)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"values": np.zeros((2, 2))}, "values must be"),
        ({"values": np.array([1.0, np.nan])}, "value 1 is nan"),
        ({"groups": np.arange(4)}, "groups have the shape"),
        ({"resamples": 1}, "resamples must be at least 2"),
        ({"method": "bcq"}, "did you mean 'bca'"),
    ],
)
@pytest.mark.parametrize("function", [bootstrap_mean, bootstrap_median])
def test_what_cannot_be_resampled_is_refused(function, settings, message):
    with pytest.raises(SettingError, match=message):
        function(**{"values": np.arange(3.0), **settings})


def test_what_is_not_possible_says_so():
    with pytest.raises(SettingError, match="median of groups has no BCa"):
        bootstrap_median(np.arange(4.0), np.array([0, 0, 1, 1]), method="bca")
    with pytest.raises(SettingError, match="0 observations"):
        bootstrap_rows(lambda drawn: drawn.sum(axis=1), 0)
    with pytest.raises(SettingError, match="not defined on any of 2000 resamples"):
        bootstrap_rows(lambda drawn: np.full(len(drawn), np.nan), 5)


def test_resamples_on_which_a_statistic_is_not_defined_are_left_out():
    def second_of_the_first_two(drawn):
        known = drawn[:, 0] + drawn[:, 1]
        return np.divide(drawn[:, 1], known, out=np.full(len(drawn), np.nan), where=known > 0)

    assert bootstrap_rows(second_of_the_first_two, 6) == (0.0, 1.0)

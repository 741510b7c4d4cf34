import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.raking import effective_size, imbalance, rake, resampled_means


def shares(labels, weights):
    return {str(value): float(weights[labels == value].sum()) for value in np.unique(labels)}


def test_two_labels_get_the_shares_of_the_target():
    rng = np.random.default_rng(0)
    sample = [rng.choice(list("abc"), 400, p=[0.6, 0.3, 0.1]), rng.choice(list("xy"), 400)]
    target = [rng.choice(list("abc"), 90, p=[0.1, 0.2, 0.7]), rng.choice(list("xy"), 90, p=[0.9, 0.1])]
    weights = rake(sample, target)
    assert weights.sum() == pytest.approx(1) and (weights > 0).all()
    for ours, theirs in zip(sample, target, strict=True):
        assert shares(ours, weights) == pytest.approx(shares(theirs, np.full(90, 1 / 90)), abs=1e-5)
    assert imbalance(sample, target, weights) < 1e-5 < imbalance(sample, target, np.ones(400))


def test_raking_is_the_classical_fit_of_a_table():
    """A sample of one item per cell is a table of ones: its fit to independent margins is their product."""
    rows, columns = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    target = [np.array([0, 0, 0, 1]), np.array([0, 1, 1, 2])]
    assert rake([rows, columns], target) == pytest.approx(np.outer([3 / 4, 1 / 4], [1 / 4, 1 / 2, 1 / 4]).ravel())


def test_a_sample_that_fits_already_keeps_even_weights_and_strangers_get_none():
    labels = np.array(["a", "b"])
    assert rake([labels], [labels]).tolist() == [0.5, 0.5]
    assert rake([np.array(["a", "z", "b"])], [labels]).tolist() == [0.5, 0.0, 0.5]


def test_shares_out_of_reach_are_said():
    """Only a goes with x, so a's share and x's cannot differ: the last label fits, the first is off."""
    sample = [np.array(["a", "b"]), np.array(["x", "y"])]
    target = [np.array(["a", "a", "a", "b"]), np.array(["x", "y", "x", "y"])]
    weights = rake(sample, target)
    assert weights.tolist() == pytest.approx([0.5, 0.5])
    assert imbalance(sample, target, weights) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("sample", "target", "message"),
    [
        ([], [], "same labels on both sides"),
        ([np.array(["a"])], [np.array(["a"]), np.array(["b"])], "same labels on both sides"),
        ([np.array(["a"])], [np.array(["b"])], "no item of 'b'"),
        ([np.array(["a"])], [np.array([])], "label 1 has another length than the first, or is empty"),
        ([np.array(["a"]), np.array(["a", "b"])], [np.array(["a"])] * 2, "label 2 has another length"),
    ],
)
def test_what_cannot_be_raked_is_refused(sample, target, message):
    with pytest.raises(SettingError, match=message):
        rake(sample, target)


def test_effective_size():
    assert effective_size(np.ones(7)) == 7
    assert effective_size(np.array([2.0, 1.0, 1.0])) == pytest.approx(16 / 6)


def test_resampled_means_spread_as_theory_says_and_groups_widen_them():
    rng = np.random.default_rng(0)
    values = (rng.random(400) < 0.3).astype(float)
    means = resampled_means(values, np.ones(400), np.arange(400))
    assert means.mean() == pytest.approx(values.mean(), abs=0.002)
    assert means.std() == pytest.approx(values.std() / 20, rel=0.1)
    doubled = resampled_means(np.repeat(values, 2), np.ones(800), np.repeat(np.arange(400), 2))
    assert doubled.std() == pytest.approx(means.std(), rel=0.05)  # twins add nothing
    weights = rng.random(400)
    assert resampled_means(values, weights, np.arange(400)).mean() == pytest.approx(
        np.average(values, weights=weights), abs=0.005
    )
    assert (resampled_means(values, weights, np.arange(400)) == resampled_means(values, weights, np.arange(400))).all()

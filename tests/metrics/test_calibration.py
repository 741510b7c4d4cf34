import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from ofclip.errors import SettingError
from ofclip.metrics.calibration import (
    bins_of,
    bootstrap_ece,
    calibrated_ece,
    expected_calibration_error,
    reliability,
    softmax,
)


def test_ece_by_hand():
    confidences = np.array([0.1, 0.2, 0.55, 0.6, 0.9, 1.0])
    hits = np.array([0, 1, 1, 1, 1, 0])
    # bins of width 0.5: |0.5 - 0.15| * 2/6 + |0.75 - 0.7625| * 4/6
    assert expected_calibration_error(confidences, hits, bins=2) == pytest.approx(0.35 / 3 + 0.0125 * 2 / 3)
    # bins of three answers: |2/3 - 0.85/3| / 2 + |2/3 - 2.5/3| / 2
    expected = (2 / 3 - 0.85 / 3) / 2 + (2.5 / 3 - 2 / 3) / 2
    assert expected_calibration_error(confidences, hits, bins=2, scheme="mass") == pytest.approx(expected)
    mean, accuracy, counts = reliability(confidences, hits, bins=2)
    np.testing.assert_allclose([mean, accuracy, counts], [[0.15, 0.7625], [0.5, 0.75], [2, 4]])


def test_an_edge_belongs_to_the_bin_below_it():
    assert bins_of(np.array([0.0, 0.25, 0.2501, 0.5, 0.75, 1.0]), bins=4).tolist() == [0, 0, 1, 1, 2, 3]


def test_equal_confidences_share_a_bin_of_equal_mass():
    confidences = np.array([0.5, 0.9, 0.5, 0.5, 0.2, 0.9])
    assert bins_of(confidences, bins=3, scheme="mass").tolist() == [0, 2, 0, 0, 0, 2]
    rng = np.random.default_rng(0)
    assert np.bincount(bins_of(rng.random(150), scheme="mass")).tolist() == [10] * 15


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_equal_width_equals_torchmetrics(bins):
    rng = np.random.default_rng(bins)
    probabilities = softmax(rng.normal(size=(400, 7)), scale=2.5)
    labels = rng.integers(0, 7, 400)
    confidences, hits = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    theirs = multiclass_calibration_error(torch.tensor(probabilities), torch.tensor(labels), 7, n_bins=bins)
    assert expected_calibration_error(confidences, hits, bins) == pytest.approx(float(theirs), abs=1e-6)


@pytest.mark.parametrize("scheme", ["width", "mass"])
def test_ece_equals_the_slow_sum_over_bins(scheme):
    rng = np.random.default_rng(1)
    confidences, hits = rng.beta(5, 2, 300).round(2), rng.random(300) < 0.6
    places, slow = bins_of(confidences, 9, scheme), 0
    for place in set(places):
        inside = places == place
        slow += inside.mean() * abs(hits[inside].mean() - confidences[inside].mean())
    assert expected_calibration_error(confidences, hits, 9, scheme) == pytest.approx(slow)


def test_softmax_is_torchs_and_survives_clips_largest_scale():
    scores = np.random.default_rng(0).uniform(-1, 1, (50, 9)).astype(np.float32)
    theirs = torch.softmax(torch.tensor(scores, dtype=torch.float64) * 100, dim=1)
    np.testing.assert_allclose(softmax(scores, 100), theirs, atol=1e-12)
    assert np.isfinite(softmax(scores, 1e6)).all()


def test_noise_alone_has_an_ece_that_falls_with_n():
    rng = np.random.default_rng(0)
    values = [calibrated_ece(rng.beta(3, 2, n)) for n in (50, 500, 5000)]
    assert values == sorted(values, reverse=True) and values[0] > 3 * values[2] > 0
    confidences = rng.beta(3, 2, 400)
    inside = 0
    for _ in range(40):  # the interval of a calibrated model holds what noise alone gives
        low, high = bootstrap_ece(confidences, rng.random(400) < confidences, resamples=200)
        inside += 0 <= low < calibrated_ece(confidences, draws=20) < high
    assert inside >= 32


def test_interval_holds_the_error_of_a_model_that_is_too_sure():
    rng = np.random.default_rng(2)
    confidences = rng.uniform(0.7, 1, 1500)
    hits = rng.random(1500) < confidences - 0.2
    low, high = bootstrap_ece(confidences, hits)
    assert low < 0.2 < high and high - low < 0.06
    groups = np.arange(1500) // 10
    wide = bootstrap_ece(np.repeat(confidences[::10], 10), np.repeat(hits[::10], 10), groups)
    narrow = bootstrap_ece(np.repeat(confidences[::10], 10), np.repeat(hits[::10], 10))
    assert np.diff(wide) > 2 * np.diff(narrow)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bins_of(np.array([0.5, 1.2])), "confidence 1 is 1.2"),
        (lambda: bins_of(np.array([np.nan])), "confidence 0 is nan"),
        (lambda: bins_of(np.array([])), "there are none"),
        (lambda: bins_of(np.array([0.5]), bins=0), "bins must be at least 1"),
        (lambda: bins_of(np.array([0.5]), scheme="wide"), "did you mean 'width'"),
        (lambda: softmax(np.array([[0.1, np.nan]])), "row 0 times the scale"),
    ],
)
def test_what_is_no_confidence_is_refused(call, message):
    with pytest.raises(SettingError, match=message):
        call()

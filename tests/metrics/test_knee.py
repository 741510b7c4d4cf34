import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.knee import above_chord, knee


def test_the_knee_by_hand():
    gains, losses = np.array([0.0, 3.0, 3.5, 4.0]), np.array([10.0, 9.0, 8.5, 5.0])
    assert above_chord(gains, losses).tolist() == pytest.approx([0, 0.75 + 0.8 - 1, 0.875 + 0.7 - 1, 0])
    assert knee(gains, losses) == 2
    assert knee(gains[:3], losses[:3]) == 1, "6/7 of the gain for 2/3 of the loss"


def test_the_height_is_that_over_the_chord_in_the_scaled_plane():
    rng = np.random.default_rng(0)
    gains, losses = np.sort(rng.random(7)), np.sort(rng.random(7))[::-1]
    start, end = (np.array([g, k]) for g, k in ((0, 1), (1, 0)))
    x = (gains - gains[0]) / (gains[-1] - gains[0])
    y = (losses - losses[-1]) / (losses[0] - losses[-1])
    along = end - start
    distances = [
        (along[0] * (b - start[1]) - along[1] * (a - start[0])) / np.hypot(*along) for a, b in zip(x, y, strict=True)
    ]
    assert above_chord(gains, losses) == pytest.approx(np.array(distances) * np.sqrt(2))


def test_units_do_not_move_it():
    gains, losses = np.array([1, 2, 6, 7, 8]), np.array([9, 8, 7, 4, 1])
    assert knee(gains, losses) == knee(100 * gains - 3, 0.01 * losses + 7) == 2


def test_without_a_trade_off_there_is_no_knee():
    rising, falling, straight = np.array([0, 2, 3]), np.array([3, 2, 0]), np.arange(3)
    assert knee(rising, rising) is None, "nothing is lost"
    assert knee(falling, falling) is None, "nothing is gained"
    assert knee(straight, np.array([2, 1, 0])) is None, "all on the chord"
    assert knee(straight, np.array([2.0, 0.5, 0.0])) is None, "below it"
    assert np.isnan(above_chord(np.stack([rising, rising]), np.stack([rising, falling]))).tolist() == [
        [True] * 3, [False] * 3,
    ]


def test_of_equal_heights_the_first_counts():
    assert knee(np.array([0, 2, 3, 4]), np.array([4, 3, 2, 0])) == 1


def test_shapes_must_fit():
    with pytest.raises(SettingError, match="3 points or more"):
        knee(np.arange(2), np.arange(2))
    with pytest.raises(SettingError, match="for the same"):
        above_chord(np.arange(3), np.arange(4))
    with pytest.raises(SettingError, match="one curve at a time"):
        knee(np.zeros((2, 3)), np.zeros((2, 3)))

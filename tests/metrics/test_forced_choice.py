import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.forced_choice import accuracy, chance, ties, wins


def test_hand_made_scores():
    right = np.array([0.9, 0.5, 0.5, 0.1])
    wrong = np.array([[0.1, 0.2], [0.5, 0.1], [0.4, 0.6], [0.0, 0.0]])
    assert wins(right, wrong).tolist() == [True, False, False, True]
    assert ties(right, wrong).tolist() == [False, True, False, False]
    assert accuracy(right, wrong) == 0.5


def test_against_a_slow_loop_and_argmax_with_the_right_caption_last_on_tie_ridden_scores():
    """ARO's own evaluation takes numpy's argmax over (wrong, right): the first of equals, so a tie is a miss."""
    scores = np.random.default_rng(0).integers(0, 4, (500, 2))
    found = wins(scores[:, 1], scores[:, 0])
    assert found.tolist() == [bool(right > wrong) for wrong, right in scores]
    assert found.tolist() == (scores.argmax(axis=1) == 1).tolist()
    assert ties(scores[:, 1], scores[:, 0]).sum() == (scores[:, 0] == scores[:, 1]).sum() > 0


def test_random_scores_reach_chance():
    scores = np.random.default_rng(1).random((20_000, 4))
    assert accuracy(scores[:, 0], scores[:, 1:]) == pytest.approx(chance(4), abs=0.01)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (np.ones(3), np.ones(2), "expected scores"),
        (np.ones(3), np.ones((3, 0)), "expected scores"),
        (np.ones((3, 1)), np.ones(3), "expected scores"),
        (np.array([1, np.nan]), np.ones(2), "right captions: row 1 is not finite"),
        (np.ones(2), np.array([[0, 1], [np.inf, 0]]), "wrong captions: row 1 is not finite"),
    ],
)
def test_what_is_no_choice_is_refused(right, wrong, message):
    with pytest.raises(SettingError, match=message):
        wins(right, wrong)


def test_a_choice_needs_two():
    with pytest.raises(SettingError, match="2 captions or more, got 1"):
        chance(1)

"""Forced choice: does the right one of several captions score highest for its picture?

The form of the tests of Yuksekgonul et al. 2023 ("When and why vision-language models behave like bags-of-words",
ICLR, arXiv 2210.01936): a picture, its caption, and wrong captions made of it. A tie counts against the model, since
a model that cannot tell two captions apart has not chosen the right one.
"""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def wins(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Return (n,) whether the score of the right caption (n,) is above those of all wrong ones, (n,) or (n, m).

    Raises SettingError for shapes that do not fit, for no wrong caption, and for scores that are not finite.

    >>> wins(np.array([0.3, 0.2, 0.5]), np.array([0.1, 0.2, 0.6])).tolist()
    [True, False, False]
    """
    right, wrong = _checked(right, wrong)
    return np.all(right[:, None] > wrong, axis=1)


def ties(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Return (n,) whether the right caption shares the highest score with a wrong one; arguments as `wins`.

    >>> ties(np.array([0.3, 0.2, 0.5]), np.array([0.1, 0.2, 0.6])).tolist()
    [False, True, False]
    """
    right, wrong = _checked(right, wrong)
    return right == wrong.max(axis=1)


def accuracy(right: np.ndarray, wrong: np.ndarray) -> float:
    """Return the share of pictures whose right caption wins; arguments and errors as `wins`.

    >>> accuracy(np.array([0.3, 0.2]), np.array([[0.1, 0.0], [0.1, 0.2]]))
    0.5
    """
    return float(wins(right, wrong).mean())


def chance(alternatives: int) -> float:
    """Return the accuracy of guessing among so many captions, the right one included.

    >>> chance(2)
    0.5
    """
    if alternatives < 2:
        raise SettingError(f"a choice needs 2 captions or more, got {alternatives}")
    return 1 / alternatives


def _checked(right: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    right, wrong = np.asarray(right), np.asarray(wrong)
    if wrong.ndim == 1:
        wrong = wrong[:, None]
    if right.ndim != 1 or wrong.ndim != 2 or len(right) != len(wrong) or 0 in wrong.shape:
        raise SettingError(
            f"expected scores (n,) of right and (n, m) of wrong captions with n, m > 0, got {right.shape} and "
            f"{wrong.shape}"
        )
    for name, scores in (("right", right), ("wrong", wrong)):
        bad = ~np.isfinite(scores.reshape(len(scores), -1)).all(axis=1)
        if bad.any():
            raise SettingError(f"scores of {name} captions: row {int(bad.argmax())} is not finite")
    return right, wrong

"""Single-label classification: accuracy@k, confusion, and scores per class.

The scores over classes take `hits`, `support` and `predicted`: per class, how many were predicted rightly,
how many there are, and how often the class was predicted, each (..., C).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Marginals(NamedTuple):
    """Counts per class, each (..., C)."""

    hits: np.ndarray
    support: np.ndarray
    predicted: np.ndarray


def hits_at(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Return for scores (n, C) whether class labels (n,) is among the k best; equal scores count against it.

    >>> hits_at(np.array([[0.1, 0.9, 0.5], [0.4, 0.4, 0.1]]), np.array([2, 0]), k=1).tolist()
    [False, False]
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    return (scores >= own).sum(axis=1) <= k


def predict(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the class (n,) of the best of scores (n, C); where the true class ties, the other one is taken.

    So `predict(scores, labels) == labels` is `hits_at(scores, labels, 1)`.
    """
    others = scores.copy()
    np.put_along_axis(others, labels[:, None], -np.inf, axis=1)
    rival = others.argmax(axis=1)
    rows = np.arange(len(scores))
    return np.where(scores[rows, labels] > others[rows, rival], labels, rival)


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Return counts (C, C): row = true class, column = predicted class."""
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def marginals(confusion: np.ndarray) -> Marginals:
    """Return hits, support and predicted counts of a confusion matrix (C, C)."""
    return Marginals(confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0))


def precision(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return hits / predicted per class, 0 for a class that is never predicted."""
    return hits / np.maximum(predicted, 1)


def recall(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return hits / support per class, 0 for a class that does not occur."""
    return hits / np.maximum(support, 1)


def f1(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the harmonic mean of precision and recall per class, 0 for a class without any hit."""
    return 2 * hits / np.maximum(support + predicted, 1)


def weighted_f1(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return F1 averaged over classes by support, as scikit-learn's `f1_score(average="weighted")`.

    >>> float(weighted_f1(*marginals(np.array([[3, 1], [0, 4]]))).round(4))
    0.873
    """
    return (f1(hits, support, predicted) * support).sum(axis=-1) / support.sum(axis=-1)


def macro_f1(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return F1 averaged over the classes that occur, each counting as much as any other.

    scikit-learn's `f1_score(average="macro")` with `labels` the classes that occur; by default it also averages
    over classes that are predicted and do not occur, whose F1 is 0.

    >>> float(macro_f1(*marginals(np.array([[3, 1], [0, 4]]))).round(4))
    0.873
    """
    return f1(hits, support, predicted).sum(axis=-1) / (support > 0).sum(axis=-1)


def mean_per_class_accuracy(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return recall averaged over the classes that occur, as scikit-learn's `balanced_accuracy_score`."""
    return recall(hits, support, predicted).sum(axis=-1) / (support > 0).sum(axis=-1)


def chance_weighted_f1(support: np.ndarray) -> float:
    """Return the weighted F1 of guessing all C classes equally often, for support (C,).

    A class of share p then has expected precision p and recall 1/C, so F1 = 2p / (1 + Cp), weighted by p.
    This takes the ratio of expectations for the expected ratio, which is close unless the sample is tiny.
    """
    share = support / support.sum()
    return float((share * 2 * share / (1 + len(share) * share)).sum())


def chance_macro_f1(support: np.ndarray) -> float:
    """Return the macro F1 of guessing all C classes equally often, for support (C,): the approximation is the same."""
    share = support[support > 0] / support.sum()
    return float((2 * share / (1 + len(support) * share)).mean())


def majority_share(support: np.ndarray) -> float:
    """Return the accuracy of always answering the most frequent class, for support (C,)."""
    return float(support.max() / support.sum())

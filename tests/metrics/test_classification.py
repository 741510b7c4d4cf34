import numpy as np
import pytest
from sklearn import metrics as sklearn

from ofclip.metrics import classification


@pytest.fixture(scope="module")
def scored():
    """Scores (500, 7) without ties and skewed labels; class 6 never occurs."""
    rng = np.random.default_rng(0)
    labels = rng.choice(6, 500, p=[0.5, 0.2, 0.1, 0.1, 0.06, 0.04])
    scores = rng.normal(size=(500, 7))
    scores[np.arange(500), labels] += 1.2
    return scores, labels


def test_hand_made_confusion():
    confusion = classification.confusion_matrix(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 2]), 3)
    assert confusion.tolist() == [[1, 1, 0], [0, 2, 1], [0, 0, 0]]
    counts = classification.marginals(confusion)
    assert classification.precision(*counts).tolist() == [1, 2 / 3, 0]
    assert classification.recall(*counts).tolist() == [1 / 2, 2 / 3, 0]
    assert classification.f1(*counts).tolist() == [2 / 3, 2 / 3, 0]
    assert classification.weighted_f1(*counts) == pytest.approx(2 / 3)
    assert classification.mean_per_class_accuracy(*counts) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert classification.majority_share(counts.support) == 3 / 5


def test_against_sklearn(scored):
    scores, labels = scored
    predictions = classification.predict(scores, labels)
    confusion = classification.confusion_matrix(labels, predictions, 7)
    np.testing.assert_array_equal(confusion, sklearn.confusion_matrix(labels, predictions, labels=range(7)))

    counts = classification.marginals(confusion)
    per_class = (classification.precision, classification.recall, classification.f1)
    ours = [function(*counts) for function in per_class]
    theirs = sklearn.precision_recall_fscore_support(labels, predictions, labels=range(7), zero_division=0)
    np.testing.assert_allclose(ours + [counts.support], theirs)
    weighted = sklearn.f1_score(labels, predictions, average="weighted")
    assert classification.weighted_f1(*counts) == pytest.approx(weighted)
    seen = sklearn.recall_score(labels, predictions, labels=range(6), average="macro")
    assert classification.mean_per_class_accuracy(*counts) == pytest.approx(seen)
    macro = sklearn.f1_score(labels, predictions, labels=range(6), average="macro")
    assert classification.macro_f1(*counts) == pytest.approx(macro)


def rare(rng, n):
    return rng.choice(5, n, p=[0.9, 0.07, 0.01, 0.01, 0.01])


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [
        (np.zeros(30, int), np.zeros(30, int)),  # one class only, all right
        (np.zeros(30, int), np.ones(30, int)),  # one class only, never found
        (np.arange(30) % 2, np.full(30, 4)),  # answers are all of a class without test items
        (np.arange(30) % 5, np.full(30, 2)),  # four classes are never predicted
        (rare(np.random.default_rng(0), 200), rare(np.random.default_rng(1), 200)),
        (np.array([3]), np.array([3])),  # one picture
    ],
)
def test_degenerate_labels_against_sklearn(labels, predictions):
    counts = classification.marginals(classification.confusion_matrix(labels, predictions, 5))
    occur = np.unique(labels)
    assert classification.weighted_f1(*counts) == pytest.approx(
        sklearn.f1_score(labels, predictions, average="weighted", zero_division=0)
    )
    assert classification.macro_f1(*counts) == pytest.approx(
        sklearn.f1_score(labels, predictions, labels=occur, average="macro", zero_division=0)
    )
    assert classification.mean_per_class_accuracy(*counts) == pytest.approx(
        sklearn.recall_score(labels, predictions, labels=occur, average="macro", zero_division=0)
    )
    theirs = sklearn.precision_recall_fscore_support(labels, predictions, labels=range(5), zero_division=0)
    functions = (classification.precision, classification.recall, classification.f1)
    np.testing.assert_allclose([*(function(*counts) for function in functions), counts.support], theirs)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_accuracy_at_k_against_sklearn(scored, k):
    scores, labels = scored
    theirs = sklearn.top_k_accuracy_score(labels, scores, k=k, labels=range(7))
    assert classification.hits_at(scores, labels, k).mean() == pytest.approx(theirs)
    if k == 1:
        assert theirs == pytest.approx(sklearn.accuracy_score(labels, classification.predict(scores, labels)))


def test_ties_count_against_the_true_class():
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 3, (300, 4)).astype(float)
    labels = rng.integers(0, 4, 300)
    slow = [scores[i, labels[i]] > np.delete(scores[i], labels[i]).max() for i in range(300)]
    np.testing.assert_array_equal(classification.hits_at(scores, labels, 1), slow)
    predictions = classification.predict(scores, labels)
    np.testing.assert_array_equal(predictions == labels, slow)
    np.testing.assert_array_equal(scores[np.arange(300), predictions], scores.max(axis=1))


@pytest.mark.parametrize("support", [[400, 300, 200, 100], [900, 50, 50], [20] * 40])
def test_chance_of_weighted_f1_is_what_guessing_reaches(support):
    support = np.array(support)
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(support)), support)
    guesses = [
        sklearn.f1_score(labels, rng.integers(0, len(support), len(labels)), average="weighted")
        for _ in range(200)
    ]
    assert classification.chance_weighted_f1(support) == pytest.approx(np.mean(guesses), rel=0.02)
    macro = [
        sklearn.f1_score(labels, rng.integers(0, len(support), len(labels)), average="macro") for _ in range(200)
    ]
    assert classification.chance_macro_f1(support) == pytest.approx(np.mean(macro), rel=0.05)

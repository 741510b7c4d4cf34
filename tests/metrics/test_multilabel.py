from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn
from torchmetrics.functional.classification import multilabel_average_precision

from ofclip.errors import SettingError
from ofclip.metrics import multilabel

SCORES = np.array([[0.9, 0.5, 0.5, 0.1], [0.2, 0.8, 0.3, 0.4], [0.6, 0.6, 0.6, 0.6], [0.1, 0.2, 0.3, 0.4]])
TRUTH = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]])


@pytest.fixture(scope="module", params=["continuous", "ties"])
def labelled(request):
    """Scores (200, 12) that know something, and truth with 0 to 5 attributes each; attribute 11 never occurs."""
    rng = np.random.default_rng(4)
    truth = rng.random((200, 12)) < np.linspace(0.4, 0.02, 12)
    truth[:, 11] = False
    scores = rng.normal(size=(200, 12)) + 1.2 * truth
    return (scores.round() if request.param == "ties" else scores), truth


def test_recalls_by_hand():
    hits = multilabel.in_top(SCORES, TRUTH, 2)
    assert hits.tolist() == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(multilabel.recall_of_attributes(hits, TRUTH), [1 / 2, 1 / 2, 0, 1])
    assert multilabel.recall_per_attribute(hits, TRUTH) == 1 / 2
    assert multilabel.recall_pooled(hits, TRUTH) == 3 / 6
    np.testing.assert_allclose(multilabel.recall_of_pictures(hits, TRUTH), [1 / 2, 2 / 3, 0])
    assert multilabel.precision_of_pictures(hits, 2).tolist() == [1 / 2, 1, 0, 0]
    assert multilabel.in_top(SCORES, TRUTH, 9).tolist() == TRUTH.tolist()
    assert multilabel.precision_of_pictures(multilabel.in_top(SCORES, TRUTH, 9), 9).tolist() == [0.5, 0.75, 0.25, 0]


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_equals_the_slow_list(labelled, k):
    scores, truth = labelled
    slow = np.zeros_like(truth)
    for i in range(len(scores)):
        ranked = sorted(range(12), key=lambda a: (-scores[i, a], truth[i, a], a))  # noqa: B023
        for a in ranked[:k]:
            slow[i, a] = truth[i, a]
    hits = multilabel.in_top(scores, truth, k)
    np.testing.assert_array_equal(hits, slow)
    recall = [slow[truth[:, a], a].mean() for a in range(11)]
    assert multilabel.recall_per_attribute(hits, truth) == pytest.approx(np.mean(recall))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_recall_and_precision_equal_sklearns_on_the_top_k_as_answers(k):
    rng = np.random.default_rng(k)
    scores, truth = rng.normal(size=(150, 9)), rng.random((150, 9)) < 0.3
    truth[truth.sum(axis=1) == 0, 0] = True
    answers = np.zeros_like(truth)
    np.put_along_axis(answers, np.argsort(-scores)[:, :k], True, axis=1)
    hits = multilabel.in_top(scores, truth, k)
    for ours, average in (
        (multilabel.recall_per_attribute(hits, truth), "macro"),
        (multilabel.recall_pooled(hits, truth), "micro"),
        (multilabel.recall_of_pictures(hits, truth).mean(), "samples"),
    ):
        assert ours == pytest.approx(sklearn.recall_score(truth, answers, average=average))
    ours = multilabel.precision_of_pictures(hits, k).mean()
    assert ours == pytest.approx(sklearn.precision_score(truth, answers, average="samples"))


def test_one_attribute_per_picture_is_accuracy_at_k():
    from ofclip.metrics.classification import hits_at

    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 4, (300, 6)).astype(float), rng.integers(0, 6, 300)
    truth = np.eye(6)[labels]
    for k in (1, 3):
        hits = multilabel.in_top(scores, truth, k)
        np.testing.assert_array_equal(hits.any(axis=1), hits_at(scores, labels, k))


def test_average_precision_equals_sklearns_and_torchmetrics(labelled):
    scores, truth = labelled
    ours = multilabel.average_precisions(scores, truth)
    theirs = [sklearn.average_precision_score(truth[:, a], scores[:, a]) for a in range(11)]
    np.testing.assert_allclose(ours[:11], theirs)
    assert np.isnan(ours[11])
    probabilities = torch.sigmoid(torch.tensor(scores))
    theirs = multilabel_average_precision(probabilities[:, :11], torch.tensor(truth[:, :11]).long(), 11)
    assert multilabel.mean_average_precision(scores, truth) == pytest.approx(float(theirs), abs=1e-5)


def test_equal_scores_have_the_average_precision_of_their_share():
    truth = np.array([[1], [0], [0], [1], [0]])
    assert multilabel.average_precisions(np.zeros((5, 1)), truth)[0] == pytest.approx(2 / 5)


@pytest.mark.parametrize(("relevant", "n"), [(1, 4), (2, 5), (4, 4), (1, 1), (3, 6)])
def test_chance_of_average_precision_is_the_mean_over_all_orders(relevant, n):
    orders = set(permutations([1] * relevant + [0] * (n - relevant)))
    slow = np.mean([sklearn.average_precision_score(order, -np.arange(n)) for order in orders])
    assert multilabel.chance_average_precision(relevant, n) == pytest.approx(slow)


def test_chance_of_recall_is_k_of_all_attributes():
    rng = np.random.default_rng(0)
    truth = rng.random((3000, 8)) < 0.3
    hits = multilabel.in_top(rng.random((3000, 8)), truth, 3)
    for recall in (multilabel.recall_per_attribute, multilabel.recall_pooled):
        assert recall(hits, truth) == pytest.approx(3 / 8, abs=0.02)


@pytest.mark.parametrize("k", [1, 2])
def test_ceilings_are_the_best_of_all_answers(k):
    rng = np.random.default_rng(k)
    truth = rng.random((4, 4)) < 0.6
    truth[0] = True
    answers = [np.isin(np.arange(4), chosen) for chosen in combinations(range(4), k)]
    best = max(
        multilabel.recall_per_attribute(np.array(drawn) & truth, truth)
        for drawn in np.array(np.meshgrid(*[np.arange(len(answers))] * 4)).reshape(4, -1).T
        for drawn in [[answers[i] for i in drawn]]
    )
    assert multilabel.ceiling_recall_per_attribute(truth, k) == pytest.approx(best)
    own = truth.sum(axis=1)[truth.any(axis=1)]
    np.testing.assert_allclose(multilabel.ceiling_recall_of_pictures(truth, k), np.minimum(own, k) / own)


def test_the_most_frequent_attributes_are_the_blind_baseline():
    assert multilabel.frequent(TRUTH, 1).tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert multilabel.recall_pooled(multilabel.frequent(TRUTH, 2), TRUTH) == 4 / 6


def test_intervals_equal_drawing_the_pictures(labelled):
    scores, truth = labelled
    hits = multilabel.in_top(scores, truth, 3)
    rng = np.random.default_rng(0)
    recalls, precisions = [], []
    for rows in rng.integers(0, 200, (600, 200)):
        recalls.append(multilabel.recall_per_attribute(hits[rows], truth[rows]))
        precisions.append(multilabel.mean_average_precision(scores[rows], truth[rows]))
    for ours, slow in (
        (multilabel.bootstrap_recall_per_attribute(hits, truth, resamples=3000), recalls),
        (multilabel.bootstrap_mean_average_precision(scores, truth, resamples=800), precisions),
    ):
        if slow is precisions:  # which repeated pictures bias
            slow = slow - np.mean(slow) + multilabel.mean_average_precision(scores, truth)
        low, high = np.quantile(slow, (0.025, 0.975))
        np.testing.assert_allclose(ours, (low, high), atol=0.15 * (high - low))


def test_interval_of_average_precision_covers_what_as_many_pictures_give():
    rng = np.random.default_rng(3)

    def draw():
        truth = rng.random((150, 5)) < np.array([0.4, 0.2, 0.1, 0.05, 0.03])
        truth[0] = True
        return rng.normal(size=(150, 5)) + truth, truth

    expected = np.mean([multilabel.mean_average_precision(*draw()) for _ in range(600)])
    inside = 0
    for _ in range(100):
        low, high = multilabel.bootstrap_mean_average_precision(*draw(), resamples=100)
        inside += low < expected < high
    assert inside >= 88


def test_pictures_of_one_group_are_drawn_together():
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.random((30, 5)) < 0.5, 10, axis=0)
    scores = np.repeat(rng.normal(size=(30, 5)), 10, axis=0) + truth
    groups = np.repeat(np.arange(30), 10)
    hits = multilabel.in_top(scores, truth, 2)
    for function, first in (
        (multilabel.bootstrap_recall_per_attribute, hits),
        (multilabel.bootstrap_mean_average_precision, scores),
    ):
        wide, narrow = (function(first, truth, label, resamples=300) for label in (groups, None))
        assert np.diff(wide) > 2 * np.diff(narrow)


def test_a_family_that_few_pictures_have_still_has_intervals():
    truth = np.zeros((12, 3), dtype=bool)
    truth[[0, 5], [1, 2]] = True
    scores = np.random.default_rng(0).normal(size=(12, 3))
    hits = multilabel.in_top(scores, truth, 1)
    for interval in (
        multilabel.bootstrap_recall_per_attribute(hits, truth),
        multilabel.bootstrap_mean_average_precision(scores, truth),
    ):
        assert 0 <= interval[0] <= interval[1] <= 1


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 3, (50, 6)), rng.random((50, 6)) < 0.4
    whole = multilabel.in_top(scores, truth, 2)
    monkeypatch.setattr(multilabel, "_BLOCK", 7)
    np.testing.assert_array_equal(multilabel.in_top(scores, truth, 2), whole)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: multilabel.in_top(SCORES, TRUTH, 0), "k must be at least 1"),
        (lambda: multilabel.in_top(SCORES, TRUTH[:3], 1), "must both be"),
        (lambda: multilabel.in_top(SCORES[:0], TRUTH[:0], 1), "and not empty"),
        (lambda: multilabel.average_precisions(np.where(SCORES == 0.8, np.nan, SCORES), TRUTH), "row 1, attribute 1"),
        (lambda: multilabel.average_precisions(SCORES, TRUTH * 2), "must be 0 or 1"),
        (lambda: multilabel.mean_average_precision(SCORES, TRUTH * 0), "no picture has any"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(SettingError, match=message):
        call()

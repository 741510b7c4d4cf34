import ir_measures
import numpy as np
import pytest
from peers import torchmetrics, trec
from sklearn.metrics import average_precision_score
from torchmetrics.functional.retrieval import retrieval_average_precision

from ofclip.errors import SettingError
from ofclip.metrics import average_precision as module
from ofclip.metrics.average_precision import average_precision, positive_scores
from ofclip.metrics.ranking import TIES, ranked
from ofclip.metrics.relevance import of_sets

KS = (None, 1, 3, 10)


@pytest.fixture
def found():
    """One query, scores 3 2 1 0 -1, the second, third and last wanted."""
    items = np.array([[3.0], [2.0], [1.0], [0.0], [-1.0]])
    return ranked(np.array([[1.0]]), items, of_sets([[1, 2, 4]], 5))


def test_hand_made_precisions_full_and_cut(found):
    assert average_precision(found).tolist() == pytest.approx([(1 / 2 + 2 / 3 + 3 / 5) / 3])
    assert average_precision(found, k=2).tolist() == pytest.approx([(1 / 2) / 3])
    assert positive_scores(found).tolist() == pytest.approx([(1 / 2 + 2 / 3) / 2])
    assert positive_scores(found, k=2).tolist() == [1 / 2] and positive_scores(found, k=1).tolist() == [0]
    with pytest.raises(SettingError, match="k must be at least 1"):
        average_precision(found, k=0)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("k", KS)
def test_equals_the_slow_version(tied, ties, k):
    expected = [
        sum((place + 1) / rank for place, rank in enumerate(ranks) if k is None or rank <= k) / len(ranks)
        for ranks in tied.slow(ties)
    ]
    assert average_precision(tied.found, k, ties).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("k", KS)
def test_it_is_trec_evals(untied, tied, k):
    measure = ir_measures.AP if k is None else ir_measures.AP @ k
    for case, ties in ((untied, "pessimistic"), (tied, "by index")):
        theirs = trec(measure, case.scores, case.relevant)
        np.testing.assert_allclose(average_precision(case.found, k, ties), theirs, rtol=1e-6)


@pytest.mark.parametrize("k", KS)
def test_positive_scores_is_torchmetrics(untied, k):
    theirs = torchmetrics(retrieval_average_precision, untied.scores, untied.relevant, top_k=k)
    np.testing.assert_allclose(positive_scores(untied.found, k), theirs, rtol=1e-5)


def test_it_is_scikit_learns_without_ties(untied):
    theirs = [average_precision_score(*pair) for pair in zip(untied.relevant, untied.scores, strict=True)]
    np.testing.assert_allclose(average_precision(untied.found), theirs, rtol=1e-6)


def test_scikit_learn_takes_tied_items_at_once():
    """The stated difference: equal scores share one threshold there, so one of two tied items has precision 1/2."""
    found = ranked(np.ones((1, 1)), np.ones((2, 1)), of_sets([[0]], 2))
    assert average_precision_score([1, 0], [1.0, 1.0]) == 1 / 2
    assert [average_precision(found, None, ties).item() for ties in TIES] == [1 / 2, 1, 1]
    items = np.array([[1.0], [1.0], [1.0], [0.5]])
    found = ranked(np.ones((1, 1)), items, of_sets([[0, 1]], 4))
    assert average_precision_score([1, 1, 0, 0], items[:, 0]) == pytest.approx(2 / 3)
    assert average_precision(found).tolist() == pytest.approx([(1 / 2 + 2 / 3) / 2])


@pytest.mark.parametrize("k", [None, 1, 4])
def test_chance_is_what_random_orders_reach(k):
    rng = np.random.default_rng(0)
    right = rng.permuted(np.tile(np.arange(10), (60_000, 1)), axis=1)
    ranks = np.arange(1, 11)
    found = []
    for relevant in (1, 4, 10):
        hit = right < relevant
        terms = hit * hit.cumsum(axis=1) / ranks * (ranks <= (k or 10))
        found.append(terms.sum(axis=1).mean() / relevant)
        assert module.chance(10, relevant, k) == pytest.approx(found[-1], abs=0.01)
    assert module.chance(10, np.array([1, 4, 10]), k) == pytest.approx(np.mean(found), abs=0.01)
    assert module.chance(1) == 1

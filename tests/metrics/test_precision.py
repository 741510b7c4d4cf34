import ir_measures
import numpy as np
import pytest
from peers import torchmetrics, trec
from torchmetrics.functional.retrieval import retrieval_precision

from ofclip.errors import SettingError
from ofclip.metrics import precision
from ofclip.metrics.ranking import TIES, ranked
from ofclip.metrics.relevance import of_sets, of_targets

KS = (1, 3, 10, 45, 99)


def test_hand_made_definitions_differ():
    """Scores 3 2 1 0 -1, the second, third and last wanted."""
    items = np.array([[3.0], [2.0], [1.0], [0.0], [-1.0]])
    found = ranked(np.array([[1.0]]), items, of_sets([[1, 2, 4]], 5))
    for k, hit, share, positive in ((1, 0, 0, 0), (2, 1, 1, 1), (4, 1, 2, 2), (5, 1, 3, 2), (9, 1, 3, 2)):
        assert precision.any_hit(found, k).tolist() == [hit / k]
        assert precision.fraction(found, k).tolist() == [share / k]
        assert precision.positive_scores(found, k).tolist() == [positive / k]
    with pytest.raises(SettingError, match="choose another definition"):
        precision.diagonal(found, 1)
    with pytest.raises(SettingError, match="k must be at least 1"):
        precision.fraction(found, 0)
    own = ranked(np.array([[1.0]]), items, of_targets([1], 5))
    assert [precision.diagonal(own, k).tolist() for k in (1, 2, 5)] == [[0], [1 / 2], [1 / 5]]


@pytest.mark.parametrize("ties", TIES)
def test_equals_counting_by_hand(tied, ties):
    for k in KS:
        expected = [sum(rank <= k for rank in ranks) / k for ranks in tied.slow(ties)]
        assert precision.fraction(tied.found, k, ties).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("k", KS)
def test_fraction_is_trec_evals_also_with_ties_by_index(untied, tied, k):
    for case, ties in ((untied, "pessimistic"), (tied, "by index")):
        theirs = trec(ir_measures.P @ k, case.scores, case.relevant)
        np.testing.assert_allclose(precision.fraction(case.found, k, ties), theirs, rtol=1e-6)


@pytest.mark.parametrize("k", KS)
def test_positive_scores_is_torchmetrics(untied, k):
    theirs = torchmetrics(retrieval_precision, untied.scores, untied.relevant, top_k=k)
    np.testing.assert_allclose(precision.positive_scores(untied.found, k), theirs, rtol=1e-6)


def test_chance_levels_are_what_random_orders_reach():
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(12), (40_000, 1)), axis=1)
    for relevant in (1, 3, 10):
        right = orders[:, :4] < relevant
        assert precision.chance_fraction(12, 4, relevant) == pytest.approx(right.mean(), abs=0.01)
        assert precision.chance_any_hit(12, 4, relevant) == pytest.approx(right.any(axis=1).mean() / 4, abs=0.01)
    assert precision.chance_fraction(12, 24, np.array([1, 3])) == pytest.approx(2 / 24)

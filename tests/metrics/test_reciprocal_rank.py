import ir_measures
import numpy as np
import pytest
from peers import torchmetrics, trec
from torchmetrics.functional.retrieval import retrieval_reciprocal_rank

from ofclip.errors import SettingError
from ofclip.metrics import reciprocal_rank as module
from ofclip.metrics.ranking import TIES, ranked
from ofclip.metrics.reciprocal_rank import positive_scores, reciprocal_rank
from ofclip.metrics.relevance import of_sets

KS = (None, 1, 3, 10)


def test_hand_made_ranks_full_and_cut():
    items = np.array([[3.0], [2.0], [1.0], [-1.0]])
    found = ranked(np.array([[1.0], [-1.0], [1.0]]), items, of_sets([[3, 1], [0], [3]], 4))
    assert reciprocal_rank(found).tolist() == [1 / 2, 1 / 4, 1 / 4]
    assert reciprocal_rank(found, k=2).tolist() == [1 / 2, 0, 0]
    assert positive_scores(found).tolist() == [1 / 2, 0, 0]
    with pytest.raises(SettingError, match="k must be at least 1"):
        reciprocal_rank(found, k=0)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("k", KS)
def test_equals_the_slow_version(tied, ties, k):
    expected = [1 / ranks[0] if k is None or ranks[0] <= k else 0 for ranks in tied.slow(ties)]
    assert reciprocal_rank(tied.found, k, ties).tolist() == expected


def test_it_is_trec_evals(untied, tied):
    for case, ties in ((untied, "pessimistic"), (tied, "by index")):
        theirs = trec(ir_measures.RR, case.scores, case.relevant)
        np.testing.assert_allclose(reciprocal_rank(case.found, None, ties), theirs, rtol=1e-6)


@pytest.mark.parametrize("k", KS)
def test_positive_scores_is_torchmetrics(untied, k):
    theirs = torchmetrics(retrieval_reciprocal_rank, untied.scores, untied.relevant, top_k=k)
    np.testing.assert_allclose(positive_scores(untied.found, k), theirs, rtol=1e-6)


@pytest.mark.parametrize("k", [None, 1, 3])
def test_chance_is_what_random_orders_reach(k):
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(10), (60_000, 1)), axis=1)
    found = []
    for relevant in (1, 4, 10):
        first = 1 + (orders < relevant).argmax(axis=1)
        found.append(np.where(first <= (k or 10), 1 / first, 0).mean())
        assert module.chance(10, relevant, k) == pytest.approx(found[-1], abs=0.01)
    assert module.chance(10, np.array([1, 4, 10]), k) == pytest.approx(np.mean(found), abs=0.01)


def test_chance_of_one_is_the_harmonic_number():
    assert module.chance(4) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)

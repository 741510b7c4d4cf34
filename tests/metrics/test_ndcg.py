import ir_measures
import numpy as np
import pytest
from peers import torchmetrics, trec
from sklearn.metrics import ndcg_score
from torchmetrics.functional.retrieval import retrieval_normalized_dcg

from ofclip.errors import SettingError
from ofclip.metrics import ndcg as module
from ofclip.metrics.ndcg import ndcg
from ofclip.metrics.ranking import TIES, ranked
from ofclip.metrics.relevance import of_sets

KS = (None, 1, 3, 10)


def test_hand_made_gains_full_and_cut():
    items = np.array([[3.0], [2.0], [1.0]])
    found = ranked(np.array([[1.0]]), items, of_sets([[0, 2]], 3))
    best = 1 + 1 / np.log2(3)
    assert ndcg(found).tolist() == pytest.approx([(1 + 1 / 2) / best])
    assert ndcg(found, k=2).tolist() == pytest.approx([1 / best])
    assert ndcg(found, k=1).tolist() == [1] and ndcg(found, k=9).tolist() == ndcg(found).tolist()
    with pytest.raises(SettingError, match="k must be at least 1"):
        ndcg(found, k=0)


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("k", KS)
def test_equals_the_slow_version(tied, ties, k):
    expected = []
    for ranks in tied.slow(ties):
        last = k or 45
        gain = sum(1 / np.log2(rank + 1) for rank in ranks if rank <= last)
        expected.append(gain / sum(1 / np.log2(place + 1) for place in range(1, min(len(ranks), last) + 1)))
    assert ndcg(tied.found, k, ties).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("k", KS)
def test_it_is_trec_evals(untied, tied, k):
    measure = ir_measures.nDCG if k is None else ir_measures.nDCG @ k
    for case, ties in ((untied, "pessimistic"), (tied, "by index")):
        theirs = trec(measure, case.scores, case.relevant)
        np.testing.assert_allclose(ndcg(case.found, k, ties), theirs, rtol=1e-6)


@pytest.mark.parametrize("k", KS)
def test_it_is_torchmetrics_and_scikit_learns_without_ties(untied, k):
    ours = ndcg(untied.found, k)
    theirs = torchmetrics(retrieval_normalized_dcg, untied.scores, untied.relevant.astype(int), top_k=k)
    rounding = untied.scores.shape[1] * 2**-24  # theirs adds up so many 32-bit numbers
    np.testing.assert_allclose(ours, theirs, rtol=max(1e-5, rounding))
    theirs = [ndcg_score(a[None], b[None], k=k) for a, b in zip(untied.relevant, untied.scores, strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_both_average_over_ties(tied):
    """The stated difference: they give tied items the mean gain of their places, which lies between our rules."""
    low, high = ndcg(tied.found, 10), ndcg(tied.found, 10, "optimistic")
    theirs = torchmetrics(retrieval_normalized_dcg, tied.scores, tied.relevant.astype(int), top_k=10)
    assert (low <= theirs + 1e-6).all() and (theirs <= high + 1e-6).all() and (low < high).any()
    sklearn = [ndcg_score(a[None], b[None], k=10) for a, b in zip(tied.relevant, tied.scores, strict=True)]
    np.testing.assert_allclose(theirs, sklearn, rtol=1e-5)


@pytest.mark.parametrize("k", [None, 1, 4])
def test_chance_is_what_random_orders_reach(k):
    rng = np.random.default_rng(0)
    right = rng.permuted(np.tile(np.arange(10), (60_000, 1)), axis=1)
    discounts = 1 / np.log2(np.arange(2, 12)) * (np.arange(10) < (k or 10))
    found = []
    for relevant in (1, 4, 10):
        found.append(((right < relevant) @ discounts).mean() / discounts[:relevant].sum())
        assert module.chance(10, relevant, k) == pytest.approx(found[-1], abs=0.01)
    assert module.chance(10, np.array([1, 4, 10]), k) == pytest.approx(np.mean(found), abs=0.01)

import sys
from types import ModuleType

import ir_measures
import numpy as np
import pytest
import torch
from peers import torchmetrics, trec
from torchmetrics.functional.retrieval import retrieval_recall

from ofclip.errors import SettingError
from ofclip.metrics import recall
from ofclip.metrics.ranking import TIES, ranked
from ofclip.metrics.relevance import of_groups, of_sets, of_targets

KS = (1, 3, 10, 45, 99)


@pytest.fixture
def found():
    """One query, scores 3 2 1 0 -1, the second, third and last wanted."""
    items = np.array([[3.0], [2.0], [1.0], [0.0], [-1.0]])
    return ranked(np.array([[1.0]]), items, of_sets([[1, 2, 4]], 5))


def test_hand_made_definitions_differ(found):
    for k, hit, share, positive in ((1, 0, 0, 0), (2, 1, 1 / 3, 1 / 3), (4, 1, 2 / 3, 2 / 3), (5, 1, 1, 2 / 3)):
        assert recall.any_hit(found, k).tolist() == [hit]
        assert recall.fraction(found, k).tolist() == [share]
        assert recall.positive_scores(found, k).tolist() == [positive]
    with pytest.raises(SettingError, match="query 0 has 3: choose another definition"):
        recall.diagonal(found, 1)


def test_of_one_right_item_all_definitions_are_one():
    rng = np.random.default_rng(0)
    vectors = np.abs(rng.normal(size=(30, 4)))
    found = ranked(vectors + 0.3 * rng.normal(size=vectors.shape) ** 2, vectors, of_targets(np.arange(30), 30))
    values = [function(found, 5).tolist() for function in recall.DEFINITIONS.values()]
    assert values[0] == values[1] == values[2] == values[3] and 0 < np.mean(values[0]) < 1


def test_a_k_beyond_the_gallery_finds_all_and_one_below_1_is_refused(found):
    assert recall.fraction(found, 99).tolist() == [1] and recall.positive_scores(found, 99).tolist() == [2 / 3]
    for function in list(recall.DEFINITIONS.values())[1:]:
        with pytest.raises(SettingError, match="k must be at least 1"):
            function(found, 0)


@pytest.mark.parametrize("ties", TIES)
def test_equals_counting_by_hand(tied, ties):
    slow = tied.slow(ties)
    for k in KS:
        expected = [sum(rank <= k for rank in ranks) / len(ranks) for ranks in slow]
        assert recall.fraction(tied.found, k, ties).tolist() == pytest.approx(expected)
        assert recall.any_hit(tied.found, k, ties).tolist() == [ranks[0] <= k for ranks in slow]


@pytest.mark.parametrize("k", KS)
def test_fraction_is_trec_evals_also_with_ties_by_index(untied, tied, k):
    for case, ties in ((untied, "pessimistic"), (tied, "by index")):
        theirs = trec(ir_measures.R @ k, case.scores, case.relevant)
        np.testing.assert_allclose(recall.fraction(case.found, k, ties), theirs, rtol=1e-6)


@pytest.mark.parametrize("k", KS)
def test_positive_scores_is_torchmetrics(untied, k):
    theirs = torchmetrics(retrieval_recall, untied.scores, untied.relevant, top_k=k)
    np.testing.assert_allclose(recall.positive_scores(untied.found, k), theirs, rtol=1e-6)


def test_torchmetrics_drops_right_items_of_negative_score(random):
    """The stated difference: with every item taken, the fraction is one, torchmetrics' is less."""
    assert (recall.fraction(random.found, 45) == 1).all()
    assert (torchmetrics(retrieval_recall, random.scores, random.relevant, top_k=45) < 1).any()


def test_torchmetrics_lies_between_the_rules_on_ties(tied):
    for k in KS:
        theirs = torchmetrics(retrieval_recall, tied.scores, tied.relevant, top_k=k)
        assert (recall.positive_scores(tied.found, k, "pessimistic") <= theirs + 1e-6).all()
        assert (theirs <= recall.positive_scores(tied.found, k, "optimistic") + 1e-6).all()


@pytest.fixture
def clip_benchmark(monkeypatch):
    pytest.importorskip("clip_benchmark")
    for name in ("webdataset", "pycocoevalcap"):  # other parts of that package want them
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    return pytest.importorskip("clip_benchmark.metrics.zeroshot_retrieval")


@pytest.mark.parametrize("k", [1, 5, 10])
def test_any_hit_is_clip_benchmarks(clip_benchmark, k):
    """Three captions per picture, in both directions."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(60, 8)).astype(np.float32)
    owner = np.repeat(np.arange(60), 3)
    texts = (images[owner] + 1.5 * rng.normal(size=(180, 8))).astype(np.float32)
    scores = torch.from_numpy(texts @ images.T)
    right = torch.from_numpy(owner[:, None] == np.arange(60))
    for queries, items, groups, gallery, score, pairs in (
        (texts, images, owner, np.arange(60), scores, right),
        (images, texts, np.arange(60), owner, scores.T, right.T),
    ):
        found = ranked(queries, items, of_groups(groups, gallery))
        theirs = clip_benchmark.recall_at_k(score, pairs, k).numpy()
        np.testing.assert_array_equal(recall.any_hit(found, k), theirs > 0)
        np.testing.assert_allclose(recall.fraction(found, k), theirs, rtol=1e-6)  # before it looks for any hit
        assert 0 < recall.any_hit(found, k).mean() < 1


def test_fraction_is_clip_benchmarks_without_ties(clip_benchmark, untied):
    for k in (1, 5, 10):
        scores, relevant = torch.from_numpy(untied.scores), torch.from_numpy(untied.relevant)
        theirs = clip_benchmark.recall_at_k(scores, relevant, k).numpy()
        np.testing.assert_allclose(recall.fraction(untied.found, k), theirs, rtol=1e-6)


def test_clip_benchmark_lies_between_the_rules_on_ties(clip_benchmark, tied):
    for k in (1, 3, 10):
        theirs = clip_benchmark.recall_at_k(torch.from_numpy(tied.scores), torch.from_numpy(tied.relevant), k).numpy()
        assert (recall.fraction(tied.found, k, "pessimistic") <= theirs + 1e-6).all()
        assert (theirs <= recall.fraction(tied.found, k, "optimistic") + 1e-6).all()


def test_chance_levels_are_what_random_orders_reach():
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(12), (40_000, 1)), axis=1)
    hits = [(orders[:, :4] < relevant).any(axis=1).mean() for relevant in (1, 3, 10)]
    for relevant, share in zip((1, 3, 10), hits, strict=True):
        assert recall.chance_any_hit(12, 4, relevant) == pytest.approx(share, abs=0.01)
        part = (orders[:, :4] < relevant).sum(axis=1).mean() / relevant
        assert recall.chance_fraction(12, 4) == pytest.approx(part, abs=0.01)
    assert recall.chance_any_hit(12, 4, np.array([1, 3, 10, 10])) == pytest.approx((sum(hits) + hits[2]) / 4, abs=0.01)
    for k in (1, 5, 20, 50):
        assert recall.chance_any_hit(20, k) == pytest.approx(min(k, 20) / 20) == recall.chance_fraction(20, k)

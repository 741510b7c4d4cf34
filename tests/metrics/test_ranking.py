import numpy as np
import pytest
from slow_ranking import slow_ranks

from ofclip.errors import SettingError
from ofclip.metrics import ranking
from ofclip.metrics.relevance import of_groups, of_sets, of_targets


@pytest.fixture(scope="module")
def tied():
    """Small whole numbers: products are exact and many are equal, and some items occur twice."""
    rng = np.random.default_rng(0)
    queries, items = rng.integers(-1, 2, (40, 3)), rng.integers(-1, 2, (30, 3))
    return queries, items, rng.integers(0, 30, 40)


def test_hand_made_ranks_of_one_item_under_each_rule():
    items = np.array([[1.0, 0.0], [0.5, 0.0], [0.5, 0.0], [0.0, 1.0]])
    queries = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = ranking.ranked(queries, items, of_targets([0, 2, 3, 0], 4))
    assert found.pessimistic.tolist() == [1, 3, 1, 4]
    assert found.optimistic.tolist() == [1, 2, 1, 2]
    assert found.by_index.tolist() == [1, 3, 1, 2]
    assert found.scores.tolist() == [1.0, 0.5, 1.0, 0.0]


def test_hand_made_ranks_of_sets_with_a_tie_among_right_and_wrong():
    """Scores 4 3 3 3 1: of the three equal ones the first and the last are wanted, and so is the worst."""
    items = np.array([[4.0], [3.0], [3.0], [3.0], [1.0]])
    found = ranking.ranked(np.ones((2, 1)), items, of_sets([[4, 1, 3], []], 5))
    assert found.scores.tolist() == [3.0, 3.0, 1.0]
    assert found.pessimistic.tolist() == [3, 4, 5]
    assert found.optimistic.tolist() == [2, 3, 5]
    assert found.by_index.tolist() == [2, 4, 5]
    assert (found.queries.tolist(), found.left_out, len(found), found.sizes.tolist()) == ([0], 1, 1, [3])
    assert found.first("by index").tolist() == [2] and found.places.tolist() == [1, 2, 3]


def test_both_ways_equal_each_way_alone(tied):
    queries, items, target = tied
    relevance = of_targets(target, 30)
    across, along = ranking.ranked_both_ways(queries, items, [relevance])[0]
    back = ranking.ranked(items, queries, relevance.transposed())
    for ties in ranking.TIES:
        np.testing.assert_array_equal(across.ranks(ties), ranking.ranked(queries, items, relevance).ranks(ties))
        np.testing.assert_array_equal(along.ranks(ties), back.ranks(ties))


def test_an_unknown_rule_and_an_impossible_k_are_refused():
    found = ranking.ranked(np.eye(2), np.eye(2), of_targets([0, 1], 2))
    with pytest.raises(SettingError, match="unknown tie rule 'optimist': did you mean 'optimistic'"):
        found.ranks("optimist")
    with pytest.raises(SettingError, match="k must be at least 1, got 0"):
        found.within(0)


@pytest.mark.parametrize("block", [1, 7, 40, 1000])
def test_ranks_equal_sorting_with_ties(tied, block):
    queries, items, target = tied
    expected = slow_ranks(queries, items, of_targets(target, 30), "pessimistic")
    assert ranking.ranks(queries, items, target, block).tolist() == [one for (one,) in expected]


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_any_hit_equals_sorting_with_ties(tied, block):
    queries, items, target = tied
    groups = np.array(list("abcdef"))[np.random.default_rng(1).integers(0, 6, len(items))]
    expected = slow_ranks(queries, items, of_groups(groups[target], groups), "pessimistic")
    found = ranking.any_hit_ranks(queries, items, groups[target], groups, block)
    assert found.tolist() == [first for first, *_ in expected]


def test_a_group_without_an_item_is_refused():
    good = np.ones((4, 2))
    with pytest.raises(SettingError, match="row 3 has no item of its group 9"):
        ranking.any_hit_ranks(good, good, np.array([1, 1, 1, 9]), np.ones(4, dtype=int))


def test_open_clip_agrees_on_data_without_ties():
    import torch
    from open_clip_train.train import get_clip_metrics

    from ofclip.metrics import recall
    from ofclip.metrics.median_rank import median_rank

    rng = np.random.default_rng(0)
    images = rng.normal(size=(301, 16)).astype(np.float32)
    texts = images + rng.normal(size=images.shape).astype(np.float32)
    theirs = get_clip_metrics(torch.from_numpy(images), torch.from_numpy(texts), 1.0)
    both = ranking.ranked_both_ways(images, texts, [of_targets(np.arange(301), 301)], block=64)[0]
    for name, found in zip(("image_to_text", "text_to_image"), both, strict=True):
        assert 0.1 < recall.diagonal(found, 10).mean() < 0.99
        for k in (1, 5, 10):
            assert recall.diagonal(found, k).mean() == pytest.approx(theirs[f"{name}_R@{k}"])
        assert median_rank(found) == theirs[f"{name}_median_rank"]
        assert found.pessimistic.mean() == pytest.approx(theirs[f"{name}_mean_rank"])


def test_top_is_sorted_and_keeps_the_order_of_equals():
    items = np.array([[0.2], [0.9], [0.2], [0.5]])
    assert ranking.top(np.array([[1.0], [-1.0]]), items, 3).tolist() == [[1, 3, 0], [0, 2, 3]]
    assert ranking.top(np.array([[1.0]]), items, 9).tolist() == [[1, 3, 0, 2]]

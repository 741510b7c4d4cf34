import itertools
import tracemalloc

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics import ranking


def slow_ranks(queries, items, relevant):
    """Return the rank of the first relevant item by sorting, irrelevant ones first among equals."""
    found = []
    for i, query in enumerate(queries):
        order = sorted(range(len(items)), key=lambda j: (-(query @ items[j]), relevant(i, j)))
        found.append(1 + next(place for place, j in enumerate(order) if relevant(i, j)))
    return found


@pytest.fixture(scope="module")
def tied():
    """Small whole numbers: products are exact and many are equal, and some items occur twice."""
    rng = np.random.default_rng(0)
    queries, items = rng.integers(-1, 2, (40, 3)), rng.integers(-1, 2, (30, 3))
    return queries, items, rng.integers(0, 30, 40)


def test_hand_made_ranks():
    items = np.array([[1.0, 0.0], [0.5, 0.0], [0.5, 0.0], [0.0, 1.0]])
    queries = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = ranking.ranks(queries, items, np.array([0, 1, 3, 0]))
    assert found.tolist() == [1, 3, 1, 4]
    assert ranking.recall_at(found, 1) == 0.5
    assert ranking.recall_at(found, 3) == 0.75
    assert ranking.mean_reciprocal_rank(found) == pytest.approx((1 + 1 / 3 + 1 + 1 / 4) / 4)


@pytest.mark.parametrize("block", [1, 7, 40, 1000])
def test_blocks_equal_sorting_with_ties(tied, block):
    queries, items, target = tied
    expected = slow_ranks(queries, items, lambda i, j: j == target[i])
    assert ranking.ranks(queries, items, target, block).tolist() == expected


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_any_hit_equals_sorting_with_ties(tied, block):
    queries, items, target = tied
    groups = np.array(list("abcdef"))[np.random.default_rng(1).integers(0, 6, len(items))]
    expected = slow_ranks(queries, items, lambda i, j: groups[j] == groups[target[i]])
    assert ranking.any_hit_ranks(queries, items, groups[target], groups, block).tolist() == expected


def test_any_hit_of_groups_of_one_is_the_diagonal(tied):
    queries, items, _ = tied
    names = np.arange(len(items))
    diagonal = ranking.ranks(queries[:30], items, names)
    np.testing.assert_array_equal(ranking.any_hit_ranks(queries[:30], items, names, names), diagonal)


def test_equal_items_tie_whatever_their_place():
    """Matrix products may round columns differently; equal vectors must tie all the same."""
    rng = np.random.default_rng(0)
    items = np.repeat(rng.normal(size=(67, 33)), 3, axis=0)[rng.permutation(201)]
    queries = items + 1e-3 * rng.normal(size=items.shape)
    assert ranking.ranks(queries, items, np.arange(201)).tolist() == [3] * 201


def test_a_collapsed_model_is_ranked_last():
    ones = np.ones((50, 8))
    assert ranking.ranks(ones, ones, np.arange(50)).tolist() == [50] * 50


def test_ranks_of_float16_and_columns_first_arrays():
    rng = np.random.default_rng(0)
    queries, items = rng.normal(size=(20, 8)).astype(np.float16), rng.normal(size=(20, 8)).astype(np.float16)
    expected = ranking.ranks(queries.astype(np.float32), items.astype(np.float32), np.arange(20))
    found = ranking.ranks(np.asfortranarray(queries), np.asfortranarray(items), np.arange(20))
    np.testing.assert_array_equal(found, expected)


def test_no_full_matrix_is_held():
    rng = np.random.default_rng(0)
    queries, items = rng.random((2, 4000, 16), dtype=np.float32)
    groups = np.arange(4000) // 2
    for function, arguments in (
        (ranking.ranks, (np.arange(4000),)),
        (ranking.any_hit_ranks, (groups, groups)),
    ):
        tracemalloc.start()
        function(queries, items, *arguments, block=256)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        one_block, full = 256 * 4000 * 4, 4000 * 4000 * 4
        assert one_block <= peak < 2 * one_block + items.nbytes * 4 < full / 4


def test_open_clip_agrees_on_data_without_ties():
    import torch
    from open_clip_train.train import get_clip_metrics

    rng = np.random.default_rng(0)
    images = rng.normal(size=(301, 16)).astype(np.float32)
    texts = images + rng.normal(size=images.shape).astype(np.float32)
    theirs = get_clip_metrics(torch.from_numpy(images), torch.from_numpy(texts), 1.0)
    for name, queries, items in (("image_to_text", images, texts), ("text_to_image", texts, images)):
        ranks = ranking.ranks(queries, items, np.arange(301), block=64)
        assert 0.1 < ranking.recall_at(ranks, 10) < 0.99
        for k in (1, 5, 10):
            assert ranking.recall_at(ranks, k) == pytest.approx(theirs[f"{name}_R@{k}"])
        assert np.median(ranks) == theirs[f"{name}_median_rank"]
        assert ranks.mean() == pytest.approx(theirs[f"{name}_mean_rank"])


def test_what_cannot_be_ranked_is_refused():
    good, bad = np.ones((4, 2)), np.ones((4, 2))
    bad[2, 0] = np.nan
    with pytest.raises(SettingError, match="queries: row 2"):
        ranking.ranks(bad, good, np.arange(4))
    with pytest.raises(SettingError, match="items: row 2"):
        ranking.ranks(good, bad, np.arange(4))
    with pytest.raises(SettingError, match="block must be at least 1"):
        ranking.ranks(good, good, np.arange(4), block=0)
    with pytest.raises(SettingError, match="row 3 has no item of its group 9"):
        ranking.any_hit_ranks(good, good, np.array([1, 1, 1, 9]), np.ones(4, dtype=int))


def test_top_is_sorted_and_keeps_the_order_of_equals():
    items = np.array([[0.2], [0.9], [0.2], [0.5]])
    assert ranking.top(np.array([[1.0], [-1.0]]), items, 3).tolist() == [[1, 3, 0], [0, 2, 3]]
    assert ranking.top(np.array([[1.0]]), items, 9).tolist() == [[1, 3, 0, 2]]


def test_chance_levels_are_what_a_random_order_reaches():
    rng = np.random.default_rng(0)
    items = 20
    ranks = rng.integers(1, items + 1, 200_000)  # the rank of one item in a random order is uniform
    for k in (1, 5, 20, 50):
        assert ranking.chance_recall(items, k) == pytest.approx(min(k, items) / items)
    assert ranking.chance_mean_reciprocal_rank(items) == pytest.approx((1 / ranks).mean(), rel=0.01)
    assert ranking.chance_median_rank(items) == pytest.approx(ranks.mean(), rel=0.01)
    assert abs(ranking.chance_median_rank(items) - np.median(ranks)) <= 0.5


def test_chance_of_any_hit_counts_the_relevant():
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(12), (40_000, 1)), axis=1)
    hits = [(orders[:, :4] < relevant).any(axis=1).mean() for relevant in (1, 3, 10)]
    for relevant, share in zip((1, 3, 10), hits, strict=True):
        assert ranking.chance_recall(12, 4, relevant) == pytest.approx(share, abs=0.01)
    assert ranking.chance_recall(12, 4, np.array([1, 3, 10])) == pytest.approx(np.mean(hits), abs=0.01)


def orders_of(count):
    return [np.array(order) for order in itertools.permutations(range(count))]


def rankings(texts, groups, shared):
    """Yield the ranks (n,) of every assignment of scores: whole orders of the distinct vectors.

    With shared "queries" each distinct text has its own order of the n items. With shared "items" each
    query orders the distinct texts, and equal ones tie; queries are independent there.
    """
    n = len(texts)
    if shared == "queries":
        names = sorted(set(texts))
        for choice in itertools.product(orders_of(n), repeat=len(names)):
            place = dict(zip(names, choice, strict=True))
            yield np.array([min(place[texts[i]][groups == groups[i]]) + 1 for i in range(n)])
    else:
        codes = np.unique(texts, return_inverse=True)[1]
        for order in orders_of(codes.max() + 1):
            scores = -order[codes]
            best = [scores[groups == group].max() for group in groups]
            yield np.array([
                1 + ((scores >= best[i]) & (groups != groups[i])).sum() for i in range(n)
            ])  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        ("aaab", [0, 1, 2, 3]),
        ("aabb", [0, 1, 2, 3]),
        ("aaaa", [0, 0, 1, 2]),
        ("aaab", [0, 1, 1, 1]),
        ("aabb", [0, 1, 0, 1]),
        ("aaa", [0, 0, 0]),
    ],
)
@pytest.mark.parametrize("shared", ["queries", "items"])
def test_ceilings_are_the_best_of_all_orders(texts, groups, shared):
    texts, groups = np.array(list(texts)), np.array(groups)
    function = getattr(ranking, f"best_ranks_of_shared_{shared}")
    best = function(texts, groups)
    possible = list(rankings(texts, groups, shared))
    if shared == "items":  # each query has an order of its own, so each may be best at once
        possible = [np.min(possible, axis=0)]
    for summary in (
        lambda ranks: -np.median(ranks),
        ranking.mean_reciprocal_rank,
        *(lambda ranks, k=k: ranking.recall_at(ranks, k) for k in (1, 2, 3)),
    ):
        assert summary(best) == pytest.approx(max(map(summary, possible)))


def test_ceiling_of_products_that_share_captions():
    texts = np.repeat(np.arange(3), [1, 2, 4])
    best = ranking.best_ranks_of_shared_queries(texts, np.arange(7))
    assert ranking.recall_at(best, 2) == pytest.approx((1 + 2 + 2) / 7)
    assert ranking.mean_reciprocal_rank(best) == pytest.approx((1 + 1.5 + (1 + 1 / 2 + 1 / 3 + 1 / 4)) / 7)
    best = ranking.best_ranks_of_shared_items(texts, np.arange(7))
    assert ranking.recall_at(best, 2) == pytest.approx(3 / 7)
    assert ranking.mean_reciprocal_rank(best) == pytest.approx((1 + 2 / 2 + 4 / 4) / 7)
    assert (ranking.best_ranks_of_shared_items(texts, texts) == 1).all()
    assert (ranking.best_ranks_of_shared_queries(texts, texts) == 1).all()

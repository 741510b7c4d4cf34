import itertools

import numpy as np
import pytest

from ofclip.metrics import ceilings, recall
from ofclip.metrics.average_precision import average_precision
from ofclip.metrics.ndcg import ndcg
from ofclip.metrics.reciprocal_rank import reciprocal_rank


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
    function = getattr(ceilings, f"best_ranks_of_shared_{shared}")
    best = function(texts, groups)
    possible = list(rankings(texts, groups, shared))
    if shared == "items":  # each query has an order of its own, so each may be best at once
        possible = [np.min(possible, axis=0)]
    for summary in (
        lambda ranks: -np.median(ranks),
        lambda ranks: (1 / ranks).mean(),
        *(lambda ranks, k=k: (ranks <= k).mean() for k in (1, 2, 3)),
    ):
        assert summary(best) == pytest.approx(max(map(summary, possible)))


def test_ceiling_of_products_that_share_captions():
    texts = np.repeat(np.arange(3), [1, 2, 4])
    best = ceilings.one_each(ceilings.best_ranks_of_shared_queries(texts, np.arange(7)), 7)
    assert recall.diagonal(best, 2).mean() == pytest.approx((1 + 2 + 2) / 7)
    assert reciprocal_rank(best).mean() == pytest.approx((1 + 1.5 + (1 + 1 / 2 + 1 / 3 + 1 / 4)) / 7)
    best = ceilings.one_each(ceilings.best_ranks_of_shared_items(texts, np.arange(7)), 7)
    assert recall.positive_scores(best, 2).mean() == pytest.approx(3 / 7)
    assert reciprocal_rank(best).mean() == pytest.approx((1 + 2 / 2 + 4 / 4) / 7)
    assert (ceilings.best_ranks_of_shared_items(texts, texts) == 1).all()
    assert (ceilings.best_ranks_of_shared_queries(texts, texts) == 1).all()


def test_the_ideal_order_has_all_relevant_items_first():
    best = ceilings.ideal(np.array([1, 3]), items=9)
    assert best.pessimistic.tolist() == best.optimistic.tolist() == best.by_index.tolist() == [1, 1, 2, 3]
    assert recall.fraction(best, 2).tolist() == [1, 2 / 3]
    assert average_precision(best).tolist() == ndcg(best).tolist() == ndcg(best, 2).tolist() == [1, 1]

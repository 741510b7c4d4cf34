import numpy as np
import pytest

from ofclip.metrics.median_rank import chance, median_rank
from ofclip.metrics.ranking import TIES, ranked
from ofclip.metrics.relevance import of_sets


def test_hand_made_median_of_first_ranks():
    items = np.array([[3.0], [2.0], [1.0], [0.0]])
    queries = np.array([[1.0], [1.0], [1.0], [1.0]])
    found = ranked(queries, items, of_sets([[0], [3, 1], [3], []], 4))  # ranks 1, 2, 4, and one left out
    assert median_rank(found) == 2
    assert median_rank(ranked(queries, items, of_sets([[0], [3, 1], [3], [3]], 4))) == 3


@pytest.mark.parametrize("ties", TIES)
def test_equals_the_slow_version(tied, ties):
    assert median_rank(tied.found, ties) == np.median([ranks[0] for ranks in tied.slow(ties)])


@pytest.mark.parametrize("items", [7, 8, 1001])
def test_chance_of_one_is_the_middle(items):
    assert chance(items) == (items + 1) / 2


def test_chance_is_what_random_orders_reach():
    rng = np.random.default_rng(0)
    orders = rng.permuted(np.tile(np.arange(40), (20_001, 1)), axis=1)
    first = {size: 1 + (orders < size).argmax(axis=1) for size in (1, 3, 10)}
    for size, ranks in first.items():
        assert abs(chance(40, size) - np.median(ranks)) <= 0.5
    assert abs(chance(40, np.array([1, 3, 10])) - np.median(np.concatenate(list(first.values())))) <= 0.5

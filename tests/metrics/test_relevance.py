import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.relevance import Relevance, of_groups, of_sets, of_targets


def sets(relevance):
    return [part.tolist() for part in np.split(relevance.indices, relevance.indptr[1:-1])]


def test_targets_groups_and_sets():
    assert sets(of_targets([2, 0], 3)) == [[2], [0]]
    assert sets(of_groups(np.array(["b", "x", "a"]), np.array(["a", "b", "a"]))) == [[1], [], [0, 2]]
    assert sets(of_sets([[], [2, 1], []], 3)) == [[], [2, 1], []]
    assert of_sets([[], [2, 1], []], 3).sizes.tolist() == [0, 2, 0] and len(of_sets([], 3)) == 0


def test_the_transpose_asks_the_other_way():
    relevance = of_sets([[3, 0], [], [0]], 4)
    assert sets(relevance.transposed()) == [[0, 2], [], [], [0]]
    assert len(relevance.transposed()) == 4 and relevance.transposed().items == 3
    again = relevance.transposed().transposed()
    assert [sorted(one) for one in sets(again)] == [sorted(one) for one in sets(relevance)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: of_targets([0, 3], 3), "query 1 wants item 3, which is not among the 3 items"),
        (lambda: of_sets([[0], [], [-1]], 3), "query 2 wants item -1"),
        (lambda: of_sets([[0], [2, 1, 2]], 3), "query 1 names item 2 twice"),
        (lambda: Relevance(np.array([0, 2]), np.array([1]), 3), "indptr must rise from 0 to 1"),
        (lambda: Relevance(np.array([0, 2, 1]), np.array([1]), 3), "indptr must rise"),
    ],
)
def test_sets_that_do_not_fit_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()

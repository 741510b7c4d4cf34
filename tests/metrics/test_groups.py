import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.groups import linked
from ofclip.sources.splits import group_by


def test_rows_are_linked_by_way_of_a_third():
    groups = np.array(["a", "b", "b", "c", "d"])
    captions = np.array(["x", "x", "y", "z", "z"])
    assert linked(groups, captions).tolist() == [0, 0, 0, 1, 1]
    assert linked(groups).tolist() == [0, 1, 1, 2, 3]


def test_linked_equals_the_groups_of_the_sources():
    rng = np.random.default_rng(0)
    keys = [rng.integers(1, high, 300) for high in (250, 400, 2000)]
    slow = group_by([str(i) for i in range(300)], *keys)
    fast = linked(*keys)
    assert len(set(fast)) == len(set(slow)) == len(set(zip(fast, slow, strict=True))) > 20


def test_labels_of_other_lengths_are_refused():
    with pytest.raises(SettingError, match="labels of \\[2, 3\\] rows"):
        linked(np.arange(2), np.arange(3))
    assert linked(np.array([], dtype=str)).tolist() == []

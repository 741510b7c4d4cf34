import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.selection import regret


def test_regret_by_hand():
    targets = np.array([0.5, 0.75, 0.25])
    assert regret(np.array([1, 2, 3]), targets) == 0.5, "the worst is chosen"
    assert regret(np.array([1, 3, 2]), targets) == 0.0, "the best is chosen"
    assert regret(np.array([3, 1, 3]), targets) == 0.375, "first or last, each in half of the cases"
    assert regret(np.zeros(3), targets) == 0.25, "any of them"
    both = regret(np.array([[1, 2, 3], [1, 3, 2]]), np.stack([targets, targets]))
    assert both.tolist() == [0.5, 0.0]


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(SettingError, match=r"scores \(2,\) and targets \(3,\)"):
        regret(np.zeros(2), np.zeros(3))
    with pytest.raises(SettingError, match="one of each per candidate"):
        regret(np.zeros(0), np.zeros(0))
    with pytest.raises(SettingError, match="must be finite"):
        regret(np.array([1.0, np.nan]), np.zeros(2))

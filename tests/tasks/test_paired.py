import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.tasks.paired import compare

PLAIN, NEW = np.array([1, 0, 1, 0, 0, 1]), np.array([1, 1, 1, 0, 1, 0])


def test_hand_made():
    table = compare({"plain": PLAIN, "new": NEW}, "plain")
    assert table["value"].tolist() == pytest.approx([3 / 6, 4 / 6]) and table["n"].tolist() == [6, 6]
    assert table.loc["new", "against"] == "plain" and table.loc["new", "change"] == pytest.approx(1 / 6)
    assert table.loc["plain", ["against", "change", "change_low", "change_high"]].isna().all()
    row = table.loc["new"]
    assert row["low"] <= row["value"] <= row["high"] and row["change_low"] <= row["change"] <= row["change_high"]


def test_equal_ways_differ_by_nothing():
    row = compare({"plain": PLAIN, "same": PLAIN}, "plain").loc["same"]
    assert row[["change", "change_low", "change_high"]].tolist() == [0, 0, 0]


def test_groups_widen_what_is_one_observation():
    rng = np.random.default_rng(0)
    hits, groups = np.repeat(rng.integers(0, 2, 50), 8), np.repeat(np.arange(50), 8)
    alone, together = (compare({"one": hits}, {}, own).loc["one"] for own in (None, groups))
    assert together["high"] - together["low"] > 2 * (alone["high"] - alone["low"])


def test_each_way_may_have_its_own_to_compare_with():
    table = compare({"a": PLAIN, "b": NEW, "c": PLAIN}, {"b": "a", "c": "b"})
    assert table["against"].tolist()[1:] == ["a", "b"] and table.loc["c", "change"] == pytest.approx(-1 / 6)
    with pytest.raises(SettingError, match="unknown way to compare with 'd'"):
        compare({"a": PLAIN}, "d")

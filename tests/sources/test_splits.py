from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ofclip.errors import SettingError
from ofclip.sources.splits import SHARES, fold, group_by, split_groups

KEYS = st.lists(st.tuples(st.sampled_from(["", "x", "y", "z", None]), st.sampled_from([None, 1, 2, 3])), max_size=30)


def slow(ids: list[str], keys: list[tuple]) -> list[str]:
    """The obvious version: merge groups until nothing changes."""
    groups = list(range(len(ids)))
    changed = True
    while changed:
        changed = False
        for i in range(len(ids)):
            for j in range(i):
                shared = any(a == b and a not in ("", None) for a, b in zip(keys[i], keys[j], strict=True))
                if shared and groups[i] != groups[j]:
                    low, high = sorted((groups[i], groups[j]))
                    groups = [low if group == high else group for group in groups]
                    changed = True
    return [ids[group] for group in groups]


@settings(deadline=None)
@given(KEYS)
def test_groups_are_those_of_the_slow_version(keys):
    ids = [f"p{i}" for i in range(len(keys))]
    first, second = [key[0] for key in keys], [key[1] for key in keys]
    assert group_by(ids, first, second).tolist() == slow(ids, keys)
    assert group_by(ids, second, first).tolist() == slow(ids, keys)


def test_groups_chain_over_keys_and_are_named_after_the_first():
    assert group_by(["d", "c", "b", "a"], ["x", "y", "y", ""], [1, 1, 2, None]).tolist() == ["d", "d", "d", "a"]
    assert group_by(["a", "b"]).tolist() == ["a", "b"]
    assert group_by([], [], []).tolist() == []


def test_nothing_known_joins_nobody():
    for empty in ("", None, float("nan")):
        assert group_by(["a", "b"], [empty, empty]).tolist() == ["a", "b"]
    assert group_by(["a", "b", "c"], [0, 0, 1]).tolist() == ["a", "a", "c"]  # but 0 is a value like any other


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=40))
def test_a_group_is_never_divided_and_depends_on_its_name_alone(groups):
    splits = split_groups(groups)
    assert len(splits) == len(groups) and set(splits) <= set(SHARES)
    for group, split in zip(groups, splits, strict=True):
        assert split_groups([group]).tolist() == [split]


def test_shares_are_met():
    names = [f"group {i}" for i in range(20_000)]
    found = split_groups(names)
    assert [np.mean(found == name) for name in SHARES] == pytest.approx([0.85, 0.05, 0.10], abs=0.01)
    half = split_groups(names, {"a": 50, "b": 50})
    assert np.mean(half == "a") == pytest.approx(0.5, abs=0.02)
    assert set(split_groups(names[:500], {"none": 0, "all": 100})) == {"all"}


def test_known_splits_stay_as_they_are():
    """Published splits of sets without an official one: they must never change."""
    rare = {0: "val", 5: "test", 7: "test", 14: "test", 19: "test", 23: "val"}
    assert split_groups([str(i) for i in range(24)]).tolist() == [rare.get(i, "train") for i in range(24)]


def test_shares_that_are_no_whole_are_refused():
    with pytest.raises(SettingError, match="add up to 90 per cent"):
        split_groups(["a"], {"train": 80, "test": 10})


def test_titles_fold():
    assert fold("\t Red \n DRESS ") == "red dress" and fold("") == ""

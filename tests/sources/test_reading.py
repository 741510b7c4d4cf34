from __future__ import annotations

import json

import pytest
from fixtures.deepfashion_inshop import jpeg
from hypothesis import given
from hypothesis import strategies as st

from ofclip.errors import DataError
from ofclip.sources.reading import (
    Faults,
    expect,
    field,
    official,
    picture_places,
    pictured,
    product_table,
    read_json,
    shown,
    squeeze,
)
from ofclip.tree import Tree


@pytest.fixture
def tree(tmp_path):
    """A function of files by name that returns their tree."""

    def make(files: dict[str, str | bytes]) -> Tree:
        for name, data in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        return Tree(tmp_path)

    return make


def test_json_values_come_back_as_they_are(tree):
    value = {"a": [1, -1.5, True, None, "caf\u00e9", "\U0001f600"], "b": {}, "c": float("inf")}
    assert read_json(tree({"a.json": json.dumps(value)}), "a.json") == value
    assert read_json(tree({"b.json": b"\xef\xbb\xbf[1]"}), "b.json") == [1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1,\n "b": [1, 2', r"a.json line 2: not JSON \(Expecting ',' delimiter\); fetch it again"),
        ("", r"a.json line 1: not JSON \(Expecting value\)"),
        ('[1]\n\n"more"', r"a.json line 3: not JSON \(Extra data\)"),
        ('["a\nb"]', r"a.json line 1: not JSON \(Invalid control character at\)"),
        ("[" * 200_000, "a.json: nested too deep"),
        ("[" + "9" * 5000 + "]", "a.json: not JSON of a data set"),
        ('[\n"\\ud83d\\ude00",\n"\\ud83d"]', r"a.json line 2: \\ud83d is half a character"),
        ('{"\\udc00": 1}', r"a.json line 1: \\udc00 is half a character"),
        (b'["\x80\xff"]', "a.json line 1: neither utf-8"),
    ],
)
def test_what_is_no_json_is_named_with_its_line(tree, text, reason):
    with pytest.raises(DataError, match=reason) as error:
        read_json(tree({"a.json": text}), "a.json")
    assert "\n" not in str(error.value)


def test_keys_that_repeat_raise_or_keep_the_first_and_are_listed(tree):
    files = tree({"a.json": '{"a": 1, "b": {"c": 2, "c": 2}, "a": 3}'})
    with pytest.raises(DataError, match="a.json: the key 'c' repeats; mend it or use --skip-bad"):
        read_json(files, "a.json")
    with pytest.raises(DataError, match="the key 'c' repeats"):
        read_json(files, "a.json", Faults())
    faults = Faults(skip_bad=True)
    assert read_json(files, "a.json", faults) == {"a": 1, "b": {"c": 2}}
    assert [reason.partition(": ")[2] for reason in faults.reasons] == ["the key 'c' repeats", "the key 'a' repeats"]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.text(), x
)))  # fmt: skip
def test_any_json_is_read_or_refused_by_name(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("json")
    (folder / "a.json").write_text(json.dumps(value))
    try:
        assert read_json(Tree(folder), "a.json") == value
    except DataError as error:
        assert "half a character" in str(error)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_by_name(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("json")
    (folder / "a.json").write_bytes(data)
    try:
        read_json(Tree(folder), "a.json", Faults(skip_bad=True))
    except DataError as error:
        assert "a.json" in str(error)


@pytest.mark.parametrize(
    ("value", "kind", "found"),
    [
        (None, str, "expected text, found nothing"),
        ([], dict, "expected an object, found a list"),
        (True, int, "expected a whole number, found true or false"),
        (1.5, int, "expected a whole number, found a broken number"),
        ({}, list, "expected a list, found an object"),
        (7, str, "expected text, found a whole number"),
    ],
)
def test_values_of_another_type_are_told(value, kind, found):
    with pytest.raises(DataError, match=f"^a.json entry 1: {found}$"):
        expect(value, kind, "a.json entry 1")
    with pytest.raises(DataError, match=f"^a.json entry 1: index: {found}$"):
        field({"index": value}, "index", kind, "a.json entry 1")
    with pytest.raises(DataError, match="^a.json entry 1: lacks 'index'$"):
        field({}, "index", kind, "a.json entry 1")


def test_faults_raise_or_are_listed_and_what_is_left_out_is_always_listed():
    faults = Faults()
    faults.left_out("row 1: no picture")
    with pytest.raises(DataError, match="^row 2: bad; mend it or use --skip-bad$"):
        faults.bad("row 2: bad")
    assert faults.reasons == ["row 1: no picture"]


def test_messages_stay_on_one_line():
    assert shown("a\nb") == "'a\\nb'"
    assert squeeze(" a \u2028 b\n") == "a b"


def test_official_files_are_found_in_other_folders(tree):
    files = tree({"data/Eval/list.txt": "", "other/list.txt": ""})
    assert official(files, "Eval/list.txt", "list.txt") == "data/Eval/list.txt"
    assert official(files, "Anno/list.txt", "list.txt") == "other/list.txt"
    assert official(files, "Anno/none.txt", "none.txt") == "Anno/none.txt"


def test_pictures_are_found_in_other_folders_outermost_first(tree):
    files = tree({"Img/img/a/1.jpg": b"1", "x/y/img/a/1.jpg": b"2", "x/y/img/a/2.jpg": b"3", "a/3.jpg": b"4"})
    names = ["img/a/1.jpg", "img/a/2.jpg", "img/a/3.jpg"]
    assert picture_places(files, names) == ["Img/img/a/1.jpg", "x/y/img/a/2.jpg", None]
    assert picture_places(files, []) == []


def test_pictures_keep_official_names_and_those_missing_are_listed(tree):
    files = tree({"Img/img/1.jpg": jpeg(1)})
    faults = Faults()
    kept, images = pictured(
        files, ["img/1.jpg", "img/2.jpg"], ["Img/img/1.jpg", None], ["row 1", "row 2"], faults, "Get it."
    )
    assert kept == [0] and images.names == ("img/1.jpg",) and images.open(0).size == (24, 32)
    assert images.name(0).endswith("Img/img/1.jpg")
    assert faults.reasons == ["row 2: no picture img/2.jpg"]
    with pytest.raises(DataError, match="holds none of the 1 pictures, such as img/2.jpg. Get it. pictures=False"):
        pictured(files, ["img/2.jpg"], [None], ["row 2"], faults, "Get it.")


def test_product_tables_keep_unknown_labels_apart():
    table = product_table([("1", "train", "g", ("a", "b"), None), ("2", "test", "g", (), "x")], (
        "id", "split", "group", "texts", "label",
    ))  # fmt: skip
    assert table["texts"].tolist() == [("a", "b"), ()]
    assert table["label"].isna().tolist() == [True, False] and table["label"].dtype == "string"
    assert table["id"].tolist() == ["1", "2"]
    assert len(product_table([], ("id", "split", "group", "texts", "label"))) == 0

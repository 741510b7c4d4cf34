from __future__ import annotations

import csv
import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import ofclip.sources
from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, SettingError
from ofclip.images import AbsentImages
from ofclip.sources import Source
from ofclip.sources.check import check, check_all
from ofclip.tree import Tree

#: id, split, group, text, type
ROWS = [(f"{i}", "train" if i < 6 else "test", f"g{i}", f"dress {i}", "dress" if i % 2 else "") for i in range(8)]


@pytest.fixture
def toy(tmp_path, jpeg, monkeypatch):
    """Registers the source "toy", 8 products with a picture each; returns a function that changes it."""
    (tmp_path / "toy").mkdir()
    for i in range(8):
        (tmp_path / "toy" / f"{i}.jpg").write_bytes(jpeg(i))
    (tmp_path / "toy" / "table.txt").write_text("official")

    def make(rows=ROWS, fault="", **card) -> Path:
        def load(root, *, split=None, pictures=True, skip_bad=False, part=None, bad=fault):
            if bad and not skip_bad:
                raise DataError(bad)
            skipped = [bad] if bad else []
            table = pd.DataFrame(rows, columns=["id", "split", "group", "texts", "type"])
            table["texts"] = [(text,) if isinstance(text, str) else text for text in table["texts"]]
            table["type"] = table["type"].astype("string").replace("", pd.NA)
            names = table["id"] + ".jpg"
            tree = Tree(root / "toy")
            if pictures:
                there = [name in tree for name in names]
                if not any(there):
                    raise NoPictures("toy: holds none of the pictures. pictures=False reads texts and labels alone.")
                skipped += [f"table.txt: no picture {name}" for name in names if name not in tree]
                table, names = table[there], names[there]
            store = tree.images(names) if pictures else AbsentImages(names)
            return Catalog("toy", table, store, tuple(skipped))

        values = {"expected": {"train": 6, "test": 2}, "labels": ("type",), "parts": (), "md5": {}} | card
        source = Source(
            name="toy", title="Toy", pictures="photographs", splits=("train", "test", "val"), licence="",
            obtain="Draw it.", load=load, find=lambda root: root / "toy" if (root / "toy").is_dir() else None, **values,
        )  # fmt: skip
        monkeypatch.setitem(sys.modules, "toy_source", SimpleNamespace(SOURCE=source))
        monkeypatch.setattr(ofclip.sources, "MODULES", {"toy": "toy_source"})
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


def listed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_whole_source_passes(toy):
    root = toy()
    report = check("toy", root)
    assert report.ok and report.findings == ("note: values of labels: type 1, known for 4",)
    assert report.found == report.expected == {"train": 6, "test": 2}
    assert report.pictures == 8 and report.rate > 0
    assert report.listed == Path("work/check/toy.csv") and listed(root / report.listed) == []
    assert str(report).startswith("toy: ok, 8 products, 8 pictures decoded, ")
    assert "\n  train 6 of 6, test 2 of 2\n" in str(report)
    assert [each.name for each in check_all(root)] == ["toy"]


def test_broken_pictures_are_counted_and_listed(toy):
    root = toy()
    path = root / "toy" / "3.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    (root / "toy" / "7.jpg").write_bytes(b"")
    report = check("toy", root, out=root / "lists" / "a.csv")
    assert not report.ok
    assert report.faults[0].startswith(f"2 broken pictures, the first: {path}: damaged picture")
    rows = listed(root / "lists" / "a.csv")
    found = [(row["kind"], row["split"], row["id"]) for row in rows]
    assert found == [("broken", "train", "3"), ("broken", "test", "7")]
    assert rows[1]["file"].endswith("7.jpg") and "empty file" in rows[1]["reason"]
    assert "toy: faulty, 8 products" in str(report) and "fault: 2 broken" in str(report)
    assert not (root / "work").exists()


def test_many_pictures_are_decoded_in_processes(toy, jpeg):
    rows = [(f"{i}", "train", f"{i}", "a", "") for i in range(600)]
    root = toy(rows, expected={"train": 600})
    for i in range(600):
        (root / "toy" / f"{i}.jpg").write_bytes(b"no picture" if i in (5, 599) else jpeg(i % 7, (8, 8)))
    report = check("toy", root, jobs=2)
    assert report.pictures == 600 and [row[3] for row in report.rows] == ["5", "599"]


def test_missing_pictures_are_told_and_are_no_fault(toy):
    root = toy()
    (root / "toy" / "2.jpg").unlink()
    (root / "toy" / "7.jpg").unlink()
    report = check("toy", root)
    assert report.ok and report.found == {"train": 5, "test": 1}
    assert report.missing == (
        "2 pictures, the first: table.txt: no picture 2.jpg",
        "products: train 5 instead of 6, test 1 instead of 2",
    )
    assert [(row["kind"], row["reason"]) for row in listed(root / report.listed)] == [
        ("missing", "table.txt: no picture 2.jpg"), ("missing", "table.txt: no picture 7.jpg"),
    ]  # fmt: skip


def test_without_any_picture_texts_are_checked_alone(toy):
    root = toy([*ROWS[:7], ("7", "test", "g7", " ", "")])
    for path in (root / "toy").glob("*.jpg"):
        path.unlink()
    report = check("toy", root)
    assert report.pictures == 0 and report.found == {"train": 6, "test": 2}
    assert report.missing[0].startswith("all pictures, texts and labels were checked alone (toy: holds none")
    assert report.faults == ("1 products have an empty text, the first is '7'",)
    assert " 0 pictures decoded" in str(report)
    assert check("toy", toy()).ok


def test_a_damaged_row_is_a_fault_and_the_rest_is_checked(toy):
    root = toy(ROWS, fault="table.txt row 9: cut short")
    report = check("toy", root)
    assert report.faults == ("table.txt row 9: cut short",) and report.pictures == 8
    assert report.notes[0] == "1 rows are left out, the first: table.txt row 9: cut short"
    assert [row["kind"] for row in listed(root / report.listed)] == ["left out"]


def test_a_source_that_cannot_be_read_at_all_is_a_fault(toy, monkeypatch):
    root = toy()

    def load(*_, **__):
        raise DataError("table.txt: damaged")

    monkeypatch.setattr(ofclip.sources.check, "load_catalog", load)
    report = check("toy", root)
    assert report.faults == ("table.txt: damaged",) and report.found == {} and report.pictures == 0


@pytest.mark.parametrize(
    ("expected", "kind", "text"),
    [
        ({"train": 7, "test": 2}, "fault", "products: train 6 instead of 7, and nothing says why"),
        ({"train": 7, "test": 1}, "fault", "products: train 6 instead of 7, test 2 instead of 1, and nothing says why"),
        ({"train": 5, "test": 2}, "note", "more products than expected, so another edition: train 6 instead of 5"),
        ({"train": 6, "test": 2, "val": 3}, "missing", "whole splits: val 0 instead of 3"),
        ({"all": 9}, "fault", "products: all 8 instead of 9, and nothing says why"),
        ({"all": 8}, "", ""),
        ({}, "", ""),
    ],
)
def test_counts_that_differ_are_told(toy, expected, kind, text):
    report = check("toy", toy(expected=expected, labels=()))
    assert report.findings == ((f"{kind}: {text}",) if kind else ())
    assert report.ok == (kind != "fault") and report.expected == expected


def test_checksums_of_official_files(toy):
    right = hashlib.md5(b"official").hexdigest()
    assert check("toy", toy(md5={"table.txt": right, "unpacked.gz": "0"})).ok
    report = check("toy", toy(md5={"table.txt": "0"}))
    assert report.faults[0].endswith(f"table.txt: has MD5 {right}, the official file 0; fetch it again")


def test_texts_labels_and_groups_are_looked_at(toy):
    rows = [*ROWS[:5], ("5", "train", "g7", (), " "), ("6", "test", "g6", ("a", "a"), ""), ROWS[7]]
    report = check("toy", toy(rows, labels=("type", "colour")))
    assert report.faults == ("label type: ' ' is no value", "label colour: there is no such column")
    assert report.notes == (
        "1 products repeat a text, the first is '6'",
        "1 products have no text, the first is '5'",
        "values of labels: type 2, known for 4",
        "1 groups lie in more than one split, the first is 'g7'",
    )
    assert report.rows == (("crossing", "", "", "g7", "", "group lies in test, train"),)


def test_each_part_is_checked_or_the_one_named(toy):
    root = toy(parts=("a", "b"), expected={"a": 8, "b": 9}, labels=())
    report = check("toy", root)
    each = {"train": 6, "test": 2, "all": 8}
    assert report.found == {f"{part} {split}": count for part in "ab" for split, count in each.items()}
    assert report.faults == ("b: products: all 8 instead of 9, and nothing says why",)
    assert report.pictures == report.products == 16 and "\n  a: train 6, test 2, all 8 of 8\n" in str(report)
    only = check("toy/a", root)
    assert only.ok and only.found == each and only.listed == Path("work/check/toy-a.csv")
    with pytest.raises(SettingError, match="unknown part of toy 'c'"):
        check("toy/c", root)


def test_what_is_not_there_says_how_to_obtain_it(toy, tmp_path):
    toy()
    with pytest.raises(DataError, match="toy: not found under .* Draw it. Name the data root"):
        check("toy", tmp_path / "nowhere")
    assert list(check_all(tmp_path / "nowhere")) == []
    with pytest.raises(SettingError, match="unknown source 'toi': did you mean 'toy'"):
        check("toi", tmp_path)


def test_options_go_to_the_source(toy):
    report = check("toy", toy(), bad="row 1: wrong")
    assert report.faults == ("row 1: wrong",)


def test_drawings_are_sampled(tmp_path):
    report = check("atelier/street", out=tmp_path / "a.csv", n=12)
    assert report.ok and report.pictures == 12
    assert check("atelier/street", out=tmp_path / "a.csv").pictures == 50


@pytest.mark.real("clothing-dataset-small")
def test_a_real_set_passes(real_data, tmp_path):
    report = check("clothing-dataset-small", real_data, out=tmp_path / "a.csv")
    assert report.ok and report.pictures == 3_781 and report.rows == ()


def test_a_part_that_is_not_there_is_missing_unless_it_was_named(toy, monkeypatch):
    root = toy(parts=("a", "b"), labels=(), expected={})
    real = ofclip.sources.check.load_catalog

    def load(name, **options):
        if name == "toy/b":
            raise DataError("toy/b: not found; fetch it")
        return real(name, **options)

    monkeypatch.setattr(ofclip.sources.check, "load_catalog", load)
    report = check("toy", root)
    assert report.ok and report.missing == ("b: toy/b: not found; fetch it",) and report.products == 8
    assert check("toy/b", root).faults == ("toy/b: not found; fetch it",)

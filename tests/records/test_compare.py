from __future__ import annotations

import math
from pathlib import Path

import pytest
from records_helpers import make_metric, make_record

from ofclip.errors import OfclipError, SettingError
from ofclip.records import Record
from ofclip.records.compare import DIFFERS, MISSING, SAME, WITHIN, Comparison, compare, compare_paths, files


def verdicts(a: list, b: list, tolerance: float | None = None) -> list[tuple[str, str]]:
    found = compare(make_record(metrics=a), make_record(metrics=b), lambda metric: tolerance)
    return [(row.verdict, row.note) for row in found.rows]


@pytest.mark.parametrize(
    ("mine", "verdict", "note"),
    [
        ({}, SAME, ""),
        ({"value": 0.25 + 2**-54}, WITHIN, ""),  # one bit: near is not equal
        ({"value": 0.29, "interval": (0.24, 0.34)}, WITHIN, ""),
        ({"value": 0.29, "interval": (0.26, 0.32)}, DIFFERS, ""),  # the book's value lies outside of mine
        ({"value": 0.31, "interval": (0.2, 0.4)}, DIFFERS, ""),  # and the other way round
        ({"value": 0.29, "interval": None}, WITHIN, ""),  # the one interval that there is
        ({"value": 0.31, "interval": None}, DIFFERS, ""),
        ({"interval": (0.1, 0.4)}, WITHIN, "equal values, other interval"),
        ({"chance": 0.5}, WITHIN, "equal values, other chance"),
        ({"n": 41}, DIFFERS, "other n (41 and 40)"),
        ({"definition": "share of pairs"}, DIFFERS, "other definition"),
        ({"direction": "lower", "n": 4}, DIFFERS, "other direction, n (4 and 40)"),
        ({"value": math.nan}, DIFFERS, "not a number"),
    ],
)
def test_what_a_metric_amounts_to(mine: dict, verdict: str, note: str) -> None:
    assert verdicts([make_metric(**mine)], [make_metric()]) == [(verdict, note)]


def test_two_that_are_no_numbers_are_not_the_same() -> None:
    nan = [make_metric(math.nan)]
    assert verdicts(nan, nan) == [(DIFFERS, "not a number")]


def test_without_any_interval_only_equal_values_agree() -> None:
    bare = make_metric(0.25, interval=None)
    assert verdicts([bare], [bare]) == [(SAME, "")]
    assert verdicts([make_metric(0.2500001, interval=None)], [bare]) == [(DIFFERS, "")]


def test_a_tolerance_makes_near_values_the_same_and_nothing_else() -> None:
    bare = make_metric(0.25, interval=None)
    for value, verdict in ((0.375, SAME), (0.125, SAME), (0.376, DIFFERS)):
        assert verdicts([make_metric(value, interval=None)], [bare], 0.125)[0][0] == verdict
    assert verdicts([make_metric(0.25, n=41)], [bare], 1.0) == [(DIFFERS, "other n (41 and 40)")]
    assert verdicts([make_metric(math.nan)], [bare], 1.0) == [(DIFFERS, "not a number")]


def test_a_metric_that_one_lacks_is_missing_in_either_order() -> None:
    both, mine = make_metric(), make_metric(0.5, "MRR", definition="mean of 1 / rank")
    assert verdicts([both, mine], [both]) == [(SAME, ""), (MISSING, "not in B")]
    assert verdicts([both], [both, mine]) == [(SAME, ""), (MISSING, "not in A")]


def test_a_renamed_metric_is_missing_on_both_sides_and_its_other_name_is_told() -> None:
    assert verdicts([make_metric(name="R@1")], [make_metric()]) == [
        (MISSING, "B has 'recall@1', defined alike"),
        (MISSING, "A has 'R@1', defined alike"),
    ]
    assert verdicts([make_metric(split="val")], [make_metric()]) == [(MISSING, "not in B"), (MISSING, "not in A")]


def test_metrics_of_one_name_are_matched_in_their_order() -> None:
    first, second = make_metric(0.1, interval=None), make_metric(0.9, interval=None)
    assert verdicts([first, second], [first, second]) == [(SAME, ""), (SAME, "")]
    assert verdicts([first], [first, second]) == [(SAME, ""), (MISSING, "not in A")]


def test_metrics_of_time_are_left_out() -> None:
    a, b = ([make_metric(), make_metric(value, "samples per second", interval=None)] for value in (300.0, 400.0))
    found = compare(make_record(metrics=a), make_record(metrics=b))
    assert found.agrees and found.left_out == 1 and len(found.rows) == 1


def test_what_was_set_differently_is_told() -> None:
    a = make_record(profile="gpu", parameters={"k": 20, "run": {"seed": 1, "batch": 8}})
    b = make_record(parameters={"k": 10, "run": {"seed": 0, "batch": 8}, "new": None})
    a.key.data["kagl@test"], a.key.weights["model"], a.key.code["ofclip/x.py"], a.key.lock = "e", "w", "1", "other"
    assert compare(a, b).unlike == (
        "profile: gpu and laptop",
        "k: 20 and 10",
        "new: not set and null",
        "run.seed: 1 and 0",
        "data: kagl@test is e and d",
        "weights: model is w and not used",
        "code: 1 files differ, among them ofclip/x.py",
        "lock: another one",
    )
    assert compare(a, a).unlike == ()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for profile in ("mine", "book"):
        for source in ("kagl", "atelier"):
            make_record(source=source).save(tmp_path / profile / "04-retrieval" / f"{source}.json")
    make_record().save(tmp_path / "mine" / "04-retrieval" / "kagl.custom.json")
    log = tmp_path / "mine" / "02-training" / "kagl" / "finished.json"
    log.parent.mkdir(parents=True)
    log.write_text("{}")
    return tmp_path / "mine", tmp_path / "book"


def test_folders_are_compared_record_by_record(folders: tuple[Path, Path]) -> None:
    mine, book = folders
    found = compare_paths(mine, book)
    assert [one.name for one in found] == ["04-retrieval/atelier", "04-retrieval/kagl"]
    assert all(one.agrees for one in found)
    (book / "04-retrieval" / "atelier.json").unlink()
    make_record(metrics=[make_metric(0.9)]).save(mine / "04-retrieval" / "kagl.json")
    absent, changed = compare_paths(mine / "04-retrieval", book / "04-retrieval")
    assert absent.unlike == ("no such Record in B",) and absent.counts[MISSING] == 1
    assert changed.counts == {SAME: 0, WITHIN: 0, DIFFERS: 1, MISSING: 0} and not changed.agrees


def test_records_lie_at_any_of_three_depths(folders: tuple[Path, Path]) -> None:
    mine, _ = folders
    assert list(files(mine / "04-retrieval")) == ["atelier", "kagl"]
    assert list(files(mine)) == ["04-retrieval/atelier", "04-retrieval/kagl"]
    assert list(files(mine.parent))[0] == "book/04-retrieval/atelier"


def test_wrong_paths_are_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    mine, book = folders
    record = mine / "04-retrieval" / "kagl.json"
    with pytest.raises(OfclipError, match="nowhere: no such Record or folder"):
        compare_paths(mine, tmp_path / "nowhere")
    with pytest.raises(SettingError, match="one is a folder"):
        compare_paths(mine, record)
    (tmp_path / "empty").mkdir()
    with pytest.raises(OfclipError, match="empty: holds no Records"):
        compare_paths(mine, tmp_path / "empty")
    (book / "04-retrieval" / "kagl.json").write_text("{")
    with pytest.raises(OfclipError, match="book/04-retrieval/kagl.json: not a Record"):
        compare_paths(mine, book)
    other = tmp_path / "other.json"
    make_record(metrics=[make_metric(dataset="atelier/street")]).save(other)
    with pytest.raises(SettingError, match="other.json share no metric"):
        compare_paths(record, other)
    make_record(experiment="03-zero-shot").save(tmp_path / "03-zero-shot" / "kagl.json")
    with pytest.raises(SettingError, match="Records of 04-retrieval/kagl and of 03-zero-shot/kagl"):
        compare_paths(mine / "04-retrieval", tmp_path / "03-zero-shot")


def test_json_holds_every_row_and_no_nan() -> None:
    found: Comparison = compare(make_record(metrics=[make_metric(math.nan)]), make_record())
    [row] = found.json()["metrics"]
    assert row["a"] is None and row["b"] == 0.25 and row["verdict"] == DIFFERS


def test_a_record_with_nan_in_its_file_is_read_and_differs(tmp_path: Path) -> None:
    make_record().save(tmp_path / "book.json")
    text = (tmp_path / "book.json").read_text().replace('"value": 0.25', '"value": NaN', 1)
    assert '"value": NaN' in text
    (tmp_path / "mine.json").write_text(text)
    assert math.isnan(Record.load(tmp_path / "mine.json").metrics[0].value)
    [found] = compare_paths(tmp_path / "mine.json", tmp_path / "book.json")
    assert found.counts[DIFFERS] == 1

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from records_helpers import make_metric, make_record

from ofclip.cli import main
from ofclip.records.reproduce import reproduce


def ofclip(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def records(tmp_path: Path) -> tuple[Path, Path]:
    book = make_record(metrics=[make_metric(), make_metric(0.5, "MRR", interval=None)])
    book.save(tmp_path / "book" / "04-retrieval" / "kagl.json")
    mine = make_record(metrics=[make_metric(0.26), make_metric(0.5, "MRR", interval=None)], parameters={"k": 20})
    mine.save(tmp_path / "mine" / "04-retrieval" / "kagl.json")
    return tmp_path / "mine", tmp_path / "book"


def test_two_records_are_set_side_by_side(records: tuple[Path, Path]) -> None:
    mine, book = (folder / "04-retrieval" / "kagl.json" for folder in records)
    result = ofclip("compare", mine, book)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "k: 20 and 10"
    assert "0.26" in lines[-2] and "within the interval" in lines[-2] and lines[-1].endswith("same")


def test_what_differs_gives_exit_code_1_and_json_says_so(records: tuple[Path, Path]) -> None:
    mine, book = records
    make_record(metrics=[make_metric(0.9)]).save(mine / "04-retrieval" / "kagl.json")
    result = ofclip("compare", mine, book, "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert found["agree"] is False and found["a"] == str(mine)
    assert [row["verdict"] for row in found["records"][0]["metrics"]] == ["differs", "missing"]
    table = ofclip("compare", mine, book).output
    assert table.splitlines()[0].split() == "record same within the interval differs missing".split()
    assert "04-retrieval/kagl" in table and "not in A" in table


@pytest.mark.parametrize("words", [["no.json", "book"], ["mine", "mine/04-retrieval/kagl.json"]])
def test_a_wrong_path_is_one_line_and_exit_code_2(
    records: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(records[0].parent)
    result = ofclip("compare", *words)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and words[0] in result.stderr


def test_reproduce_says_whether_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, value in (("work", 0.25), ("results", 0.25)):
        make_record(source="atelier", metrics=[make_metric(value)]).save(
            tmp_path / folder / "laptop" / "04-retrieval" / "atelier.json"
        )
    make_record().save(tmp_path / "results" / "laptop" / "04-retrieval" / "kagl.json")
    monkeypatch.setattr("ofclip.records.reproduce.reproduce", partial(reproduce, root=tmp_path))
    result = ofclip("records", "reproduce")
    assert result.exit_code == 0, result.output
    assert "not run here: 04-retrieval/kagl" in result.output and result.output.endswith("\nreproduced\n")
    make_record(source="atelier", metrics=[make_metric(0.26)]).save(
        tmp_path / "work" / "laptop" / "04-retrieval" / "atelier.json"
    )
    result = ofclip("records", "reproduce", "--json")
    assert result.exit_code == 1 and json.loads(result.output)["holds"] is False
    result = ofclip("records", "reproduce", "--elsewhere")
    assert result.exit_code == 1 and "not reproduced" in result.output and "100.0% lie outside; 5% may" in result.output
    assert ofclip("records", "reproduce", "--profile", "gpu").exit_code == 2

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from records_helpers import make_metric, make_record

from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records import Record, against, book_path, find, find_mine, mine_path
from ofclip.records.mine import apart


def test_two_changes_never_share_a_name() -> None:
    changes = [
        {}, {"k": 1}, {"k": "1 2"}, {"k": "1-2"}, {"k": "1/2"}, {"k": "é"}, {"k": None}, {"k": "x" * 99},
        {"k": "x" * 98}, {"k": ["a"]}, {"a": 1, "b": 2}, {"a": "1+b=2"}, {"k": "../../x"},
    ]  # fmt: skip
    paths = [mine_path("04-retrieval", "atelier", "laptop", change) for change in changes]
    names = [path.name for path in paths]
    assert len({name.lower() for name in names}) == len(changes) - 1, "a=1+b=2 is the same text"
    assert {path.parent.as_posix() for path in paths} == {"results/mine/laptop/04-retrieval"}
    assert names[:2] == ["atelier.edited.json", "atelier.k=1.json"]
    assert max(map(len, names)) < 100


def test_own_data_give_a_name_without_folders_and_two_places_two_names() -> None:
    paths = [mine_path("04-retrieval", f"folder:{place}", "laptop", {}) for place in ("a/shop", "a-shop", "../shop")]
    assert len(set(paths)) == 3
    assert {path.parent.as_posix() for path in paths} == {"results/mine/laptop/04-retrieval"}


def test_ones_own_runs_are_no_records_of_the_book(tmp_path: Path) -> None:
    record = make_record()
    record.save(tmp_path / mine_path("04-retrieval", "kagl", "laptop", {"k": 3}))
    assert find(tmp_path) == [] and len(find_mine(tmp_path)) == 1
    assert book_path("04-retrieval", "kagl", "laptop", tmp_path) is None
    for folder in ("work", "results"):
        record.save(tmp_path / folder / "laptop/04-retrieval/kagl.json")
        assert book_path("04-retrieval", "kagl", "laptop", tmp_path) == Path(folder, "laptop/04-retrieval/kagl.json")
    assert len(find(tmp_path)) == 2


def test_what_git_ignores() -> None:
    assert "results/mine/" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize(
    ("mine", "book", "expected"),
    [
        ((0.1, 0.2), (0.2, 0.3), False),  # they share a value
        ((0.1, 0.19), (0.2, 0.3), True),
        ((0.31, 0.4), (0.2, 0.3), True),
        ((0.0, 1.0), (0.2, 0.3), False),
        (None, (0.2, 0.3), None),
        ((0.2, 0.3), None, None),
    ],
)
def test_intervals_are_apart_or_overlap(mine: tuple | None, book: tuple | None, expected: bool | None) -> None:
    assert apart(make_metric(interval=mine), make_metric(interval=book)) is expected


def records() -> tuple[Record, Record]:
    book = make_record(
        parameters={"k": 10, "training": {"kagl": {"batch": 64, "seed": 0}}, "gone": [1]},
        metrics=[make_metric(0.25), make_metric(3.0, "median rank", interval=None), make_metric(0.1, "only theirs")],
    )
    mine = make_record(
        parameters={"k": 10, "training": {"kagl": {"batch": 64, "seed": 7}}, "new <b>": "x"},
        metrics=[
            make_metric(0.5, interval=(0.45, 0.55)), make_metric(2.0, "median rank", interval=None),
            make_metric(0.1, "only mine"), make_metric(0.1, split="val"),
        ],
        made=book.made.model_copy(update={"command": "ofclip run 04-retrieval --source kagl -p seed=7"}),
        key=book.key.model_copy(update={"weights": {"w": "0123456789"}, "notebook": "other"}),
    )  # fmt: skip
    return mine, book


def test_a_comparison_says_what_was_changed_and_what_came_of_it() -> None:
    mine, book = records()
    compared = against(mine, book)
    assert [row[0] for row in compared.changed] == [
        "command", "gone", "new <b>", "training.kagl.seed", "weights", "code",
    ]  # fmt: skip
    assert ("training.kagl.seed", "7", "0") in compared.changed
    assert ("gone", "not set", "[1]") in compared.changed
    assert ("weights", "w 012345", "") in compared.changed
    table = compared.table
    assert table["metric"].tolist() == ["recall@1", "median rank"]
    assert table["difference"].tolist() == [0.25, -1.0]
    assert table["apart"].tolist() == [True, None]
    assert table["your interval"].tolist() == ["0.450 to 0.550", ""]
    assert compared.summary() == "2 metrics in common, of 1 with intervals 1 lie apart; 2 are yours alone"
    bare = mine.model_copy(update={"metrics": mine.metrics[1:2]})
    assert against(bare, book).summary() == "1 metrics in common, none has an interval"
    page = BeautifulSoup(compared._repr_html_(), "html.parser")
    assert "new <b>" in page.get_text() and not page.select("b")
    assert [row.select("td")[-1].get_text() for row in page.select("div tbody tr")] == ["apart", ""]


def test_runs_without_a_metric_in_common_are_still_compared() -> None:
    mine, book = records()
    other = mine.model_copy(update={"metrics": []})
    assert against(other, book).summary() == "the two runs have no metric in common"
    assert against(other, book).table.empty and "no metric in common" in against(other, book)._repr_html_()


def test_a_run_is_nowhere_apart_from_itself() -> None:
    paths = [path for path in find(ROOT, ["results"]) if path.parts[-2] in EXPERIMENTS]
    assert paths
    for path in paths:
        record = Record.load(path)
        compared = against(record, record)
        assert compared.changed == [] and len(compared.pairs) == len({*map(str, compared.pairs)})
        assert not any(compared.table["apart"].dropna())

from __future__ import annotations

from pathlib import Path

import pandas as pd
from toybook import record

from ofclip.book.markup import GENERATED
from ofclip.book.performance import FOLDER, fragments
from ofclip.records import Table
from ofclip.tasks.result import Result


def test_a_benchmark_is_shown_with_its_command_and_an_old_one_is_marked(tmp_path: Path) -> None:
    frame = pd.DataFrame([{"contender": "ours", "peer": "theirs", "ratio": 1.234567, "floor": 0.9}])
    made = record("decoding", Result([]))
    made = made.model_copy(update={"tables": {"measured": Table.of(frame)}})
    made.made.command = "python benchmarks/decoding.py --save"
    made.key.code = {"ofclip/gone.py": "0"}
    made.save(tmp_path / FOLDER / "decoding" / "kagl.json")
    fragments(tmp_path)
    text = (tmp_path / GENERATED / "performance.md").read_text()
    assert "python benchmarks/decoding.py --save" in text and "code has changed since" in text
    [row] = (tmp_path / GENERATED / "performance" / "decoding.atelier.csv").read_text().splitlines()[1:]
    assert row == "ours,theirs,1\\.23,0\\.900"


def test_without_benchmarks_the_page_is_empty(tmp_path: Path) -> None:
    fragments(tmp_path)
    assert (tmp_path / GENERATED / "performance.md").read_text() == "\n"

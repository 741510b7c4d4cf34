from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from records_helpers import make_record

from ofclip.errors import OfclipError, SettingError
from ofclip.records import Record, Table, find


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    record = make_record()
    record.save(tmp_path / "r.json")
    loaded = Record.load(tmp_path / "r.json")
    assert loaded == record and loaded.id == record.id
    assert loaded["recall@1"].interval == (0.2, 0.3)
    assert '"schema": 1' in (tmp_path / "r.json").read_text()


def test_the_id_follows_the_key_and_nothing_else() -> None:
    record = make_record()
    later = record.model_copy(update={"notes": {"a": 1}})
    other = record.model_copy(update={"key": record.key.model_copy(update={"lock": "other"})})
    assert later.id == record.id != other.id


def test_a_table_keeps_numbers_words_lists_and_gaps() -> None:
    frame = pd.DataFrame(
        {
            "id": ["a", pd.NA],
            "rank": np.array([1, 2], dtype=np.int32),
            "score": np.array([0.5, np.nan], dtype=np.float32),
            "top": [["x", "y"], ("z",)],
        }
    )
    table = Table.of(frame)
    assert table.rows == [["a", 1, 0.5, ["x", "y"]], [None, 2, None, ["z"]]]
    assert list(table.frame().columns) == ["id", "rank", "score", "top"]


def test_names_that_are_not_there_get_the_nearest() -> None:
    with pytest.raises(SettingError, match="did you mean 'recall@1'"):
        make_record()["recal@1"]
    with pytest.raises(SettingError, match="did you mean 'log'"):
        make_record().table("logs")


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not a Record"), ("{}", "experiment: Field required"), (b"\xff\xfe", "not text"), (None, "no such Record")],
)
def test_a_file_that_is_no_record_is_named(tmp_path: Path, text: str | bytes | None, message: str) -> None:
    path = tmp_path / "bad.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(OfclipError, match=f"bad.json: .*{message}"):
        Record.load(path)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text(make_record().dumps().replace('"title"', '"titel"'))
    with pytest.raises(OfclipError, match="new.json: not a Record"):
        Record.load(path)


def test_runs_by_hand_and_half_made_ones_are_not_found(tmp_path: Path) -> None:
    folder = tmp_path / "work/laptop/04-retrieval"
    folder.mkdir(parents=True)
    for name in ("kagl.json", "kagl.interactive.json", "kagl.custom.json", ".kagl.running.json", "kagl.ipynb"):
        (folder / name).touch()
    assert find(tmp_path) == [folder / "kagl.json"]

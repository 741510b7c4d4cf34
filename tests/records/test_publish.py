from __future__ import annotations

from pathlib import Path

import pytest
from checkout import make_checkout, write_notebook
from records_helpers import make_metric, make_record

from ofclip.errors import OfclipError
from ofclip.records import Record, Recorder, publish
from ofclip.tasks.result import Result


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_checkout(tmp_path)
    write_notebook(tmp_path, "04-retrieval", "from ofclip.tasks import retrieval")
    monkeypatch.setenv("OFCLIP_RECORD", str(tmp_path / "work/laptop/04-retrieval/kagl.json"))
    running = Recorder("04-retrieval", source="kagl", profile="laptop", root=tmp_path)
    running.add(Result([make_metric()], {"log": make_record().table("log")}))
    record = running.finish()
    save(tmp_path, record.model_copy(update={"made": record.made.model_copy(update={"dirty": False})}))
    return tmp_path


def save(root: Path, record: Record) -> None:
    record.save(root / f"work/{record.profile}/{record.experiment}/{record.source}.json")


def test_records_and_tables_are_published_and_old_tables_removed(root: Path) -> None:
    folder = root / "results/laptop/04-retrieval"
    folder.mkdir(parents=True)
    (folder / "kagl.old.csv").touch()
    (folder / "atelier.kept.csv").touch()
    paths = publish("laptop", root)
    assert sorted(path.name for path in paths) == ["kagl.json", "kagl.log.csv"]
    assert sorted(path.name for path in folder.iterdir()) == ["atelier.kept.csv", "kagl.json", "kagl.log.csv"]
    assert (folder / "kagl.log.csv").read_text() == 'step,top\n1,"[""a"", ""b""]"\n2,\n'
    assert Record.load(folder / "kagl.json") == Record.load(root / "work/laptop/04-retrieval/kagl.json")


def test_what_must_not_be_published(root: Path) -> None:
    with pytest.raises(OfclipError, match="smoke"):
        publish("smoke", root)
    with pytest.raises(OfclipError, match="no Records in work/gpu"):
        publish("gpu", root)
    record = Record.load(root / "work/laptop/04-retrieval/kagl.json")
    save(root, record.model_copy(update={"made": record.made.model_copy(update={"dirty": True})}))
    with pytest.raises(OfclipError, match="uncommitted changes"):
        publish("laptop", root)
    assert publish("laptop", root, allow_dirty=True)


def test_nothing_is_published_if_one_record_is_stale(root: Path) -> None:
    (root / "ofclip/tasks/retrieval.py").write_text("")
    with pytest.raises(OfclipError, match="kagl.json is stale .code: ofclip/metrics/ranking.py is no longer used"):
        publish("laptop", root)
    assert not (root / "results").exists()

from __future__ import annotations

from pathlib import Path

import pytest
from checkout import make_checkout, write_notebook
from idx import write_idx
from records_helpers import make_metric

from ofclip.records import Record, Recorder, stale


class Weights:
    name = "small"
    fingerprint = "made today"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_checkout(tmp_path)
    for name, task in (("02-training", "zero_shot"), ("04-retrieval", "retrieval")):
        write_notebook(tmp_path, name, f"from ofclip.tasks import {task}")
        running = Recorder(name, source="kagl", profile="laptop", parameters={"k": 10}, root=tmp_path)
        running.note("weights", Weights.fingerprint)
        running.uses(Weights)
        monkeypatch.setenv("OFCLIP_RECORD", str(tmp_path / f"work/laptop/{name}/kagl.json"))
        running.finish()
    return tmp_path


def load(root: Path, experiment: str = "04-retrieval") -> Record:
    return Record.load(root / f"work/laptop/{experiment}/kagl.json")


def append(path: Path, text: str = "# more\n") -> None:
    path.write_text(path.read_text() + text)


def test_a_record_is_fresh_until_something_changes(root: Path) -> None:
    assert stale(load(root), root) == [] and stale(load(root, "02-training"), root) == []


def test_prose_may_change(root: Path) -> None:
    path = root / "notebooks/04-retrieval.ipynb"
    path.write_text(path.read_text().replace("A title", "Another"))
    assert stale(load(root), root) == []


def test_code_that_the_notebook_reaches_makes_it_stale(root: Path) -> None:
    append(root / "ofclip/metrics/ranking.py")
    assert stale(load(root), root) == ["code: ofclip/metrics/ranking.py changed"]
    assert stale(load(root, "02-training"), root) == []


def test_code_that_comes_and_goes_is_named(root: Path) -> None:
    (root / "ofclip/tasks/retrieval.py").write_text("from ofclip import catalog\n")
    assert stale(load(root), root) == [
        "code: ofclip/catalog.py is new",
        "code: ofclip/metrics/ranking.py is no longer used",
        "code: ofclip/tasks/retrieval.py changed",
    ]


def test_notebook_and_lock(root: Path) -> None:
    path = root / "notebooks/04-retrieval.ipynb"
    path.write_text(path.read_text().replace("k = 10", "k = 11"))
    append(root / "requirements.txt")
    reasons = stale(load(root), root)
    assert reasons[:2] == ["notebook changed: notebooks/04-retrieval.ipynb", "lock changed: requirements.txt"]
    path.unlink()
    assert stale(load(root), root)[0] == "notebook is gone: notebooks/04-retrieval.ipynb"


def test_an_edited_record(root: Path) -> None:
    record = load(root)
    record.parameters["k"] = 5
    assert stale(record, root) == ["parameters changed: the Record was edited"]


def test_other_weights_and_stale_training(root: Path) -> None:
    path = root / "work/laptop/02-training/kagl.json"
    append(root / "ofclip/tasks/zero_shot.py")
    assert stale(load(root), root) == [
        "weights: 02-training/kagl is stale (code: ofclip/tasks/zero_shot.py changed)"
    ]
    path.write_text(path.read_text().replace('"weights": "made today"', '"weights": "made again"'))
    assert stale(load(root), root) == ["weights: 02-training/kagl made other weights"]
    path.unlink()
    assert stale(load(root), root) == []


def test_a_record_that_was_read_must_hold_the_same_numbers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notebook(root, "12-selection", "from ofclip import catalog")
    read = root / "work/laptop/04-retrieval/kagl.json"
    path = root / "work/laptop/12-selection/kagl.json"
    monkeypatch.setenv("OFCLIP_RECORD", str(path))
    running = Recorder("12-selection", source="kagl", profile="laptop", root=root)
    running.uses(Record.load(read))
    assert running.finish().key.records == {"04-retrieval/kagl": Record.load(read).fingerprint}
    reader = Record.load(path)
    assert stale(reader, root) == []

    read.write_text(read.read_text().replace('"date": "', '"date": "1'))
    assert stale(reader, root) == [], "made on another day, with the same numbers"
    append(root / "ofclip/metrics/ranking.py")
    assert stale(reader, root) == ["Record: 04-retrieval/kagl is stale (code: ofclip/metrics/ranking.py changed)"]
    Record.load(read).model_copy(update={"metrics": [make_metric()]}).save(read)
    assert stale(reader, root) == ["Record: 04-retrieval/kagl holds other numbers"]
    read.unlink()
    assert stale(reader, root) == []


def test_data_are_compared_where_they_are(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ofclip import sources

    data = tmp_path / "data"
    write_idx(data, 0)
    catalog = sources.load_catalog("fashion-mnist", "test", data, invert=False)
    monkeypatch.setenv("OFCLIP_RECORD", str(root / "mnist.json"))
    running = Recorder("04-retrieval", source="fashion-mnist", profile="laptop", root=root)
    running.uses(catalog, invert=False)
    record = running.finish()
    assert stale(record, root, data=data) == []
    assert stale(record, root, data=tmp_path / "empty") == []
    write_idx(data, 1)
    assert stale(record, root) == []
    assert stale(record, root, data=data) == ["data fashion-mnist@test?invert=false changed"]

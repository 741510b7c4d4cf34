from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from checkout import make_checkout, write_notebook
from records_helpers import make_metric

from ofclip.catalog import Catalog
from ofclip.errors import OfclipError, SettingError
from ofclip.records import Record, Recorder, stale
from ofclip.sources.ground_truth import GroundTruth, Task
from ofclip.tasks.result import Result


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OFCLIP_RECORD", raising=False)
    monkeypatch.delenv("OFCLIP_COMMAND", raising=False)
    write_notebook(tmp_path, "04-retrieval", "from ofclip.tasks import retrieval")
    return make_checkout(tmp_path)


def recorder(root: Path, **changes: object) -> Recorder:
    settings = {"source": "kagl", "profile": "laptop", "parameters": {"k": np.int64(10)}, "root": root, **changes}
    return Recorder("04-retrieval", **settings)


class Pictures(list):
    fingerprint = "pictures"


def catalog(name: str = "kagl", split: str = "test", n: int = 2) -> Catalog:
    ids = [str(i) for i in range(n)]
    products = pd.DataFrame({"id": ids, "split": split, "group": ids, "texts": [("a",)] * n})
    return Catalog(name, products, Pictures(ids))


@dataclass
class Model:
    name: str = "small"
    fingerprint: str = "weights"


def test_a_run_by_hand_never_replaces_the_executed_one(root: Path) -> None:
    record = recorder(root).finish()
    assert Record.load(root / "work/laptop/04-retrieval/kagl.interactive.json") == record
    assert not (root / "work/laptop/04-retrieval/kagl.json").exists()


def test_an_executed_run_writes_where_it_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFCLIP_RECORD", str(root / "there.json"))
    monkeypatch.setenv("OFCLIP_COMMAND", "ofclip run it")
    recorder(root).finish()
    assert Record.load(root / "there.json").made.command == "ofclip run it"


def test_what_it_used_is_in_the_key(root: Path) -> None:
    running = recorder(root)
    data, model = catalog(), Model()
    running.uses(data)
    running.uses(catalog("atelier/street"), n=2, seed=0)
    running.uses(model)
    record = running.finish()
    assert record.key.data["kagl@test"] == data.fingerprint
    assert set(record.key.data) == {"kagl@test", "atelier/street@test?n=2&seed=0"}
    assert record.key.weights == {"small": "weights"}
    assert record.sources == {"kagl", "atelier"}
    expected = {"tasks/retrieval.py", "metrics/ranking.py", "sources/kagl.py"}
    expected |= {"sources/atelier/__init__.py", "sources/atelier/draw.py"}
    assert set(record.key.code) == {f"ofclip/{name}" for name in expected}


def test_two_things_of_one_name_are_refused(root: Path) -> None:
    running = recorder(root)
    running.uses(catalog(n=2))
    with pytest.raises(SettingError, match="called kagl@test"):
        running.uses(catalog(n=3))
    with pytest.raises(SettingError, match="list"):
        running.uses([])


def test_results_tables_and_notes_are_collected(root: Path) -> None:
    running = recorder(root)
    running.add(Result([make_metric(np.float64(0.5))], {"classes": pd.DataFrame({"c": ["a"]})}))
    running.add(Result([make_metric(0.1, "recall@5")], {"classes": pd.DataFrame({"c": ["b"]})}))
    running.note("skipped", np.int64(3))
    record = running.finish()
    assert [metric.value for metric in record.metrics] == [0.5, 0.1]
    assert record.table("classes")["c"].tolist() == ["a", "b"]
    assert record.notes == {"skipped": 3}
    with pytest.raises(SettingError, match="other columns"):
        running.table("classes", pd.DataFrame({"d": [1]}))


@pytest.mark.parametrize("changes", [{"value": float("nan")}, {"interval": (0.1, float("inf"))}])
def test_what_is_no_number_is_not_recorded(root: Path, changes: dict) -> None:
    with pytest.raises(OfclipError, match="recall@1 on kagl@test"):
        recorder(root).add(Result([make_metric(**changes)]))


def test_the_fields_of_a_profile_are_parameters(root: Path) -> None:
    profile = SimpleNamespace(name="gpu", model_dump=lambda: {"batch": 64, "k": 1})
    record = recorder(root, profile=profile).finish()
    assert (record.profile, record.parameters) == ("gpu", {"batch": 64, "k": 10})


def test_code_edited_during_the_run_did_not_make_the_numbers(root: Path) -> None:
    running = recorder(root)
    (root / "ofclip/tasks/retrieval.py").write_text("# edited\n")
    assert running.finish().key.code["ofclip/tasks/retrieval.py"] == recorder(
        make_checkout(root)
    ).finish().key.code["ofclip/tasks/retrieval.py"]


def test_modules_stand_in_for_a_notebook(root: Path) -> None:
    record = recorder(root, modules=["ofclip.tasks.retrieval"], command="ofclip evaluate").finish()
    assert record.made.notebook is None and record.made.command == "ofclip evaluate"
    assert "ofclip/metrics/ranking.py" in record.key.code
    assert not (root / "work").exists()


def test_commit_and_changes_of_the_tree_are_noted(root: Path) -> None:
    assert recorder(root).finish().made.model_dump(include={"commit", "dirty"}) == {"commit": None, "dirty": True}
    (root / ".gitignore").write_text("work/\n")
    git = ["git", "-C", str(root), "-c", "user.name=n", "-c", "user.email=e@x"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)
    made = recorder(root).finish().made
    assert len(made.commit) == 40 and not made.dirty
    (root / "results").mkdir()
    (root / "results/new.csv").touch()
    assert not recorder(root).finish().made.dirty
    (root / "ofclip/catalog.py").write_text("# changed\n")
    assert recorder(root).finish().made.dirty


def test_a_ground_truth_is_data(root: Path) -> None:
    truth = GroundTruth("frozen KAGL", Task("text-to-image", "text"), ("a dress",), (("7",),))
    made = recorder(root)
    made.uses(catalog())
    made.uses(truth)
    record = made.finish()
    assert record.key.data["text-to-image by frozen KAGL"] == truth.fingerprint and not record.key.weights
    assert stale(record, root, data=root) == []

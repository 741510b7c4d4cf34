from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from toybook import checkout, notebook

from ofclip.experiments import EXPERIMENTS
from ofclip.records.status import ABSENT, FAILED, PASSED, STALE, Run, status

FOLDER = "work/laptop/04-retrieval"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return checkout(tmp_path, ("atelier",))


def run(root: Path, experiment: str = "04-retrieval", source: str = "atelier") -> Run:
    [found] = [run for run in status("laptop", root) if (run.experiment, run.source) == (experiment, source)]
    return found


def test_every_planned_run_has_a_state(root: Path) -> None:
    runs = status("laptop", root)
    assert len(runs) == sum(len(experiment.sources) for experiment in EXPERIMENTS.values())
    assert {run.state for run in runs if run.source == "atelier"} == {PASSED}
    assert {run.state for run in runs if run.source != "atelier"} == {ABSENT}
    assert all((run.record is None) == (run.state == ABSENT) for run in runs)


def test_a_changed_notebook_makes_its_record_stale(root: Path) -> None:
    path = root / "notebooks" / "04-retrieval.ipynb"
    path.write_text(path.read_text().replace('"1"', '"2"'))
    assert run(root).state == STALE and run(root).reason == "notebook changed: notebooks/04-retrieval.ipynb"
    assert run(root, "03-zero-shot").state == PASSED
    known = status("laptop", root, fresh={"04-retrieval/atelier"})
    assert STALE not in {run.state for run in known}, "what was found fresh is not checked again"


def test_the_last_attempt_counts_and_its_error_is_told(root: Path) -> None:
    error = nbformat.v4.new_output("error", ename="DataError", evalue="no\npictures", traceback=[])
    notebook(root / FOLDER / "atelier.failed.ipynb", "Retrieval", error)
    found = run(root)
    assert found.state == FAILED and found.reason == "DataError: no pictures" and found.record
    notebook(root / FOLDER / "kagl.failed.ipynb", "Retrieval")  # its kernel died
    assert run(root, source="kagl").reason == "see kagl.failed.ipynb"
    (root / FOLDER / "kagl.failed.ipynb").write_text("{")
    assert run(root, source="kagl").state == FAILED and run(root, source="kagl").record is None


def test_a_damaged_record_has_failed(root: Path) -> None:
    (root / FOLDER / "atelier.json").write_text("{")
    found = run(root)
    assert found.state == FAILED and found.reason.startswith(f"{FOLDER}/atelier.json: not a Record")

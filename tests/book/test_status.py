from __future__ import annotations

import csv
from pathlib import Path

import pytest
from toybook import change, checkout, notebook

from ofclip.book import status
from ofclip.book.build import collect
from ofclip.book.markup import GENERATED
from ofclip.experiments import EXPERIMENTS
from ofclip.records import Record, find


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose Records are published too, one of them with another value, two of them from elsewhere."""
    root = checkout(tmp_path_factory.mktemp("status"), ("atelier", "fashion-mnist"))
    for path in find(root, ["work"]):
        Record.load(path).save(root / "results" / path.relative_to(root / "work"))
    for name in ("03-zero-shot", "05-attributes"):
        path = root / f"results/laptop/{name}/atelier.json"
        record = Record.load(path)
        change(path, cost=record.cost.model_copy(update={"device": "another"}))
    gone = root / "results/laptop/04-retrieval/kagl.json"
    Record.load(root / "work/laptop/04-retrieval/atelier.json").model_copy(update={"source": "kagl"}).save(gone)
    notebook(root / "work/laptop/04-retrieval/kagl.failed.ipynb", "Retrieval")
    (root / "codecheck.yml").write_text("---\n")
    status.fragments(collect("laptop", root), "laptop", root)
    return root


def rows(root: Path, name: str) -> list[dict[str, str]]:
    with (root / GENERATED / f"{name}.csv").open() as file:
        return list(csv.DictReader(file.read().replace("\\", "").splitlines()))


def test_every_planned_run_has_a_row_with_its_cost(root: Path) -> None:
    found = rows(root, "status")
    assert len(found) == sum(len(experiment.sources) for experiment in EXPERIMENTS.values())
    [here] = [row for row in found if "04-retrieval/atelier.json" in row["Record"]]
    assert here["notebook"] == "{doc}`Retrieval </book/_generated/04-retrieval/atelier>`"
    record = Record.load(root / "work/laptop/04-retrieval/atelier.json")
    assert here["result"] == "pass" and here["last run"] == record.made.date[:10]
    assert here["device"].startswith(record.cost.device) and here["energy, J"] == "–"


def test_what_is_not_here_has_dashes_and_a_failure_is_told(root: Path) -> None:
    found = rows(root, "status")
    absent = [row for row in found if row["result"] == "absent"]
    assert absent and all(row["seconds"] == row["device"] == "–" for row in absent)
    [failed] = [row for row in found if row["result"] == "fail"]
    assert failed["notebook"] == "Retrieval" and failed["Record"] == "kagl"
    text = (root / GENERATED / "status.md").read_text()
    assert "- 04-retrieval, kagl: fail, see kagl\\.failed\\.ipynb" in text
    assert ":class: words-3" in text, "a dash for what was not measured leaves a column one of numbers"
    assert "1 fail, 0 stale" in text and "{download}`codecheck.yml </codecheck.yml>`" in text


def test_the_run_is_set_beside_the_published_one(root: Path) -> None:
    text = (root / GENERATED / "reproduction.md").read_text()
    assert "**This run reproduces the published one.**" in text
    assert "2 Records were made on another type of machine" in text
    assert "Published, and not run here: `04-retrieval/kagl`." in text
    [elsewhere] = [row for row in rows(root, "reproduction") if row["notebook"] == EXPERIMENTS["03-zero-shot"].title
                   and row["data"] == "atelier"]  # fmt: skip
    assert elsewhere["machine"] == "another" and elsewhere["missing"] == "0"
    record = Record.load(root / "work/laptop/03-zero-shot/atelier.json")
    assert int(elsewhere["same"]) == len(record.metrics)


def test_another_value_on_the_same_machine_is_no_reproduction(tmp_path: Path) -> None:
    root = checkout(tmp_path, ("atelier",))
    record = Record.load(root / "work/laptop/04-retrieval/atelier.json")
    other = record.metrics[0].__class__(**{**vars(record.metrics[0]), "value": 0.98765})
    record.model_copy(update={"metrics": [other, *record.metrics[1:]]}).save(
        root / "results/laptop/04-retrieval/atelier.json"
    )
    status.fragments(collect("laptop", root), "laptop", root)
    assert "**This run does not reproduce the published one.**" in (root / GENERATED / "reproduction.md").read_text()


def test_a_training_that_was_not_repeated_counts_with_its_time(tmp_path: Path) -> None:
    root = checkout(tmp_path, ("atelier",))
    path = root / "work/laptop/02-training/atelier.json"
    record = Record.load(path)
    training = {"reused": True, "cost": {"seconds": 1000.0, "energy_joules": None}}
    change(path, notes={**record.notes, **training}, cost=record.cost.model_copy(update={"seconds": 4.0}))
    status.fragments(collect("laptop", root), "laptop", root)
    [row] = [row for row in rows(root, "status") if "02-training/atelier.json" in row["Record"]]
    assert row["seconds"] == "1,004" and row["energy, J"] == "–"


def test_without_published_records_the_page_says_so(tmp_path: Path) -> None:
    root = checkout(tmp_path, ("atelier",))
    status.fragments(collect("laptop", root), "laptop", root)
    assert "nothing to reproduce" in (root / GENERATED / "reproduction.md").read_text()
    assert "codecheck" not in (root / GENERATED / "status.md").read_text()

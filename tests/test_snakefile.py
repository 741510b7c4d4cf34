"""The build runs what is due and nothing else, in a copy of the checkout with small notebooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import write_notebook
from records_helpers import make_record

from ofclip.experiments import EXPERIMENTS, ROOT, jobs
from ofclip.records import Record

CODE = """
from ofclip.metrics import {module}
from ofclip.records import Recorder
Recorder("{name}", source=source, profile=profile).finish();
"""
READS = """
from ofclip.records import Record, Recorder
recorder = Recorder("12-selection", source=source, profile=profile)
recorder.uses(Record.load(f"work/{profile}/11-mixture/{source}.json"))
recorder.finish();
"""
TARGETS = [f"work/smoke/{name}/atelier.json" for name in ("01-data", "02-training")]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "ofclip", tmp_path / "ofclip", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in EXPERIMENTS:
        module = "ranking" if name == "02-training" else "intervals"
        write_notebook(tmp_path, name, READS if name == "12-selection" else CODE.format(module=module, name=name))
    return tmp_path


def snakemake(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake as the Makefile does, but for the profile."""
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(copy / ".cache"),
        "OFCLIP_DATA": str(copy / "no data"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # every process would compile all libraries anew
    options = "--cores all --config profile=smoke --rerun-triggers mtime --nolock --rerun-incomplete --scheduler greedy"
    command = [str(tools / "snakemake"), *options.split(), *words]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)


def build(copy: Path, targets: list[str] = TARGETS) -> tuple[list[str], str]:
    """Make a few Records; return the progress lines' names and stderr."""
    done = snakemake(copy, "--quiet", "all", "--", *targets)
    return [line.split(" ·")[0] for line in done.stdout.splitlines()], done.stderr


def test_only_what_depends_on_a_change_runs_again(copy: Path) -> None:
    first, errors = build(copy)
    assert sorted(first) == ["01-data", "02-training"], errors
    before = [Record.load(copy / target) for target in TARGETS]
    assert "ofclip/metrics/ranking.py" in before[1].key.code

    (copy / "ofclip/metrics/intervals.py").touch()  # newer, but the same
    assert build(copy) == ([], "")

    with (copy / "ofclip/metrics/ranking.py").open("a") as file:
        file.write("# one line more\n")
    assert build(copy)[0] == ["02-training"]
    assert Record.load(copy / TARGETS[0]) == before[0]

    (copy / "notebooks/01-data.ipynb").write_text("{")
    (copy / TARGETS[1]).write_text("half a Rec")
    ran, errors = build(copy)
    assert ran == [] and "01-data.ipynb: not a notebook" in errors and errors.count("\n") == 1


def test_a_record_that_is_read_is_made_first_and_again_when_it_is(copy: Path) -> None:
    target = ["work/smoke/12-selection/atelier.json"]
    ran, errors = build(copy, target)
    assert ran == ["11-mixture", "12-selection"], errors
    read, reader = (Record.load(copy / f"work/smoke/{name}/atelier.json") for name in ran)
    assert reader.key.records == {"11-mixture/atelier": read.fingerprint}
    notebook = copy / "notebooks/11-mixture.ipynb"
    notebook.write_text(notebook.read_text().replace("k = 10", "k = 11"))
    assert build(copy, target)[0] == ["11-mixture", "12-selection"]


def test_what_is_missing_is_made_though_the_book_is_newer(copy: Path) -> None:
    for job in jobs(["atelier"]):
        path = copy / f"work/smoke/{job.experiment}/{job.source}.json"
        make_record(experiment=job.experiment, source=job.source, profile="smoke").save(path)
        path.with_suffix(".ipynb").touch()
    page = copy / "book/_build/html/index.html"
    page.parent.mkdir(parents=True)
    page.touch()
    assert "Nothing to be done" in snakemake(copy, "--dry-run").stdout
    (copy / "work/smoke/04-retrieval/atelier.json").unlink()  # or data are there since, so that it never was
    planned = snakemake(copy, "--dry-run").stdout
    assert "work/smoke/04-retrieval/atelier.json" in planned and "output: work/smoke/05-attributes/" not in planned

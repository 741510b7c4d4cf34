"""Toy Records, and a small checkout with executed notebooks, made without training anything."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
from matplotlib.figure import Figure
from toyresults import RESULTS

from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records import Record, Recorder, Table
from ofclip.records.cost import Cost
from ofclip.records.record import Key, Made
from ofclip.tasks.result import Result

DATASETS = {
    "atelier": ["atelier/street", "atelier/flatlay", "atelier/grey", "atelier/sketch"],
    "kagl": ["kagl"],
    "clothing-dataset-small": ["clothing-dataset-small"],
    "fashion-mnist": ["fashion-mnist"],
    "fashion-iq": ["fashion-iq"],
    "deepfashion": ["deepfashion"],
    "imaterialist": ["imaterialist"],
    "clothing-co-parsing": ["clothing-co-parsing"],
}


def record(experiment: str, *results: Result) -> Record:
    """Return a Record of the given results that no notebook has made."""
    total = sum(results[1:], results[0])
    return Record(
        experiment=experiment,
        source="atelier",
        profile="none",
        title=experiment,
        parameters={},
        metrics=total.metrics,
        tables={name: Table.of(frame) for name, frame in total.tables.items()},
        notes={},
        made=Made(notebook=None, command="", commit=None, dirty=True, date=""),
        cost=Cost(device="", cores=1, seconds=1, peak_memory_mib=1),
        key=Key(notebook=None, code={}, lock=None, parameters=""),
    )


def notebook(path: Path, title: str, output: nbformat.NotebookNode | None = None) -> None:
    """Write a notebook of a title and one cell, with or without an output."""
    code = nbformat.v4.new_code_cell("1", id="one", execution_count=1)
    code.outputs = [output] if output else []
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\nProse.", id="title"), code]
    path.parent.mkdir(parents=True, exist_ok=True)
    language = {"name": "python", "pygments_lexer": "ipython3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"language_info": language}), path)


def picture() -> nbformat.NotebookNode:
    """Return the output of a cell that shows a small drawing."""
    buffer = io.BytesIO()
    figure = Figure(figsize=(1, 1))
    figure.add_axes((0, 0, 1, 1)).imshow(np.eye(3))
    figure.savefig(buffer, format="png")
    return nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(buffer.getvalue()).decode()})


def checkout(root: Path, sources: tuple[str, ...], profile: str = "laptop") -> Path:
    """Make a checkout below `root` with the book's prose and, for each source, fresh Records and notebooks."""
    ignored = shutil.ignore_patterns("_build", "_generated")
    shutil.copytree(ROOT / "book", root / "book", ignore=ignored)
    shutil.copytree(ROOT / "results" / "reported", root / "results" / "reported")
    shutil.copy(ROOT / "_config.yml", root)
    for number, experiment in enumerate(EXPERIMENTS.values()):
        notebook(root / "notebooks" / f"{experiment.name}.ipynb", experiment.title)
        for source in [name for name in experiment.sources if name in sources]:
            folder = root / "work" / profile / experiment.name
            rng = np.random.default_rng(number)
            recorder = Recorder(experiment.name, source, profile, {"learning_rate": 2e-3}, root=root)
            weights = experiment.sources[source] or source
            recorder.note("weights", weights)
            recorder.uses(SimpleNamespace(name="model", fingerprint=weights))
            for dataset in DATASETS[source] if experiment.name != "02-training" else [source]:
                recorder.add(RESULTS[experiment.name](rng, dataset))
            record = recorder.finish()
            record.save(folder / f"{source}.json")
            notebook(folder / f"{source}.ipynb", experiment.title, picture())
    for path in (root / "work").rglob("*.interactive.json"):
        path.unlink()
    return root


def change(path: Path, **updates: object) -> None:
    """Save a Record with some fields changed."""
    Record.load(path).model_copy(update=updates).save(path)

"""A book of the published Records, built without running a notebook."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
from toybook import picture

from ofclip.book import notebooks
from ofclip.book.build import generate, render
from ofclip.book.pages import Shown
from ofclip.book.status import fragments
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records import Record

PROFILE = "laptop"


def build(root: Path) -> Path:
    """Build the book from `results/` below an empty `root` and return the folder of its pages.

    Records may be older than the code, as the pages are what is tested. Executed notebooks are not published: each
    page of a notebook has its cells and one small drawing.
    """
    ignored = shutil.ignore_patterns("_build", "_generated")
    for name in ("book", "notebooks", "results"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("_config.yml", "codecheck.yml", "requirements.txt"):
        shutil.copy(ROOT / name, root)
    shown = []
    for experiment in EXPERIMENTS.values():
        for source in experiment.sources:
            place = Path(PROFILE, experiment.name, f"{source}.json")
            path, published = "work" / place, "results" / place
            if (root / published).is_file():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / published, root / path)
                executed(root / "notebooks" / f"{experiment.name}.ipynb", root / path.with_suffix(".ipynb"))
                notebook = notebooks.read(root / path.with_suffix(".ipynb"))
                shown.append(Shown(Record.load(root / path), path, notebook, None, published))
    generate(shown, root)
    fragments(shown, PROFILE, root)
    return render(root).parent


def executed(source: Path, target: Path) -> None:
    """Write a notebook as if each of its cells had run, the last with a drawing as its output."""
    notebook = nbformat.from_dict(json.loads(source.read_text(encoding="utf-8")))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, 1):
        cell.execution_count = number
    cells[-1].outputs = [picture()]
    nbformat.write(notebook, target)

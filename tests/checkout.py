"""A small checkout of its own for tests: a package of a few lines, a lock, notebooks."""

from __future__ import annotations

from pathlib import Path

import nbformat

PACKAGE = {
    "__init__.py": 'LAZY = {"load_catalog": "ofclip.sources", "retrieval": "ofclip.tasks"}\n',
    "catalog.py": "",
    "models.py": "def load_model(): ...\n",
    "model_configs/tiny.json": "{}",
    "metrics/__init__.py": "",
    "metrics/ranking.py": "",
    "metrics/classification.py": "",
    "records/__init__.py": "from ofclip import catalog\n",
    "sources/__init__.py": (
        'from ofclip.catalog import Catalog\nMODULES = {"kagl": "ofclip.sources.kagl", '
        '"atelier": "ofclip.sources.atelier"}\ndef load_catalog(name): ...\n'
    ),
    "sources/kagl.py": "",
    "sources/atelier/__init__.py": "",
    "sources/atelier/draw.py": "",
    "tasks/__init__.py": (
        "from ofclip.tasks.retrieval import retrieval\nfrom ofclip.tasks.zero_shot import zero_shot\n"
        "def evaluate(name): return {'retrieval': retrieval, 'zero-shot': zero_shot}[name]\n"
    ),
    "tasks/retrieval.py": "def retrieval():\n    from ofclip.metrics import ranking\n",
    "tasks/zero_shot.py": "from ..metrics.classification import *\ndef zero_shot(): ...\n",
}


def make_checkout(root: Path) -> Path:
    """Write the package and its lock under `root` and return it."""
    for name, text in PACKAGE.items():
        path = root / "ofclip" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "requirements.txt").write_text("numpy==2.0\n")
    return root


def write_notebook(root: Path, name: str, *cells: str) -> Path:
    """Write a notebook whose first code cell sets `source`, `profile` and `k`; the given cells follow."""
    parameters = nbformat.v4.new_code_cell('source = "atelier"\nprofile = "laptop"\nk = 10')
    parameters.metadata["tags"] = ["parameters"]
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A title"), parameters, *code])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path

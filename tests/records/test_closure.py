from __future__ import annotations

from pathlib import Path

import pytest
from checkout import make_checkout, write_notebook

from ofclip.errors import OfclipError
from ofclip.records.closure import code_files, code_hashes, notebook_hash

SOURCES = {"sources/__init__.py", "catalog.py"}
RETRIEVAL = {"tasks/retrieval.py", "metrics/ranking.py"}
ZERO_SHOT = {"tasks/zero_shot.py", "metrics/classification.py"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_checkout(tmp_path)


def reached(root: Path, *cells: str, sources: tuple[str, ...] = ()) -> set[str]:
    notebook = write_notebook(root, "x", *cells)
    return {path.relative_to("ofclip").as_posix() for path in code_files(notebook, sources, root)}


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("import numpy", set()),
        ("from ofclip.tasks import retrieval", RETRIEVAL),
        ("from ofclip.tasks.retrieval import retrieval", RETRIEVAL),
        ("import ofclip.tasks.retrieval\nofclip.tasks.retrieval.retrieval()", RETRIEVAL),
        ("import ofclip\nofclip.retrieval()", RETRIEVAL),
        ("import ofclip as o\no.retrieval()", RETRIEVAL),
        ("from ofclip import retrieval", RETRIEVAL),
        ("def later():\n    from ofclip.tasks import zero_shot", ZERO_SHOT),
        ("from ofclip.tasks import evaluate", RETRIEVAL | ZERO_SHOT | {"tasks/__init__.py"}),
        ("import importlib\nimportlib.import_module('ofclip.metrics.ranking')", {"metrics/ranking.py"}),
        ("from ofclip.models import load_model", {"models.py", "model_configs/tiny.json"}),
        ("from ofclip.records import Recorder", set()),
        ("import ofclip\nofclip.load_catalog('x')", SOURCES),
        ("%matplotlib inline\n!ls\nfrom ofclip import catalog", {"catalog.py"}),
    ],
)
def test_imports_of_every_form_are_followed(root: Path, code: str, files: set[str]) -> None:
    assert reached(root, code) == files


def test_a_source_adds_its_own_files_only(root: Path) -> None:
    code = "from ofclip.sources import load_catalog"
    assert reached(root, code, sources=("kagl",)) == SOURCES | {"sources/kagl.py"}
    package = {"sources/atelier/__init__.py", "sources/atelier/draw.py"}
    assert reached(root, code, sources=("atelier/street",)) == SOURCES | package


def test_modules_can_be_the_entry(root: Path) -> None:
    files = code_files(["ofclip.tasks.retrieval"], root=root)
    assert {path.relative_to("ofclip").as_posix() for path in files} == RETRIEVAL


def test_touching_a_task_changes_only_what_imports_it(root: Path) -> None:
    one = write_notebook(root, "one", "from ofclip.tasks import retrieval")
    two = write_notebook(root, "two", "from ofclip.tasks import zero_shot")
    before = [code_hashes(notebook, root=root) for notebook in (one, two)]
    with (root / "ofclip/tasks/retrieval.py").open("a") as file:
        file.write("# one line\n")
    after = [code_hashes(notebook, root=root) for notebook in (one, two)]
    assert before[0] != after[0] and before[1] == after[1]


def test_the_hash_of_a_notebook_is_that_of_its_code(root: Path) -> None:
    notebook = write_notebook(root, "x", "a = 1")
    first = notebook_hash(notebook)
    notebook.write_text(notebook.read_text().replace("A title", "Another title"))
    assert notebook_hash(notebook) == first
    notebook.write_text(notebook.read_text().replace("a = 1", "a = 2"))
    assert notebook_hash(notebook) != first


def test_what_cannot_be_read_is_named(root: Path) -> None:
    with pytest.raises(OfclipError, match="x.ipynb, code cell 2, line 1"):
        reached(root, "a = = 1")
    broken = root / "notebooks/broken.ipynb"
    broken.write_text("{")
    with pytest.raises(OfclipError, match="broken.ipynb: not a notebook"):
        code_files(broken, root=root)
    with pytest.raises(OfclipError, match="no such notebook"):
        code_files(root / "notebooks/none.ipynb", root=root)

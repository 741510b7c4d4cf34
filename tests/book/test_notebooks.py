from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from toybook import notebook, picture

from ofclip.book import notebooks
from ofclip.errors import OfclipError


def test_a_failed_cell_is_refused(tmp_path: Path) -> None:
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no such thing", traceback=["..."])
    notebook(tmp_path / "run.ipynb", "Run", error)
    with pytest.raises(OfclipError, match="run.ipynb: cell 2 failed with ValueError: no such thing"):
        notebooks.read(tmp_path / "run.ipynb")


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_what_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.ipynb").write_text(content)
    with pytest.raises(OfclipError, match="run.ipynb: not a notebook"):
        notebooks.read(tmp_path / "run.ipynb")


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(OfclipError, match="run.ipynb: the executed notebook is missing"):
        notebooks.read(tmp_path / "run.ipynb")


def test_pages_have_titles_of_their_own_and_keep_the_prose(tmp_path: Path) -> None:
    notebook(tmp_path / "run.ipynb", "Run", picture())
    source = notebooks.read(tmp_path / "run.ipynb")
    page = nbformat.reads(notebooks.page(source, "Notebook: Atelier", "Where it comes from."), as_version=4)
    assert page.cells[0].source == "# Notebook: Atelier\n\nWhere it comes from.\n\nProse."
    assert page.cells[1].outputs
    assert "# Run" in "".join(source["cells"][0]["source"]), "the executed notebook itself stays as it was"


def test_a_notebook_without_a_title_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "run.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", execution_count=1)]), path)
    page = json.loads(notebooks.page(notebooks.read(path), "Notebook: KAGL", "note"))
    assert [cell["cell_type"] for cell in page["cells"]] == ["markdown", "code"]


def test_pictures_are_the_png_outputs(tmp_path: Path) -> None:
    notebook(tmp_path / "with.ipynb", "Run", picture())
    notebook(tmp_path / "without.ipynb", "Run", nbformat.v4.new_output("stream", text="12"))
    assert [png[:4] for png in notebooks.pictures(notebooks.read(tmp_path / "with.ipynb"))] == [b"\x89PNG"]
    assert notebooks.pictures(notebooks.read(tmp_path / "without.ipynb")) == []


def test_a_code_cell_that_did_not_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.ipynb"
    notebook(path, "Run", picture())
    node = nbformat.read(path, as_version=4)
    node.cells.append(nbformat.v4.new_code_cell("  \n"))  # an empty one has nothing to run
    nbformat.write(node, path)
    assert notebooks.read(path)
    node.cells.append(nbformat.v4.new_code_cell("2 + 2"))
    nbformat.write(node, path)
    with pytest.raises(OfclipError, match="run.ipynb: cell 4 did not run"):
        notebooks.read(path)

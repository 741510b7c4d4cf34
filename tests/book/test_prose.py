"""No result is typed by hand: prose, notebooks and their code hold names with digits, and no other digits."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prose import ALLOWED, DECIMAL, typed

from ofclip.experiments import ROOT

PAGES = sorted((ROOT / "book").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(kind: str) -> Iterator[tuple[str, dict]]:
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == kind:
                yield path.name, cell


@pytest.mark.parametrize(
    "text",
    ["a recall of 0.45", "12 % more", "| kagl | 0.388 |", "```\nrecall 0.388\n```", "recall@10 of 38", "twice 103"],
)
def test_a_typed_number_is_found(text: str) -> None:
    assert typed(text)


def test_names_with_digits_are_no_results() -> None:
    text = "recall@10 and F1 of ViT-B/32 on Fashion200K {cite}`chia2022fashionclip`, `x=0.5`, [a](b/1.html)"
    assert not typed(text + "\n```sh\nofclip run 04-retrieval -p seed=7\n```")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_number_is_typed_into_the_book(path: Path) -> None:
    assert not typed(path.read_text(encoding="utf-8"))


def test_no_number_is_typed_into_the_prose_of_notebooks() -> None:
    prose = list(cells("markdown"))
    assert prose
    for name, cell in prose:
        assert not typed("".join(cell["source"])), name


def test_no_result_is_typed_into_the_code_of_notebooks() -> None:
    for name, cell in cells("code"):
        if "parameters" in cell["metadata"].get("tags", []):
            continue
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(node, ast.Constant):
                assert not isinstance(node.value, float), f"{name}: {node.value}"
                assert not (isinstance(node.value, str) and DECIMAL.search(node.value)), f"{name}: {node.value}"


def test_notebooks_are_committed_without_outputs() -> None:
    for name, cell in cells("code"):
        assert not cell["outputs"] and cell["execution_count"] is None, name


def test_notebooks_show_their_figures() -> None:
    lines = [line for _, cell in cells("code") for line in "".join(cell["source"]).splitlines()]
    figures = [line for line in lines if line.startswith("figures.")]
    assert figures and not [line for line in figures if line.endswith(";")], "a semicolon hides the figure"


def test_the_allowed_names_are_all_in_use() -> None:
    everything = "\n".join(path.read_text(encoding="utf-8") for path in (*PAGES, *NOTEBOOKS))
    assert [pattern for pattern in ALLOWED if not re.search(pattern, everything)] == []

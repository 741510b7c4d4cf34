"""Each chapter ends with changes worth trying, and every command, parameter and cell that it names is there."""

from __future__ import annotations

import ast
import json
import re
import shlex

import pytest

from ofclip import sources
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.profiles import parse

TITLE = "\n## Try it\n"
COMMAND = re.compile(r"^ofclip run .*$", re.MULTILINE)
EDIT = re.compile(r"[Ww]rite\s+`([^`]+)`\s+for\s+`([^`]+)`")


def section(name: str) -> str:
    """Return the last section of a chapter."""
    head, title, rest = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8").partition(TITLE)
    assert title and "\n## " not in rest and "_generated" in head, f"{name}: 'Try it' is not the last section"
    return rest


def code(name: str, tagged: bool = False) -> str:
    """Return the source of a notebook's code cells, or of its parameters alone."""
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return "\n".join(
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and (not tagged or "parameters" in cell["metadata"].get("tags", []))
    )


def commands(name: str) -> list[list[str]]:
    """Return the words after `ofclip run` of each command of a chapter's last section."""
    fences = re.findall(r"^```sh\n(.*?)^```", section(name), re.MULTILINE | re.DOTALL)
    return [shlex.split(line)[2:] for block in fences for line in COMMAND.findall(block)]


def changes(words: list[str]) -> dict[str, object]:
    return parse([word for flag, word in zip(words, words[1:], strict=False) if flag == "-p"])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_chapter_has_two_or_three_changes(name: str) -> None:
    bold = re.findall(r"^\*\*", section(name), re.MULTILINE)
    assert 2 <= len(bold) <= 3 and commands(name)
    assert any(words[0] == name for words in commands(name))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_command_names_what_there_is(name: str) -> None:
    for words in commands(name):
        experiment = EXPERIMENTS[words[0]]
        tree = ast.parse(code(experiment.name, tagged=True))
        known = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
        assert set(changes(words)) <= known, f"{name}: {words}"
        assert changes(words) or "--mine" in words, f"{name}: {words} changes nothing"
        source = words[words.index("--source") + 1] if "--source" in words else "atelier"
        assert source in experiment.sources, f"{name}: {words}"
        rest = [word for word in words[1:] if word not in ("--source", source, "-p", "--mine") and "=" not in word]
        assert not rest, f"{name}: {rest}"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_value_is_one_that_the_notebook_takes(name: str) -> None:
    parts = {f"atelier/{part}" for part in sources.get("atelier").parts}
    for words in commands(name):
        for key, value in changes(words).items():
            if key == "trained":
                assert value in ("atelier", "kagl", "atelier.custom")
            elif key == "tests" or key == "sets":
                assert set(value) <= parts
            elif key == "target":
                assert value in parts
            elif key == "parts":
                assert all(64 % part == 0 for part in value)
            else:
                assert isinstance(value, int) and value > 0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_cell_to_change_is_there_and_stays_python(name: str) -> None:
    edits = EDIT.findall(" ".join(section(name).split()))
    assert bool(edits) == any("--mine" in words for words in commands(name))
    for new, old in edits:
        assert old in code(name), f"{name}: no cell has {old}"
        ast.parse(code(name).replace(old, new))


def test_what_a_changed_training_run_leaves_is_where_the_pages_say() -> None:
    assert 'f"{source}.custom"' in code("02-training")
    assert "work/laptop/02-training/atelier.custom/" in section("02-training")

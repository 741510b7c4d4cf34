"""The package is a house: a module imports only from floors below its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ofclip

PACKAGE = Path(ofclip.__file__).parent

#: From the ground up; a module or folder of modules per name.
FLOORS = (
    {"errors"},
    {"files", "machine"},
    {"archives", "tensors"},
    {"metrics", "catalog", "images", "text"},
    {"tree", "shards", "fetch"},
    {"sources", "models"},
    {"embeddings", "grounding", "interpolation", "training"},
    {"tasks"},
    {"experiments", "watching"},
    {"records", "figures", "profiles"},
    {"run"},
    {"book"},
    {"cli"},
)
LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports when it runs, at any depth; what only annotates is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [tree]
    found = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ["ofclip", *path.relative_to(PACKAGE).parent.parts]
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(filter(None, [base, node.module]))
            found |= {f"{origin}.{alias.name}" for alias in node.names}
        nodes += ast.iter_child_nodes(node)
    return found


def rooms_used(path: Path) -> set[str]:
    names = {name.split(".")[1] for name in imports(path) if name.startswith("ofclip.")}
    return (names & LEVEL.keys()) - {room(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_go_down(path: Path) -> None:
    assert room(path) in LEVEL, f"{room(path)} has no floor: give it one in FLOORS"
    above = {name for name in rooms_used(path) if LEVEL[name] >= LEVEL[room(path)]}
    assert not above, f"{path.name} imports {above}, which lie on its own floor or above"


@pytest.mark.parametrize("path", sorted((PACKAGE / "sources").rglob("*.py")), ids=lambda path: path.name)
def test_sources_never_import_torch(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in ("torch", "torchvision", "open_clip")}


def test_an_import_that_goes_up_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    path = tmp_path / "metrics" / "x.py"
    path.parent.mkdir()
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ofclip.cli import main\n"
        "def f():\n    from ofclip import run\n    from ..tasks import retrieval\nimport torch\n"
    )
    assert rooms_used(path) == {"run", "tasks"} and "torch" in imports(path)

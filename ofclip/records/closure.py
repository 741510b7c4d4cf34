"""Which files of the package a notebook's numbers depend on, found by reading imports."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ofclip.errors import OfclipError
from ofclip.experiments import ROOT
from ofclip.files import digest, sha256

PACKAGE = "ofclip"
LOCK = "requirements.txt"

#: Left out: how a run is planned, started, stored or drawn, or what an error says, does not change its numbers.
BOOKKEEPING = ("book", "cli", "errors", "experiments", "figures", "records", "run")


def notebook_code(notebook: Path) -> list[str]:
    """Return the source of each code cell, without magics; OfclipError names a damaged notebook."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except FileNotFoundError:
        raise OfclipError(f"{notebook}: there is no such notebook") from None
    except (ValueError, KeyError, TypeError) as error:
        raise OfclipError(f"{notebook}: not a notebook ({error}); restore it with git checkout") from None
    return [
        "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
        for source in sources
    ]


def code_files(entry: Path | Iterable[str], sources: Iterable[str] = (), root: Path = ROOT) -> list[Path]:
    """Return the files of the package, relative to `root`, that the numbers of `entry` depend on.

    `entry` is a notebook, or names of modules. The closure is static: imports at any depth of a module or
    function, `ofclip.name` through the package's LAZY table, and strings that name a module in full (a
    registry of modules imported on demand). The registry of sources is the exception: of those, only the
    modules of the given `sources` are added. A package's `__init__.py` is followed only where a name that
    it defines itself is used; a name that it passes on leads to the module it comes from. Modules in
    BOOKKEEPING are left out. With `ofclip.models` come the model configurations.
    Raises OfclipError for code that cannot be parsed.
    """
    package = _Package(root)
    if isinstance(entry, Path):
        for number, cell in enumerate(notebook_code(entry)):
            package.follow(_used(_parse(cell, f"{entry}, code cell {number + 1}")), None)
    else:
        for module in entry:
            package.add(module)
    for name in sources:
        package.add_source(name.partition("/")[0])
    files = set(package.files)
    if any(name.split(".")[1] == "models" for name in package.seen):
        files |= {path.relative_to(root) for path in (root / PACKAGE / "model_configs").glob("*.json")}
    return sorted(files)


def code_hashes(
    entry: Path | Iterable[str], sources: Iterable[str] = (), root: Path = ROOT
) -> dict[str, str]:
    """Return path -> SHA-256 of the files that `code_files` names."""
    return {path.as_posix(): sha256(root / path) for path in code_files(entry, sources, root)}


def notebook_hash(notebook: Path) -> str:
    """Return the hash of a notebook's code cells: prose and outputs do not count."""
    return digest(*notebook_code(notebook))


def lock_hash(root: Path = ROOT) -> str | None:
    """Return the SHA-256 of the lock, which fixes the version of every library; None without one."""
    lock = root / LOCK
    return sha256(lock) if lock.is_file() else None


class _Package:
    """The walk over the package's modules: `seen` names, and the `files` that belong to them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: set[str] = set()
        self.files: set[Path] = set()
        self.paths: dict[str, Path | None] = {}
        self.lazy = self._table(PACKAGE, "LAZY")

    def path(self, module: str) -> Path | None:
        """Return the file of a module of the package, or None."""
        if module not in self.paths:
            stem = self.root.joinpath(*module.split("."))
            files = (stem.with_suffix(".py"), stem / "__init__.py")
            self.paths[module] = next((path for path in files if path.is_file()), None)
        return self.paths[module]

    def tree(self, path: Path) -> ast.Module:
        return _parse_file(path, path.stat().st_mtime_ns)

    def add(self, module: str) -> None:
        """Add one module and, transitively, what it imports."""
        path = self.path(module)
        if path is None or module in self.seen or module == PACKAGE or module.split(".")[1] in BOOKKEEPING:
            return
        self.seen.add(module)
        self.files.add(path.relative_to(self.root))
        path = self.root / path
        self.follow(_used_file(path, path.stat().st_mtime_ns), module)

    def add_source(self, name: str) -> None:
        """Add a source's module; of a source that is a package, all modules."""
        own = f"{PACKAGE}.sources.folder" if name.startswith("folder:") else None
        module = own or self._table(f"{PACKAGE}.sources", "MODULES").get(name)
        path = self.path(module) if module else None
        if module is None or path is None:
            return
        self.add(module)
        if path.name == "__init__.py":
            for file in path.parent.glob("*.py"):
                self.add(f"{module}.{file.stem}" if file != path else module)

    def add_name(self, module: str, name: str) -> None:
        """Add where `from module import name` leads."""
        if module == PACKAGE and name in self.lazy:
            self.add_name(self.lazy[name], name)
        elif self.path(f"{module}.{name}"):
            self.add(f"{module}.{name}")
        elif (path := self.path(module)) and path.name == "__init__.py":
            for node in self.tree(path).body:
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        origin = _absolute(node, module, is_package=True)
                        if (alias.asname or alias.name) == name and origin.startswith(PACKAGE):
                            return self.add_name(origin, alias.name)
            self.add(module)
        else:
            self.add(module)

    def follow(self, used: _Used, module: str | None) -> None:
        """Follow every import, lazy attribute and module name in code."""
        path = self.path(module) if module is not None else None
        is_package = path is not None and path.name == "__init__.py"
        for name in used.modules:
            self.add(name)
        for node in used.names:
            origin = _absolute(node, module, is_package)
            if origin.split(".")[0] == PACKAGE:
                for alias in node.names:
                    self.add_name(origin, alias.name) if alias.name != "*" else self.add(origin)
        for name in used.strings if module != f"{PACKAGE}.sources" else ():
            self.add(name)
        for origin, name, *rest in used.attributes:
            while rest and name not in self.lazy and self.path(f"{origin}.{name}"):
                origin, name, rest = f"{origin}.{name}", rest[0], rest[1:]
            self.add_name(origin, name)

    def _table(self, module: str, name: str) -> dict[str, str]:
        """Return a dictionary of strings that a module assigns at its top level, empty if it has none."""
        if path := self.path(module):
            body: list[Any] = self.tree(path).body
            for node in body:
                targets = getattr(node, "targets", [getattr(node, "target", None)])
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    return ast.literal_eval(node.value)
        return {}


@dataclass(frozen=True)
class _Used:
    """What code names of the package, in any place of it."""

    modules: list[str]
    names: list[ast.ImportFrom]
    strings: list[str]
    attributes: list[list[str]]


def _used(tree: ast.Module) -> _Used:
    modules, names, strings = [], [], []
    aliases: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    modules.append(alias.name)
                    if alias.name == PACKAGE or alias.asname is None:
                        aliases.add(alias.asname or PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            names.append(node)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value.startswith(f"{PACKAGE}."):
                strings.append(node.value)
    return _Used(modules, names, strings, list(_attributes(tree, aliases)))


def _attributes(tree: ast.Module, aliases: set[str]) -> Iterator[list[str]]:
    """Yield [package, name, name ...] for each `alias.name.name`, whole chains only."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        chain: list[str] = []
        if id(node) in inner:
            continue
        while isinstance(node, ast.Attribute):
            chain.insert(0, node.attr)
            node = node.value
        if chain and isinstance(node, ast.Name) and node.id in aliases:
            yield [PACKAGE, *chain]


def _absolute(node: ast.ImportFrom, module: str | None, is_package: bool) -> str:
    """Return the full name of the module that a from-import names."""
    if not node.level:
        return node.module or ""
    base = (module or "").split(".")
    base = base[: len(base) - node.level + is_package]
    return ".".join(base + ([node.module] if node.module else []))


def _parse(code: str, where: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError as error:
        raise OfclipError(f"{where}, line {error.lineno}: {error.msg}") from None


@cache
def _parse_file(path: Path, mtime: int) -> ast.Module:
    return _parse(path.read_text(encoding="utf-8"), str(path))


@cache
def _used_file(path: Path, mtime: int) -> _Used:
    """Return what a file uses; kept, since a book asks for the files of fifty runs."""
    return _used(_parse_file(path, mtime))

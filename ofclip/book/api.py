"""The reference of the package: public functions and classes with signature and docstring; nothing is imported."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from ofclip.book.markup import GENERATED, escape, write

#: Page -> title and patterns of the modules on it, below `ofclip/`, in their order.
PAGES = {
    "data": (
        "Data",
        (
            "catalog.py", "sources/__init__.py", "sources/base.py", "sources/folder.py", "sources/example.py",
            "sources/splits.py", "images/stores.py", "images/cache.py", "shards/write.py", "shards/read.py",
            "text/*.py",
        ),
    ),
    "models": (
        "Models and training",
        (
            "models/model.py", "models/building.py", "models/loading.py", "models/huggingface.py", "embeddings.py",
            "interpolation.py", "profiles.py", "training/settings.py", "training/loop.py", "training/losses/*.py",
            "training/caching.py", "watching.py",
        ),
    ),
    "metrics": ("Metrics", ("metrics/*.py",)),
    "tasks": ("Tasks", ("tasks/*.py", "tasks/biases/*.py")),
    "records": ("Records and figures", ("records/*.py", "figures/*.py", "run.py")),
}  # fmt: skip
WIDTH = 88  # characters of a signature's line

Node = ast.FunctionDef | ast.ClassDef


def fragments(root: Path) -> None:
    """Write `book/_generated/api/<page>.md` for each page, and `api.md`, the names that `import ofclip` gives."""
    folder = root / GENERATED
    package = Path(__file__).resolve().parent.parent
    for name, (title, patterns) in PAGES.items():
        modules = [path for pattern in patterns for path in sorted(package.glob(pattern))]
        parts = [section for path in modules if (section := module(path, package))]
        write(folder / "api" / f"{name}.md", "\n\n".join([f"# {title}", *parts]) + "\n")
    write(folder / "api.md", names(package) + "\n")


def names(package: Path) -> str:
    """Return the public names of the package itself, each with the first sentence of its docstring."""
    lines = []
    for name, module in sorted(_lazy(package).items()):
        node = _find(package, module, name)
        lines.append(f"`ofclip.{name}`\n: {prose(sentence(node))}" if node else f"`ofclip.{name}`\n: see `{module}`")
    return "\n\n".join(lines)


def module(path: Path, package: Path) -> str:
    """Return one module as Markdown, empty if nothing in it is public."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [node for node in tree.body if _public(node)]
    if not nodes:
        return ""
    parts = [f"## {escape(_module(path, package))}", docstring(ast.get_docstring(tree) or "")]
    for node in nodes:
        parts += [f"### {escape(node.name)}", f"```python\n{signature(node)}\n```"]
        parts.append(docstring(ast.get_docstring(node) or ""))
        if isinstance(node, ast.ClassDef):
            parts += [method for inner in node.body if _public(inner) for method in _method(inner)]
    return "\n\n".join(filter(None, parts))


def signature(node: Node) -> str:
    """Return the signature of a function, or a class with its fields, over as many lines as it needs.

    >>> signature(ast.parse("def f(a: int, *, b=(1, 2)) -> str: ...").body[0])
    'f(a: int, *, b=(1, 2)) -> str'
    """
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        fields = [ast.unparse(inner) for inner in node.body if isinstance(inner, ast.AnnAssign)]
        fields = [field for field in fields if not field.startswith("_")]
        head = f"class {node.name}({bases})" if bases else f"class {node.name}"
        return "\n".join([head, *(f"    {field}" for field in fields)])
    arguments = [argument for argument in _arguments(node.args) if argument not in ("self", "cls")]
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{node.name}({', '.join(arguments)}){result}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{node.name}(", *(f"    {argument}," for argument in arguments), f"){result}"])


def docstring(text: str) -> str:
    """Return a docstring as Markdown: examples as code, code spans as they are, and all else meaning itself."""
    blocks = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if block.startswith(">>>"):
            code = re.sub(r"\s*# doctest: \S+$", "", block, flags=re.MULTILINE)
            blocks.append(f"```pycon\n{code}\n```")
        elif block.startswith("- "):
            blocks.append("\n".join(f"- {prose(item)}" for item in re.split(r"\n?^- ", block, flags=re.MULTILINE)[1:]))
        else:
            blocks.append(prose(block))
    return "\n\n".join(blocks)


def prose(text: str) -> str:
    """Return text in which only code spans are markup."""
    pieces = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(piece if piece.startswith("`") and len(piece) > 1 else _escape(piece) for piece in pieces)


def sentence(node: Node) -> str:
    """Return the first paragraph of a docstring."""
    return inspect.cleandoc(ast.get_docstring(node) or "").partition("\n\n")[0]


def _escape(text: str) -> str:
    lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{lead}{escape(text)}{tail}" if text.strip() else text


def _method(node: Node) -> Iterator[str]:
    kinds = {ast.unparse(decorator) for decorator in node.decorator_list}
    shown = node.name if kinds & {"property", "cached_property"} else signature(node)
    yield f"```python\n{shown}\n```"
    yield docstring(ast.get_docstring(node) or "")


def _public(node: ast.AST) -> TypeGuard[Node]:
    return isinstance(node, Node) and not node.name.startswith("_") and bool(ast.get_docstring(node))


def _module(path: Path, package: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(["ofclip", *(part for part in parts if part != "__init__")])


def _arguments(parsed: ast.arguments) -> list[str]:
    """Return each argument with its type and default, and the star before those that must be named."""
    found = []
    plain = [*parsed.posonlyargs, *parsed.args]
    defaults = [None] * (len(plain) - len(parsed.defaults)) + list(parsed.defaults)
    found += [_argument(*pair) for pair in zip(plain, defaults, strict=True)]
    if parsed.posonlyargs:
        found.insert(len(parsed.posonlyargs), "/")
    if parsed.vararg:
        found.append(f"*{ast.unparse(parsed.vararg)}")
    elif parsed.kwonlyargs:
        found.append("*")
    found += [_argument(*pair) for pair in zip(parsed.kwonlyargs, parsed.kw_defaults, strict=True)]
    return [*found, f"**{ast.unparse(parsed.kwarg)}"] if parsed.kwarg else found


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return ast.unparse(argument)
    return f"{ast.unparse(argument)}{' = ' if argument.annotation else '='}{ast.unparse(default)}"


def _lazy(package: Path) -> dict[str, str]:
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    tables = (node.value for node in assigned if ast.unparse(node.targets[0]) == "LAZY")
    return ast.literal_eval(next(tables))


def _find(package: Path, module: str, name: str) -> Node | None:
    """Return where a name is defined: in its module, or where the module's `__init__` takes it from."""
    stem = package.parent.joinpath(*module.split("."))
    path = stem.with_suffix(".py") if stem.with_suffix(".py").is_file() else stem / "__init__.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, Node) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and node.module and name in {alias.name for alias in node.names}:
            return _find(package, node.module, name)
    return None

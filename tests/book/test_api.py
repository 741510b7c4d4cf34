from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import ofclip
from ofclip.book import api

PACKAGE = Path(ofclip.__file__).parent


def node(code: str) -> ast.FunctionDef | ast.ClassDef:
    return ast.parse(code).body[0]


@pytest.mark.parametrize(
    "line",
    [
        "f()",
        "f(a, b=(1, 2), /, c: int = 3, *rest: str, d, e: str = 'x, y', **more) -> dict[str, int]",
        "f(*, a: Callable[[int, str], None] = f(1, 2)) -> None",
        "f(a: int | None, *, b=[1, 2])",
    ],
)
def test_signatures_stand_as_they_are_written(line: str) -> None:
    made = api.signature(node(f"def {line}: ..."))
    assert made == line


def test_a_long_signature_takes_a_line_per_argument_and_stays_the_same() -> None:
    code = f"def function({', '.join(f'argument{i}: dict[str, int] = {i}' for i in range(9))}) -> str: ..."
    made = api.signature(node(code))
    assert made.count("\n") == 10 and max(map(len, made.splitlines())) <= api.WIDTH
    assert ast.dump(node(f"def {made}: ...")) == ast.dump(node(code))


def test_a_class_shows_its_fields_and_no_self() -> None:
    code = 'class A(B):\n  """Say."""\n  x: int = 3\n  _y: int = 4\n  def f(self, z: int) -> int:\n    """Do."""'
    assert api.signature(node(code)) == "class A(B)\n    x: int = 3"
    assert api.signature(node(code).body[-1]) == "f(z: int) -> int"


def test_docstrings_mean_themselves() -> None:
    text = "Return *all* of `a_b` [x](y) $z$ <b>.\n\n- one\n  more\n- two\n\n>>> f(1)   # doctest: +SKIP\n'*'"
    assert api.docstring(text) == (
        "Return \\*all\\* of `a_b` \\[x\\]\\(y\\) \\$z\\$ \\<b\\>\\."
        "\n\n- one more\n- two\n\n```pycon\n>>> f(1)\n'*'\n```"
    )


def test_every_page_lists_what_is_public_and_nothing_else(tmp_path: Path) -> None:
    api.fragments(tmp_path)
    folder = tmp_path / "book/_generated/api"
    assert {path.stem for path in folder.iterdir()} == set(api.PAGES)
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    heads = re.findall(r"^### (\S+)$", text, re.MULTILINE)
    assert "text\\_to\\_image" not in heads and {"Catalog", "load\\_folder", "search", "Record"} <= set(heads)
    assert not [head for head in heads if head.startswith(("_", "\\_"))]
    sections = text.split("\n### ")[1:]
    assert all("```python" in section and len(section.split("```")) > 2 for section in sections)


def test_all_names_of_the_package_are_explained(tmp_path: Path) -> None:
    lines = api.names(PACKAGE).split("\n\n")
    assert [line.partition("\n")[0] for line in lines] == [f"`ofclip.{name}`" for name in ofclip.__all__]
    for line, name in zip(lines, ofclip.__all__, strict=True):
        first = getattr(ofclip, name).__doc__.split("\n\n")[0]
        plain = re.sub(r"\\(.)", r"\1", line.partition("\n: ")[2])
        assert plain == " ".join(first.split())


def test_every_pattern_finds_a_module() -> None:
    for _, patterns in api.PAGES.values():
        assert all(list(PACKAGE.glob(pattern)) for pattern in patterns)

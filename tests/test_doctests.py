"""Every example of a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import ofclip

PACKAGE = Path(ofclip.__file__).parent


def modules() -> list[str]:
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
    names = [path.relative_to(PACKAGE.parent).with_suffix("").parts for path in paths]
    return [".".join(part for part in name if part != "__init__") for name in names]


@pytest.mark.parametrize("name", modules())
def test_examples_give_what_they_say(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        told: list[str] = []
        assert not runner.run(example, out=told.append).failed, "".join(told)
    assert not list(tmp_path.iterdir()), "an example left a file behind"

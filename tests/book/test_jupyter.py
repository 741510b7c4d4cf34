from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ofclip.book.build import dates, keep
from ofclip.book.jupyter import PLAIN
from ofclip.book.markup import GENERATED, escape


@given(st.text(min_size=1))
def test_every_escaped_text_is_a_plain_cell(text: str) -> None:
    escaped = escape(text)
    if escaped:
        assert PLAIN.fullmatch(escaped)
        assert re.sub(r"\\(.)", r"\1", escaped) == " ".join(text.split())


@pytest.mark.parametrize("text", ["{doc}`a </b>`", "*a*", "a_b", "- a", "[a](b)", "a\nb", "\\", "&amp;", ""])
def test_markup_is_no_plain_cell(text: str) -> None:
    assert not PLAIN.fullmatch(text)


def test_only_generated_files_that_changed_have_a_new_date(tmp_path: Path) -> None:
    folder = tmp_path / GENERATED
    folder.mkdir(parents=True)
    for name in ("same.md", "other.md", "gone.md"):
        (folder / name).write_text("before")
        os.utime(folder / name, ns=(1, 1))
    before = dates(tmp_path)
    for name in ("same.md", "other.md", "gone.md"):
        (folder / name).unlink()
    (folder / "same.md").write_text("before")
    (folder / "other.md").write_text("after")
    keep(before)
    assert (folder / "same.md").stat().st_mtime_ns == 1
    assert (folder / "other.md").stat().st_mtime_ns > 1

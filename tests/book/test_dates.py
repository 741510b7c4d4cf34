from __future__ import annotations

import os
from pathlib import Path

from ofclip.book.build import dates, keep
from ofclip.book.markup import GENERATED


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

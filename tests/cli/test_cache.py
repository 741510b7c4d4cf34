from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ofclip.cli import main
from ofclip.cli.cache import DAY, KINDS, entries
from ofclip.files import cache_dir
from ofclip.images import ArrayImages, pixels


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path))
    return tmp_path


def ofclip(*words: str) -> str:
    result = CliRunner().invoke(main, ["cache", *words])
    assert result.exit_code == 0, result.output
    return result.output


def shop(shade: int) -> ArrayImages:
    return ArrayImages(np.full((3, 8, 8, 3), shade, np.uint8), "shop")


def age(path: Path, days: float) -> None:
    then = path.stat().st_mtime - days * DAY
    os.utime(path, (then, then))


def test_what_was_not_read_for_long_goes_and_comes_back_when_asked_for(folder: Path) -> None:
    pixels(shop(10), 8)
    old = sorted((folder / "pixels").iterdir())
    assert len(old) == 2, "the pixels and their list of faults"
    for path in old:
        age(path, 40)
    pixels(shop(20), 8)

    assert "removed 1 entries" in ofclip("prune")
    assert not any(path.exists() for path in old) and len(list((folder / "pixels").iterdir())) == 2
    assert (pixels(shop(10), 8).array == 10).all()
    assert "removed 0 entries" in ofclip("prune")


def test_one_that_was_read_lately_stays_though_it_is_old(folder: Path) -> None:
    pixels(shop(10), 8)
    array, faults = (next((folder / "pixels").glob(f"*{suffix}")) for suffix in (".npy", ".json"))
    age(array, 40)
    assert ofclip("prune").startswith("removed 0") and array.exists()
    age(faults, 31)
    assert ofclip("prune").startswith("removed 1")


def test_folders_go_whole_and_links_alone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").write_text("kept")
    copy = folder / "datasets" / "abc" / "deep"
    copy.mkdir(parents=True)
    (copy / "part.arrow").write_bytes(b"x" * 1000)
    (folder / "datasets" / "link").symlink_to(elsewhere)
    assert ofclip("prune", "--days", "0").startswith("removed 2 entries")
    assert list((folder / "datasets").iterdir()) == [] and (elsewhere / "kept").read_text() == "kept"


def test_what_is_not_made_here_stays(folder: Path) -> None:
    for name in ("hub/part/file", "jupyter/kernel.json", "settings.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    assert ofclip("prune", "--days", "0").startswith("removed 0")
    assert sum(path.is_file() for path in folder.rglob("*")) == 3


def test_trying_removes_nothing(folder: Path) -> None:
    pixels(shop(10), 8)
    assert ofclip("prune", "--days", "0", "--dry-run").startswith("would remove 1 entries, 0.0 MiB")
    assert len(entries(cache_dir())) == 1


def test_kinds_are_listed_with_their_room(folder: Path) -> None:
    pixels(ArrayImages(np.zeros((600, 32, 32, 3), np.uint8), "shop"), 32, jobs=1)
    lines = ofclip().splitlines()
    assert lines[0] == str(folder) and len(lines) == 1 + len(KINDS)
    assert lines[1].split()[:4] == ["pixels", "1", "1.8", "MiB"]

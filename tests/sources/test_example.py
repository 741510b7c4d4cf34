from __future__ import annotations

from pathlib import Path

import pytest

from ofclip import load_catalog, load_folder
from ofclip.errors import OfclipError, SettingError
from ofclip.sources.example import DOMAIN, write_example


def test_the_example_is_a_folder_that_loads(tmp_path: Path) -> None:
    out = write_example(tmp_path / "a" / "shop", products=12)
    catalog, drawn = load_folder(out), load_catalog(DOMAIN, n=12)
    assert catalog.captions == drawn.captions and catalog.labels == ["type", "colour", "pattern"]
    assert catalog.label("type").tolist() == drawn.label("type").tolist()
    assert catalog.label("pattern").isna().tolist() == drawn.label("pattern").isna().tolist()
    assert catalog.images.open(0).size == (128, 128)
    assert {path.name for path in out.iterdir()} == {"products.csv", "pictures"}
    assert [path.name for path in out.parent.iterdir()] == ["shop"]


def test_equal_arguments_give_equal_files(tmp_path: Path) -> None:
    shops = [write_example(tmp_path / name, products=3) for name in "ab"]
    files = [{str(p.relative_to(shop)): p.read_bytes() for p in shop.rglob("*.*")} for shop in shops]
    assert files[0] == files[1] and len(files[0]) == 4
    assert write_example(tmp_path / "c", products=3, seed=1).joinpath("products.csv").read_bytes() != files[0][
        "products.csv"
    ]


def test_nothing_is_overwritten_or_half_written(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").touch()
    (tmp_path / "file").touch()
    for name in ("full", "file"):
        with pytest.raises(SettingError, match="is there already; name a new folder"):
            write_example(tmp_path / name, products=1)
    with pytest.raises(SettingError, match="ask for 1 or more"):
        write_example(tmp_path / "none", products=0)
    with pytest.raises(SettingError, match="negative"):
        write_example(tmp_path / "none", products=1, seed=-1)
    (tmp_path / "empty").mkdir()
    assert write_example(tmp_path / "empty", products=1) == tmp_path / "empty"
    assert {path.name for path in tmp_path.iterdir()} == {"full", "file", "empty"}


def test_what_stops_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object) -> None:
        raise OfclipError("stopped")

    monkeypatch.setattr("ofclip.sources.example.os.replace", stop)
    with pytest.raises(OfclipError, match="stopped"):
        write_example(tmp_path / "shop", products=1)
    assert not list(tmp_path.iterdir())

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ofclip.archives import ARCHIVES
from ofclip.errors import DataError, SettingError
from ofclip.sources import MODULES, Source, available, data_root, get, load_catalog, names
from ofclip.sources.base import find_place

REAL = [name for name in names() if name != "atelier"]


def whole(name: str) -> str:
    """The name that loads: with the first part, where a source has parts."""
    parts = get(name).parts
    return f"{name}/{parts[0]}" if parts else name


@pytest.mark.parametrize("name", names())
def test_every_card_is_complete(name):
    card = get(name)
    assert card.name == name and re.fullmatch("[a-z0-9-]+", name)
    assert card.pictures == ("drawings" if name == "atelier" else "photographs")
    wanted = ["title", "licence", "obtain", "splits", "summary", "text", "fields", "defects"]
    wanted += ["home", "citation"] if card.pictures == "photographs" else []
    assert [field for field in wanted if not getattr(card, field)] == []
    for prose in (card.title, card.licence, card.obtain, card.summary, card.text, *card.defects, *card.fields.values()):
        assert prose == " ".join(prose.split())
    assert all(text.endswith(".") for text in (card.obtain, card.summary, card.text, *card.defects))
    assert not card.home or card.home.startswith("https://") or card.home.startswith("http://")
    assert set(card.expected) <= {*card.splits} | {*card.parts} and all(n > 0 for n in card.expected.values())
    assert all(re.fullmatch("[0-9a-f]{32}", md5) for md5 in card.md5.values())
    assert set(card.words) <= set(card.labels) or not card.words


def test_modules_are_listed_in_order():
    assert list(MODULES) == sorted(MODULES)
    assert names() == list(MODULES)


@pytest.mark.parametrize("name", REAL)
def test_missing_data_say_where_they_were_sought_and_how_to_obtain_them(name, tmp_path):
    for root in (tmp_path, tmp_path / "not there"):
        with pytest.raises(DataError) as error:
            load_catalog(whole(name), data=root)
        message = str(error.value)
        assert f"{name}: not found under {root}. {get(name).obtain}" in message
        assert "--data or OFCLIP_DATA" in message and "\n" not in message


@pytest.mark.parametrize("name", REAL)
def test_other_files_in_its_place_are_named(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing of the kind")
    with pytest.raises(DataError) as error:
        load_catalog(whole(name), data=tmp_path)
    assert str(folder) in str(error.value) or f"not found under {tmp_path}" in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_names_get_the_nearest_known_one(tmp_path):
    with pytest.raises(SettingError, match="unknown source 'fashon-mnist': did you mean 'fashion-mnist'"):
        get("fashon-mnist")
    with pytest.raises(SettingError, match="unknown split of kagl 'tets': did you mean 'test'"):
        load_catalog("kagl", "tets", data=tmp_path)
    with pytest.raises(SettingError, match="unknown part of kagl 'shoes'"):
        load_catalog("kagl/shoes", data=tmp_path)
    with pytest.raises(SettingError, match="atelier: name a part, as in atelier/"):
        load_catalog("atelier", data=tmp_path)


def test_split_without_products_is_told(monkeypatch, tmp_path):
    from ofclip.sources import kagl

    empty = Source(**{**vars(kagl.SOURCE), "find": lambda root: root, "load": lambda *a, **k: ()})
    monkeypatch.setattr(kagl, "SOURCE", empty)
    with pytest.raises(DataError, match="kagl: no products in split 'val'"):
        load_catalog("kagl", "val", data=tmp_path)


def test_available_lists_what_is_under_the_root(tmp_path, monkeypatch):
    before = available(tmp_path)
    assert "atelier" in before and "kagl" not in before
    (tmp_path / "kagl").mkdir()
    assert available(tmp_path) == before  # an empty folder is nothing
    (tmp_path / "kagl" / "kagl_60x80.zip").touch()
    assert available(tmp_path) == sorted([*before, "kagl"])
    monkeypatch.setenv("OFCLIP_DATA", str(tmp_path))
    assert available() == available(tmp_path)


def test_data_root_is_the_argument_then_the_variable_then_data(monkeypatch):
    monkeypatch.setenv("OFCLIP_DATA", "/somewhere")
    assert data_root("/here") == Path("/here")
    assert data_root() == Path("/somewhere")
    monkeypatch.delenv("OFCLIP_DATA")
    assert data_root() == Path("data")


@pytest.mark.parametrize("ending", ARCHIVES)
def test_a_place_is_a_folder_with_something_in_it_or_an_archive(tmp_path, ending):
    assert find_place(tmp_path, "set", "alias") is None
    archive = tmp_path / f"alias{ending}"
    archive.touch()
    assert find_place(tmp_path, "set", "alias") == archive
    (tmp_path / "set").mkdir()
    assert find_place(tmp_path, "set", "alias") == archive
    (tmp_path / "set" / "file").touch()
    assert find_place(tmp_path, "set", "alias") == tmp_path / "set"
    assert find_place(tmp_path / "not there", "set") is None

from __future__ import annotations

from pathlib import Path

import pytest

from ofclip.errors import DataError, SettingError
from ofclip.sources import Source, available, data_root, get, load_catalog, names

REAL = ["clothing-dataset-small", "fashion-mnist", "kagl"]


@pytest.mark.parametrize("name", names())
def test_every_card_is_complete(name):
    card = get(name)
    assert card.name == name
    assert card.pictures in ("photographs", "drawings")
    assert all([card.title, card.licence, card.obtain, card.splits, card.labels])
    assert set(card.expected) in ({*card.splits}, set())


def test_photographs_and_drawings_are_told_apart():
    assert [name for name in names() if get(name).pictures == "photographs"] == REAL


@pytest.mark.parametrize("name", REAL)
def test_missing_data_say_where_they_were_sought_and_how_to_obtain_them(name, tmp_path):
    for root in (tmp_path, tmp_path / "not there"):
        with pytest.raises(DataError) as error:
            load_catalog(name, data=root)
        message = str(error.value)
        assert f"{name}: not found under {root}. {get(name).obtain}" in message
        assert "--data or OFCLIP_DATA" in message and "\n" not in message


def test_unknown_names_get_the_nearest_known_one(tmp_path):
    with pytest.raises(SettingError, match="unknown source 'fashon-mnist': did you mean 'fashion-mnist'"):
        get("fashon-mnist")
    with pytest.raises(SettingError, match="unknown split of kagl 'tets': did you mean 'test'"):
        load_catalog("kagl", "tets", data=tmp_path)
    with pytest.raises(SettingError, match="unknown part of kagl 'shoes'"):
        load_catalog("kagl/shoes", data=tmp_path)


def test_split_without_products_is_told(monkeypatch, tmp_path):
    from ofclip.sources import kagl

    empty = Source(**{**vars(kagl.SOURCE), "find": lambda root: root, "load": lambda *a, **k: ()})
    monkeypatch.setattr(kagl, "SOURCE", empty)
    with pytest.raises(DataError, match="kagl: no products in split 'val'"):
        load_catalog("kagl", "val", data=tmp_path)


def test_available_lists_what_is_under_the_root(tmp_path, monkeypatch):
    (tmp_path / "kagl").mkdir()
    (tmp_path / "kagl" / "kagl_60x80.zip").touch()
    photographs = [name for name in available(tmp_path) if name in REAL]
    assert photographs == ["kagl"]
    monkeypatch.setenv("OFCLIP_DATA", str(tmp_path))
    assert available() == available(tmp_path)


def test_data_root_is_the_argument_then_the_variable_then_data(monkeypatch):
    monkeypatch.setenv("OFCLIP_DATA", "/somewhere")
    assert data_root("/here") == Path("/here")
    assert data_root() == Path("/somewhere")
    monkeypatch.delenv("OFCLIP_DATA")
    assert data_root() == Path("data")

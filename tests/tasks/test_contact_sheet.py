from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from PIL import Image

import ofclip
from ofclip import models
from ofclip.errors import SettingError
from ofclip.tasks.contact_sheet import contact_sheet, save_contact_sheet, thumbnail
from ofclip.tasks.search import Hits

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402


@pytest.fixture(scope="module")
def hits() -> Hits:
    catalog = squares(5)
    catalog.products["texts"] = [("<script>alert(1)</script> & a \"quoted\" dress " + "very " * 60 + "long",), (), *[
        ("red square",)
    ] * 3]  # fmt: skip
    return ofclip.search(models.build_model("ofclip-RN-8-64"), catalog, '<i>red</i> "dress"', k=5)


def test_the_page_shows_every_product_in_order_and_asks_for_nothing_else(hits: Hits) -> None:
    page = BeautifulSoup(contact_sheet(hits), "html.parser")
    figures = page.select("ol > li > figure")
    assert [figure.small.get_text().split(" · ")[2] for figure in figures] == hits.table["id"].tolist()
    assert [figure.small.get_text().split(" · ")[0] for figure in figures] == list("12345")
    assert page.html["lang"] == "en" and page.title.get_text().startswith('<i>red</i> "dress" · ')
    assert page.h1.get_text() == '“<i>red</i> "dress"”'
    assert not page.select("script, link, i, iframe") and "http" not in contact_sheet(hits).replace("http-equiv", "")
    assert "prefers-color-scheme: dark" in page.style.get_text()
    for image in page.select("img"):
        assert image["src"].startswith("data:image/jpeg;base64,") and image["alt"]
    captions = dict(zip(hits.table["id"], hits.table["caption"], strict=True))
    for figure in figures:
        name = figure.small.get_text().split(" · ")[2]
        expected = captions[name] or f"product {name}"
        alt = figure.img["alt"]
        assert alt == expected if len(expected) <= 160 else alt.endswith(" …") and expected.startswith(alt[:-2])


def test_pictures_are_small_and_look_alike() -> None:
    picture = Image.linear_gradient("L").resize((400, 200)).convert("RGB")
    data = base64.b64decode(thumbnail(picture).partition(",")[2])
    small = Image.open(io.BytesIO(data))
    assert small.size == (160, 80) and picture.size == (400, 200)
    assert abs(small.convert("L").getpixel((80, 40)) - 128) < 6


def test_the_file_appears_whole_or_not_at_all(hits: Hits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_contact_sheet(hits, tmp_path / "new" / "found.html")
    assert path.read_text(encoding="utf-8") == contact_sheet(hits)
    monkeypatch.setattr("ofclip.tasks.contact_sheet.contact_sheet", lambda hits: "\ud800")  # cannot be written
    with pytest.raises(UnicodeEncodeError):
        save_contact_sheet(hits, path)
    assert "<!doctype html>" in path.read_text(encoding="utf-8") and len(list(path.parent.iterdir())) == 1


def test_a_sheet_needs_a_name_that_a_browser_opens(hits: Hits, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="found: a contact sheet is HTML; name it found.html"):
        save_contact_sheet(hits, tmp_path / "found")
    (tmp_path / "a.html").mkdir()
    with pytest.raises(SettingError, match="a.html: is a folder"):
        save_contact_sheet(hits, tmp_path / "a.html")

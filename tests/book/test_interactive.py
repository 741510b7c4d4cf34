from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag
from PIL import Image
from toybook import record
from toyresults import forgetting, retrieval

from ofclip.book import interactive, tables
from ofclip.experiments import ROOT
from ofclip.figures.blending import blending, places
from ofclip.records import Record
from ofclip.tasks.result import Result

STATIC = ROOT / "book" / "_static"


def widget(text: str) -> tuple[Tag, dict]:
    page = BeautifulSoup(text, "html.parser")
    return page, json.loads(page.select_one("script").string)


def line() -> pd.DataFrame:
    alphas = np.linspace(0, 1, 5)
    target, others = 0.4 + 0.4 * alphas, 0.8 - 0.3 * alphas**2
    return pd.DataFrame(
        {
            "way": "interpolation", "alpha": alphas, "target": target, "target_low": target - 0.05,
            "target_high": target + 0.06, "others": others, "others_low": others - 0.02, "others_high": others + 0.03,
        }
    )  # fmt: skip


def blended(knee: float | None = 0.75, points: pd.DataFrame | None = None) -> Record:
    found = {"interpolation": line() if points is None else points, "knee": pd.DataFrame([{"alpha": knee}])}
    return record("14-forgetting", Result([], found))


def test_the_slider_has_every_point_with_its_intervals() -> None:
    page, data = widget(interactive.slider(blended()))
    rows = line().to_dict("records")
    assert len(data["points"]) == 5 and data["start"] == 3, "it starts at the knee"
    for point, row in zip(data["points"], rows, strict=True):
        shown = point["shown"]
        assert shown["alpha"] == f"{row['alpha']:g}" and shown["alpha"] in point["said"]
        for part in ("target", "others"):
            assert shown[f"{part} value"] == tables.number(row[part])
            bounds = (tables.number(row[f"{part}_{end}"]) for end in ("low", "high"))
            assert shown[f"{part} interval"] == "{} to {}".format(*bounds)
            assert shown[f"{part} change"] == f"{row[part] - rows[0][part]:+.3f}"
    used = {cell["data-show"] for cell in page.select("[data-show]")}
    assert used == set(data["points"][0]["shown"])
    table = {cell["data-show"]: cell.get_text() for cell in page.select("td[data-show]")}
    assert table.items() <= data["points"][3]["shown"].items(), "without a script it shows the knee"
    assert page.select_one(".control").has_attr("hidden"), "a control that moves nothing is not shown"
    assert page.select_one("label")["for"] == page.select_one("input")["id"]
    assert page.svg["role"] == "img" and page.svg["aria-label"] and "width" not in page.svg.attrs


@pytest.mark.parametrize(("knee", "start"), [(None, 2), (float("nan"), 2), (0.0, 0), (1.0, 4)])
def test_the_slider_starts_at_the_knee_or_in_the_middle(knee: float | None, start: int) -> None:
    assert widget(interactive.slider(blended(knee)))[1]["start"] == start


def test_marks_lie_on_the_points_of_the_drawing() -> None:
    page, data = widget(interactive.slider(blended()))
    # the uses of the marker are the points of the curve
    drawn = [(float(use["x"]), float(use["y"])) for use in page.svg.select("g[clip-path] use")]
    placed = [(point["place"]["x"], point["place"]["y"]) for point in data["points"]]
    np.testing.assert_allclose(placed, drawn[-len(placed) :], atol=0.02)
    for point in data["points"]:
        place = point["place"]
        assert place["left"] < place["x"] < place["right"] and place["low"] > place["y"] > place["high"]
    width, height = map(float, page.svg["viewbox"].split()[2:])
    assert all(0 < x < width and 0 < y < height for x, y in placed)


def test_places_count_from_the_upper_left() -> None:
    drawing = blending(blended())
    drawing._repr_mimebundle_()
    (x0, y0), (x1, y1) = places(drawing, [(0.5, 0.5), (0.6, 0.7)])
    assert x1 > x0 and y1 < y0


def test_a_record_without_a_line_has_no_slider() -> None:
    assert interactive.slider(record("14-forgetting", Result([], {}))) is None
    assert interactive.slider(blended(points=line().head(1))) is None
    assert interactive.slider(record("14-forgetting", forgetting(np.random.default_rng(0), "atelier/street")))


def found(rank: int = 2, name: str = "street-0-5") -> pd.DataFrame:
    row = {"dataset": "atelier/street", "query": "a </script> & <b>dress</b>", "id": name, "rank": rank}
    return pd.DataFrame([{**row, "retrieved 1": "street-0-7", "retrieved 2": "street-0-5"}])


def test_the_picker_draws_each_product_once() -> None:
    text = interactive.picker(record("04-retrieval", Result([], {"queries": pd.concat([found(), found()])})))
    page, data = widget(text)
    assert len(data["queries"]) == 2 and data["products"].keys() == {"street-0-5", "street-0-7"}
    assert data["queries"][0] == {
        "data": "atelier/street", "text": "a </script> & <b>dress</b>", "id": "street-0-5", "rank": "2",
        "found": ["street-0-7", "street-0-5"],
    }  # fmt: skip
    assert text.count("</script>") == 1 and not page.select("b")
    for product in data["products"].values():
        picture = Image.open(io.BytesIO(base64.b64decode(product["picture"].partition(",")[2])))
        assert picture.size == (96, 96) and product["caption"]
    assert "not photographs" in page.get_text() and page.select_one("label")["for"] == page.select_one("select")["id"]


def test_only_drawings_are_shown() -> None:
    queries = record("04-retrieval", Result([], {"queries": found()}))
    assert interactive.picker(queries.model_copy(update={"source": "kagl"})) is None
    assert interactive.picker(record("04-retrieval", Result([], {"queries": found(name="12")}))) is None
    assert interactive.picker(record("04-retrieval", Result([], {"queries": found().head(0)}))) is None
    toy = record("04-retrieval", retrieval(np.random.default_rng(0), "atelier/street"))
    assert interactive.picker(toy) is None


def test_the_published_records_can_be_moved() -> None:
    for name, make in (("14-forgetting", interactive.slider), ("04-retrieval", interactive.picker)):
        text = make(Record.load(ROOT / f"results/laptop/{name}/atelier.json"))
        assert len(text) < 1_200_000, "a page has to stay below two megabytes"


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_scripts_are_loaded_ask_for_nothing_and_write_no_markup(path: Path) -> None:
    script = path.read_text(encoding="utf-8")
    assert f"[{path.name}, {{defer: defer}}]" in (ROOT / "_config.yml").read_text()
    for word in ("fetch(", "XMLHttpRequest", "import ", "innerHTML", "eval(", "document.write", "localStorage"):
        assert word not in script
    assert re.findall(r"https?://\S+", script.replace("http://www.w3.org/2000/svg", "")) == []

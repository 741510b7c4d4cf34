"""What a reader can move: tables, the slider, the picker, and the colours."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.xdist_group("browser")


def opened(page: Page, html: Path, name: str) -> Page:
    page.goto((html / "book" / f"{name}.html").as_uri())
    return page


def column(table: Locator, place: int) -> list[str]:
    return table.locator(f"tbody tr td:nth-child({place + 1})").all_inner_texts()


def value(cell: str) -> float:
    return float(cell.replace(",", ""))


def test_a_column_of_numbers_is_sorted_as_numbers_both_ways(page: Page, html: Path) -> None:
    table = opened(page, html, "status").locator("table[class*=words-]").first
    heads = table.locator("thead th")
    place = heads.all_inner_texts().index("peak memory, MiB")
    head, built = heads.nth(place), column(table, place)
    numbers = [value(cell) for cell in built if cell != "–"]
    assert sorted(built) != sorted(built, key=lambda cell: (cell == "–", value(cell) if cell != "–" else 0))

    def shown() -> list[float]:
        return [value(cell) for cell in column(table, place) if cell != "–"]

    button = head.locator("button.sort")
    button.click()
    assert shown() == sorted(numbers) and head.get_attribute("aria-sort") == "ascending"
    button.click()
    assert shown() == sorted(numbers, reverse=True) and head.get_attribute("aria-sort") == "descending"
    button.click()
    assert column(table, place) == built and head.get_attribute("aria-sort") == "none"


def test_a_column_of_words_is_sorted_by_the_keyboard(page: Page, html: Path) -> None:
    table = opened(page, html, "status").locator("table[class*=words-]").first
    table.locator("button.sort").first.focus()
    page.keyboard.press("Enter")
    words = column(table, 0)
    assert len(words) > 10 and words == sorted(words, key=str.casefold)


def test_rows_are_filtered_by_their_words(page: Page, html: Path) -> None:
    bar = opened(page, html, "status").locator(".filter").first
    table = page.locator("table[class*=words-]").first
    rows = table.locator("tbody tr").all_inner_texts()
    wanted = [row for row in rows if "kagl" in row.lower() and "probe" in row.lower()]
    bar.locator("input").fill("KAGL probe")
    assert 0 < len(wanted) < len(rows) and table.locator("tbody tr:visible").all_inner_texts() == wanted
    assert bar.locator("[role=status]").inner_text() == f"{len(wanted)} of {len(rows)} rows"
    bar.locator("input").fill("nothing of the kind")
    assert table.locator("tbody tr:visible").count() == 0
    bar.locator("input").fill("")
    assert table.locator("tbody tr:visible").count() == len(rows)


def test_the_slider_moves_numbers_and_the_point(page: Page, html: Path) -> None:
    slider = opened(page, html, "14-forgetting").locator(".widget.slider")
    control, point = slider.locator("input"), slider.locator("circle")
    seen = []
    control.focus()
    for key in ("Home", "ArrowRight", "End"):
        page.keyboard.press(key)
        shown = {cell.get_attribute("data-show"): cell.inner_text() for cell in slider.locator("[data-show]").all()}
        assert shown["target value"] in control.get_attribute("aria-valuetext") and " to " in shown["others interval"]
        place = point.get_attribute("cx"), point.get_attribute("cy")  # one of them may stay
        seen.append((shown["alpha"], shown["target value"], place))
    assert seen[0][0] == "0" and seen[-1][0] == "1" and len({place for *_, place in seen}) == 3
    assert len({alpha for alpha, *_ in seen}) == 3 and len({number for _, number, _ in seen}) > 1


def test_the_picker_shows_what_each_query_finds(page: Page, html: Path) -> None:
    picker = opened(page, html, "04-retrieval").locator(".widget.picker")
    select, told = picker.locator("select"), picker.locator(".told")
    own, first = picker.locator(".asked small"), told.inner_text()
    names = set()
    for place in range(select.locator("option").count()):
        select.select_option(str(place))
        names.add(own.inner_text())
        found = picker.locator(".found small").all_inner_texts()
        assert len(found) > 2 and (own.inner_text() in found) == (picker.locator(".found li.own").count() == 1)
        assert ("not among these" in told.inner_text()) == (own.inner_text() not in found)
    assert len(names) > 3 and "rank" in first
    assert picker.locator("img").evaluate_all("all => all.every((image) => image.naturalWidth > 0 && image.alt)")


def test_the_button_changes_the_colours(page: Page, html: Path) -> None:
    opened(page, html, "intro")
    theme = "document.documentElement.dataset.theme"
    seen = {page.evaluate(theme)}
    for _ in range(3):
        page.locator("button.theme-switch-button:visible").first.click()
        seen.add(page.evaluate(theme))
    assert seen == {"light", "dark"}


def luminance(picture: bytes) -> np.ndarray:
    """Relative luminance of each pixel, in [0, 1] (W3C, Web Content Accessibility Guidelines 2.2)."""
    values = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("intro", "article figure img"),
        ("method", "article figure img"),
        ("04-retrieval", "article figure img[src$='.svg']"),
        ("14-forgetting", ".widget svg"),
    ],
)
def test_figures_are_as_legible_in_the_dark_as_in_the_light(page: Page, html: Path, name: str, which: str) -> None:
    """Text on its plate contrasts as WCAG asks of text, 4.5 to 1, and a figure keeps its colours."""
    seen = {}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        figure = opened(page, html, name).locator(which).first
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        figure.scroll_into_view_if_needed()
        page.evaluate("document.fonts.ready")
        found = luminance(figure.screenshot(animations="disabled"))
        plate, ink = np.median(found), np.quantile(found, 0.002)
        assert (plate + 0.05) / (ink + 0.05) > 4.5, theme
        seen[theme] = (round(plate, 1), round(ink, 1))
    assert seen["light"] == seen["dark"]


def test_a_table_that_scrolls_shows_it_and_takes_the_keyboard(page: Page, html: Path) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    boxes = opened(page, html, "performance").locator(".pst-scrollable-table-container")
    wide = [box for box in boxes.all() if box.evaluate("box => box.scrollWidth > box.clientWidth + 1")]
    assert wide
    for box in wide:
        assert "more" in box.get_attribute("class") and box.get_attribute("tabindex") == "0"
    wide[0].evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    page.wait_for_function("box => !box.classList.contains('more')", arg=wide[0].element_handle())


def test_a_wide_figure_keeps_its_size_on_a_phone_and_scrolls(page: Page, html: Path) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    opened(page, html, "04-retrieval").wait_for_selector("article figure.wide")
    figure = page.locator("article figure.wide", has=page.locator("img[src$='.svg']")).first
    assert figure.locator("img").bounding_box()["width"] > 500 and figure.get_attribute("tabindex") == "0"
    figure.evaluate("figure => { figure.scrollLeft = figure.scrollWidth; }")
    assert figure.evaluate("figure => figure.scrollLeft") > 100
    assert 0 <= figure.locator("figcaption").bounding_box()["x"] < 60, "the caption stays in view"


def test_the_front_pages_figure_is_seen_whole_on_a_phone(page: Page, html: Path) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    image = opened(page, html, "intro").locator("article figure img").first
    drawn = image.evaluate("image => image.clientWidth / image.naturalWidth")
    assert image.bounding_box()["width"] < 375 and drawn > 0.6, "words of nine points are as tall as five at least"


def test_the_search_finds_a_page_without_a_network(page: Page, html: Path) -> None:
    page.goto((html / "search.html").as_uri() + "?q=recall")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 3

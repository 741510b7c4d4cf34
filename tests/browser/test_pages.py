"""Every page of the book, as a browser without a network shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page
from walk import AXE, REDUCE, Visit, visit

from ofclip.experiments import EXPERIMENTS

pytestmark = pytest.mark.xdist_group("browser")

LARGEST = 2_000_000  # bytes


def faults(visits: dict[str, Visit], find: Callable[[Visit], object]) -> dict[str, object]:
    """What was found, by page; of many faults of a page the first three."""
    found = {name: find(visit) for name, visit in visits.items()}
    return {name: fault[:3] if isinstance(fault, list) else fault for name, fault in found.items() if fault}


def test_every_chapter_and_every_notebook_was_visited(visits: dict[str, Visit]) -> None:
    for name in EXPERIMENTS:
        assert f"book/{name}.html" in visits and f"book/_generated/{name}/atelier.html" in visits
    assert {"book/intro.html", "book/verdicts.html", "search.html"} <= visits.keys()


def test_no_page_reports_an_error(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: one.messages) == {}


def test_no_page_asks_the_network_or_for_a_file_that_is_missing(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: one.requests) == {}


def test_every_link_leads_somewhere(visits: dict[str, Visit], html: Path) -> None:
    def dead(link: str) -> bool:
        parts = urlsplit(link)
        if parts.scheme != "file":
            return parts.scheme not in ("http", "https", "mailto")
        path, fragment = Path(unquote(parts.path)), unquote(parts.fragment)
        if not path.is_relative_to(html) or not path.is_file():
            return True
        target = visits.get(path.relative_to(html).as_posix())
        return bool(fragment and target) and fragment not in target.names

    assert sum(len(one.links) for one in visits.values()) > 1000
    assert faults(visits, lambda one: sorted({link for link in one.links if dead(link)})) == {}


def test_every_reference_is_resolved(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: one.unresolved) == {}


def test_formulas_are_drawn_and_a_page_without_one_does_not_wait_for_what_draws_them(page: Page, html: Path) -> None:
    pages = {one.name: one.read_text(encoding="utf-8") for one in (html / "book").glob("*.html")}
    assert {name for name, text in pages.items() if "tex-chtml.js" in text} == {
        name for name, text in pages.items() if 'class="math ' in text
    }
    page.goto((html / "book" / "glossary.html").as_uri())
    page.evaluate("MathJax.startup.promise")
    assert page.locator(".math mjx-container").count() == page.locator(".math").count() > 10
    assert "intro.html" in pages and "tex-chtml.js" not in pages["intro.html"]


def test_no_name_is_given_twice_on_a_page(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: [name for name in set(one.names) if one.names.count(name) > 1]) == {}


def test_every_picture_is_shown_and_has_a_text(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: one.unnamed + one.broken) == {}


def test_no_page_is_large(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: one.size * (one.size >= LARGEST)) == {}


def test_no_page_is_wider_than_a_phone(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: one.too_wide) == {}


def test_figures_stand_on_a_light_plate_in_the_dark(visits: dict[str, Visit]) -> None:
    assert faults(visits, lambda one: one.without_plate) == {}


@pytest.mark.parametrize("how", ["light", "dark", "phone"])
def test_axe_finds_no_serious_fault(visits: dict[str, Visit], how: str) -> None:
    assert faults(visits, lambda one: one.violations[how]) == {}


def test_the_walk_sees_what_is_wrong(page: Page, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        """<!DOCTYPE html><html lang="en"><title>A page</title><script>x = ;</script>
        <script src="gone.js"></script><script src="https://example.org/x.js"></script>
        <article><p id="a" style="color: #bbb; background: #fff">pale</p><p id="a" style="width: 600px">wide</p>
        <figure><img src="gone.png"></figure><details><summary>more</summary>
        <pre style="width: 40px; overflow-x: auto">a line that has no room</pre></details></article></html>"""
    )
    page.context.add_init_script(path=AXE)
    seen = visit(page, tmp_path / "page.html", set())
    assert any("SyntaxError" in text or "Unexpected" in text for text in seen.messages)
    assert "https://example.org/x.js" in seen.requests and any(text.endswith("gone.js") for text in seen.requests)
    assert seen.names == ["a", "a"] and seen.too_wide > 200 and seen.unnamed and seen.broken and seen.without_plate
    rules = {how: {fault.partition(":")[0] for fault in found} for how, found in seen.violations.items()}
    assert {"color-contrast", "image-alt"} <= rules["light"] and "color-contrast" in rules["dark"]
    assert rules["phone"] == {"scrollable-region-focusable"}


def test_what_is_made_alike_is_asked_once(page: Page) -> None:
    """The shortened page keeps each fault: one pale cell among a hundred that are alike."""
    rows = "<tr><td>fine</td></tr>" * 50 + '<tr><td style="color: #bbb">pale</td></tr>' + "<tr><td>fine</td></tr>" * 50
    content, script = '<label for="q">Q</label><input id="q"><table><tbody>{}</tbody></table>', REDUCE.read_text()
    page.set_content(content.format(rows))
    known = page.evaluate(script, [])
    assert page.locator("td").all_inner_texts() == ["fine", "fine", "pale"] and page.locator("#q").count() == 1
    page.set_content(content.format(rows + '<tr><td class="new">new</td></tr>'))
    page.evaluate(script, known)
    assert page.locator("td").all_inner_texts() == ["new"] and page.locator("#q").count() == 1

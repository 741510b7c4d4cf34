from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from toybook import change, checkout, notebook
from toyresults import AWKWARD

from ofclip import book
from ofclip.book import tables
from ofclip.book.build import collect, render
from ofclip.errors import OfclipError
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records import Record, find

SOURCES = ("atelier", "fashion-mnist")

#: One process builds the book for all of them.
pytestmark = pytest.mark.xdist_group("build")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose book is built, with one published Record of other numbers and other code."""
    root = checkout(tmp_path_factory.mktemp("checkout"), SOURCES)
    record = Record.load(root / "work/laptop/04-retrieval/atelier.json")
    other = record.metrics[0].__class__(**{**vars(record.metrics[0]), "value": 0.98765})
    key = record.key.model_copy(update={"code": {"ofclip/tasks/retrieval.py": "0"}})
    published = record.model_copy(update={"metrics": [other, *record.metrics[1:]], "key": key})
    published.save(root / "results/laptop/04-retrieval/atelier.json")
    leftover = root / "book" / "_generated" / "old.md"
    leftover.parent.mkdir()
    leftover.write_text("# A page of another run")
    assert book.build("laptop", root) == root / "book/_build/html/index.html"
    assert not leftover.exists()
    return root


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout with the Records of Atelier only."""
    return checkout(tmp_path, ("atelier",))


def page(root: Path, name: str) -> Tag:
    html = (root / f"book/_build/html/book/{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser").select_one("article")


def rows(table: Tag) -> Iterator[dict[str, str]]:
    header = [cell.get_text(" ", strip=True) for cell in table.select("thead th")]
    for row in table.select("tbody tr"):
        yield dict(zip(header, [cell.get_text(" ", strip=True) for cell in row.select("td")], strict=True))


def is_rounded(shown: str, value: float) -> bool:
    """Whether a number as shown is a value, up to half a unit of the last digit shown."""
    text = shown.replace(",", "")
    if not re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", text):
        return False
    mantissa, _, exponent = text.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(float(text) - value) <= 0.5 * unit * 1.000001


def numbers_and_words(records: list[Record]) -> tuple[list[float], set[str]]:
    """Return everything that a table may show."""
    numbers, words = [], {"drawings", "photographs", ""}
    for record in records:
        values = [cell for table in record.tables.values() for row in table.rows for cell in row]
        values += [record.cost.seconds, record.cost.peak_memory_mib, record.cost.cores, record.cost.device]
        values += [record.title, record.source]
        for metric in record.metrics:
            values += [*vars(metric).values(), *(metric.interval or ()), f"{metric.dataset}, {metric.split}"]
        numbers += [value for value in values if isinstance(value, int | float)]
        words |= {" ".join(value.split()) for value in values if isinstance(value, str)}
        words |= {"yes" if value else "no" for value in values if isinstance(value, bool)}
    return numbers, words


@pytest.mark.parametrize("name", [*EXPERIMENTS, "intro", "reproduce"])
def test_every_cell_of_a_generated_table_is_in_a_record(built: Path, name: str) -> None:
    numbers, words = numbers_and_words([Record.load(path) for path in find(built)])
    cells = [cell.get_text(" ", strip=True) for cell in page(built, name).select("table[class*=words-] td")]
    assert cells
    for cell in cells:
        cell = cell.replace("’", "'")  # the page's quotation marks are round
        for part in cell.split(" to ") if re.match(r"-?\d", cell) else [cell]:
            known = part in words or any(is_rounded(part, value) for value in numbers)
            assert known, f"{name}: {cell!r} is in no Record"


def test_every_metric_stands_in_its_row(built: Path) -> None:
    record = Record.load(built / "work/laptop/04-retrieval/atelier.json")
    published = Record.load(built / "results/laptop/04-retrieval/atelier.json")
    labels = [label.get_text(strip=True) for label in page(built, "04-retrieval").select(".sd-tab-label")]
    panels = page(built, "04-retrieval").select(".sd-tab-content")
    shown = {
        (label.partition(",")[0], row["metric"]): row
        for label, panel in zip(labels, panels, strict=True)
        for row in rows(panel.table)
    }
    assert len(shown) == len(record.metrics)
    for mine, theirs in zip(record.metrics, published.metrics, strict=True):
        row = shown[mine.dataset, mine.name]
        assert is_rounded(row["this run"], mine.value) and is_rounded(row["published"], theirs.value)
        assert is_rounded(row["chance"], mine.chance) and is_rounded(row["ceiling"], mine.ceiling)
        low, high = row["95 % interval"].split(" to ")
        assert is_rounded(low, mine.interval[0]) and is_rounded(high, mine.interval[1])
        assert row["n"] == tables.number(mine.n)
    assert shown[record.metrics[0].dataset, record.metrics[0].name]["published"] == "0.988"
    assert "made from other code or settings" in page(built, "04-retrieval").get_text()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_under_each_figure_and_table_stands_where_it_comes_from(built: Path, name: str) -> None:
    article = page(built, name)
    shown = article.select("section figure, section table[class*=words-]")
    assert len(shown) >= 2
    for item in shown:
        line = item.find_next(class_="provenance")
        source = item.find_parent("section").h2.get_text()[:-1].lower()
        path = f"work/laptop/{name}/{source}.json"
        record = Record.load(built / path)
        for text in (path, record.id[:8], record.made.command, record.made.date[:10]):
            assert text in line.get_text(), f"{name}: {text}"
        assert any(f"_generated/{name}/{record.source}.html" in link["href"] for link in line.select("a"))
        inputs = line.find_next_sibling("details", class_="inputs").get_text()
        for text in (record.id, record.key.notebook, "learning_rate = 0.002", *record.key.weights.values()):
            assert text in inputs, f"{name}: {text}"


def test_each_section_says_what_its_pictures_are(built: Path) -> None:
    sections = page(built, "01-data").select("section section")
    shown = [section for section in sections if section.select_one("figure, table")]
    kinds = {section.h2.get_text()[:-1]: section.select_one(".kind")["class"] for section in shown}
    assert "drawings" in kinds["Atelier"] and "photographs" in kinds["Fashion-MNIST"]


def test_awkward_text_is_shown_as_it_is(built: Path) -> None:
    cells = [cell.get_text(" ", strip=True) for cell in page(built, "04-retrieval").select("td")]
    assert AWKWARD in cells


def test_executed_notebooks_are_pages(built: Path) -> None:
    for experiment in EXPERIMENTS.values():
        for source in set(experiment.sources) & set(SOURCES):
            article = page(built, f"_generated/{experiment.name}/{source}")
            assert article.h1.get_text().startswith("Notebook: ") and article.select(".cell_output img")


def test_the_status_page_lists_every_run_and_links_its_record_and_notebook(built: Path) -> None:
    article = page(built, "status")
    runs, compared = article.select("table[class*=words-]")
    found = list(rows(runs))
    assert len(found) == sum(len(experiment.sources) for experiment in EXPERIMENTS.values())
    assert {row["result"] for row in found} == {"pass", "absent"}
    links = [link["href"] for link in runs.select("a")]
    assert "_generated/04-retrieval/atelier.html" in links
    assert sum(link.endswith("/atelier.json") for link in links) == len(EXPERIMENTS)
    assert "does not reproduce" in article.get_text() and [row["differs"] for row in rows(compared)] == ["1"]


def test_the_book_needs_no_network(built: Path) -> None:
    html = (built / "book/_build/html/book/04-retrieval.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(html, "html.parser")
    loaded = [tag.get("src") or tag.get("href") for tag in soup.select("script[src], link[rel=stylesheet], img[src]")]
    assert loaded and not [path for path in loaded if path.startswith(("http", "//"))]


def test_the_smoke_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OfclipError, match="smoke profile are for tests only"):
        book.build("smoke", checkout(tmp_path, ("atelier",), profile="smoke"))
    assert not (tmp_path / "book/_build").exists()


def test_an_unknown_profile_gives_the_nearest_one(small: Path) -> None:
    with pytest.raises(OfclipError, match="did you mean 'laptop'"):
        book.build("labtop", small)


def test_a_profile_without_records_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(OfclipError, match="make book PROFILE=gpu"):
        book.build("gpu", tmp_path)


def test_a_stale_record_is_refused_with_its_command(small: Path) -> None:
    notebook(small / "notebooks/03-zero-shot.ipynb", "Zero-shot, changed")
    collect("laptop", small)  # prose may change
    path = small / "notebooks/03-zero-shot.ipynb"
    path.write_text(path.read_text().replace('"1"', '"2"'))
    with pytest.raises(OfclipError) as error:
        book.build("laptop", small)
    message = str(error.value)
    assert "work/laptop/03-zero-shot/atelier.json is stale (notebook changed" in message
    assert "`ofclip run 03-zero-shot --source atelier --profile laptop`" in message
    assert "01-data" not in message and not (small / "book/_build").exists()


def test_an_edited_record_is_refused(small: Path) -> None:
    change(small / "work/laptop/02-training/atelier.json", parameters={"learning_rate": 1.0})
    with pytest.raises(OfclipError, match="02-training/atelier.json is stale"):
        book.build("laptop", small)


def test_a_missing_record_is_refused_with_its_command(small: Path) -> None:
    (small / "work/laptop/04-retrieval/atelier.json").unlink()
    with pytest.raises(OfclipError, match="`ofclip run 04-retrieval --source atelier --profile laptop` makes it"):
        book.build("laptop", small)


def test_a_notebook_with_a_traceback_is_refused(small: Path) -> None:
    error = nbformat.v4.new_output("error", ename="KeyError", evalue="'colour'", traceback=["..."])
    notebook(small / "work/laptop/01-data/atelier.ipynb", "The data", error)
    with pytest.raises(OfclipError, match="01-data/atelier.ipynb: cell 2 failed with KeyError"):
        book.build("laptop", small)


def test_a_warning_fails_the_build_in_one_line(tmp_path: Path) -> None:
    for name in ("_static", "_extensions"):
        shutil.copytree(ROOT / "book" / name, tmp_path / "book" / name)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "book" / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    (tmp_path / "book" / "intro.md").write_text("# A page\n\n{doc}`nowhere`\n")
    with pytest.raises(OfclipError, match=r"Jupyter Book failed: book/intro.md:\d+: WARNING: .*nowhere") as error:
        render(tmp_path)
    assert "\n" not in str(error.value)

"""One browser without a network, and one walk over the pages of the built book, for all tests of this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import publishedbook
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from walk import Visit, walk

#: Names the folder of a built book that is tested instead of one that is built from the published Records.
SETTING = "OFCLIP_BOOK"


@pytest.fixture(scope="session")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages."""
    if named := os.environ.get(SETTING):
        if not (Path(named) / "index.html").is_file():
            pytest.fail(f"{SETTING}={named}: there is no index.html; name the folder of a built book or unset it")
        return Path(named).resolve()
    return publishedbook.build(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # the system's, else Playwright's own, which says how it is installed where neither is there
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as tools:
        with tools.chromium.launch(executable_path=program) as browser:
            yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page in a browser that has seen nothing yet."""
    with browser.new_context(viewport={"width": 1200, "height": 900}, offline=True) as context:
        page = context.new_page()
        page.set_default_timeout(120_000)  # others may use the machine too
        yield page


@pytest.fixture(scope="session")
def visits(browser: Browser, html: Path) -> dict[str, Visit]:
    """What was seen on each page, by its path below the folder of pages."""
    return walk(browser, html)

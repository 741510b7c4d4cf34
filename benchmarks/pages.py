"""How long a browser takes to show a page of the built book from disk.

`python benchmarks/pages.py --save` takes half a minute, after `make book`. A page counts as shown once something is
painted and every script has run that was waiting for the page, in a browser that has not seen the page before.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, sync_playwright
from saving import save

from ofclip.experiments import ROOT

AT_MOST = 1.0  # seconds, of the front page
PAGES = ("intro", "verdicts", "reported", "04-retrieval", "_generated/04-retrieval/atelier", "status")
READ = """() => new Promise((done) => new PerformanceObserver((list) => done(list.getEntries()[0].startTime))
  .observe({ type: "paint", buffered: true })).then((painted) => {
    const [page] = performance.getEntriesByType("navigation");
    return [painted / 1000, Math.max(painted, page.domContentLoadedEventEnd) / 1000, page.decodedBodySize];
  })"""


def opened(browser: Browser, page: Path) -> tuple[float, float, float]:
    """Return the seconds until the first paint and until the page is ready, and the bytes of its HTML."""
    with browser.new_context(offline=True) as context:
        tab = context.new_page()
        tab.goto(page.as_uri())
        painted, ready, size = tab.evaluate(READ)
    return painted, ready, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--book", type=Path, default=ROOT / "book" / "_build" / "html", help="a built book")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()

    pages = {name: options.book.resolve() / "book" / f"{name}.html" for name in PAGES}
    if absent := [str(page) for page in pages.values() if not page.is_file()]:
        raise SystemExit(f"{absent[0]} is missing: build the book first, or name its folder with --book")
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in pages}
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as tools, tools.chromium.launch(executable_path=program) as browser:
        opened(browser, pages["intro"])  # the browser itself starts
        for _ in range(options.rounds):
            for name, page in pages.items():
                found[name].append(opened(browser, page))
    rows = []
    for name, times in found.items():
        painted, ready, size = np.median(times, axis=0)
        limit = AT_MOST if name == "intro" else None
        rows.append((name, ready, limit, painted, max(time for _, time, _ in times), round(size / 1000)))
        print(f"{name:<34}painted {painted:.2f} s, ready {ready:.2f} s, {size / 1000:.0f} kB")
    if options.save:
        columns = ["page", "ready, seconds", "at most", "first paint, seconds", "slowest, seconds", "HTML, kB"]
        about = (
            "Pages of the book, opened from disk in Chromium with the network off: the median time until something is "
            "painted, and until every script has run that waits for the page."
        )
        parameters = {"rounds": options.rounds}
        frame = pd.DataFrame(rows, columns=columns)
        save("pages", "book", frame, ["ofclip.book.build"], parameters, "python benchmarks/pages.py --save", about)


if __name__ == "__main__":
    main()

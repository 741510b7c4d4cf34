"""A walk over the pages of a built book in a browser, which notes what a reader would stumble over."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
REDUCE = Path(__file__).parent / "browser" / "reduce.js"

WIDE = {"width": 1200, "height": 900}
PHONE = {"width": 375, "height": 812}

#: Schemes of requests that need no network.
LOCAL = ("file:", "data:", "blob:")

#: What depends on the colours of a page, and on its width: the only rules that are worth asking again there.
COLOURS = ("color-contrast", "link-in-text-block")
WIDTH = ("scrollable-region-focusable",)

SEEN = """async () => {
  await window.MathJax?.startup?.promise;
  const texts = (which, text) => [...document.querySelectorAll(which)].map(text);
  const images = (wrong) => [...document.images].filter(wrong).map((image) => image.src.slice(-100));
  return {
    links: texts("a[href], area[href]", (link) => link.href),
    names: texts("[id]", (one) => one.id),
    unresolved: texts(".problematic, .system-message", (one) => one.textContent),
    unnamed: images((image) => !image.alt.trim()),
    broken: images((image) => image.loading !== "lazy" && !image.naturalWidth),
  };
}"""

#: Figures that do not stand on an opaque plate as light as paper, or whose colours are changed.
WITHOUT_PLATE = """() => [...document.querySelectorAll(
  "article figure img, article .cell_output img, article .widget img, article svg[role=img]"
)].filter((figure) => {
  const { backgroundColor, filter } = getComputedStyle(figure);
  const [red, green, blue, alpha] = backgroundColor.match(/[\\d.]+/g).map(Number);
  return filter !== "none" || (alpha ?? 1) < 1 || Math.min(red, green, blue) < 230;
}).map((figure) => figure.outerHTML.slice(0, 100))"""

#: Everything open, and no colour on its way to another.
UNFOLD = """() => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const style = document.createElement("style");
  style.textContent = "* { transition: none !important }";
  document.head.append(style);
}"""

TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

ASK_AXE = """async (rules) => {
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const options = rules ? { runOnly: { type: "rule", values: rules } } : { rules: { region: { enabled: false } } };
  const { violations } = await axe.run(document, { preload: false, resultTypes: ["violations"], ...options });
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map((node) => {
      const why = [...node.any, ...node.all, ...node.none].map(({ message }) => message).join("; ");
      return `${id}: ${node.target.join(" ")} ${node.html.slice(0, 160)} ${why}`;
    }));
}"""


@dataclass
class Visit:
    """What was seen on one page; its links and names are those it has when its scripts have run."""

    size: int
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    without_plate: list[str] = field(default_factory=list)
    too_wide: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict)


def pages(html: Path) -> list[Path]:
    """Return the pages below a folder, without the theme's templates and what leads to another page at once."""
    found = [path for path in sorted(html.rglob("*.html")) if "_static" not in path.parts]
    return [path for path in found if 'http-equiv="Refresh"' not in path.read_text(encoding="utf-8")]


def walk(browser: Browser, html: Path) -> dict[str, Visit]:
    """Visit every page below a folder: on a wide screen in light and dark, and on a phone."""
    visits = {}
    with browser.new_context(viewport=WIDE, offline=True, reduced_motion="reduce") as context:
        context.add_init_script(path=AXE)
        page = context.new_page()
        page.set_default_timeout(120_000)  # long pages, on a machine that others use too
        known: set[str] = set()
        for path in pages(html):
            visits[path.relative_to(html).as_posix()] = visit(page, path, known)
    return visits


def visit(page: Page, path: Path, known: set[str]) -> Visit:
    """Visit one page, and ask axe about what no page before it had; what that is is added to `known`."""
    seen = Visit(path.stat().st_size)

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            seen.messages.append(message.text)

    def error(fault: Error) -> None:
        seen.messages.append(str(fault))

    def request(asked: Request) -> None:
        if not asked.url.startswith(LOCAL):
            seen.requests.append(asked.url)

    def failed(asked: Request) -> None:
        seen.requests.append(f"failed: {asked.url}")

    listeners = {"console": console, "pageerror": error, "request": request, "requestfailed": failed}
    page.goto("about:blank")  # scripts of the page before, of which much was taken away, are not this page's
    for event, listener in listeners.items():
        page.on(event, listener)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    page.goto(path.as_uri())
    for name, found in page.evaluate(SEEN).items():
        setattr(seen, name, found)
    page.evaluate(UNFOLD)
    page.set_viewport_size(PHONE)
    seen.too_wide = page.evaluate(TOO_WIDE)
    # the theme's own scripts miss what is taken away from here on
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    known.update(page.evaluate(REDUCE.read_text(encoding="utf-8"), list(known)))
    seen.violations["phone"] = page.evaluate(ASK_AXE, WIDTH)
    page.set_viewport_size(WIDE)
    seen.violations["light"] = page.evaluate(ASK_AXE, None)
    page.emulate_media(color_scheme="dark")
    seen.violations["dark"] = page.evaluate(ASK_AXE, COLOURS)
    seen.without_plate = page.evaluate(WITHOUT_PLATE)
    return seen

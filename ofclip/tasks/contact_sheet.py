"""Contact sheet: what a search found as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from PIL import Image

from ofclip.errors import SettingError
from ofclip.files import atomic

if TYPE_CHECKING:
    from ofclip.tasks.search import Hits

SIDE = 160  # pixels of a thumbnail's longer side
LONGEST = 160  # characters of a caption that are shown
DRAWN = "These are drawings, not photographs."
TERMS = "The pictures keep the terms of their data set."

#: Nothing is fetched from anywhere, whatever a caption holds.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light dark; --ink: #222; --muted: #5c5c5c; --ground: #fff; --line: #d9d9d9; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --muted: #aaa; --ground: #181818; --line: #3c3c3c; } }
body { background: var(--ground); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; margin: 0 auto;
  max-width: 72rem; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
p { color: var(--muted); font-size: .85rem; margin: 0 0 1.2rem; overflow-wrap: anywhere; }
ol { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); list-style: none;
  margin: 0; padding: 0; }
figure { border: 1px solid var(--line); border-radius: .5rem; box-sizing: border-box; height: 100%; margin: 0;
  overflow: hidden; }
img { aspect-ratio: 1; background: #fff; display: block; object-fit: contain; width: 100%; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; padding: .5rem .6rem .6rem; }
small { color: var(--muted); display: block; font-variant-numeric: tabular-nums; }
"""


def contact_sheet(hits: Hits) -> str:
    """Return an HTML page of a search: query, and every product found with picture, caption, score and id, best first.

    Thumbnails are embedded, the page asks for nothing over a network, and follows the reader's light or dark mode.
    """
    query, shop = html.escape(hits.query), html.escape(hits.catalog.name)
    cells = "\n".join(f"<li>{figure}</li>" for figure in figures(hits))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{query} · {shop}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>“{query}”</h1>
<p>{len(hits):,} products of {shop}, the nearest first; the number is the cosine of picture and query.
{DRAWN if hits.drawn else TERMS}</p>
<ol>
{cells}
</ol>
</main>
</body>
</html>
"""


def save_contact_sheet(hits: Hits, path: str | Path) -> Path:
    """Write the contact sheet of a search, whole or not at all, and return its path.

    Raises SettingError unless the name ends in .html, and for a folder of that name.
    """
    path = check_path(path)
    page = contact_sheet(hits)
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def check_path(path: str | Path) -> Path:
    """Return the path of a contact sheet, or raise SettingError if none can be written there."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"{path}: a contact sheet is HTML; name it {path.name}.html")
    if path.is_dir():
        raise SettingError(f"{path}: is a folder; name a file")
    return path


def figures(hits: Hits, style: str = "") -> list[str]:
    """Return an HTML figure per product found, best first: thumbnail, caption, rank, score and id."""
    shown = []
    for i, row in enumerate(hits.table.itertuples(index=False)):
        caption = shorten(row.caption, LONGEST, placeholder=" …")
        alt = html.escape(caption or f"product {row.id}")
        facts = f"{i + 1} · {row.score:.3f} · {html.escape(row.id)}"
        shown.append(
            f'<figure style="{style}"><img src="{thumbnail(hits.catalog.images.open(i))}" alt="{alt}">'
            f"<figcaption>{html.escape(caption)}<small>{facts}</small></figcaption></figure>"
        )
    return shown


def thumbnail(picture: Image.Image, side: int = SIDE) -> str:
    """Return a picture as a data address: JPEG, no side longer than `side` pixels.

    >>> thumbnail(Image.new("RGB", (40, 60)))[:23]
    'data:image/jpeg;base64,'
    """
    small = picture.copy()
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.convert("RGB").save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"

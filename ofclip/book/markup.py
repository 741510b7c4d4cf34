"""Markdown of the generated pages: text that means itself, tables, figures, small print."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pandas as pd

GENERATED = "book/_generated"

#: Tables with more rows are folded away, or parted.
ROWS = 16


class Markup(str):
    """A cell of a table that is Markdown already, such as a link; keep it in a column of objects."""


def write(path: Path, text: str) -> None:
    """Write a text file; not flushed to disk, as each build writes a thousand of them anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def escape(text: object) -> str:
    """Return text on one line in which no character has a meaning in Markdown.

    >>> print(escape("* 5_pocket"))
    \\* 5\\_pocket
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(str(text).split()))


def figure(path: Path, root: Path, caption: str, name: str = "") -> str:
    """Return the directive that shows a picture file; prose refers to its number by `name`."""
    named = f":name: {name}\n" if name else ""
    return f"```{{figure}} /{path.relative_to(root).as_posix()}\n:alt: {caption}\n{named}\n{caption}\n```"


def table(frame: pd.DataFrame, path: Path, root: Path, caption: str, *, fold: bool = True) -> str:
    """Write a table of text as CSV and return the directive that shows it, folded away if it is long."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in [frame.columns, *frame.to_numpy()]:
        writer.writerow([value if isinstance(value, Markup) else escape(value) for value in row])
    write(path, out.getvalue())
    directive = (
        f"```{{csv-table}} {escape(caption)}\n:file: /{path.relative_to(root).as_posix()}\n:header-rows: 1\n"
        f":class: words-{_words(frame)}\n```"
    )
    return dropdown(f"{caption} {len(frame):,} rows", directive) if fold and len(frame) > ROWS else directive


def dropdown(title: str, text: str, kind: str = "") -> str:
    """Return text that unfolds under its title, of a style in `book/_static/book.css` if one is named."""
    option = f":class-container: {kind}\n" if kind else ""
    return f":::::{{dropdown}} {title}\n{option}{text}\n:::::"


def small(kind: str, text: str) -> str:
    """Return a paragraph of one of the styles in `book/_static/book.css`."""
    return f":::{{div}} {kind}\n{text}\n:::"


def download(path: Path, text: str | None = None) -> str:
    """Return a link that downloads a file, given by its path below the root."""
    return f"{{download}}`{text or path.as_posix()} </{path.as_posix()}>`"


def _words(frame: pd.DataFrame) -> int:
    """Return how many columns, from the left, hold words; the others are set flush right as numbers."""
    for place, column in enumerate(frame.columns):
        if frame[column].str.fullmatch(r"[-–\d.,e]*( to [-\d.,e]+)?").all():
            return place
    return len(frame.columns)

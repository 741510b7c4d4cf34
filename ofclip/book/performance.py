"""The performance page: what the benchmarks measured, with the peer, the floor, and the command."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ofclip.book import tables
from ofclip.book.markup import GENERATED, escape, table, write
from ofclip.book.provenance import line
from ofclip.records import Record, stale

FOLDER = "results/benchmarks"

#: What a ratio is held against, in the column after it.
BOUNDS = ("floor", "at most")


def fragments(root: Path) -> None:
    """Write `book/_generated/performance.md` from the Records in `results/benchmarks`, one section each."""
    parts = []
    for path in sorted((root / FOLDER).glob("*/*.json")):
        record, place = Record.load(path), path.relative_to(root)
        frame = ratio_first(tables.plain(record.tables["measured"]))
        out = root / GENERATED / "performance" / f"{record.experiment}.{record.source}.csv"
        title = record.title.replace("-", ", ").capitalize()
        old = ["code has changed since"] if stale(record, root, folder=root / FOLDER) else []
        parts += [
            f"## {escape(title)}",
            escape(str(record.notes.get("about", ""))),
            table(frame, out, root, f"{title}: {record.source}.", fold=False),
            line(record, place, *old, timed=False),
        ]
    write(root / GENERATED / "performance.md", "\n\n".join(part for part in parts if part) + "\n")


def ratio_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its ratio, and the bound that follows it, as the first of its numbers.

    A phone shows the left of a table, and the ratio is what a reader comes for. A table without one stays as it is.

    >>> list(ratio_first(pd.DataFrame([["ours", "9", "3", "0.5"]], columns=["contender", "n", "ratio", "floor"])))
    ['contender', 'ratio', 'floor', 'n']
    """
    columns = list(frame)
    if "ratio" not in columns:
        return frame
    place = columns.index("ratio")
    judged = columns[place : place + 1] + [name for name in columns[place + 1 : place + 2] if name in BOUNDS]
    rest = [name for name in columns if name not in judged]
    numbers = [name for name in rest if frame[name].str.fullmatch(r"[-\d.,e]+").all()]
    first = rest.index(numbers[0]) if numbers else len(rest)
    return frame[[*rest[:first], *judged, *rest[first:]]]

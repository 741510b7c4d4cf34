"""The performance page: what the benchmarks measured, with the peer, the floor, and the command."""

from __future__ import annotations

from pathlib import Path

from ofclip.book import tables
from ofclip.book.markup import GENERATED, download, escape, small, table, write
from ofclip.records import Record, stale

FOLDER = "results/benchmarks"


def fragments(root: Path) -> None:
    """Write `book/_generated/performance.md` from the Records in `results/benchmarks`, one section each."""
    parts = []
    for path in sorted((root / FOLDER).glob("*/*.json")):
        record, place = Record.load(path), path.relative_to(root)
        frame = tables.plain(record.tables["measured"])
        out = root / GENERATED / "performance" / f"{record.experiment}.{record.source}.csv"
        made, title = record.made, record.title.replace("-", ", ").capitalize()
        old = stale(record, root, folder=root / FOLDER)
        line = " · ".join(
            [
                f"Record {download(place)} {record.id[:8]}",
                f"commit `{(made.commit or 'none')[:10]}`" + (" with uncommitted changes" if made.dirty else ""),
                f"`{made.command}`",
                f"{made.date[:10]} on {escape(record.cost.device)}, {tables.number(record.cost.cores)} cores",
                *(["code has changed since"] if old else []),
            ]
        )
        parts += [
            f"## {escape(title)}",
            escape(str(record.notes.get("about", ""))),
            table(frame, out, root, f"{title}: {record.source}.", fold=False),
            small("provenance", line),
        ]
    write(root / GENERATED / "performance.md", "\n\n".join(part for part in parts if part) + "\n")

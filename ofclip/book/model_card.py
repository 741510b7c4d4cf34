"""The model card: what our weights were trained on, and each of their limits with the number that measures it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ofclip.book import evidence, pages, tables
from ofclip.book.evidence import Evidence, Measured, look_up
from ofclip.book.markup import GENERATED, download, escape, table, write
from ofclip.book.verdicts import PUBLISHED
from ofclip.errors import VerdictError
from ofclip.experiments import EXPERIMENTS, TRAINING
from ofclip.records import Record

#: A row per number as in `evidence.TABLE`: `front` is the limit in words. The build stops where a `side` does not hold.
TABLE = "book/limits.csv"


def fragments(shown: Sequence[pages.Shown], root: Path) -> None:
    """Write `book/_generated/weights.md`, the facts of training, and `limits.md`, each limit with its numbers.

    Numbers are those of the published Records, where there are none those of this run. Raises VerdictError for a limit
    that its published Record does not show.
    """
    folder = root / GENERATED
    trained = [one for one in shown if one.record.experiment == TRAINING]
    parts = []
    if trained:
        caption = "What was trained, with which settings, and how long it took."
        facts = _facts([one.record for one in trained])
        parts = [table(facts, folder / "weights.csv", root, caption, fold=False), *map(pages.provenance, trained)]
    write(folder / "weights.md", "\n\n".join(parts) + "\n")
    rows = evidence.read(root, TABLE)
    there = evidence.published(root, PUBLISHED, rows)
    check(rows, there)
    run = {one.record.name: one.record for one in shown}
    found = {row: look_up(row, there) or look_up(row, run, strict=False) for row in rows}
    limits = dict.fromkeys(row.front for row in rows)
    blocks = [_limit(limit, {row: one for row, one in found.items() if row.front == limit}, root) for limit in limits]
    write(folder / "limits.md", "\n\n".join(blocks) + "\n")


def check(rows: Sequence[Evidence], published: Mapping[str, Record]) -> None:
    """Raise VerdictError for a limit whose published number does not lie on the side that its row says."""
    for row in rows:
        if row.side and row.record in published:
            found = evidence.measure(row, published[row.record])
            if found.holds != "yes":
                raise VerdictError(
                    f"{TABLE} says {row.front!r}, and {PUBLISHED}/{row.record}.json has {tables.number(found.value)} "
                    f"({found.interval}), expected {row.side} {found.against} ({row.what}): change the limit or the row"
                )


def _facts(records: Sequence[Record]) -> pd.DataFrame:
    """Return a row per fact and a column per run; a run of other settings than its profile's has no facts."""
    columns = {}
    for record in records:
        training: Any = record.parameters.get("training", {})
        run = training.get(record.source, {})
        metrics = {metric.name: metric for metric in record.metrics}
        columns[record.source] = {
            "architecture": str(record.parameters.get("architecture", "")),
            "pictures, pixels a side": tables.cell(record.parameters.get("size")),
            "start": str(record.parameters.get("start") or "random weights"),
            "trained on": ", ".join(run.get("sources", [])),
            "pairs seen": tables.cell(run.get("samples")),
            "batch": tables.cell(run.get("batch")),
            "learning rate": tables.cell(run.get("learning_rate")),
            "seed": tables.cell(run.get("seed")),
            **{name: tables.number(one.value) for name, one in metrics.items()},
            "device": record.cost.device,
        }
    return pd.DataFrame(columns).fillna("").rename_axis("").reset_index()


def _limit(limit: str, rows: Mapping[Evidence, Measured | None], root: Path) -> str:
    items = []
    for row, found in rows.items():
        number = "no Record here"
        if found:
            interval = f" ({found.interval})" if found.interval else ""
            number = f"**{tables.number(found.value)}**{interval}, {row.side or 'beside'} {found.against}"
        path = Path(PUBLISHED) / f"{row.record}.json"
        record = f", {download(path, 'Record')}" if (root / path).is_file() else ""
        chapter = f"{{doc}}`{EXPERIMENTS[row.experiment].title} </book/{row.experiment}>`"
        items.append(f"- {escape(row.what)}: {number}. {chapter}{record}")
    return "\n".join([f"**{escape(limit)}**", "", *items])

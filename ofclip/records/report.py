"""Records and other tables as plain text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ofclip.records.record import Record

if TYPE_CHECKING:
    import pandas as pd


def layout(table: pd.DataFrame) -> str:
    """Return a data frame as aligned text: words to the left, numbers to the right."""
    cells = table.astype(object).map(lambda cell: f"{cell:.4f}" if isinstance(cell, float) else str(cell))
    lines = []
    for row in [list(table.columns), *cells.to_numpy().tolist()]:
        parts = []
        for column, cell in zip(table.columns, row, strict=True):
            width = max(len(column), *cells[column].str.len())
            words = table[column].map(lambda value: isinstance(value, str)).any()
            parts.append(f"{cell:<{width}}" if words else f"{cell:>{width}}")
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def describe(record: Record) -> str:
    """Return a Record as text: its metrics, and under them what made it."""
    import pandas as pd

    rows = [
        {
            "data": f"{metric.dataset}@{metric.split}",
            "metric": metric.name,
            "n": metric.n,
            "value": metric.value,
            "95 % interval": "{:.4f} to {:.4f}".format(*metric.interval) if metric.interval else "",
            "chance": "" if metric.chance is None else f"{metric.chance:.4f}",
            "ceiling": "" if metric.ceiling is None else f"{metric.ceiling:.4f}",
        }
        for metric in record.metrics
    ]
    made, cost = record.made, record.cost
    commit = (made.commit or "no commit")[:12] + (" with uncommitted changes" if made.dirty else "")
    return "\n".join(
        [
            f"{record.title} · {record.source} · {record.profile} · Record {record.id}",
            layout(pd.DataFrame(rows)) if rows else "no metrics",
            *(f"{name}: {value}" for name, value in record.notes.items()),
            f"{made.command} · {commit} · {made.date}",
            f"{cost.seconds:.1f} s, {cost.peak_memory_mib:.0f} MiB on {cost.device}, {cost.cores} cores",
        ]
    )

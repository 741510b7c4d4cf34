"""The training log: one JSON line per entry, readable as a table at any time, cut back when a run resumes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from ofclip.files import atomic


class Log:
    """Appends rows to a file; a row is a dict with at least `step`. A line cut short by a kill is ignored."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def add(self, **row: float) -> None:
        """Append one row and flush it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def rows(self) -> list[dict[str, float]]:
        """Return all whole rows."""
        rows = []
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:  # the last line of a killed run
                continue
        return rows

    def cut(self, step: int) -> None:
        """Drop the rows after `step`: a run resumed there writes them again."""
        kept = [row for row in self.rows() if row["step"] <= step]
        with atomic(self.path) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in kept))

    def table(self) -> pd.DataFrame:
        """Return the log as a table, one row per step, in order; columns that a step lacks are missing values."""
        frame = pd.DataFrame(self.rows())
        return frame.groupby("step", as_index=False).first() if len(frame) else frame

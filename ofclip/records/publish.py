"""What is kept of a run (Records and tables, copied to `results/`)."""

from __future__ import annotations

import json
from pathlib import Path

from ofclip.errors import OfclipError
from ofclip.experiments import ROOT
from ofclip.files import atomic
from ofclip.records.record import Record, Table, find
from ofclip.records.staleness import stale


def publish(profile: str, root: Path = ROOT, *, allow_dirty: bool = False) -> list[Path]:
    """Copy each Record of `work/<profile>` to `results/<profile>`, with its tables as CSV; return the paths.

    `<experiment>/<source>.json` and `<experiment>/<source>.<table>.csv` replace what was published for that
    experiment and source. All are checked before the first is written. Raises OfclipError for the smoke
    profile, for no Records, for a stale one, and for one made from a dirty tree unless `allow_dirty`.
    """
    if profile == "smoke":
        raise OfclipError("results of the smoke profile are for tests only and are not published")
    records = {path: Record.load(path) for path in find(root, ["work"]) if path.parts[-3] == profile}
    if not records:
        raise OfclipError(f"no Records in work/{profile}: `make book PROFILE={profile}` makes them")
    for path, record in records.items():
        name = path.relative_to(root)
        if reasons := stale(record, root):
            raise OfclipError(f"{name} is stale ({reasons[0]}): `{record.made.command}` makes it again")
        if record.made.dirty and not allow_dirty:
            raise OfclipError(
                f"{name} was made from a tree with uncommitted changes: commit them and make it again with "
                f"`{record.made.command}`, or pass --allow-dirty"
            )
    published: list[Path] = []
    for record in records.values():
        folder = root / "results" / profile / record.experiment
        files = {folder / f"{record.source}.json": record.dumps()}
        for part, table in record.tables.items():
            files[folder / f"{record.source}.{part}.csv"] = csv(table)
        for old in set(folder.glob(f"{record.source}.*.csv")) - files.keys():
            old.unlink()
        for path, content in files.items():
            with atomic(path) as temporary:
                temporary.write_text(content, encoding="utf-8", newline="")
        published += files
    return published


def csv(table: Table) -> str:
    """Return a table as CSV text; a cell that is a list is written as JSON."""
    frame = table.frame()
    nested = frame.map(lambda cell: isinstance(cell, list | dict))
    return frame.mask(nested, frame.map(json.dumps)).to_csv(index=False, lineterminator="\n")

"""The numbers that verdicts rest on: which of which Record, held against what, and whether the claim's side holds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ofclip import sources
from ofclip.book import tables
from ofclip.errors import DataError, SettingError
from ofclip.experiments import EXPERIMENTS
from ofclip.records import Record

#: A row per number: the claims that it speaks for, the Record and the number in it, and what the claim expects.
#: `number` is a metric on `data`, "dataset@split", or with a `table` the column of its one row that `where` leaves,
#: "column=cell; ...". `side` is where the interval lies if the claim holds, "" if nothing depends on it; `than` is
#: "chance", "ceiling", "0", or another metric of the same Record and data. `what` says it in words; a row with `front`
#: is drawn on the front page.
TABLE = "book/evidence.csv"
COLUMNS = ("claims", "experiment", "source", "data", "number", "table", "where", "side", "than", "what", "front")
SIDES = ("above", "below", "apart", "")
#: The table of a Record of seeds that says how often rows hold, and the columns by which a row is known in it.
SEEDED = "evidence"
KNOWN = ("record", "data", "number", "table", "where", "side", "than")


@dataclass(frozen=True)
class Evidence:
    """A row of the table: what to read, and what the claim expects of it."""

    claims: tuple[str, ...]
    experiment: str
    source: str
    data: str
    number: str
    table: str
    where: str
    side: str
    than: str
    what: str
    front: str

    @property
    def record(self) -> str:
        """Which Record it is in, "experiment/source"."""
        return f"{self.experiment}/{self.source}"

    @property
    def pictures(self) -> str:
        """What its pictures are: "drawings" or "photographs"."""
        return sources.get(self.source).pictures


@dataclass(frozen=True)
class Measured:
    """A number with its interval, what it is held against, and whether the claim's side holds: yes, no, undecided."""

    value: float
    low: float
    high: float
    line: float
    line_low: float
    line_high: float
    holds: str

    @property
    def interval(self) -> str:
        """The 95 % interval as a page shows it."""
        return _range(self.value, self.low, self.high)

    @property
    def against(self) -> str:
        """What the value is held against as a page shows it, with its interval where it has one."""
        own = _range(self.line, self.line_low, self.line_high)
        return tables.number(self.line) + (f" ({own})" if own else "")


def read(root: Path, table: str = TABLE) -> list[Evidence]:
    """Return the rows of a table; raises DataError for another header, side or experiment, naming the row."""
    path = root / table
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(frame.columns) != COLUMNS:
        raise DataError(f"{path}: the columns are {', '.join(frame.columns)}, expected {', '.join(COLUMNS)}")
    rows = []
    for place, row in enumerate(frame.to_dict("records"), start=1):
        known = row["experiment"] in EXPERIMENTS and row["source"] in EXPERIMENTS[row["experiment"]].sources
        if not known or row["side"] not in SIDES or not row["claims"] or not row["what"]:
            raise DataError(
                f"{path} row {place}: name claims, a planned experiment and source, above, below, apart or nothing as "
                "the side, and say what it is"
            )
        rows.append(Evidence(**{**row, "claims": tuple(row["claims"].split())}))
    return rows


def measure(row: Evidence, record: Record) -> Measured:
    """Return what a Record holds of a row of evidence; raises SettingError if it has no such number."""
    value, low, high = _cell(row, record) if row.table else _metric(row, record, row.number)
    if row.than in ("chance", "ceiling"):
        level = getattr(_found(row, record, row.number), row.than)
        if level is None:
            raise SettingError(f"{record.name}: {row.number} on {row.data} has no {row.than}")
        line = (level, level, level)
    elif row.than == "0":
        line = (0.0, 0.0, 0.0)
    else:
        line = _metric(row, record, row.than)
    return Measured(value, low, high, *line, holds(row.side, (low, high), line[1:]))


def look_up(row: Evidence, records: Mapping[str, Record], *, strict: bool = True) -> Measured | None:
    """Return what the Record of a row holds of it, or None where there is none among `records`.

    Where it lacks the number, as a run of one's own may, it is None too, or SettingError if `strict`.
    """
    if row.record not in records:
        return None
    try:
        return measure(row, records[row.record])
    except SettingError:
        if strict:
            raise
        return None


def holds(side: str, interval: tuple[float, float], line: tuple[float, float]) -> str:
    """Say whether an interval lies on one side of another, which may be a point: "yes", "no" or "undecided".

    "apart" is either side, and never "no"; without a side there is nothing to say.

    >>> holds("above", (0.2, 0.3), (0.1, 0.1)), holds("below", (0.2, 0.3), (0.1, 0.1))
    ('yes', 'no')
    >>> holds("above", (0.2, 0.3), (0.25, 0.35)), holds("apart", (-0.2, -0.1), (0, 0))
    ('undecided', 'yes')
    """
    above, below = interval[0] > line[1], interval[1] < line[0]
    wanted = {"above": (above, below), "below": (below, above), "apart": (above or below, False)}
    if side not in wanted:
        return ""
    yes, no = wanted[side]
    return "yes" if yes else "no" if no else "undecided"


def known(row: Evidence) -> tuple[str, ...]:
    """Return what a row asks, by which Records of seeds know it."""
    return tuple(getattr(row, name) for name in KNOWN)


def over_seeds(rows: Sequence[Evidence], runs: Sequence[Mapping[str, Record]]) -> pd.DataFrame:
    """Return how often each number that decides something holds over runs, Records by name, that differ by their seed.

    One that one of the runs does not have is left out.
    """
    lines = []
    for row in {known(row): row for row in rows}.values():  # some speak for more than one claim
        found = [one for run in runs if (one := look_up(row, run, strict=False))]
        if row.side and len(found) == len(runs):
            held, values = Counter(one.holds for one in found), [one.value for one in found]
            counts = {outcome: held[outcome] for outcome in ("yes", "undecided", "no")}
            own = dict(zip(KNOWN, known(row), strict=True))
            lines.append({**own, "runs": len(runs), **counts, "lowest": min(values), "highest": max(values)})
    return pd.DataFrame(lines, columns=[*KNOWN, "runs", "yes", "undecided", "no", "lowest", "highest"])


def seeds(records: Sequence[Record]) -> dict[tuple[str, ...], str]:
    """Return in how many runs of other seeds rows hold, such as "4 of 5", by their `KNOWN`, from Records of seeds."""
    frames = [record.table(SEEDED) for record in records if SEEDED in record.tables]
    lines = [line for frame in frames for line in frame.to_dict("records")]
    return {tuple(line[name] for name in KNOWN): f"{line['yes']} of {line['runs']}" for line in lines}


def published(root: Path, folder: str, rows: list[Evidence]) -> Mapping[str, Record]:
    """Return the Records of `folder` that rows rest on, by name; those that are not there are left out."""
    names = dict.fromkeys(row.record for row in rows)
    paths = {name: root / folder / f"{name}.json" for name in names}
    return {name: Record.load(path) for name, path in paths.items() if path.is_file()}


def _found(row: Evidence, record: Record, name: str):
    dataset, _, split = row.data.partition("@")
    for metric in record.metrics:
        if (metric.name, metric.dataset, metric.split) == (name, dataset, split):
            return metric
    raise SettingError(f"{record.name} has no {name!r} on {row.data}, which {row.what!r} of the book rests on")


def _metric(row: Evidence, record: Record, name: str) -> tuple[float, float, float]:
    metric = _found(row, record, name)
    return (metric.value, *(metric.interval or (metric.value, metric.value)))


def _cell(row: Evidence, record: Record) -> tuple[float, float, float]:
    frame = record.table(row.table)
    for condition in row.where.split("; "):
        column, _, cell = condition.partition("=")
        frame = frame[frame[column].astype(str) == cell] if column in frame else frame.iloc[:0]
    if len(frame) != 1 or row.number not in frame:
        raise SettingError(
            f"{record.name}: table {row.table} has {len(frame)} rows where {row.where}, or no column {row.number!r}, "
            f"which {row.what!r} of the book rests on"
        )
    bounds = [f"{row.number}_{end}" if f"{row.number}_{end}" in frame else end for end in ("low", "high")]
    names = (row.number, *bounds)
    value, low, high = (float(frame[name].iloc[0]) for name in names)
    if any(map(math.isnan, (value, low, high))):
        raise SettingError(f"{record.name}: table {row.table}, {row.where}: {row.number} is missing")
    return value, low, high


def _range(value: float, low: float, high: float) -> str:
    return "" if low == value == high else f"{tables.number(low)} to {tables.number(high)}"

"""Two Records, or two folders of them, compared metric by metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from ofclip.errors import OfclipError, SettingError
from ofclip.metrics.metric import Metric
from ofclip.records.record import Record, plain, text

SAME, WITHIN, DIFFERS, MISSING = VERDICTS = ("same", "within the interval", "differs", "missing")

#: Metrics of how fast a machine was: two runs never agree on them, and no claim rests on them.
TIMES = ("samples per second", "minutes of training")

#: How far apart two values of a metric may be to count as the same; None: nothing is known, so only equal ones do.
Tolerance = Callable[[Metric], float | None]


@dataclass(frozen=True)
class Row:
    """One metric of two Records: both values, None where one has no such metric, and what they amount to.

    `comparable` is False where no tolerance can help: one value is missing, or of another definition or n.
    """

    dataset: str
    split: str
    metric: str
    a: float | None
    b: float | None
    verdict: str
    tolerance: float | None = None
    note: str = ""
    comparable: bool = True


@dataclass(frozen=True)
class Comparison:
    """All metrics of two Records of one `name`; `unlike` says what was set or used differently."""

    name: str
    rows: tuple[Row, ...]
    unlike: tuple[str, ...] = ()
    left_out: int = 0  # metrics of time, which are not compared

    @property
    def counts(self) -> dict[str, int]:
        """How many metrics got each verdict."""
        verdicts = [row.verdict for row in self.rows]
        return {verdict: verdicts.count(verdict) for verdict in VERDICTS}

    @property
    def agrees(self) -> bool:
        """Whether no metric differs or is missing."""
        return not any(row.verdict in (DIFFERS, MISSING) for row in self.rows)

    def json(self) -> dict[str, JsonValue]:
        """Return everything as JSON values."""
        counts: dict[str, JsonValue] = {**self.counts}
        rows = [plain(vars(row)) for row in self.rows]
        return {"record": self.name, "counts": counts, "unlike": list(self.unlike), "metrics": rows}


def compare(a: Record, b: Record, tolerance: Tolerance | None = None, *, counts: bool = True) -> Comparison:
    """Return what became of each metric of two Records; metrics of time are left out.

    Metrics are matched by data set, split and name. Where definition, direction and, with `counts`, n are equal, two
    values are "same" if they, their intervals, chances and ceilings are equal to the bit, or if the values are no
    further apart than the `tolerance` of b's metric; "within the interval" if each lies in the other's 95 % interval
    (or in the one that there is); they "differ" otherwise, as do values that are no numbers. A metric that one of the
    two lacks is "missing".
    """
    left, right = _named(a), _named(b)
    rows = []
    for key in {**left, **right}:
        if key in left and key in right:
            rows.append(_judge(left[key], right[key], tolerance(right[key]) if tolerance else None, counts))
        elif key in left:
            rows.append(_lone(left[key], "B", right, left))
        else:
            rows.append(_lone(right[key], "A", left, right))
    times = sum(metric.name in TIMES for metric in b.metrics)
    return Comparison(b.name, tuple(rows), tuple(unlike(a, b)), times)


def compare_paths(a: Path, b: Path, tolerance: Callable[[Record], Tolerance] | None = None) -> list[Comparison]:
    """Return the comparison of two Records, or of every Record of two folders; Records are matched by their place.

    Raises OfclipError that names a file or folder which is not there, no Record, or holds none; SettingError for
    a Record beside a folder, for folders of different experiments, and for two Records without a common metric.
    """
    for path in (a, b):
        if not path.exists():
            raise OfclipError(f"{path}: no such Record or folder; `ofclip records list` shows them all")
    if a.is_dir() != b.is_dir():
        raise SettingError(f"{a} and {b}: one is a folder; name two Records or two folders")
    left, right = ({"": a}, {"": b}) if a.is_file() else (files(a), files(b))
    found = []
    for place in sorted({**left, **right}):
        if place not in left or place not in right:
            found.append(_absent(Record.load({**right, **left}[place]), "B" if place in left else "A"))
            continue
        mine, theirs = Record.load(left[place]), Record.load(right[place])
        if place and mine.name != theirs.name:
            raise SettingError(f"{left[place]} and {right[place]}: Records of {mine.name} and of {theirs.name}")
        found.append(compare(mine, theirs, tolerance(theirs) if tolerance else None))
    if a.is_file() and all(row.verdict == MISSING for row in found[0].rows):
        raise SettingError(f"{a} and {b} share no metric: they are of different experiments or data")
    return found


def files(folder: Path) -> dict[str, Path]:
    """Return place below the folder -> path of its Records, be it an experiment's folder, a profile's or all of them.

    Runs by hand and changed runs, whose names have a dot, are left out. Raises OfclipError if there is no Record.
    """
    for pattern in ("*.json", "*/*.json", "*/*/*.json"):
        paths = [path for path in sorted(folder.glob(pattern)) if "." not in path.stem]
        if paths:
            return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}
    raise OfclipError(f"{folder}: holds no Records; name a folder such as results/laptop")


def unlike(a: Record, b: Record) -> Iterator[str]:
    """Yield what two Records do not share of what their numbers depend on, one line each."""
    if a.profile != b.profile:
        yield f"profile: {a.profile} and {b.profile}"
    mine, theirs = flat(a.parameters), flat(b.parameters)
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            yield f"{name}: {mine.get(name, 'not set')} and {theirs.get(name, 'not set')}"
    for kind in ("data", "weights", "records"):
        one, other = getattr(a.key, kind), getattr(b.key, kind)
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                yield f"{kind}: {name} is {one.get(name, 'not used')} and {other.get(name, 'not used')}"
    code = [path for path in a.key.code.keys() | b.key.code.keys() if a.key.code.get(path) != b.key.code.get(path)]
    if code:
        yield f"code: {len(code)} files differ, among them {min(code)}"
    for kind in ("notebook", "lock"):
        if getattr(a.key, kind) != getattr(b.key, kind):
            yield f"{kind}: another one"


def _named(record: Record) -> dict[tuple, Metric]:
    """Return the metrics by data set, split, name, and a number where these are not unique."""
    found: dict[tuple, Metric] = {}
    for metric in record.metrics:
        key = (metric.dataset, metric.split, metric.name)
        if metric.name not in TIMES:
            found[(*key, sum(known[:3] == key for known in found) if (*key, 0) in found else 0)] = metric
    return found


def _judge(a: Metric, b: Metric, tolerance: float | None, counts: bool) -> Row:
    def row(verdict: str, note: str = "", comparable: bool = True) -> Row:
        return Row(b.dataset, b.split, b.name, a.value, b.value, verdict, tolerance, note, comparable)

    others = [word for word in ("definition", "direction") if getattr(a, word) != getattr(b, word)]
    if counts and a.n != b.n:
        others.append(f"n ({a.n} and {b.n})")
    if others:
        return row(DIFFERS, f"other {', '.join(others)}", comparable=False)
    if not (math.isfinite(a.value) and math.isfinite(b.value)):
        return row(DIFFERS, "not a number", comparable=False)
    bounds = [word for word in ("interval", "chance", "ceiling") if getattr(a, word) != getattr(b, word)]
    if a.value == b.value and not bounds:
        return row(SAME)
    if tolerance is not None and abs(a.value - b.value) <= tolerance:
        return row(SAME, "within the tolerance")
    note = f"equal values, other {', '.join(bounds)}" if a.value == b.value else ""
    inside = [low <= value <= high for value, (low, high) in _pairs(a, b)]
    return row(WITHIN if inside and all(inside) else DIFFERS, note)


def _pairs(a: Metric, b: Metric) -> Iterator[tuple[float, tuple[float, float]]]:
    """Yield each value with the other's interval, where it has one."""
    for one, other in ((a, b), (b, a)):
        if other.interval is not None:
            yield one.value, other.interval


def _lone(metric: Metric, where: str, others: dict[tuple, Metric], own: dict[tuple, Metric]) -> Row:
    """Return the row of a metric that one Record lacks, with the name that it may have there."""
    renamed = [
        other.name
        for key, other in others.items()
        if key not in own and (other.dataset, other.split) == (metric.dataset, metric.split)
        and other.definition == metric.definition
    ]  # fmt: skip
    note = f"{where} has {renamed[0]!r}, defined alike" if renamed else f"not in {where}"
    a, b = (metric.value, None) if where == "B" else (None, metric.value)
    return Row(metric.dataset, metric.split, metric.name, a, b, MISSING, None, note, comparable=False)


def _absent(record: Record, where: str) -> Comparison:
    """Return the comparison of a Record that the other folder lacks."""
    rows = tuple(_lone(metric, where, {}, {}) for metric in record.metrics if metric.name not in TIMES)
    return Comparison(record.name, rows, (f"no such Record in {where}",))


def flat(parameters: dict[str, JsonValue], prefix: str = "") -> dict[str, str]:
    """Return nested parameters as dotted name -> text.

    >>> flat({"k": 10, "run": {"seed": 0}})
    {'k': '10', 'run.seed': '0'}
    """
    found: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = text(value)
    return found

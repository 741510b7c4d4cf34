"""The reproduction check: a profile's published Records against those that were made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from ofclip import sources
from ofclip.errors import OfclipError
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records.compare import SAME, Comparison, Row, compare
from ofclip.records.record import Record
from ofclip.records.tolerances import measured, spread, tolerances, trains

#: On another machine this share of the metrics may lie outside of their tolerances. It is more than the one in a
#: hundred that these let out, since the metrics of one model rise and fall together (our choice).
OUTSIDE = 0.05


@dataclass(frozen=True)
class Checked:
    """One published Record against the fresh one; `here` if both were made on the same type of machine."""

    comparison: Comparison
    here: bool

    @property
    def judged(self) -> list[Row]:
        """The metrics that count: here all, elsewhere those with a tolerance."""
        return [row for row in self.comparison.rows if self.here or row.tolerance is not None]

    @property
    def outside(self) -> list[Row]:
        """The judged metrics that are not the same."""
        return [row for row in self.judged if row.verdict != SAME]

    @property
    def wrong(self) -> list[Row]:
        """The metrics that no tolerance excuses: missing, of other n or definition, or, here, not equal."""
        return self.outside if self.here else [row for row in self.comparison.rows if not row.comparable]


@dataclass(frozen=True)
class Reproduction:
    """The check of a whole profile; `not_run` names published Records whose data were not here."""

    profile: str
    checked: tuple[Checked, ...]
    not_run: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether everything that must be equal is, and enough of the rest lies within its tolerance."""
        return not any(one.wrong for one in self.checked) and self.share <= OUTSIDE

    @property
    def share(self) -> float:
        """The share of the metrics judged by a tolerance that lie outside of it."""
        far = [one for one in self.checked if not one.here]
        judged = sum(len(one.judged) for one in far)
        return sum(len(one.outside) for one in far) / judged if judged else 0.0

    def json(self) -> dict[str, JsonValue]:
        """Return everything as JSON values."""
        records: list[JsonValue] = [
            {**one.comparison.json(), "same machine": one.here, "judged": len(one.judged), "outside": len(one.outside)}
            for one in self.checked
        ]
        whole: dict[str, JsonValue] = {"profile": self.profile, "holds": self.holds, "share outside": self.share}
        return {**whole, "not run": list(self.not_run), "records": records}


def reproduce(profile: str, root: Path = ROOT, *, elsewhere: bool | None = None) -> Reproduction:
    """Return how the Records of `work/<profile>` compare with those of `results/<profile>`.

    On the same type of machine (device, number of cores, libraries) every metric must be equal to the bit. On
    another one it must lie within its tolerance, which is that of rounding where nothing is trained and the
    measured spread over seeds where something is, and a share of OUTSIDE may not. A metric without a tolerance that
    is narrower than its effect is shown and not judged. Whatever the machine, no metric may be missing or have
    another definition, nor another n, unless on another machine the same data were given to a trained model.
    Published Records of photographs that were not here are left out. `elsewhere` says which machine it is where the
    Records' own words do not. Raises OfclipError if there is nothing to compare.
    """
    published = {path: Record.load(path) for path in _published(profile, root)}
    allowed = tolerances(spread(measured(profile, root)))
    checked, not_run = [], []
    for path, record in published.items():
        mine = root / "work" / profile / path.parent.name / path.name
        if mine.is_file():
            fresh = Record.load(mine)
            here = same_machine(fresh, record) if elsewhere is None else not elsewhere
            # a model may decide what is counted, such as the classes that are found at all
            counts = here or not trains(record) or fresh.key.data != record.key.data
            checked.append(Checked(compare(fresh, record, None if here else allowed(record), counts=counts), here))
        elif sources.get(record.source).pictures == "drawings":
            raise OfclipError(f"{mine.relative_to(root)} is missing: `{record.made.command}` makes it")
        else:
            not_run.append(record.name)
    if not checked:
        raise OfclipError(f"no published Records in results/{profile}: there is nothing to reproduce")
    return Reproduction(profile, tuple(checked), tuple(not_run))


def same_machine(a: Record, b: Record) -> bool:
    """Whether two Records were made on one type of machine: device, number of cores, and the libraries' lock."""
    return (a.cost.device, a.cost.cores, a.key.lock) == (b.cost.device, b.cost.cores, b.key.lock)


def _published(profile: str, root: Path) -> Iterator[Path]:
    """Yield the paths of the published Records of experiments, in the order of the book."""
    for experiment in EXPERIMENTS.values():
        for source in experiment.sources:
            path = root / "results" / profile / experiment.name / f"{source}.json"
            if path.is_file():
                yield path


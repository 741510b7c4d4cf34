"""How each planned run stands: passed, failed, stale or absent."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ofclip.errors import OfclipError
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records.record import Record
from ofclip.records.staleness import stale

STATES = PASSED, FAILED, STALE, ABSENT = "pass", "fail", "stale", "absent"


@dataclass(frozen=True)
class Run:
    """One planned run of a notebook: its state, why it is not "pass", and its last Record where there is one."""

    experiment: str
    source: str
    state: str
    reason: str = ""
    record: Record | None = None


def status(profile: str, root: Path = ROOT, *, fresh: Collection[str] = ()) -> list[Run]:
    """Return how the runs of `work/<profile>` stand, in the order of the book.

    "fail": the last attempt stopped (`<source>.failed.ipynb` is what it did), whatever an older Record says, or
    the Record is damaged. "stale": the Record is not what today's code, lock or weights give. "absent": there is
    no Record, as where a data set is not here. `fresh` names Records, "experiment/source", that were found fresh
    already and are not checked again.
    """
    found = []
    for experiment in EXPERIMENTS.values():
        for source in experiment.sources:
            path = root / "work" / profile / experiment.name / f"{source}.json"
            record, reason = None, ""
            try:
                record = Record.load(path) if path.is_file() else None
            except OfclipError as error:
                reason = str(error).replace(f"{root}/", "")
            state = FAILED if reason else PASSED if record else ABSENT
            if (failed := path.with_suffix(".failed.ipynb")).is_file():
                state, reason = FAILED, _error(failed)
            elif record and record.name not in fresh and (reasons := stale(record, root, folder=path.parent.parent)):
                state, reason = STALE, reasons[0]
            found.append(Run(experiment.name, source, state, reason, record))
    return found


def _error(path: Path) -> str:
    """Return the error that a failed notebook ends with, on one line."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "error"]
        return " ".join(f"{outputs[-1]['ename']}: {outputs[-1]['evalue']}".split())
    except (ValueError, KeyError, TypeError, IndexError):
        return f"see {path.name}"

"""The status page: how every run of every notebook stands, and whether it reproduces what is published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ofclip.book import seeds
from ofclip.book.markup import GENERATED, Markup, download, escape, table, write
from ofclip.book.tables import number
from ofclip.errors import OfclipError
from ofclip.experiments import EXPERIMENTS
from ofclip.records import Record
from ofclip.records.reproduce import OUTSIDE, Checked, Reproduction, reproduce
from ofclip.records.status import STATES, Run, status
from ofclip.records.tolerances import LEVEL

if TYPE_CHECKING:
    from ofclip.book.pages import Shown

DASH = "–"


def fragments(shown: Sequence[Shown], profile: str, root: Path) -> None:
    """Write `status.md`, all runs of a profile; `reproduction.md`, them against the published ones; and `seeds.md`."""
    folder = root / GENERATED
    runs = status(profile, root, fresh={one.record.name for one in shown})
    pages = {one.record.name for one in shown}
    rows = pd.DataFrame([_row(run, f"{run.experiment}/{run.source}" in pages, profile) for run in runs], dtype=object)
    counts = ", ".join(f"{sum(run.state == state for run in runs)} {state}" for state in STATES)
    parts = [
        f"{len(runs)} runs are planned: {counts}.",
        table(rows, folder / "status.csv", root, "Every run of every notebook.", fold=False),
        *(f"- {run.experiment}, {run.source}: {run.state}, {escape(run.reason)}" for run in runs if run.reason),
        f"For outsiders who certify results: {download(Path('codecheck.yml'))}." * (root / "codecheck.yml").is_file(),
    ]
    write(folder / "status.md", "\n\n".join(filter(None, parts)) + "\n")
    write(folder / "reproduction.md", _reproduction(profile, root))
    seeds.fragments(profile, root)


def _row(run: Run, has_page: bool, profile: str) -> dict[str, str]:
    title, record = EXPERIMENTS[run.experiment].title, run.record
    page = f"/{GENERATED}/{run.experiment}/{run.source}"
    path = Path("work", profile, run.experiment, f"{run.source}.json")
    cost = record.cost if record else None
    return {
        "notebook": Markup(f"{{doc}}`{title} <{page}>`") if has_page else title,
        "Record": Markup(download(path, run.source)) if record else run.source,
        "result": run.state,
        "seconds": number(_whole(record, "seconds")) if record else DASH,
        "peak memory, MiB": number(cost.peak_memory_mib) if cost else DASH,
        "energy, J": number(_whole(record, "energy_joules")) or DASH if record else DASH,
        "last run": record.made.date[:10] if record else DASH,
        "device": f"{cost.device}, {cost.cores} cores" if cost else DASH,
    }


def _whole(record: Record, what: str) -> float | None:
    """Return a cost of a run, with that of the training which it found complete and did not repeat."""
    own, training = getattr(record.cost, what), record.notes.get("cost")
    spent = training.get(what) if isinstance(training, dict) and record.notes.get("reused") else None
    return own if not isinstance(spent, int | float) else spent + (own or 0)


def _reproduction(profile: str, root: Path) -> str:
    try:
        found = reproduce(profile, root)
    except OfclipError as error:
        return f"{escape(str(error))}.\n"
    rows = pd.DataFrame([_checked(one) for one in found.checked])
    path = root / GENERATED / "reproduction.csv"
    caption = "This run against the published one: how many metrics are what."
    parts = [_outcome(found), table(rows, path, root, caption, fold=False)]
    if found.not_run:
        parts.append("Published, and not run here: " + ", ".join(f"`{name}`" for name in found.not_run) + ".")
    return "\n\n".join(parts) + "\n"


def _outcome(found: Reproduction) -> str:
    here = [one for one in found.checked if one.here]
    far = [one for one in found.checked if not one.here]
    parts = [f"**This run {'reproduces' if found.holds else 'does not reproduce'} the published one.**"]
    if here:
        equal = sum(len(one.judged) - len(one.outside) for one in here)
        parts.append(
            f"{len(here)} Records were made on the same type of machine, where every metric must be equal to the last "
            f"bit: {number(equal)} of {number(sum(len(one.judged) for one in here))} are."
        )
    if far:
        judged, outside = (sum(len(getattr(one, name)) for one in far) for name in ("judged", "outside"))
        parts.append(
            f"{len(far)} Records were made on another type of machine, where a metric must lie within its tolerance: "
            f"{number(outside)} of {number(judged)} do not, and {OUTSIDE:.0%} may. A tolerance is what "
            f"{LEVEL:.0%} of the differences between two runs of other seeds stay below."
        )
    return " ".join(parts)


def _checked(one: Checked) -> dict[str, str]:
    experiment, _, source = one.comparison.name.partition("/")
    return {
        "notebook": EXPERIMENTS[experiment].title,
        "data": source,
        "machine": "the same type" if one.here else "another",
        "metrics judged": number(len(one.judged)),
        **{verdict: number(count) for verdict, count in one.comparison.counts.items()},
    }

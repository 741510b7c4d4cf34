"""`ofclip compare` and `ofclip records reproduce`: runs side by side, with an exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ofclip.cli.options import folder, json_option, profile_option

if TYPE_CHECKING:
    from ofclip.records.compare import Comparison, Row


@click.command()
@click.argument("a", type=folder)
@click.argument("b", type=folder)
@click.option("--tolerances", "spreads", multiple=True, type=folder, metavar="FILE", help="A Record of seeds.")
@json_option
@click.pass_context
def compare(context: click.Context, a: Path, b: Path, spreads: tuple[Path, ...], as_json: bool) -> None:
    """Compare two Records, or two folders of them: A, such as yours, with B, such as the book's.

    Every metric is `same` (equal to the bit, or within a tolerance from --tolerances), `within the interval` (each
    value lies in the other's 95 % interval), `differs` (also if n or the definition does) or `missing` in one of
    the two. Of folders only what is not the same is listed. Exit code 0 if no metric differs or is missing, else 1.
    """
    from ofclip.records import Record
    from ofclip.records.compare import compare_paths
    from ofclip.records.tolerances import spread, tolerances

    allowed = tolerances(spread(map(Record.load, spreads))) if spreads else None
    found = compare_paths(a, b, allowed)
    agree = all(one.agrees for one in found)
    if as_json:
        records = [one.json() for one in found]
        click.echo(json.dumps({"a": str(a), "b": str(b), "agree": agree, "records": records}, indent=1))
    else:
        show(found, whole=a.is_file())
    context.exit(0 if agree else 1)


@click.command()
@profile_option
@click.option("--here", "machine", flag_value="here", help="Ask for equal numbers, whatever the Records say.")
@click.option("--elsewhere", "machine", flag_value="elsewhere", help="Allow the tolerances of another machine.")
@json_option
@click.pass_context
def reproduce(context: click.Context, profile: str, machine: str | None, as_json: bool) -> None:
    """Check the Records of work/PROFILE against the published ones of results/PROFILE.

    On the same type of machine (device, cores, libraries) all metrics must be equal; on another one they must lie
    within tolerances that come from the spread over seeds, but for one in twenty. Exit code 0 if so, else 1.
    """
    from ofclip.records.reproduce import OUTSIDE
    from ofclip.records.reproduce import reproduce as check

    found = check(profile, elsewhere=None if machine is None else machine == "elsewhere")
    if as_json:
        click.echo(json.dumps(found.json(), indent=1))
        context.exit(0 if found.holds else 1)
    show([one.comparison for one in found.checked], whole=False, unlike=False)
    here = sum(one.here for one in found.checked)
    click.echo(f"{here} Records of this type of machine, {len(found.checked) - here} of another one")
    if here < len(found.checked):
        judged = sum(len(one.judged) for one in found.checked if not one.here)
        click.echo(f"of {judged} metrics with a tolerance {found.share:.1%} lie outside; {OUTSIDE:.0%} may")
    if found.not_run:
        click.echo(f"not run here: {', '.join(found.not_run)}")
    click.echo("reproduced" if found.holds else "not reproduced")
    context.exit(0 if found.holds else 1)


def show(found: Iterable[Comparison], whole: bool, unlike: bool = True) -> None:
    """Print comparisons: of one Record every metric, of several their counts and what is not the same."""
    import pandas as pd

    from ofclip.records import layout
    from ofclip.records.compare import SAME

    found = list(found)
    if unlike:
        for one in found:
            for line in one.unlike:
                click.echo(line if whole else f"{one.name}: {line}")
    if not whole:
        click.echo(layout(pd.DataFrame([{"record": one.name, **one.counts} for one in found])))
    rows = [
        cells(row) if whole else {"record": one.name, **cells(row)}
        for one in found
        for row in one.rows
        if whole or row.verdict != SAME
    ]
    if rows:
        click.echo(layout(pd.DataFrame(rows)))
    if left_out := sum(one.left_out for one in found):
        click.echo(f"{left_out} metrics of time are not compared")


def cells(row: Row) -> dict[str, str]:
    """Return the cells of one metric."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.6g}"

    values = {"A": number(row.a), "B": number(row.b), "tolerance": number(row.tolerance)}
    data = f"{row.dataset}@{row.split}"
    return {"data": data, "metric": row.metric, **values, "verdict": row.verdict, "note": row.note}

"""`ofclip records`: list, show, check, reproduce and publish Records, and tell how runs stand."""

from __future__ import annotations

from pathlib import Path

import click

from ofclip.cli.compare import reproduce
from ofclip.cli.options import folder, json_option, profile_option

#: The profile that codecheck.yml is about: the one that anybody can run.
CERTIFIED = "laptop"


@click.group()
def records() -> None:
    """List, show, check, reproduce and publish Records."""


records.add_command(reproduce)


@records.command("list")
def list_records() -> None:
    """List the Records of this checkout."""
    import pandas as pd

    from ofclip.experiments import ROOT
    from ofclip.records import Record, find, find_mine, layout

    rows = []
    for path in [*find(), *find_mine()]:
        record = Record.load(path)
        name = path.relative_to(ROOT).as_posix()
        rows.append((name, record.id, record.made.date, f"{record.cost.seconds:.0f} s", len(record.metrics)))
    if not rows:
        click.echo("no Records yet: `make book` makes them")
        return
    click.echo(layout(pd.DataFrame(rows, columns=["record", "id", "date", "took", "metrics"])))


@records.command("show")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def show_record(path: Path, as_json: bool) -> None:
    """Print one Record."""
    from ofclip.records import Record, describe

    record = Record.load(path)
    click.echo(record.dumps() if as_json else describe(record))


@records.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--data", metavar="DIR", type=folder, help="Also compare the data under DIR.")
@click.pass_context
def check(context: click.Context, paths: tuple[Path, ...], data: Path | None) -> None:
    """List stale Records and why they are stale; exit code 1 if there are any."""
    from ofclip.records import Record, find, stale

    count = 0
    for path in paths or find():
        record = Record.load(path)
        reasons = stale(record, folder=path.absolute().parent.parent, data=data)
        for reason in reasons:
            click.echo(f"{path}: {reason}")
        if reasons:
            click.echo(f"  make it again: {record.made.command}")
        count += bool(reasons)
    if count:
        click.echo(f"{count} stale", err=True)
        context.exit(1)


@records.command()
@profile_option
@click.option("--allow-dirty", is_flag=True, help="Also publish what was made with uncommitted changes.")
def publish(profile: str, allow_dirty: bool) -> None:
    """Copy the Records of work/PROFILE to results/PROFILE, with tables, figures and, for laptop, codecheck.yml."""
    from ofclip import figures
    from ofclip import records as library

    published = library.publish(profile, allow_dirty=allow_dirty)
    for path in [path for path in published if path.suffix == ".json"]:
        record = library.Record.load(path)
        for name, draw, _ in figures.FIGURES.get(record.experiment, []):  # none of these shows a picture
            published.append(figures.save(draw(record), path.with_suffix(f".{name}.svg")))
    click.echo(f"{len(published)} files in results/{profile}")
    if profile == CERTIFIED:
        click.echo(write_codecheck(profile).name)


@records.command()
@profile_option
def codecheck(profile: str) -> None:
    """Write codecheck.yml, which tells who certifies results/PROFILE what to make again."""
    click.echo(write_codecheck(profile))


@records.command()
@profile_option
@click.pass_context
def status(context: click.Context, profile: str) -> None:
    """Tell how each planned run of work/PROFILE stands; exit code 1 if one has failed or is stale."""
    import pandas as pd

    from ofclip.records import layout
    from ofclip.records.status import FAILED, STALE
    from ofclip.records.status import status as states

    runs = states(profile)
    rows = [(run.experiment, run.source, run.state, run.reason) for run in runs]
    click.echo(layout(pd.DataFrame(rows, columns=["experiment", "source", "state", "why"])))
    if any(run.state in (FAILED, STALE) for run in runs):
        context.exit(1)


def write_codecheck(profile: str) -> Path:
    """Write codecheck.yml for a profile and return its path."""
    from ofclip.records.codecheck import codecheck as write

    return write(profile)

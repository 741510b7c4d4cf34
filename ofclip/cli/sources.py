"""`ofclip sources`: list the data sets, show their cards, check and fetch them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ofclip.cli.options import data_option, folder
from ofclip.errors import DataError, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ofclip.sources import Source


@click.group(invoke_without_command=True)
@click.option("--count", is_flag=True, help="Read all texts, and count the products that are there.")
@data_option
@click.pass_context
def sources(context: click.Context, count: bool, data: Path | None) -> None:
    """List the data sets: which there are, which were found, and how many products each should have."""
    if context.invoked_subcommand:
        return
    import pandas as pd

    from ofclip import sources as registry
    from ofclip.records import layout

    root = registry.data_root(data)
    rows = []
    for name in registry.names():
        source = registry.get(name)
        if source.find(root) is None:
            found = partial(name, root) or "no"
        else:
            found = counted(source, root) if count and source.pictures != "drawings" else "yes"
        rows.append((name, source.pictures, found, listed(source.expected)))
    click.echo(layout(pd.DataFrame(rows, columns=["name", "pictures", "found", "expected"])))


def listed(counts: Mapping[str, int]) -> str:
    """Return counts as text, as in "train 60,000, test 10,000"."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def counted(source: Source, root: Path) -> str:
    """Return the number of products per split, or per part of a source that has parts, without its pictures."""
    from ofclip.sources import load_catalog

    found: dict[str, int] = {}
    for part in source.parts or [""]:
        try:
            catalog = load_catalog(
                "/".join(filter(None, [source.name, part])),
                data=root,
                pictures=False,
                skip_bad=True,
                **everything(source),
            )
        except DataError as error:
            if part and "not found under" in str(error):
                continue  # one may have some parts and not others
            click.echo(f"ofclip: {' '.join(str(error).split())}", err=True)
            if not part:
                return "cannot be read"
            continue
        splits = catalog.products["split"].value_counts()
        found |= {part: len(catalog)} if part else {split: int(splits[split]) for split in splits.index}
    order = dict.fromkeys([*source.expected, *source.splits, *found])
    return listed({name: found[name] for name in order if name in found}) or "none"


def partial(name: str, root: Path) -> str | None:
    """Return what is there of a data set that cannot be read yet, if its module can tell, or None."""
    import importlib

    from ofclip.sources import MODULES

    tell = getattr(importlib.import_module(MODULES[name]), "partial", None)
    return tell(root) if tell else None


def everything(source: Source) -> dict[str, Any]:
    """Return the options with which a source also reads the products that have no text, where it leaves them out."""
    import inspect

    return {"unlabelled": True} if "unlabelled" in inspect.signature(source.load).parameters else {}


@sources.command("show")
@click.argument("name")
def show_source(name: str) -> None:
    """Print what a data set is, its terms, and how to obtain it."""
    from ofclip.sources import get

    source = get(name)
    card = {
        "name": source.name,
        "title": source.title,
        "summary": source.summary,
        "pictures": source.pictures,
        "parts": ", ".join(source.parts),
        "splits": ", ".join(source.splits),
        "expected": listed(source.expected),
        "text": source.text,
        "labels": ", ".join(source.labels),
        "fields": [f"{name}: {meaning}" for name, meaning in source.fields.items()],
        "licence": source.licence,
        "obtain": source.obtain,
        "fetch": f"ofclip sources fetch {source.name}" if source.fetch else "",
        "md5": [f"{checksum}  {file}" for file, checksum in source.md5.items()],
        "defects": list(source.defects),
        "home": source.home,
        "citation": source.citation,
    }
    for field, value in card.items():
        for line in value if isinstance(value, list) else [value]:
            if line:
                click.echo(f"{field:<10}{line}")
                field = ""


@sources.command("fetch")
@click.argument("name")
@click.option("--per-second", type=float, help="Requests a second, all workers together. Default: 20.")
@click.option("--workers", type=click.IntRange(1, 64), help="Requests at a time. Default: 8.")
@click.option("--limit", type=click.IntRange(0), help="Request so many files now and leave the rest for later.")
@data_option
def fetch_source(
    name: str, per_second: float | None, workers: int | None, limit: int | None, data: Path | None
) -> None:
    """Download what may be downloaded of a data set, and report which files are gone.

    Files that are there are kept, so the same command goes on where it was stopped. Where files are fetched one
    by one, a CSV file beside the data says what became of each.
    """
    import inspect

    from ofclip.errors import unknown
    from ofclip.sources import data_root, get

    source = get(name)
    part = name.partition("/")[2]
    if part and part not in source.parts:
        raise unknown(f"part of {source.name}", part, source.parts or ["(none)"])
    if source.fetch is None:
        raise SettingError(f"{source.name}: cannot be fetched. {source.obtain}")
    given = {"part": part or None, "per_second": per_second, "workers": workers, "limit": limit}
    options = {option: value for option, value in given.items() if value is not None}
    takes = inspect.signature(source.fetch).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values()):
        for option in options:
            if option not in takes:
                raise SettingError(f"{source.name}: is fetched as a whole, without --{option.replace('_', '-')}")
    source.fetch(data_root(data), lambda line: click.echo(f"{name}: {line}"), **options)


@sources.command("check")
@click.argument("names", nargs=-1)
@click.option("--jobs", default=-1, show_default=True, help="Processes that decode pictures; -1: one per core.")
@click.option("--out", type=folder, help="CSV file for the list of one source. Default: work/check/NAME.csv.")
@data_option
@click.pass_context
def check_source(
    context: click.Context, names: tuple[str, ...], jobs: int, out: Path | None, data: Path | None
) -> None:
    """Check files, counts, checksums and texts, decode every picture, and list what is missing or broken.

    Without NAMES all sources that are there. Exit code 1 if anything that is there is wrong.
    """
    from ofclip.sources import available, get
    from ofclip.sources.check import check

    if out and len(names) != 1:
        raise SettingError("--out takes the list of one source: name one, or leave out --out")
    for name in names:
        get(name)
    faulty = 0
    for name in names or available(data):
        report = check(name, data, jobs, out, **everything(get(name)))
        click.echo(report)
        faulty += not report.ok
    if faulty:
        context.exit(1)

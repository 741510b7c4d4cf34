"""The command line: `ofclip sources`, `train`, `evaluate`, `run`, `records`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ofclip.errors import OfclipError, SettingError

# Everything else is imported inside the commands: `ofclip --help` must not wait for libraries.
if TYPE_CHECKING:
    import pandas as pd

    from ofclip.records import Record


class Group(click.Group):
    """A group whose errors are one line on stderr and exit code 2; `--debug` shows the traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except OfclipError as error:
            if context.params.get("debug"):
                raise
            click.echo(f"ofclip: {' '.join(str(error).split())}", err=True)
            context.exit(2)


data_option = click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path), help="Data root. Default: $OFCLIP_DATA, else data/."
)
profile_option = click.option(
    "--profile", default="laptop", show_default=True, metavar="NAME", help="smoke, laptop, gpu or paper."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ofclip")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def main(debug: bool) -> None:
    """Train and evaluate contrastive fashion models, and record every number with what made it."""


@main.group(invoke_without_command=True)
@data_option
@click.pass_context
def sources(context: click.Context, data: Path | None) -> None:
    """List the data sets: which there are, and which were found."""
    if context.invoked_subcommand:
        return
    import pandas as pd

    from ofclip import sources as registry

    rows = []
    for name in registry.names():
        source = registry.get(name)
        expected = ", ".join(f"{split} {count:,}" for split, count in source.expected.items())
        found = "yes" if source.find(registry.data_root(data)) else "no"
        rows.append((name, source.pictures, found, expected))
    click.echo(layout(pd.DataFrame(rows, columns=["name", "pictures", "found", "expected"])))


@sources.command("show")
@click.argument("name")
def show_source(name: str) -> None:
    """Print what a data set is, its terms, and how to obtain it."""
    from ofclip.sources import get

    source = get(name)
    expected = ", ".join(f"{split} {count:,}" for split, count in source.expected.items())
    card = {
        "name": source.name,
        "title": source.title,
        "pictures": source.pictures,
        "parts": ", ".join(source.parts),
        "splits": ", ".join(source.splits),
        "expected": expected,
        "labels": ", ".join(source.labels),
        "licence": source.licence,
        "obtain": source.obtain,
        "citation": source.citation,
    }
    for field, value in card.items():
        if value:
            click.echo(f"{field:<10}{value}")


@main.command()
@click.option("--source", "mixture", multiple=True, required=True, metavar="NAME[=WEIGHT]", help="May be repeated.")
@click.option("--split", default="train", show_default=True)
@profile_option
@click.option("-s", "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting of the profile.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for weights, checkpoints, log.")
@click.option("--resume/--no-resume", default=True, show_default=True, help="Go on from the last checkpoint in --out.")
@data_option
def train(
    mixture: tuple[str, ...],
    split: str,
    profile: str,
    settings: tuple[str, ...],
    out: Path,
    resume: bool,
    data: Path | None,
) -> None:
    """Train a model on one data set, or on a weighted mixture of several."""
    from ofclip import sources as registry
    from ofclip.profiles import load_profile

    weights = {}
    for entry in mixture:
        name, _, weight = entry.partition("=")
        registry.get(name)
        weights[name] = number(weight or "1", f"weight of {name}")
    chosen = load_profile(profile, **pairs(settings))

    from ofclip.training import train as run_training

    run_training(chosen, weights, out, data=data, split=split, resume=resume)


@main.command()
@click.argument("task")
@click.option("--weights", required=True, type=click.Path(path_type=Path), help="File or folder of weights.")
@click.option("--source", required=True, metavar="NAME", help='Such as "kagl" or "atelier/street".')
@click.option("--part", help="Part of the source, instead of a slash in its name.")
@click.option("--split", default="test", show_default=True)
@click.option("--label", help="zero-shot: the label column. Default: the source's first.")
@click.option("--template", "templates", multiple=True, help="zero-shot: a prompt with {} in it; may be repeated.")
@json_option
@data_option
def evaluate(
    task: str,
    weights: Path,
    source: str,
    part: str | None,
    split: str,
    label: str | None,
    templates: tuple[str, ...],
    as_json: bool,
    data: Path | None,
) -> None:
    """Evaluate weights on a data set: TASK is `retrieval` or `zero-shot`. Prints the Record."""
    from ofclip import tasks
    from ofclip.errors import unknown
    from ofclip.sources import get, load_catalog

    if task not in tasks.TASKS:
        raise unknown("task", task, tasks.TASKS)
    if task != "zero-shot" and (label or templates):
        raise SettingError(f"--label and --template belong to zero-shot, not to {task}")
    name = f"{source}/{part}" if part else source
    if not weights.exists():
        raise SettingError(f"--weights {weights}: there is no such file or folder")
    catalog = load_catalog(name, split, data)
    parameters = {"split": split}
    settings = {}

    from ofclip.embeddings import embed
    from ofclip.models import load_model
    from ofclip.records import Recorder

    model = load_model(weights)
    if task == "zero-shot":
        from ofclip.text.templates import TEST

        label = label or get(name).labels[0]
        templates = templates or tuple(TEST)
        labels = catalog.label(label)
        classes = sorted(labels.dropna().unique())
        vectors = tasks.prompt_vectors(model.encode_texts, [value.lower() for value in classes], templates)
        settings = {"labels": labels, "classes": classes, "class_vectors": vectors}
        parameters |= {"label": label, "templates": list(templates)}
    recorder = Recorder(
        task,
        source=name,
        profile="none",
        parameters=parameters,
        modules=[f"ofclip.tasks.{task.replace('-', '_')}", "ofclip.models", "ofclip.embeddings"],
        command=" ".join(["ofclip", *sys.argv[1:]]),
    )
    recorder.uses(catalog)
    recorder.uses(model)
    recorder.add(tasks.evaluate(task, embed(model, catalog), **settings))
    record = recorder.finish()
    click.echo(record.dumps() if as_json else describe(record))


@main.command()
@click.argument("experiment")
@click.option("--source", default="atelier", show_default=True, metavar="NAME")
@profile_option
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="KEY=VALUE", help="Change one parameter.")
@data_option
def run(experiment: str, source: str, profile: str, parameters: tuple[str, ...], data: Path | None) -> None:
    """Execute one notebook, such as 03-zero-shot, and write its Record to work/PROFILE/EXPERIMENT/."""
    from ofclip import profiles
    from ofclip import sources as registry
    from ofclip.errors import unknown
    from ofclip.run import NotebookError, end_with_parent, run_notebook

    end_with_parent()
    start = time.perf_counter()
    registry.get(source)
    if profile not in profiles.NAMES:
        raise unknown("profile", profile, profiles.NAMES)
    try:
        path = run_notebook(experiment, source, profile, pairs(parameters), data)
    except NotebookError as error:
        click.echo(f"ofclip: {error}", err=True)
        sys.exit(1)
    click.echo(f"{f'{experiment} · {source}':<40}{time.perf_counter() - start:7.1f} s")
    if parameters:
        click.echo(f"  Record: {path}")


@main.group()
def records() -> None:
    """List, show, check, compare and publish Records."""


@records.command("list")
def list_records() -> None:
    """List the Records of this checkout."""
    import pandas as pd

    from ofclip.experiments import ROOT
    from ofclip.records import Record, find

    rows = []
    for path in find():
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
    from ofclip.records import Record

    record = Record.load(path)
    click.echo(record.dumps() if as_json else describe(record))


@records.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path, exists=True), help="Also compare the data under DIR."
)
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
@click.argument("mine", type=click.Path(path_type=Path))
@click.argument("book", type=click.Path(path_type=Path))
def diff(mine: Path, book: Path) -> None:
    """Compare two Records: what was set differently, and every metric side by side."""
    from ofclip.records import Record, difference

    mine_record, book_record = Record.load(mine), Record.load(book)
    a, b = mine_record.parameters, book_record.parameters
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) != b.get(name):
            click.echo(f"{name}: {a.get(name)} (mine), {b.get(name)} (book)")
    table = difference(mine_record, book_record)
    if table.empty:
        raise SettingError(f"{mine} and {book} share no metric: they are of different experiments or data")
    click.echo(layout(table))


@records.command()
@profile_option
@click.option("--allow-dirty", is_flag=True, help="Also publish what was made with uncommitted changes.")
def publish(profile: str, allow_dirty: bool) -> None:
    """Copy the Records of work/PROFILE and their tables to results/PROFILE."""
    from ofclip import records as library

    published = library.publish(profile, allow_dirty=allow_dirty)
    click.echo(f"{len(published)} files in results/{profile}")


def pairs(entries: tuple[str, ...]) -> dict[str, object]:
    """Return key=value entries as a dictionary; a value that is JSON (a number, true, a list) is read as such."""
    result = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not equals:
            raise SettingError(f"{entry!r}: write it as KEY=VALUE")
        try:
            result[name] = json.loads(value)
        except ValueError:
            result[name] = value
    return result


def number(text: str, what: str) -> float:
    """Return a positive number, or raise SettingError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise SettingError(f"{what}: {text!r} is not a positive number")
    return value


def layout(table: pd.DataFrame) -> str:
    """Return a data frame as aligned text: words to the left, numbers to the right."""
    words = [column for column in table if not table[column].map(lambda cell: isinstance(cell, int | float)).all()]
    widths = {column: max(map(len, [column, *table[column].astype(str)])) for column in words}
    formats = {column: lambda cell, width=width: f"{cell!s:<{width}}" for column, width in widths.items()}
    header = [f"{column:<{widths[column]}}" if column in widths else column for column in table]
    return table.to_string(index=False, header=header, formatters=formats, float_format="{:.4f}".format)


def describe(record: Record) -> str:
    """Return a Record as text: its metrics, and what made it."""
    import pandas as pd

    rows = []
    for metric in record.metrics:
        interval = "{:.4f} to {:.4f}".format(*metric.interval) if metric.interval else ""
        bounds = ["" if bound is None else f"{bound:.4f}" for bound in (metric.chance, metric.ceiling)]
        rows.append((f"{metric.dataset}@{metric.split}", metric.name, metric.n, f"{metric.value:.4f}", interval, *bounds))
    table = pd.DataFrame(rows, columns=["data", "metric", "n", "value", "95 % interval", "chance", "ceiling"])
    made, cost = record.made, record.cost
    commit = f"{(made.commit or 'no commit')[:12]}{' with uncommitted changes' if made.dirty else ''}"
    return "\n".join(
        [
            f"{record.title} · {record.source} · {record.profile} · Record {record.id}",
            layout(table),
            f"{made.command} · {commit} · {made.date} · {cost.seconds:.1f} s on {cost.device}, {cost.cores} cores",
        ]
    )

"""The command line: `ofclip sources`, `models`, `train`, `evaluate`, `search`, `run`, `compare`, `records`, ..."""

from __future__ import annotations

import logging
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ofclip.cli.cache import cache
from ofclip.cli.compare import compare
from ofclip.cli.example import example_data
from ofclip.cli.models import models
from ofclip.cli.options import Group, data_option, json_option, profile_option, skip_option
from ofclip.cli.records import records
from ofclip.cli.search import search
from ofclip.cli.shards import shards
from ofclip.cli.sources import sources
from ofclip.cli.weights import interpolate
from ofclip.errors import SettingError

# Everything else is imported inside the commands: `ofclip --help` must not wait for libraries.
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ofclip.catalog import Catalog


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ofclip")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def main(debug: bool) -> None:
    """Train and evaluate contrastive fashion models, and record every number with what made it."""
    if not debug:
        logging.disable(logging.WARNING)  # open_clip's remark that a model starts without weights, before ours load


@main.command()
@click.option("--source", "entries", multiple=True, required=True, metavar="NAME[=SHARE]", help="Repeatable.")
@click.option("--split", default="train", show_default=True)
@click.option(
    "--without", "benchmarks", multiple=True, metavar="NAME[@SPLIT]", help="Leave out pictures that occur there too."
)
@click.option(
    "--watch",
    "watched",
    multiple=True,
    metavar="TASK:SOURCE@SPLIT[:LABEL]",
    help="Measure while training, such as retrieval:atelier/street@val. Repeatable.",
)
@profile_option
@click.option("-s", "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of weights and log.")
@skip_option
@data_option
def train(
    entries: tuple[str, ...],
    split: str,
    benchmarks: tuple[str, ...],
    watched: tuple[str, ...],
    profile: str,
    settings: tuple[str, ...],
    out: Path,
    skip_bad: bool,
    data: Path | None,
) -> None:
    """Train a model on one data set, or on a weighted mixture of several; shards:FOLDER names one in shards,
    folder:PATH a folder of pictures with a products.csv.

    The settings are those of the profile's training run of the first source's name, else of its first run. A
    run's name as a source stands for all that it trains on. The same command goes on where it was stopped.

    With --watch and -s select_by="METRIC SOURCE@SPLIT", one of the names that are then logged, the weights are
    those that were best by it, for example -s "select_by=text-to-image recall@10 atelier/street@val".
    """
    from ofclip.profiles import load_profile, parse
    from ofclip.sources import SHARDS, get, load_catalog

    weights = dict(map(weight_of, entries))
    runs = load_profile(profile).training
    for name in weights:
        if name not in runs and not name.startswith(SHARDS):
            get(name)
    base = next(iter(weights)).partition("/")[0]
    run_name = base if base in runs else next(iter(runs))
    chosen = load_profile(profile, trained=run_name, **parse(settings))
    mixture = {
        part: weight * share
        for name, weight in weights.items()
        for part, share in (runs[name].sources if name in runs else {name: 1.0}).items()
    }
    run_settings = chosen.run(run_name).but(sources=mixture, split=split, skip_bad=skip_bad)

    def load(name: str, split: str) -> Catalog:
        return load_catalog(name, split, data, skip_bad=skip_bad, **chosen.options(name))

    validate = None
    if run_settings.select_by and not watched:
        watched = chosen.validation(run_name)
    if watched:  # before the data to train on: these are fewer, and a wrong word is told sooner
        from ofclip.watching import watch

        if not run_settings.evaluations:
            raise SettingError("--watch: the setting evaluations is 0, so nothing would be measured; set it above 0")
        validate = watch(*watched, load=load, template=chosen.template, skip_bad=skip_bad)
        list_skipped(validate.catalogs)
    catalogs = [load(name, split) for name in mixture]
    list_skipped(catalogs)
    for benchmark in benchmarks:
        name, _, part = benchmark.partition("@")
        catalogs = leave_out(catalogs, load_catalog(name, part or None, data, skip_bad=skip_bad))

    from ofclip.training.loop import train as run_training

    trained = run_training(chosen.model(), catalogs, run_settings, out, validate)
    click.echo(trained.weights)


@main.command()
@click.argument("task")
@click.option("--weights", required=True, help="File or folder of weights, or a name; see `ofclip models`.")
@click.option("--source", required=True, metavar="NAME", help='Such as "kagl", "atelier/street" or folder:PATH.')
@click.option("--split", default="test", show_default=True)
@click.option("--label", help="zero-shot: the label column. Default: the source's first.")
@click.option("--template", "templates", multiple=True, help="Prompt with a {}; zero-shot averages several.")
@json_option
@skip_option
@data_option
def evaluate(
    task: str,
    weights: str,
    source: str,
    split: str,
    label: str | None,
    templates: tuple[str, ...],
    as_json: bool,
    skip_bad: bool,
    data: Path | None,
) -> None:
    """Evaluate weights on a data set: TASK is `retrieval` or `zero-shot`. Prints the Record."""
    from ofclip.errors import unknown
    from ofclip.sources import SHARDS, get, load_catalog
    from ofclip.tasks import TASKS
    from ofclip.tasks import evaluate as run_task
    from ofclip.text.templates import TEST

    if task not in TASKS:
        raise unknown("task", task, TASKS)
    zero_shot = task == "zero-shot"
    templates = templates or (TEST,)
    if not zero_shot and (label or len(templates) > 1):
        raise SettingError(f"{task} takes no --label and one --template: only zero-shot averages several")
    catalog = load_catalog(source, split, data, skip_bad=skip_bad)
    list_skipped([catalog])
    if zero_shot and not label:
        labels = catalog.labels if source.startswith(SHARDS) else get(source).labels
        if not labels:
            raise SettingError(f"{source}: has no label to classify by; add a column, or evaluate retrieval")
        label = labels[0]
    if label:
        catalog.label(label)  # an unknown one is told before the model loads

    from ofclip.embeddings import embed
    from ofclip.models import load_model
    from ofclip.records import Recorder, describe

    model = load_model(weights)
    recorder = Recorder(
        task,
        source=source,
        profile="none",
        parameters={"split": split, "label": label, "templates": templates, "skip_bad": skip_bad},
        modules=[f"ofclip.tasks.{task.replace('-', '_')}", "ofclip.embeddings", "ofclip.text.templates"],
        command=shlex.join(["ofclip", *sys.argv[1:]]),
    )
    recorder.uses(catalog)
    recorder.uses(model)
    recorder.note("skipped", len(catalog.skipped))
    embeddings = embed(model, catalog, template=templates[0], skip_bad=skip_bad)
    if label is not None:
        from ofclip.tasks.zero_shot import classify

        recorder.add(classify(model, embeddings, catalog, label, templates, scale=model.scale))
    else:
        recorder.add(run_task(task, embeddings))
    record = recorder.finish()
    click.echo(record.dumps() if as_json else describe(record))


@main.command()
@click.argument("experiment")
@click.option("--source", default="atelier", show_default=True, metavar="NAME")
@profile_option
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="KEY=VALUE", help="Change one.")
@click.option("--mine", is_flag=True, help="Keep it as a run of your own, such as after changing a cell.")
@data_option
def run(
    experiment: str, source: str, profile: str, parameters: tuple[str, ...], mine: bool, data: Path | None
) -> None:
    """Execute one notebook, such as 03-zero-shot, and write its Record to work/PROFILE/EXPERIMENT/.

    With a changed parameter, with own data (--source folder:PATH), or with --mine, Record and notebook go to
    results/mine/ instead, and the notebook ends with your run against the book's run.
    """
    start = time.perf_counter()

    from ofclip.profiles import load_profile, parse
    from ofclip.run import NotebookError, end_with_parent, run_notebook
    from ofclip.sources import FOLDER, get

    end_with_parent()
    get(source)
    load_profile(profile)
    mine = mine or source.startswith(FOLDER)  # own data are in no book
    try:
        path = run_notebook(experiment, source, profile, parse(parameters), data, mine=mine)
    except NotebookError as error:
        click.echo(f"ofclip: {error}", err=True)
        sys.exit(1)
    click.echo(f"{f'{experiment} · {source}':<40}{time.perf_counter() - start:7.1f} s")
    if parameters or mine:
        tell(path, experiment, source, profile)


@main.command()
@profile_option
def book(profile: str) -> None:
    """Build the book from the Records of work/PROFILE."""
    from ofclip.book import build

    start = time.perf_counter()
    page = build(profile)
    click.echo(f"{'book':<40}{time.perf_counter() - start:7.1f} s")
    click.echo(f"  {page}")


main.add_command(cache)
main.add_command(compare)
main.add_command(example_data)
main.add_command(interpolate)
main.add_command(models)
main.add_command(records)
main.add_command(search)
main.add_command(shards)
main.add_command(sources)


def tell(path: Path, experiment: str, source: str, profile: str) -> None:
    """Say where a changed run lies, and how it compares with the book's."""
    from ofclip.experiments import ROOT
    from ofclip.records import Record, against, book_path

    here = path.relative_to(ROOT)
    click.echo(f"  Record: {here}\n  notebook: {here.with_suffix('.ipynb')}")
    book = book_path(experiment, source, profile)
    if book is None:
        click.echo("  the book has no run of this experiment on this source")
        return
    compared = against(Record.load(path), Record.load(ROOT / book))
    click.echo(f"  against the book's: {compared.summary()}")
    click.echo(f"  all of them: ofclip compare {shlex.quote(str(here))} {book}")


def weight_of(entry: str) -> tuple[str, float]:
    """Return name and weight of a NAME[=WEIGHT] entry; raises SettingError for a weight that is none."""
    name, _, text = entry.partition("=")
    try:
        weight = float(text or 1)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise SettingError(f"--source {entry}: the weight must be a positive number, as in {name}=0.5")
    return name, weight


def leave_out(catalogs: Iterable[Catalog], benchmark: Catalog) -> list[Catalog]:
    """Return catalogues without the pictures that a benchmark holds too, exactly or nearly; tells how many."""
    from ofclip.tasks.duplicates import leakage, without

    kept = []
    for catalog in catalogs:
        rest = without(catalog, leakage(catalog, benchmark))
        gone = len(catalog) - len(rest)
        click.echo(f"{catalog.name}: {gone} pictures are in {benchmark.name} too, left out", err=True)
        kept.append(rest)
    return kept


def list_skipped(catalogs: Iterable[Catalog]) -> None:
    """Print what was left out of catalogues to stderr: how many, then each with its reason."""
    for catalog in catalogs:
        if catalog.skipped:
            click.echo(f"{catalog.name}: {len(catalog.skipped)} left out", err=True)
        for reason in catalog.skipped:
            click.echo(f"  {reason}", err=True)

"""`ofclip models`: list what can be loaded, and from where."""

from __future__ import annotations

from pathlib import Path

import click

from ofclip.cli.options import folder


@click.group(invoke_without_command=True)
@click.option(
    "--folder", "place", type=folder, default="models", show_default=True, help="Where others' files and folders lie."
)
@click.pass_context
def models(context: click.Context, place: Path) -> None:
    """List models: what each is, what it started from, its terms, how to obtain it, and which are here.

    A question mark stands behind what was not seen on the original files. `load` is what load_model and
    --weights take: a file or folder that is here, or a name that is looked up in the hub's cache and on the hub.
    """
    context.obj = place
    if context.invoked_subcommand:
        return
    import pandas as pd

    from ofclip.experiments import ROOT
    from ofclip.models.known import MODELS, here, ours
    from ofclip.records import layout

    rows = []
    for model in (*MODELS.values(), *ours(ROOT)):
        there = "yes" if here(model, place if model.name in MODELS else ROOT) else "no"
        load = str(place / model.file) if model.name in MODELS and model.file else model.load
        known = (model.architecture, model.activation, model.base or "none", model.terms)
        rows.append((model.name, *known, there, load, model.obtain))
    columns = ["name", "architecture", "activation", "started from", "terms", "here", "load", "obtain"]
    click.echo(layout(pd.DataFrame(rows, columns=columns)))


@models.command("show")
@click.argument("name")
@click.pass_context
def show(context: click.Context, name: str) -> None:
    """Print all that is known of one model, and where it lies."""
    from ofclip.errors import unknown
    from ofclip.experiments import ROOT
    from ofclip.models.known import MODELS, here, ours

    own = {model.name: model for model in ours(ROOT)}
    if name not in {**MODELS, **own}:
        raise unknown("model", name, (*MODELS, *own))
    model = MODELS.get(name) or own[name]
    card = {
        "name": [model.name],
        "title": [model.title],
        "architecture": [model.architecture],
        "activation": [model.activation],
        "started from": [model.base],
        "terms": [model.terms],
        "load": [model.load],
        "obtain": [model.obtain],
        "here": [here(model, context.obj if name in MODELS else ROOT) or "no"],
        "home": [model.home],
        "notes": model.notes,
    }
    for field, values in card.items():
        for value in filter(None, values):
            click.echo(f"{field:<14}{value}")
            field = ""

"""`ofclip example-data`: a folder of pictures and a CSV to try own data with."""

from __future__ import annotations

from pathlib import Path

import click

from ofclip.cli.options import folder


@click.command("example-data")
@click.argument("out", type=folder)
@click.option("--products", default=2000, show_default=True, help="How many to draw.")
@click.option("--seed", default=0, show_default=True, help="Another one gives another shop.")
def example_data(out: Path, products: int, seed: int) -> None:
    """Write a folder of drawn pictures and a products.csv, as own data for folder:OUT."""
    from ofclip.sources.example import write_example

    made = write_example(out, products, seed)
    click.echo(f"{made}: {products:,} pictures and products.csv; --source folder:{made} names it")

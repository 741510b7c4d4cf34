"""`ofclip shards`: write a data set as WebDataset shards, and check them."""

from __future__ import annotations

from pathlib import Path

import click

from ofclip.cli.options import data_option, folder, skip_option


@click.group()
def shards() -> None:
    """Write a data set as WebDataset shards, and check them."""


@shards.command()
@click.argument("source")
@click.option("--split", help="Default: all splits.")
@click.option("--out", required=True, type=folder, help="Folder of the shards.")
@click.option("--samples-per-shard", default=1000, show_default=True)
@click.option("--size", type=int, help="Shrink pictures to this shorter side. Default: leave them as they are.")
@click.option("--encoding", default="keep", show_default=True, help="keep, jpg or png.")
@click.option("--quality", default=90, show_default=True, help="Of pictures that are encoded as JPEG.")
@click.option("--in-order", is_flag=True, help="Keep the order of the data set instead of shuffling it once.")
@click.option("--jobs", default=-1, show_default=True, help="Shards written at the same time; -1: one per core.")
@skip_option
@data_option
def write(
    source: str,
    split: str | None,
    out: Path,
    samples_per_shard: int,
    size: int | None,
    encoding: str,
    quality: int,
    in_order: bool,
    jobs: int,
    skip_bad: bool,
    data: Path | None,
) -> None:
    """Write SOURCE as shards for ofclip, WebDataset and open_clip's trainer; goes on where it was stopped.

    The products are shuffled first, always in the same way, since many data sets are sorted by category and
    those who read shards shuffle within a few of them only.
    """
    import numpy as np

    from ofclip.shards import write_shards
    from ofclip.sources import load_catalog

    catalog = load_catalog(source, split, data, skip_bad=skip_bad)
    if not in_order:
        catalog = catalog.take(np.random.default_rng(0).permutation(len(catalog)))
    index = write_shards(
        catalog, out, samples_per_shard, size=size, encoding=encoding, quality=quality, skip_bad=skip_bad, jobs=jobs
    )
    for reason in index.skipped:
        click.echo(f"  {reason}", err=True)
    total = sum(shard.bytes for shard in index.shards)
    click.echo(f"{out}: {len(index):,} samples in {len(index.shards):,} shards, {total / 1e6:,.1f} MB")


@shards.command()
@click.argument("url", metavar="FOLDER")
@click.pass_context
def check(context: click.Context, url: str) -> None:
    """Read every byte of the shards in FOLDER, a path or URL; exit code 1 if any is missing or changed."""
    from ofclip.shards import check_shards, open_shards

    index = open_shards(url).index
    faults = check_shards(url)
    for fault in faults:
        click.echo(fault)
    if faults:
        context.exit(1)
    click.echo(f"{url}: {len(index):,} samples in {len(index.shards):,} shards are whole")

"""`ofclip cache`: how much room the caches take, and how to give it back."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import click

from ofclip.files import cache_dir

#: What is made again from what is on this machine, each kind a folder. Downloads of the hub are not among them.
KINDS = {
    "pixels": "pictures, decoded and at one size",
    "embeddings": "vectors of pictures and texts",
    "crc": "checksums of pictures in folders",
    "tar": "plain copies and indexes of tar archives",
    "datasets": "Arrow copies of parquet files",
}
DAY = 86400.0


@dataclass(frozen=True)
class Entry:
    """One thing that is cached: its files and folders, bytes, and when one of them was last read or written."""

    kind: str
    paths: tuple[Path, ...]
    size: int
    used: float


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """List what is cached, by kind: entries, room, and days since the one unused for longest was read."""
    if context.invoked_subcommand:
        return
    now, found = time.time(), entries(cache_dir())
    click.echo(cache_dir())
    for kind, what in KINDS.items():
        own = [entry for entry in found if entry.kind == kind]
        size, days = sum(entry.size for entry in own), max((now - entry.used for entry in own), default=0) / DAY
        click.echo(f"{kind:<12}{len(own):>7,}{size / 2**20:>12,.1f} MiB{days:>7.0f} days   {what}")


@cache.command("prune")
@click.option(
    "--days", default=30.0, show_default=True, type=click.FloatRange(min=0), help="Keep what was read since then."
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(days: float, dry_run: bool) -> None:
    """Remove what nobody has read for some days; it is made again when it is asked for.

    Nothing else may run meanwhile with --days 0: what is being written would go too.
    """
    old = unused(entries(cache_dir()), days)
    for entry in old if not dry_run else ():
        for path in entry.paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    room = sum(entry.size for entry in old) / 2**20
    click.echo(f"{'would remove' if dry_run else 'removed'} {len(old):,} entries, {room:,.1f} MiB")


def entries(folder: Path) -> list[Entry]:
    """Return what lies in a cache folder: files of one stem, such as pixels and their list of faults, are one entry."""
    found = []
    for kind in KINDS:
        stems: dict[str, list[Path]] = defaultdict(list)
        for path in sorted((folder / kind).glob("*")):
            stems[path.name if path.name.startswith(".") else path.stem].append(path)
        for paths in stems.values():
            # a link counts as itself: what it leads to is not the cache's
            files = [path.lstat() for top in paths for path in (top, *top.rglob("*"))]
            used = max(max(status.st_atime, status.st_mtime) for status in files)
            found.append(Entry(kind, tuple(paths), sum(status.st_size for status in files), used))
    return found


def unused(found: list[Entry], days: float, now: float | None = None) -> list[Entry]:
    """Return the entries that were neither read nor written for some days.

    Many systems note only once a day that a file was read, so less than a day asks more than they know.

    >>> unused([Entry("pixels", (), 10, used=0.0), Entry("pixels", (), 10, used=5 * DAY)], days=3, now=6 * DAY)
    [Entry(kind='pixels', paths=(), size=10, used=0.0)]
    """
    limit = (time.time() if now is None else now) - days * DAY
    return [entry for entry in found if entry.used <= limit]

"""What a source is: one data set, its card, and the function that reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ofclip.catalog import Catalog
from ofclip.errors import DataError


@dataclass(frozen=True)
class Source:
    """One data set: what it is, how to obtain it legally, and how to read it.

    `load(root, split, skip_bad, **options)` returns a Catalog; `find(root)` returns the path it would
    read, or None. `parts` are names that can follow a slash, as in "atelier/street". `expected` holds
    the number of products per split in the official data. `labels` lists the label columns that make
    sense for zero-shot classification.
    """

    name: str
    title: str
    pictures: str  # "photographs" or "drawings"
    load: Callable[..., Catalog]
    find: Callable[[Path], Path | None]
    splits: tuple[str, ...]
    labels: tuple[str, ...]
    licence: str
    obtain: str
    citation: str = ""
    parts: tuple[str, ...] = ()
    expected: Mapping[str, int] = field(default_factory=dict)

    def locate(self, root: Path) -> Path:
        """Return the path of the data under `root`, or raise DataError that says how to obtain it."""
        path = self.find(root)
        if path is None:
            raise DataError(
                f"{self.name}: not found under {root}. {self.obtain} "
                "Name the data root with --data or OFCLIP_DATA."
            )
        return path


def data_root(data: str | Path | None = None) -> Path:
    """Return the data root: the argument, else `$OFCLIP_DATA`, else `data/` in the working directory."""
    return Path(data or os.environ.get("OFCLIP_DATA") or "data")

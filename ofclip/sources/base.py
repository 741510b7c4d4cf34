"""What a source is: one data set, its card, and the function that reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ofclip.archives import ARCHIVES
from ofclip.catalog import Catalog
from ofclip.errors import DataError


@dataclass(frozen=True)
class Source:
    """One data set: its card, how to obtain it legally, and how to read it.

    `load(root, split, pictures, skip_bad, **options)` returns a Catalog; `find(root)` returns the path it
    would read, or None. `parts` are names that can follow a slash, as in "atelier/street". `expected` holds
    the number of products per split in the official data, `md5` the checksums of its files where they are
    known. `labels` lists the label columns that make sense for zero-shot classification. `fields` says
    what each official field becomes; `text` what kind of text it has and how specific; `defects` what is
    known to be wrong with it. `words` gives plain English for values of a label that are file names rather
    than words: label -> value -> one or several (our choice). `families` are the label columns that hold
    attributes, each with the function that says one of its values in a prompt (our choice). `test_split` is the
    split to test on. `fetch(root, report)` downloads what may be downloaded, or is None.
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
    summary: str = ""
    text: str = ""
    citation: str = ""
    home: str = ""
    parts: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    defects: tuple[str, ...] = ()
    expected: Mapping[str, int] = field(default_factory=dict)
    md5: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    families: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    test_split: str = "test"
    fetch: Callable[..., object] | None = None

    def locate(self, root: Path) -> Path:
        """Return the path of the data under `root`, or raise DataError that says how to obtain it."""
        path = self.find(root)
        if path is None:
            raise DataError(
                f"{self.name}: not found under {root}. {self.obtain} Name the data root with --data or OFCLIP_DATA."
            )
        return path


def spoken(value: str) -> str:
    """Return the value of a label as English says it.

    >>> spoken("Navy Blue"), spoken("long_sleeve")
    ('navy blue', 'long sleeve')
    """
    return value.lower().replace("_", " ")


def find_place(root: Path, *names: str) -> Path | None:
    """Return the first of `names` under `root` that is a folder with something in it, or an archive of that name."""
    for name in names:
        folder = root / name
        try:
            if folder.is_dir() and any(folder.iterdir()):
                return folder
        except OSError:  # the source's own reading says what is wrong with it
            return folder
        archive = next((path for end in ARCHIVES if (path := root / f"{name}{end}").is_file()), None)
        if archive:
            return archive
    return None


def data_root(data: str | Path | None = None) -> Path:
    """Return the data root: the argument, else `$OFCLIP_DATA`, else `data/` in the working directory."""
    return Path(data or os.environ.get("OFCLIP_DATA") or "data")

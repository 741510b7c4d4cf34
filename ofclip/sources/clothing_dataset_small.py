"""clothing-dataset-small: photographs of worn and laid-out clothes in ten classes, zipped or unpacked."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import FolderImages, ZipImages, open_zip
from ofclip.sources.base import Source

SPLITS = ("train", "validation", "test")
PICTURE = re.compile(rf"({'|'.join(SPLITS)})/([^/]+)/[^/]+\.(?:jpe?g|png)", re.IGNORECASE)


def find(root: Path) -> Path | None:
    """Return the archive, or the folder that holds train/, validation/ or test/, or None."""
    folder = root / "clothing-dataset-small"
    archive = folder / "clothing-dataset-small_160.zip"
    if archive.exists():
        return archive
    return folder if any((folder / split).is_dir() for split in SPLITS) else None


def load(root: Path, *, split: str | None = None, skip_bad: bool = False) -> Catalog:
    """Read `<split>/<class>/<file>` in the order of the names, with the class as label and as text.

    The id is the path without its suffix, since one file name may occur in several folders; identical
    pictures share a group. Empty files raise DataError, or are listed as skipped with `skip_bad`.
    """
    place = SOURCE.locate(root)
    if place.suffix == ".zip":
        store, names = ZipImages, open_zip(place).namelist()
    else:
        store, names = FolderImages, [path.relative_to(place).as_posix() for path in place.glob("*/*/*")]
    found = [(name, *match.groups()) for name in sorted(names) if (match := PICTURE.fullmatch(name))]
    if not found:
        raise DataError(f"{place}: no pictures <split>/<class>/<file>.jpg. {OBTAIN}")
    entries = list(store(place, [name for name, _, _ in found]).entries())
    empty = {name for name, size, _ in entries if not size}
    if empty and not skip_bad:
        raise DataError(f"{place}: {min(empty)} is an empty file; fetch it again or use --skip-bad")

    table = pd.DataFrame(found, columns=["name", "split", "class"])
    table["id"] = table["name"].str.rsplit(".", n=1).str[0]
    content = [(size, crc) for _, size, crc in entries]
    table["group"] = table["id"].groupby(pd.factorize(pd.Series(content))[0]).transform("first")
    table["texts"] = [(name,) for name in table["class"]]
    keep = ~table["name"].isin(empty)
    if split is not None:
        keep &= table["split"] == split
    table = table[keep].astype({"class": "string"})
    images = store(place, table["name"])
    products = table[["id", "split", "group", "texts", "class"]]
    return Catalog(
        "clothing-dataset-small", products, images, tuple(f"{name}: empty file" for name in sorted(empty))
    )


OBTAIN = (
    "Clone https://github.com/alexeygrigorev/clothing-dataset-small (CC0) into clothing-dataset-small/ under "
    "the data root."
)

SOURCE = Source(
    name="clothing-dataset-small",
    title="clothing-dataset-small",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("class",),
    licence="CC0",
    obtain=OBTAIN,
    citation="A. Grigorev, Clothing dataset (small), 2020",
    expected={"train": 3_068, "validation": 341, "test": 372},
)

"""Fashion-MNIST from its four official IDX files, gzipped or unpacked."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import ArrayImages
from ofclip.sources.base import Source

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
PREFIX = {"train": "train", "test": "t10k"}
#: The second is where torchvision puts the files.
FOLDERS = ("fashion-mnist", "FashionMNIST/raw")


def find(root: Path) -> Path | None:
    """Return the folder that holds the IDX files, or None."""
    names = [f"{prefix}-images-idx3-ubyte{end}" for prefix in PREFIX.values() for end in (".gz", "")]
    return next((root / to for to in FOLDERS if any((root / to / name).exists() for name in names)), None)


def load(root: Path, *, split: str | None = None, skip_bad: bool = False, invert: bool = True) -> Catalog:
    """Read 28x28 pictures, with the class as label and as text.

    The files show bright garments on black. `invert` (our choice, the default) turns them to dark on
    white, the ground that product photographs have. Raises DataError for a file that is missing, is no
    IDX file or ends early (naming the row); with `skip_bad` the rows before that are read.
    """
    folder = SOURCE.locate(root)
    tables, arrays, skipped = [], [], []
    for part in PREFIX if split is None else [split]:
        pictures, labels, faults = _part(folder, part, skip_bad)
        skipped += faults
        rows = np.flatnonzero(labels < len(CLASSES))
        ids = [f"{part}-{row:05d}" for row in rows]
        names = np.take(CLASSES, labels[rows])
        tables.append(pd.DataFrame({"id": ids, "split": part, "group": ids, "class": names}))
        arrays.append(pictures[rows])
    products = pd.concat(tables, ignore_index=True).astype({"class": "string"})
    products.insert(3, "texts", [(name.lower(),) for name in products["class"]])
    array = np.concatenate(arrays)
    images = ArrayImages(255 - array if invert else array, f"fashion-mnist/{split or 'all'}")
    return Catalog("fashion-mnist", products, images, tuple(skipped))


def _path(folder: Path, part: str, kind: str) -> Path:
    name = f"{PREFIX[part]}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
    path = next((folder / file for file in (f"{name}.gz", name) if (folder / file).exists()), None)
    if path is None:
        raise DataError(f"{folder / name}.gz: not found. {OBTAIN}")
    return path


def _part(folder: Path, part: str, skip_bad: bool) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures (n, 28, 28) and labels (n,) of one split, and a reason for each row that is bad."""
    paths = [_path(folder, part, kind) for kind in ("images", "labels")]
    (pictures, count), (labels, labelled) = (read_idx(path) for path in paths)
    if pictures.shape[1:] != (28, 28) or labels.ndim != 1:
        raise DataError(f"{paths[0]}: holds {pictures.shape[1:]} instead of 28x28 pictures; fetch it again")
    if count != labelled:
        raise DataError(f"{paths[0]}: {count} pictures but {labelled} labels; fetch both files again")
    whole = min(len(pictures), len(labels))
    short = paths[len(labels) < len(pictures)]
    wrong = np.flatnonzero(labels >= len(CLASSES))
    bad = [f"{paths[1]} row {row}: label {labels[row]} is not 0-9" for row in wrong]
    bad += [f"{short} row {row}: cut off, the file ends early" for row in range(whole, count)]
    if bad and not skip_bad:
        raise DataError(f"{bad[0]}; fetch it again or use --skip-bad")
    return pictures[:whole], labels[:whole], bad


def read_idx(path: Path) -> tuple[np.ndarray, int]:
    """Return the whole rows of a uint8 IDX file, and the number of rows that its header promises.

    Raises DataError that names the file if it is damaged, or no IDX file of bytes.
    """
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = zlib.decompressobj(wbits=31).decompress(data)  # unlike gzip, gives what a cut file holds
        except zlib.error as error:
            raise DataError(f"{path}: damaged gzip file ({error}); fetch it again") from error
    dimensions = data[3] if len(data) >= 4 else 0
    if data[:3] != b"\x00\x00\x08" or not 1 <= dimensions <= 3 or len(data) < 4 + 4 * dimensions:
        start = data[:4].hex() or "nothing"
        raise DataError(f"{path}: not an IDX file of bytes, it starts with {start}; fetch it again")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, offset=4))
    row = int(np.prod(shape[1:], dtype=np.int64))
    start = 4 + 4 * dimensions
    whole = min(shape[0], (len(data) - start) // row) if row else 0
    return np.frombuffer(data, np.uint8, whole * row, offset=start).reshape(whole, *shape[1:]), shape[0]


OBTAIN = (
    "Download the four *-ubyte.gz files from https://github.com/zalandoresearch/fashion-mnist (MIT) into "
    "fashion-mnist/ under the data root."
)

SOURCE = Source(
    name="fashion-mnist",
    title="Fashion-MNIST",
    pictures="photographs",
    load=load,
    find=find,
    splits=("train", "test"),
    labels=("class",),
    licence="MIT, Zalando SE",
    obtain=OBTAIN,
    citation="H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv:1708.07747, 2017",
    expected={"train": 60_000, "test": 10_000},
)

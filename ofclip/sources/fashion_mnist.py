"""Fashion-MNIST from its four official IDX files, gzipped or unpacked."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import AbsentImages, ArrayImages
from ofclip.sources.base import Source, find_place
from ofclip.sources.fetching import fetch_fashion_mnist
from ofclip.tree import Tree

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
PREFIX = {"train": "train", "test": "t10k"}
EXPECTED = {"train": 60_000, "test": 10_000}
#: The second is what torchvision calls it.
FOLDERS = ("fashion-mnist", "FashionMNIST")
#: No official file is larger unpacked; a damaged one may claim to be.
MAX_BYTES = 2**26


def find(root: Path) -> Path | None:
    """Return the folder or archive that holds the IDX files, or None."""
    return find_place(root, *FOLDERS)


def load(
    root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False, invert: bool = True
) -> Catalog:
    """Read 28x28 pictures, with the class as label and as text.

    The files show bright garments on black. `invert` (our choice, the default) turns them to dark on
    white, the ground that product photographs have. Raises DataError for a file that is missing, is no
    IDX file or ends early (naming the row); with `skip_bad` the rows before that are read. Without `pictures`
    the files of labels are enough.
    """
    tree = Tree(SOURCE.locate(root))
    tables, arrays, skipped = [], [], []
    for part in PREFIX if split is None else [split]:
        shown, labels, faults = _part(tree, part, pictures, skip_bad)
        skipped += faults
        rows = np.flatnonzero(labels < len(CLASSES))
        ids = [f"{part}-{row:05d}" for row in rows]
        names = np.take(CLASSES, labels[rows])
        tables.append(pd.DataFrame({"id": ids, "split": part, "group": ids, "class": names}, dtype=object))
        arrays.append(shown[rows])
    products = pd.concat(tables, ignore_index=True).astype({"class": "string"})
    products.insert(3, "texts", [(name.lower(),) for name in products["class"]])
    array = np.concatenate(arrays)
    name = f"fashion-mnist/{split or 'all'}"
    images = ArrayImages(255 - array if invert else array, name) if pictures else AbsentImages(products["id"])
    return Catalog("fashion-mnist", products, images, tuple(skipped))


def _part(tree: Tree, part: str, pictures: bool, skip_bad: bool) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pictures (n, 28, 28) and labels (n,) of one split, and a reason for each row that is bad."""
    labels, count, path = _read(tree, part, "labels")
    bad = [f"{path} row {row}: label {labels[row]} is not 0-9" for row in np.flatnonzero(labels >= len(CLASSES))]
    shown, whole = np.empty((len(labels), 0), np.uint8), len(labels)
    if pictures:
        shown, shots, name = _read(tree, part, "images")
        if shots != count:
            raise DataError(f"{name}: {shots} pictures but {count} labels; fetch both files again")
        whole = min(len(shown), len(labels))
        path = path if len(labels) < len(shown) else name
    bad += [f"{path} row {row}: cut off, the file ends early" for row in range(whole, count)]
    if bad and not skip_bad:
        raise DataError(f"{bad[0]}; fetch it again or use --skip-bad")
    return shown[:whole], labels[:whole], bad


def _read(tree: Tree, part: str, kind: str) -> tuple[np.ndarray, int, str]:
    """The whole rows of one file, the number of rows that it promises, and its name."""
    shape = (28, 28) if kind == "images" else ()
    official = f"{PREFIX[part]}-{kind}-idx{1 + len(shape)}-ubyte"
    found = tree.locate(f"{official}.gz") or tree.locate(official)
    if found is None:
        raise DataError(f"{tree.place / official}.gz: not found. {OBTAIN}")
    name = tree.label(found)
    rows, count = read_idx(tree.read(found), name)
    if rows.shape[1:] != shape:
        raise DataError(f"{name}: its rows have the shape {rows.shape[1:]} instead of {shape}; fetch it again")
    if count > EXPECTED[part]:
        raise DataError(f"{name}: promises {count} rows, the official file has {EXPECTED[part]}; fetch it again")
    return rows, count, name


def read_idx(data: bytes, name: str) -> tuple[np.ndarray, int]:
    """Return the whole rows of a uint8 IDX file, gzipped or not, and the number of rows that its header promises.

    A gzip stream that is cut short is read up to there. Raises DataError that names the file if it is damaged,
    or no IDX file of bytes.
    """
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, name)
    dimensions = data[3] if len(data) >= 4 else 0
    if data[:3] != b"\x00\x00\x08" or not 1 <= dimensions <= 3 or len(data) < 4 + 4 * dimensions:
        found = data[:4].hex() or "nothing"
        raise DataError(f"{name}: not an IDX file of bytes, it starts with {found}; fetch it again")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, offset=4))
    row = math.prod(shape[1:])
    start = 4 + 4 * dimensions
    whole = min(shape[0], (len(data) - start) // row) if row else 0
    return np.frombuffer(data, np.uint8, whole * row, offset=start).reshape(whole, *shape[1:]), shape[0]


def _gunzip(data: bytes, name: str) -> bytes:
    stream = zlib.decompressobj(wbits=31)  # unlike gzip, gives what a cut file holds
    try:
        unpacked = stream.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise DataError(f"{name}: damaged gzip file ({error}); fetch it again") from error
    if stream.unconsumed_tail:
        raise DataError(f"{name}: unpacks to more than {MAX_BYTES:,} bytes; fetch it again")
    return unpacked


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
    fetch=fetch_fashion_mnist,
    licence="MIT, Zalando SE",
    obtain=OBTAIN,
    summary=(
        "Article photographs of Zalando, shrunk to 28x28 grey levels, bright on black, in ten classes: made as a "
        "drop-in replacement for MNIST."
    ),
    text="No text but the name of the class: one or two words.",
    citation=(
        "H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
        "Algorithms, arXiv:1708.07747, 2017"
    ),
    home="https://github.com/zalandoresearch/fashion-mnist",
    fields={
        "train-images-idx3-ubyte.gz, t10k-images-idx3-ubyte.gz": "pictures, inverted to dark on white (our choice)",
        "train-labels-idx1-ubyte.gz, t10k-labels-idx1-ubyte.gz": "label, and the only text in lower case",
        "row number": "id",
    },
    defects=(
        "No group or product number: views of one article may lie in both splits.",
        "28x28 pixels without colour: a model for photographs sees little of what it knows.",
    ),
    expected=EXPECTED,
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)

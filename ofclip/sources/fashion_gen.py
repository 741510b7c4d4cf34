"""Fashion-Gen: studio photographs of a shop from several angles, with its stylists' descriptions, in two HDF5 files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures
from ofclip.images import AbsentImages, Images, JoinedImages
from ofclip.images.hdf5 import HDF5Images, Table, table
from ofclip.sources.base import Source, find_place
from ofclip.sources.reading import Faults, squeeze
from ofclip.tree import CONTROL, Tree

NAME = "fashion-gen"
SPLITS = ("train", "validation")
FILE = "fashiongen_256_256_{}.h5"
PICTURES = "input_image"
#: Keys of texts in the order of a product's captions; some copies lack `input_name`.
TEXTS = ("input_description", "input_name", "input_concat_description")
OPTIONAL = "input_name"
#: Keys that become label columns.
LABELS = {
    "category": "input_category", "subcategory": "input_subcategory", "gender": "input_gender",
    "department": "input_department", "brand": "input_brand", "season": "input_season",
    "composition": "input_composition", "pose": "input_pose",
}  # fmt: skip
PRODUCT = "input_productID"
#: Official keys that are only checked.
UNUSED = ("index", "index_2", "input_msrpUSD")
#: Longer texts are no texts: a damaged file may ask for gigabytes of each.
MAX_TEXT = 2**16
#: Bytes of a text table that are in memory at once.
BLOCK = 2**24


def find(root: Path) -> Path | None:
    """Return the folder of the data set, or None."""
    return find_place(root, NAME, "fashiongen")


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read the pictures of train and then validation, the official splits, in the order of their files.

    The group is the product, of which there are one to six pictures. Texts are the description, then the name, then
    the long "concat" description where it says something else (the order is our choice: one is a stylist's prose
    and in all copies, the next a title, and how the last was made is not documented). Raises DataError for a missing
    or damaged file, a missing key or a table of the wrong type or length, and, unless `skip_bad`, for a row without
    a description or whose text is neither utf-8 nor latin-1.
    """
    place = SOURCE.locate(root)
    faults = Faults(skip_bad)
    frames: list[pd.DataFrame] = []
    stores: list[Images] = []
    for part in (split,) if split else SPLITS:
        path = locate(place, part)
        frame, rows = read_table(path, part, faults)
        frames.append(frame)
        names = (f"{path.name}:{PICTURES}[{row}]" for row in rows.tolist())
        stores.append(_pictures(path, rows) if pictures else AbsentImages(names))
    images: Images
    if pictures:
        images = stores[0] if len(stores) == 1 else JoinedImages(stores)
    else:
        images = AbsentImages(store.name(i) for store in stores for i in range(len(store)))
    return Catalog(NAME, pd.concat(frames, ignore_index=True), images, tuple(faults.reasons))


def locate(place: Path, split: str) -> Path:
    """Return the path of a split's HDF5 file; raises DataError if it is not there, or still in an archive.

    HDF5 is read at random places, which archives do not allow.
    """
    name = FILE.format(split)
    tree = Tree(place, archives=False) if place.is_dir() else None
    found = tree.locate(name) if tree else None
    if found:
        return place / found
    if Tree(place).locate(name):
        raise DataError(
            f"{place}: {name} is in an archive, where HDF5 cannot be read; unpack it into {NAME}/ under the data root"
        )
    other = next(other for other in SPLITS if other != split)
    raise DataError(f"{place}: holds no {name}; put it there, or load split='{other}' alone. {OBTAIN}")


def read_table(path: Path, split: str, faults: Faults) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the products of one file, and the row in the file of each.

    The id is split and row, as in "train-000017": an official file never changes, and what its two indices count
    is not documented. Errors are those of `load`.
    """
    products = _column(path, PRODUCT)
    if products.dtype.kind not in "iu":
        raise DataError(f"{path}: {PRODUCT} must be whole numbers, not {products.dtype}; use the official file")
    n = len(products)
    for key in UNUSED:
        _column(path, key, n)
    keys = [key for key in (*TEXTS, *LABELS.values()) if key != OPTIONAL or table(path, key, optional=True)]
    values = {key: read_texts(path, key, n) for key in keys}
    bad: dict[int, str] = {}
    for key, column in values.items():
        if None in column:
            for row in (row for row, text in enumerate(column) if text is None):
                bad.setdefault(row, f"{key} is neither utf-8 nor latin-1")
    for row in (row for row, text in enumerate(values[TEXTS[0]]) if text == ""):
        bad.setdefault(row, f"{TEXTS[0]} is empty")
    for row in sorted(bad):
        faults.bad(f"{path} row {row + 1}: {bad[row]}")

    groups = list(map(str, products.read(slice(0, n)).reshape(-1).tolist()))
    captions = _captions([values[key] for key in TEXTS if key in values])
    frame = pd.DataFrame({
        "id": pd.array([f"{split}-{row:06d}" for row in range(n)], dtype=str),
        "split": pd.array([split] * n, dtype=str),
        "group": pd.array(groups, dtype=str),
        "texts": pd.Series(captions, dtype=object),
        **{label: pd.array([text or None for text in values[key]], dtype="string") for label, key in LABELS.items()},
    })  # fmt: skip
    rows = np.delete(np.arange(n), list(bad))
    return (frame.iloc[rows] if bad else frame), rows


def read_texts(path: Path, key: str, n: int) -> list[str | None]:
    """Return the n texts of a table (n, 1) of byte strings on one line each, None where they cannot be read.

    Each is utf-8 or, failing that, latin-1. A text that occurs often, as a product's views share theirs, is one
    object. Raises DataError for a table of another type or length.
    """
    column = _column(path, key, n)
    if column.dtype.kind != "S" or not 0 < column.dtype.itemsize <= MAX_TEXT:
        raise DataError(f"{path}: {key} must be byte strings, not {column.dtype}; use the official file")
    texts: list[str | None] = []
    known = _Texts()
    step = max(1, BLOCK // column.dtype.itemsize)
    for start in range(0, n, step):
        texts += map(known.__getitem__, column.read(slice(start, start + step)).reshape(-1).tolist())
    return texts


class _Texts(dict[bytes, "str | None"]):
    """Bytes -> text, decoded when first asked for."""

    def __missing__(self, data: bytes) -> str | None:
        try:
            text: str | None = data.decode("utf-8")
        except UnicodeDecodeError:
            latin = data.decode("latin-1")
            text = None if CONTROL.search(latin) else latin
        if text is not None:
            text = None if "\0" in text else squeeze(text)
        self[data] = text
        return text


def _column(path: Path, key: str, n: int | None = None) -> Table:
    column = table(path, key)
    if column.shape[1:] not in ((), (1,)):
        raise DataError(f"{path}: {key} must be (N, 1), not {column.shape}; use the official file")
    if n is not None and len(column) != n:
        raise DataError(f"{path}: {key} has {len(column)} rows, {PRODUCT} has {n}; fetch it again")
    return column


def _captions(columns: Sequence[list[str | None]]) -> list[tuple[str, ...]]:
    known: dict[tuple[str | None, ...], tuple[str, ...]] = {}
    captions = []
    for texts in zip(*columns, strict=True):
        if texts not in known:
            known[texts] = tuple(dict.fromkeys(text for text in texts if text))
        captions.append(known[texts])
    return captions


def _pictures(path: Path, rows: np.ndarray) -> HDF5Images:
    found = table(path, PICTURES, optional=True)
    if found is None or not found.stored:
        raise NoPictures(
            f"{path}: {PICTURES} is missing or empty, so that there are no pictures. {OBTAIN} pictures=False reads "
            "texts and labels alone."
        )
    pictures, n = HDF5Images(path, PICTURES), len(table(path, PRODUCT))
    if len(pictures) != n:
        raise DataError(f"{path}: {PICTURES} has {len(pictures)} rows, {PRODUCT} has {n}; fetch it again")
    return pictures.subset(rows)


OBTAIN = (
    "Ask the authors of 'Fashion-Gen: The Generative Fashion Dataset and Challenge' (arXiv 1806.08317; its own site "
    f"is gone) for {FILE.format('train')} and {FILE.format('validation')}, and put them into {NAME}/ under the data "
    "root."
)

SOURCE = Source(
    name=NAME,
    title="Fashion-Gen",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("category", "subcategory", "gender", "department"),
    licence="terms of its authors, whose site is gone: ask them",
    obtain=OBTAIN,
    summary=(
        "Studio photographs of clothes, shoes, bags and accessories, 256x256, one to six angles of each product. The "
        "paper's pictures of 1360x1360 and its test part are not public."
    ),
    text=(
        "A description per product by professional stylists: several short sentences on cut, colour, fabric and "
        "details, far longer than a title. Highly specific, though the same for all angles of a product, of which "
        "some do not show what it says."
    ),
    citation=(
        "N. Rostamzadeh, S. Hosseini, T. Boquet, W. Stokowiec, Y. Zhang, C. Jauvin and C. Pal, Fashion-Gen: The "
        "Generative Fashion Dataset and Challenge, arXiv 1806.08317, 2018"
    ),
    home="https://arxiv.org/abs/1806.08317",
    fields={
        "input_description": "texts: the first",
        "input_name": "texts: the second, a title with the colour; missing in some copies",
        "input_concat_description": "texts: the last, if it says something else",
        "input_productID": "group",
        "input_image": "the picture",
        **{key: label for label, key in LABELS.items()},
        "index, index_2, input_msrpUSD": "not read; the id is the split and the row",
    },
    defects=(
        "The original site is gone, and the test part was never public: validation is all there is to test on.",
        "The paper counts 260,480 pictures to train; users of the file count 260,490.",
        "Texts are utf-8 or latin-1, unmarked.",
        "input_name is missing in some copies.",
        "How input_concat_description was made is not documented.",
    ),
    expected={"train": 260_480, "validation": 32_528},
)

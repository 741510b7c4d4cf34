"""Clothing Co-Parsing (CCP): street photographs, the clothes in them named, in half of them pixel by pixel."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, SettingError
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, data_root, find_place
from ofclip.tree import Tree

NAME = "clothing-co-parsing"
#: The kinds of annotation, which are the only parting of the data that there is.
PIXEL, IMAGE = "pixel-level", "image-level"
FOLDERS = (NAME, f"{NAME}-master", "ccp")
ANNOTATION = re.compile(rf"(?:(.+)/)?annotations/({PIXEL}|{IMAGE})/([0-9]+)\.mat")
#: What each number in an annotation stands for, as in `label_list.mat`.
LABELS = (
    "null", "accessories", "bag", "belt", "blazer", "blouse", "bodysuit", "boots", "bra", "bracelet", "cape",
    "cardigan", "clogs", "coat", "dress", "earrings", "flats", "glasses", "gloves", "hair", "hat", "heels", "hoodie",
    "intimate", "jacket", "jeans", "jumper", "leggings", "loafers", "necklace", "panties", "pants", "pumps", "purse",
    "ring", "romper", "sandals", "scarf", "shirt", "shoes", "shorts", "skin", "skirt", "sneakers", "socks",
    "stockings", "suit", "sunglasses", "sweater", "sweatshirt", "swimwear", "t-shirt", "tie", "tights", "top", "vest",
    "wallet", "watch", "wedges",
)  # fmt: skip
#: Labels that name no clothes.
NO_CLOTHES = ("null", "hair", "skin")
#: MATLAB's classes of plain numbers; nothing else is read from an annotation.
NUMBERS = ("double", "single", "logical", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
#: More numbers than that are refused before they are unpacked: a photograph has half a million.
MAX_NUMBERS = 32_000_000


def find(root: Path) -> Path | None:
    """Return the folder or archive of the clone or download, or None."""
    return find_place(root, *FOLDERS)


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read all annotated photographs in the order of their numbers; the splits are the two kinds of annotation.

    The column `tags` holds the labels of a photograph, those that its annotation or any of its pixels has, without
    "null"; the only text is the tags that name clothes, joined by commas (our choice). Photographs that are not
    there are in `Catalog.skipped`. An annotation that is damaged, of MATLAB 7.3 or has a number without a label, and
    a photograph without annotation, raise DataError, or are skipped with `skip_bad`.
    """
    tree, found = _annotations(root)
    known = _known(tree)
    rows, skipped = [], []
    for number, (kind, name) in sorted(found.items()):
        if split is not None and kind != split:
            continue
        try:
            tags = [known[label] for label in np.unique(_labels(tree, name, kind)) if label]
        except DataError as error:
            if not skip_bad:
                raise
            skipped.append(str(error))
            continue
        clothes = [tag for tag in tags if tag not in NO_CLOTHES]
        rows.append((number, kind, number, (", ".join(clothes),) if clothes else (), ", ".join(tags) or None))
    table = pd.DataFrame(rows, columns=["id", "split", "group", "texts", "tags"]).astype({"tags": "string"})
    table[["id", "split", "group"]] = table[["id", "split", "group"]].astype(str)
    for name in tree.names:
        alone = re.fullmatch(r"photos/([0-9]+)\.jpe?g", name, re.IGNORECASE)
        if alone and alone[1] not in found:
            if not skip_bad:
                raise DataError(f"{tree.label(name)}: has no annotation; fetch the set again or use --skip-bad")
            skipped.append(f"{name}: has no annotation")
    if not pictures:
        return Catalog(NAME, table, AbsentImages(f"photos/{number}.jpg" for number in table["id"]), tuple(skipped))
    names = [next((name for end in ("jpg", "jpeg", "JPG") if (name := f"photos/{number}.{end}") in tree), None)
             for number in table["id"]]  # fmt: skip
    there = [name is not None for name in names]
    if names and not any(there):
        raise NoPictures(f"{tree.place}: holds none of the photographs photos/<number>.jpg. {OBTAIN}")
    skipped += [f"photos/{number}.jpg: not there" for number in table["id"][[not one for one in there]]]
    store = tree.images(name for name in names if name is not None)
    return Catalog(NAME, table[there], store, tuple(skipped))


def masks(catalog: Catalog, data: str | Path | None = None) -> Iterator[np.ndarray]:
    """Yield the label of every pixel of each product's photograph, (h, w) uint8, numbered as in LABELS.

    `data` is the data root. Raises SettingError for a product that is annotated as a whole only, and DataError for
    labels of another height or width than the photograph.

    >>> import ofclip                                                             # doctest: +SKIP
    >>> parsed = ofclip.load_catalog("clothing-co-parsing", "pixel-level")        # doctest: +SKIP
    >>> dress = next(masks(parsed)) == LABELS.index("dress")                      # doctest: +SKIP
    """
    tree, found = _annotations(data_root(data))
    for i, number in enumerate(catalog.products["id"]):
        kind, name = found.get(number, ("", ""))
        if kind != PIXEL:
            raise SettingError(f"{NAME}: photograph {number} has no labels of pixels; load the split {PIXEL!r}")
        labels = _labels(tree, name, kind)
        size = catalog.images.open(i).size
        if labels.shape[::-1] != size:
            raise DataError(
                f"{tree.label(name)}: labels for {labels.shape[1]}x{labels.shape[0]} pixels, the photograph has "
                f"{size[0]}x{size[1]}; fetch both again, or leave it out"
            )
        yield labels


def _annotations(root: Path) -> tuple[Tree, dict[str, tuple[str, str]]]:
    """Return the data's tree and, per photograph's number, its kind of annotation and the file; pixels go first."""
    tree = Tree(SOURCE.locate(root))
    bases = {match[1] or "" for match in tree.match(ANNOTATION)}
    if not bases:
        raise DataError(f"{tree.place}: no annotations/{PIXEL}/<number>.mat. {OBTAIN}")
    tree = tree.within(min(bases, key=lambda base: (base.count("/") + bool(base), base)))
    found: dict[str, tuple[str, str]] = {}
    for match in tree.match(ANNOTATION):  # "image-level" comes before "pixel-level", which takes its place
        if match[1] is None:
            found[match[3]] = (match[2], match[0])
    return tree, found


def _known(tree: Tree) -> tuple[str, ...]:
    """Return LABELS, once `label_list.mat`, if it is there, says the same."""
    name = "label_list.mat"
    if name in tree:
        cells = _variable(tree, name, "label_list", ("cell",)).ravel()
        listed = tuple(str(np.asarray(cell).ravel()[0]) if np.asarray(cell).size else "" for cell in cells)
        if listed != LABELS:
            raise DataError(f"{tree.label(name)}: not the official {len(LABELS)} labels; fetch it again")
    return LABELS


def _labels(tree: Tree, name: str, kind: str) -> np.ndarray:
    """Return the label numbers of one annotation, uint8: (h, w) of pixels or any shape of tags."""
    values = _variable(tree, name, "groundtruth" if kind == PIXEL else "tags", NUMBERS)
    if kind == PIXEL and (values.ndim != 2 or not values.size):
        raise DataError(f"{tree.label(name)}: groundtruth has the shape {values.shape}, not (h, w); fetch it again")
    wrong = ~np.isin(values, np.arange(len(LABELS)))
    if wrong.any():
        raise DataError(
            f"{tree.label(name)}: label {values[wrong].flat[0]} is none of 0 to {len(LABELS) - 1}; fetch it again"
        )
    return values.astype(np.uint8)


def _variable(tree: Tree, name: str, variable: str, kinds: tuple[str, ...]) -> np.ndarray:
    """Return one variable of a .mat file (MATLAB 5 to 7); only plain arrays of the given classes are unpacked."""
    from scipy.io import loadmat, whosmat

    data, label = tree.read(name), tree.label(name)
    if data[:10] == b"MATLAB 7.3":
        raise DataError(f"{label}: is of MATLAB 7.3, not the official file; save it with -v7, or fetch it again")
    try:
        listed = {entry: (shape, kind) for entry, shape, kind in whosmat(io.BytesIO(data))}
        shape, kind = listed.get(variable, ((), None))
        if kind in kinds and np.prod(shape, dtype=float) <= MAX_NUMBERS:
            return np.asarray(loadmat(io.BytesIO(data), variable_names=[variable])[variable])
    except Exception as error:  # scipy raises nearly anything over damaged data
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{label}: damaged .mat file ({reason}); fetch it again") from error
    what = "no variable" if kind is None else f"a {kind} of shape {shape} as"
    raise DataError(f"{label}: holds {what} {variable!r}; fetch it again")


OBTAIN = (
    "Clone https://github.com/bearpaw/clothing-co-parsing into clothing-co-parsing/ under the data root; it states no "
    "licence, so ask its authors before any use but research."
)

SOURCE = Source(
    name=NAME,
    title="Clothing Co-Parsing",
    pictures="photographs",
    load=load,
    find=find,
    splits=(PIXEL, IMAGE),
    labels=(),
    licence="None is stated in the authors' repository; whether and how it may be used is uncertain",
    obtain=OBTAIN,
    summary=(
        "Street photographs of whole outfits, the labels of which are clothes, shoes and accessories: for half of "
        "them of every pixel, for the others of the picture as a whole."
    ),
    text="No sentences: the names of the clothes that occur, joined by commas (our choice).",
    citation=(
        "W. Yang, P. Luo, L. Lin, Clothing Co-Parsing by Joint Image Segmentation and Labeling, CVPR 2014, "
        "arXiv:1502.00739"
    ),
    home="https://github.com/bearpaw/clothing-co-parsing",
    fields={
        "photos/<number>.jpg": "picture",
        "<number>": "id",
        "annotations/pixel-level/<number>.mat: groundtruth": "tags and text; every pixel's label with `masks`",
        "annotations/image-level/<number>.mat: tags": "tags and text",
        "label_list.mat: label_list": "checked against the names of the labels",
    },
    defects=(
        "Annotated by superpixels, so outlines follow those; some labels are known to be wrong.",
        "Fine labels that overlap in meaning: bag and purse, heels and pumps, shoes and all kinds of shoes.",
        "No official split into training and test data for recognition.",
    ),
    expected={PIXEL: 1_004, IMAGE: 1_094},
)

"""iMaterialist Fashion 2019 and 2020 (at FGVC6 and FGVC7): garments and attributes of segments, per picture."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, unknown
from ofclip.images import AbsentImages, FileImages, Images
from ofclip.sources.base import Source, find_place
from ofclip.sources.imaterialist_labels import members
from ofclip.sources.splits import SHARES, split_groups
from ofclip.text.attributes import prepare, serialisations
from ofclip.tree import Tree

NAME = "imaterialist-fgvc"
#: Folders by edition; the newer one is read if both are there. In the first, the files tell which edition it is.
FOLDERS = {
    "": (NAME,),
    "2020": ("imaterialist-fashion-2020-fgvc7", "imaterialist-fashion-2020-FGVC7"),
    "2019": ("imaterialist-fashion-2019-FGVC6", "imaterialist-fashion-2019-fgvc6"),
}
#: Number of attributes in label_descriptions.json; both editions have 46 categories.
ATTRIBUTES = {"2019": 92, "2020": 294}
CATEGORIES = 46
COLUMNS = ("ImageId", "EncodedPixels", "Height", "Width", "ClassId")
#: Kinds of category that are parts of a garment, not garments.
PARTS = ("garment parts", "closures", "decorations")
IMAGE_ID = re.compile(r"[0-9A-Za-z_-]+")
Ids = tuple[str, ...]


@dataclass(frozen=True)
class Labels:
    """Names and kinds of the categories and attributes by their ids, as text."""

    edition: str
    categories: Mapping[str, tuple[str, str]]
    attributes: Mapping[str, tuple[str, str]]


def find(root: Path) -> Path | None:
    """Return the folder that holds train.csv, or the archive of such a name, or None."""
    return next(_places(root, FOLDERS), None)


def _places(root: Path, editions: Mapping[str, tuple[str, ...]]) -> Iterator[Path]:
    for name in (name for names in editions.values() for name in names):
        place = find_place(root, name)
        if place and (place.is_file() or any((place / f"train.csv{end}").is_file() for end in ("", ".zip"))):
            yield place


def load(
    root: Path,
    *,
    split: str | None = None,
    pictures: bool = True,
    skip_bad: bool = False,
    edition: str | None = None,
    captions: int = 4,
) -> Catalog:
    """Read the pictures of train.csv in its order, each with the labels of all its segments.

    The masks are not read. The official test pictures have no labels and are left out, so the splits are ours:
    85 : 5 : 10 by a hash of the picture's id. `edition` ("2019" or "2020") picks one if both are there, `captions`
    is the number of texts per picture. Pictures that are missing are in `Catalog.skipped`. Raises DataError for a
    missing file, label descriptions of the other edition and, unless `skip_bad`, a damaged row; with it the picture
    is left out whole.
    """
    if edition is not None and edition not in ATTRIBUTES:
        raise unknown(f"edition of {NAME}", edition, ATTRIBUTES)
    SOURCE.locate(root)
    place = next(_places(root, {key: FOLDERS[key] for key in ("", edition)} if edition else FOLDERS), None)
    if place is None:
        raise DataError(f"{NAME}: the edition of {edition} is not under {root}. {OBTAIN}")
    tree = Tree(place)
    csv, described = (_official(tree, name) for name in ("train.csv", "label_descriptions.json"))
    data = io.BytesIO(tree.read(csv))
    columns = _header(data, tree.label(csv))
    labels = read_labels(tree, described, "2020" if "AttributesIds" in columns else "2019")
    if edition not in (None, labels.edition):
        raise DataError(f"{tree.label(csv)}: is of the edition of {labels.edition}, not {edition}; leave out edition=")
    found, skipped = _segments(data, columns, labels, tree.label(csv), skip_bad)
    part = dict(zip(found, split_groups(list(found)), strict=True))
    ids = [number for number in found if split in (None, part[number])]
    there = _pictures(tree) if pictures else {}
    if pictures:
        if ids and not any(number in there for number in ids):
            raise NoPictures(
                f"{tree.place}: holds none of the pictures train/<image id>.jpg; unpack them there, or read texts and "
                "labels alone with pictures=False"
            )
        skipped += [f"{tree.place.name}: no picture train/{number}.jpg" for number in ids if number not in there]
        ids = [number for number in ids if number in there]
    names = tuple(f"train/{number}.jpg" for number in ids)
    store: Images = AbsentImages(names)
    if pictures:
        files = tree.images(there[number] for number in ids)
        store = FileImages(files.parts, files.which, files.members, names)
    products = _products({number: (part[number], *found[number]) for number in ids}, labels, captions)
    return Catalog(NAME, products, store, tuple(skipped))


def _official(tree: Tree, name: str) -> str:
    found = tree.locate(name)
    if found is None:
        raise DataError(f"{tree.place / name}: not there. {OBTAIN}")
    return found


def read_labels(tree: Tree, name: str, edition: str) -> Labels:
    """Return the categories and attributes of label_descriptions.json.

    Raises DataError unless it has as many of each as the edition: the same ids mean other attributes in the other.
    """
    file = tree.label(name)
    try:
        data = json.loads(tree.text(name), object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not a whole JSON file ({error}); fetch it again") from error
    tables: list[dict[str, tuple[str, str]]] = []
    for key, count in (("categories", CATEGORIES), ("attributes", ATTRIBUTES[edition])):
        rows = data.get(key) if isinstance(data, dict) else None
        table: dict[str, tuple[str, str]] = {}
        for row, entry in enumerate(rows if isinstance(rows, list) else (), start=1):
            values: list[Any] = [None]
            if type(entry) is dict:
                values = [entry.get(field) for field in ("id", "name", "supercategory")]
            if [type(value) for value in values] != [int, str, str] or not values[1].strip() or str(values[0]) in table:
                raise DataError(f"{file}: entry {row} of {key} has no id of its own, name and supercategory")
            table[str(values[0])] = " ".join(values[1].split()), values[2]
        if len(table) != count:
            raise DataError(f"{file}: {len(table)} {key} instead of the {count} of {edition}; use that edition's file")
        tables.append(table)
    return Labels(edition, *tables)


def _header(data: io.BytesIO, file: str) -> list[str]:
    columns = data.readline().decode("utf-8-sig", "replace").strip().split(",")
    missing = [column for column in COLUMNS if column not in columns]
    if missing or columns.index("ClassId") != len(columns) - 1 and columns[-1] != "AttributesIds":
        lack = f"lacks the columns {', '.join(missing)}" if missing else "must end with ClassId or AttributesIds"
        raise DataError(f"{file}: {lack}; use the official file")
    return columns


def _segments(
    data: io.BytesIO, columns: list[str], labels: Labels, file: str, skip_bad: bool
) -> tuple[dict[str, tuple[Ids, Ids]], list[str]]:
    """Category and attribute ids by image id in the order of the rows, and a reason for each picture left out.

    Only the last column is quoted, as only it holds commas: so a line is split at its first commas, and a stray
    quotation mark cannot swallow the lines after it.
    """
    where = [columns.index(name) for name in ("ImageId", "Height", "Width", "ClassId")]
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    doubtful: set[str] = set()
    skipped: list[str] = []
    for row, raw in enumerate(data, start=1):
        line = raw.rstrip(b"\r\n").split(b",", len(columns) - 1)
        if line == [b""]:
            continue
        fault, number, kind, marks = f"{len(line)} of {len(columns)} columns", "", "", []
        if len(line) == len(columns):
            number, height, width, kind = (line[at].decode("latin-1") for at in where)
            number = number.removesuffix(".jpg")
            kind, *marks = kind.split("_")
            if "AttributesIds" in columns:
                marks = _unquoted(line[-1].decode("latin-1")) + marks
            fault = _fault(number, height, width, kind, marks, labels)
        if not fault:
            kinds, attributes = found.setdefault(number, ({}, {}))
            kinds[kind] = None
            attributes.update(dict.fromkeys(marks))
        elif not skip_bad:
            raise DataError(f"{file} row {row} (line {row + 1}): {fault}; mend it or use --skip-bad")
        else:
            skipped.append(f"{file} row {row}: {fault}")
            doubtful.add(number)
    kept = ((number, marks) for number, marks in found.items() if number not in doubtful)
    return {number: (tuple(kinds), tuple(marks)) for number, (kinds, marks) in kept}, skipped


def _unquoted(text: str) -> list[str]:
    text = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    return text.split(",") if text else []


def _fault(number: str, height: str, width: str, kind: str, marks: list[str], labels: Labels) -> str:
    if not IMAGE_ID.fullmatch(number):
        return f"{number[:40]!r} is no image id"
    if not (height.isdecimal() and width.isdecimal()):
        return f"height {height[:20]!r} and width {width[:20]!r} are no numbers"
    if kind not in labels.categories:
        return f"class {kind[:20]!r} is not in label_descriptions.json"
    wrong = next((mark for mark in marks if mark not in labels.attributes), None)
    return "" if wrong is None else f"attribute {wrong[:20]!r} is not in label_descriptions.json"


def _pictures(tree: Tree) -> dict[str, str]:
    """Name by image id of the pictures that are there, but for the official test pictures."""
    found: dict[str, str] = {}
    for match in tree.match(r"(?:.*/)?([0-9A-Za-z_-]+)\.jpe?g"):
        if f"/{match[0]}".rpartition("/")[0].rpartition("/")[2] != "test":
            found.setdefault(match[1], match[0])
    return found


def _products(found: Mapping[str, tuple[str, Ids, Ids]], labels: Labels, captions: int) -> pd.DataFrame:
    rows = []
    for number, (split, kinds, marks) in found.items():
        named = [labels.categories[kind] for kind in kinds]
        garments = tuple(name for name, kind in named if kind not in PARTS)
        parts = tuple(name for name, kind in named if kind in PARTS)
        said: dict[str, list[str]] = {"category": [phrase(name) for name in garments or parts]}
        for mark in marks:
            name, kind = labels.attributes[mark]
            if not name.startswith("no "):  # what a garment lacks is no word for it
                said.setdefault(kind, []).append(phrase(name))
        texts = serialisations(prepare(said), number, captions)
        attributes = tuple(labels.attributes[mark][0] for mark in marks)
        only = garments[0] if len(garments) == 1 else pd.NA
        rows.append((number, split, number, texts, only, garments, parts, attributes))
    columns = ["id", "split", "group", "texts", "category", "categories", "parts", "attributes"]
    plain = dict.fromkeys(columns[:3], str) | {"category": "string"}
    return pd.DataFrame(rows, columns=columns, dtype=object).astype(plain)


def phrase(name: str) -> str:
    """Return what a caption calls a category or attribute (our choice).

    >>> phrase("maxi (length)"), phrase("shirt, blouse"), phrase("bead(a)")
    ('maxi length', 'shirt or blouse', 'bead')
    """
    return " ".join(name.replace("(a)", "").replace("(", "").replace(")", "").split()).replace(", ", " or ")


OBTAIN = (
    "Download imaterialist-fashion-2020-fgvc7 or imaterialist-fashion-2019-FGVC6 from Kaggle (an account is needed) "
    "and unpack train.csv, label_descriptions.json and train/ into a folder of that name under the data root."
)

SOURCE = Source(
    name=NAME,
    title="iMaterialist Fashion 2019 and 2020 (FGVC6, FGVC7)",
    pictures="photographs",
    load=load,
    find=find,
    splits=tuple(SHARES),
    labels=("category",),
    licence="Kaggle's competition rules; the pictures are those of their photographers",
    obtain=OBTAIN,
    summary="Photographs of daily life, celebrity events and shops, with masks of garments and their parts in 46 "
    "categories, and 92 (2019) or 294 (2020) attributes of the garments.",
    text="The garments and attributes of all segments, written out once in natural order and then in random order and "
    "number (our choice). Specific in cuts and finishes, without colours and names.",
    citation="M. Jia et al., Fashionpedia: Ontology, Segmentation, and an Attribute Localization Dataset, "
    "arXiv:2004.12276, 2020",
    home="https://github.com/visipedia/imat_comp",
    fields={
        "ImageId": "id; in 2019 it ends with .jpg; picture train/<id>.jpg",
        "ClassId": "categories (garments) and parts; in 2019 the attributes follow, each after an underscore",
        "AttributesIds": "attributes (2020)",
        "EncodedPixels, Height, Width": "the masks are not read",
    },
    defects=(
        "A label says that something is in the picture, not on which garment: several garments share one caption.",
        "Only a part of the segments has attributes.",
        "The test pictures have no labels; the splits are ours.",
        "The edition of 2021 is not read: its layout could not be confirmed.",
    ),
)

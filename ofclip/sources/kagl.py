"""KAGL: Kaggle's fashion-product-images, zipped as downloaded or unpacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, unknown
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, find_place, spoken
from ofclip.sources.splits import fold, group_by, split_groups
from ofclip.tree import Tree

LABELS = (
    "articleType", "baseColour", "masterCategory", "subCategory", "gender", "season", "year", "usage",
)  # fmt: skip
COLUMNS = ("id", *LABELS, "productDisplayName")
SPLITS = ("train", "val", "test")
#: Sizes that have an archive of their own; the official data may hold pictures of any size.
SIZES = ("60x80", "168x224")
FOLDERS = ("kagl", "fashion-product-images-small", "fashion-product-images-dataset")
POSSESSIVE = {"Men": "men's", "Women": "women's", "Boys": "boys'", "Girls": "girls'", "Unisex": "unisex"}


def find(root: Path) -> Path | None:
    """Return the archive of small pictures, or the folder or archive as downloaded, or None."""
    archive = root / "kagl" / "kagl_60x80.zip"
    return archive if archive.exists() else find_place(root, *FOLDERS)


def load(
    root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False, size: str = "60x80"
) -> Catalog:
    """Read the products that have a picture, in the order of styles.csv.

    A split.csv (id, split, group) in kagl/ or beside styles.csv decides the splits, and rows that it does
    not list are left out; without one see `make_split`. `size` picks the archive. Rows left out are in
    `Catalog.skipped`. Raises DataError for a damaged archive, missing columns, or a bad row unless `skip_bad`.
    """
    tree, text, name = _open(root, size)
    table, skipped = read_styles(text, name, skip_bad)
    names = [f"images/{product}.jpg" for product in table["id"]]
    there = np.fromiter((name in tree for name in names), bool, len(names))
    if pictures and not there.any():
        raise NoPictures(
            f"{tree.place}: holds none of the pictures images/<id>.jpg; put them there, or read texts and labels "
            f"alone with pictures=False. {OBTAIN}"
        )

    keep = there if pictures else np.ones(len(names), bool)
    skipped += [f"{name}: no picture {names[row]} in {tree.place.name}" for row in np.flatnonzero(~keep)]
    given = _split(root, tree)
    if given is not None:
        parts = read_split(*given).reindex(table["id"])
        listed = parts["split"].notna().to_numpy()
        skipped += [f"{given[1]}: does not list id {product}" for product in table["id"][keep & ~listed]]
        keep &= listed
    else:
        # groups come from all rows, so that a product is in one split with and without pictures
        checksums = np.full(len(names), None, dtype=object)
        entries = tree.images(name for name, found in zip(names, there, strict=True) if found).entries()
        checksums[there] = [crc for _, crc in entries]
        parts = make_split(table["id"], table["productDisplayName"], checksums)
    if split is not None:
        keep &= (parts["split"] == split).to_numpy()
    rows = np.flatnonzero(keep)

    table, parts = table.iloc[rows], parts.iloc[rows]
    products = pd.DataFrame({"id": table["id"], "split": parts["split"].array, "group": parts["group"].array})
    products = products.astype(str).assign(texts=captions(table))
    for label in LABELS:
        codes, values = pd.factorize(table[label].to_numpy())
        products[label] = pd.array([value or None for value in values], dtype="string").take(codes)
    names = [names[row] for row in rows]
    images = tree.images(names) if pictures else AbsentImages(names)
    return Catalog("kagl", products, images, tuple(skipped))


def _open(root: Path, size: str) -> tuple[Tree, str, str]:
    """The pictures, and the text and name of styles.csv: with them, or with the smaller pictures."""
    if size not in SIZES:
        raise unknown("size of kagl", size, SIZES)
    place = SOURCE.locate(root)
    if size != "60x80":
        place = root / "kagl" / f"kagl_{size}.zip"
        if not place.exists():
            raise DataError(f"{place}: not found; leave out size={size}, or put that archive there")
    tree = Tree(place)
    found = tree.locate("styles.csv")
    if found is not None:
        tree = tree.within(found.rpartition("/")[0])
        return tree, tree.text("styles.csv"), tree.label("styles.csv")
    for other in (root / "kagl", root / "kagl" / "kagl_60x80.zip"):
        if other.exists() and "styles.csv" in (table := Tree(other, archives=False)):
            return tree, table.text("styles.csv"), table.label("styles.csv")
    raise DataError(f"{place}: holds no styles.csv. {OBTAIN}")


def read_styles(text: str, name: str, skip_bad: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of styles.csv as strings, and a reason for each row skipped.

    The file is unquoted, and the last column may hold commas and quotation marks: so each line is split
    at its first nine commas. "NA" and nothing both mean unknown. Raises DataError if columns are missing, or
    unless `skip_bad` if a row is too short, has a year that is none, or has an id that is none or repeats.

    >>> header = ",".join(COLUMNS) + "\\n"
    >>> read_styles(header + "7,,,,,,,,,Shirt, blue", "styles.csv")[0]["productDisplayName"][0]
    'Shirt, blue'
    """
    header, *lines = text.split("\n")
    columns = header.split(",")
    missing = [column for column in COLUMNS if column not in columns]
    if missing or columns[-1] != "productDisplayName" or len(set(columns)) < len(columns):
        lack = f"lacks the columns {', '.join(missing)}" if missing else "must end with productDisplayName"
        raise DataError(f"{name}: {lack}; use the official file")
    identity, year, commas = columns.index("id"), columns.index("year"), len(columns) - 1
    cells: list[str] = []  # of all rows, one after another: far less work for the garbage collector
    skipped, seen = [], set()
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        row = line.split(",", commas)
        fault = ""
        if len(row) <= commas:
            fault = f"{len(row)} of {len(columns)} columns"
        elif (product := row[identity]) in seen:
            fault = f"id {product!r} is repeated"
        elif not (product.isascii() and product.isdigit()):
            fault = f"id {product!r} is no number"
        elif (value := row[year]) and value != "NA" and not (len(value) == 4 and value.isdigit()):
            fault = f"year {value!r} is no year, so the columns are shifted"
        if not fault:
            seen.add(product)
            cells += row
        elif skip_bad:
            skipped.append(f"{name} row {number} (line {number + 1}): {fault}")
        else:
            raise DataError(f"{name} row {number} (line {number + 1}): {fault}; mend it or use --skip-bad")
    table = {}
    for place, column in enumerate(columns):
        codes, values = pd.factorize(np.array(cells[place :: len(columns)], dtype=object))
        table[column] = np.array(["" if value == "NA" else value for value in values], dtype=object)[codes]
    return pd.DataFrame(table, dtype=object), skipped


def _split(root: Path, tree: Tree) -> tuple[str, str] | None:
    """Text and name of split.csv, or None."""
    outside = root / "kagl" / "split.csv"
    if outside.is_file():
        folder = Tree(outside.parent, archives=False)
        return folder.text("split.csv"), folder.label("split.csv")
    return (tree.text("split.csv"), tree.label("split.csv")) if "split.csv" in tree else None


def read_split(text: str, name: str) -> pd.DataFrame:
    """Return split and group by id from an unquoted CSV file; raises DataError for missing columns or a bad row."""
    header, *lines = text.split("\n")
    columns = header.split(",")
    missing = [column for column in ("id", "split", "group") if column not in columns]
    if missing:
        raise DataError(f"{name}: lacks the columns {', '.join(missing)}; remove it or mend it")
    identity, part, family = (columns.index(column) for column in ("id", "split", "group"))
    splits: dict[str, str] = {}
    groups: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        row = line.split(",")
        whole = len(row) == len(columns)
        if not whole or row[part] not in SPLITS or not row[family] or row[identity] in splits:
            raise DataError(
                f"{name} row {number} (line {number + 1}): {line!r} repeats an id or lacks a known split or a group; "
                "mend it"
            )
        splits[row[identity]] = row[part]
        groups.append(row[family])
    return pd.DataFrame({"split": list(splits.values()), "group": groups}, index=list(splits), dtype=object)


def make_split(ids: pd.Series, titles: pd.Series, checksums: Sequence[int | None] | np.ndarray) -> pd.DataFrame:
    """Return split and group of each product: whole groups go to train, val or test, 85 : 5 : 10.

    Our choice, as there is no official split. A group is what shares a title (case and spaces aside) or
    an identical picture, also by way of a third product. A checksum is None where there is no picture.
    """
    groups = group_by(ids, [fold(title) for title in titles], checksums)
    return pd.DataFrame({"split": split_groups(groups), "group": groups}, index=ids.to_numpy())


def captions(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return per product its title and two captions composed of its attributes (our choice).

    "Nike Men Blue Jersey", "blue tshirts" and "men's blue tshirts for casual use, summer"; what is
    unknown is left out, and so is a caption that repeats another.
    """
    columns = ("gender", "baseColour", "articleType", "usage", "season")
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    texts = []
    for title, *values in zip(table["productDisplayName"], *(table[name] for name in columns), strict=True):
        key = tuple(values)
        if key not in known:
            known[key] = _compose(*key)
        title, composed = " ".join(title.split()), known[key]
        if title in composed:
            composed = tuple(text for text in composed if text != title)
        texts.append((title, *composed) if title else composed)
    return texts


def _compose(gender: str, colour: str, article: str, usage: str, season: str) -> tuple[str, ...]:
    short = f"{colour} {article}".strip().lower()
    person = POSSESSIVE.get(gender, gender.lower())
    purpose = f" for {usage.lower()} use" if usage else ""
    long = f"{person} {short}{purpose}{', ' if season else ''}{season.lower()}".strip()
    return tuple(dict.fromkeys(text for text in (short, long) if text))


OBTAIN = (
    "Download 'Fashion Product Images (Small)' from Kaggle (paramaggarwal/fashion-product-images-small, an "
    "account is needed) and put the archive, or styles.csv and images/ from it, into kagl/ under the data root."
)

SOURCE = Source(
    name="kagl",
    title="KAGL (Kaggle fashion-product-images)",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=LABELS,
    licence="declared MIT by its uploader; provenance weak: catalogue photographs of Myntra",
    obtain=OBTAIN,
    summary=(
        "Catalogue photographs of Myntra, one per product, of clothes, shoes, accessories and some cosmetics, with "
        "a title and eight attributes each. The official table has 44,447 lines and 44,441 pictures; the splits "
        "and the expected counts are those of our split.csv for the 44,072 products of the copy on the hub."
    ),
    text=(
        "Titles as a shop writes them (brand, gender, colour, type), short and specific; and two captions that we "
        "compose of the attributes (our choice): colour and type, and all that is known but brand and year."
    ),
    citation="P. Aggarwal, Fashion Product Images (Small), Kaggle",
    home="https://www.kaggle.com/datasets/paramaggarwal/fashion-product-images-small",
    fields={
        "id": "id, and the name of the picture, images/<id>.jpg",
        "productDisplayName": "first text",
        **{name: "label" for name in LABELS},
    },
    defects=(
        "No official split: ours keeps products of one title or one picture on one side.",
        "gender and year are known for 14,888 of the 44,072 products only.",
        "styles.csv is unquoted, and some official lines have more commas in the last column.",
        "Some rows of the official table have no picture.",
        "Kaggle's archive holds everything twice, once more under myntradataset/.",
    ),
    expected={"train": 37_400, "val": 2_291, "test": 4_381},
    families={
        "baseColour": spoken,
        "season": spoken,
        "usage": lambda value: f"{spoken(value)} use",  # as the captions that we compose say it
        "gender": lambda value: POSSESSIVE.get(value, spoken(value)),
    },
)

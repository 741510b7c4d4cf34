"""KAGL: Kaggle's fashion-product-images, from the zip archives or the unpacked official folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, unknown
from ofclip.files import digest
from ofclip.images import FolderImages, Images, ZipImages, open_zip, read_member
from ofclip.sources.base import Source

LABELS = (
    "articleType", "baseColour", "masterCategory", "subCategory", "gender", "season", "year", "usage",
)  # fmt: skip
COLUMNS = ("id", *LABELS, "productDisplayName")
SPLITS = ("train", "val", "test")
#: Sizes that have an archive of their own; the unpacked folder may hold pictures of any size.
SIZES = ("60x80", "168x224")
FOLDERS = ("kagl", "fashion-product-images-small")
POSSESSIVE = {"Men": "men's", "Women": "women's", "Boys": "boys'", "Girls": "girls'", "Unisex": "unisex"}


def find(root: Path) -> Path | None:
    """Return the archive or folder that holds the pictures and styles.csv, or None."""
    archive = root / "kagl" / "kagl_60x80.zip"
    if archive.exists():
        return archive
    return next((root / name for name in FOLDERS if (root / name / "styles.csv").exists()), None)


def load(root: Path, *, split: str | None = None, skip_bad: bool = False, size: str = "60x80") -> Catalog:
    """Read the products that have a picture, in the order of styles.csv.

    A kagl/split.csv (id, split, group) decides the splits, and rows that it does not list are left
    out; without one see `make_split`. `size` picks the archive. Rows left out are in `Catalog.skipped`.
    Raises DataError for a damaged archive, missing columns, or a bad row unless `skip_bad`.
    """
    place = _place(root, size)
    present = _present(place)
    table, skipped = read_styles(*_styles(root, place, present), skip_bad=skip_bad)
    names = "images/" + table["id"] + ".jpg"
    has_picture = names.isin(present).to_numpy()
    skipped += [f"styles.csv: no picture {name} in {place.name}" for name in names[~has_picture]]
    table, names = table[has_picture], names[has_picture]

    given = root / "kagl" / "split.csv"
    if given.exists():
        parts = read_split(given)
        listed = table["id"].isin(parts.index).to_numpy()
        skipped += [f"split.csv: does not list id {product}" for product in table["id"][~listed]]
        table, names = table[listed], names[listed]
        parts = parts.loc[table["id"]]
    else:
        entries = _images(place, names).entries()
        parts = make_split(table["id"], table["productDisplayName"], [crc for _, _, crc in entries])
    table = table.assign(split=parts["split"].to_numpy(), group=parts["group"].to_numpy())
    if split is not None:
        wanted = (table["split"] == split).to_numpy()
        table, names = table[wanted], names[wanted]

    products = table[["id", "split", "group"]].astype(str).assign(texts=captions(table))
    labels = table[list(LABELS)].astype("string").replace("", pd.NA)
    return Catalog("kagl", pd.concat([products, labels], axis=1), _images(place, names), tuple(skipped))


def _place(root: Path, size: str) -> Path:
    if size not in SIZES:
        raise unknown("size of kagl", size, SIZES)
    place = SOURCE.locate(root) if size == "60x80" else root / "kagl" / f"kagl_{size}.zip"
    if not place.exists():
        raise DataError(f"{place}: not found; leave out size={size}, or put that archive there")
    return place


def _present(place: Path) -> set[str]:
    if place.suffix == ".zip":
        return set(open_zip(place).namelist())
    try:
        return {f"images/{entry.name}" for entry in os.scandir(place / "images")}
    except OSError as error:
        raise DataError(f"{place / 'images'}: not found; unpack the pictures there. {OBTAIN}") from error


def _styles(root: Path, place: Path, present: set[str]) -> tuple[bytes, str]:
    """Content and name of styles.csv: beside the pictures, in the folder, or in the smaller archive."""
    if "styles.csv" in present:
        return read_member(place, "styles.csv"), f"{place.name}:styles.csv"
    beside = (place if place.is_dir() else place.parent) / "styles.csv"
    if beside.exists():
        return beside.read_bytes(), str(beside)
    return read_member(root / "kagl" / "kagl_60x80.zip", "styles.csv"), "kagl_60x80.zip:styles.csv"


def _images(place: Path, names: pd.Series) -> Images:
    return (ZipImages if place.suffix == ".zip" else FolderImages)(place, names)


def read_styles(data: bytes, name: str, skip_bad: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of styles.csv as text, and a reason for each row skipped.

    The file is unquoted, and the last column may hold commas and quotation marks: so each line is split
    at its first nine commas. "NA" and nothing both mean unknown. Raises DataError if columns are
    missing, or if a row is too short or repeats an id unless `skip_bad`.

    >>> header = ",".join(COLUMNS) + "\\n"
    >>> read_styles((header + "7,,,,,,,,,Shirt, blue").encode(), "styles.csv")[0]["productDisplayName"][0]
    'Shirt, blue'
    """
    header, *lines = data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").split("\n")
    columns = header.split(",")
    missing = [column for column in COLUMNS if column not in columns]
    if missing or columns[-1] != "productDisplayName":
        lack = f"lacks the columns {', '.join(missing)}" if missing else "must end with productDisplayName"
        raise DataError(f"{name}: {lack}; use the official file")
    rows, skipped, seen = [], [], set()
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        row = line.split(",", len(columns) - 1)
        fault = ""
        if len(row) < len(columns):
            fault = f"{len(row)} of {len(columns)} columns"
        elif not row[0] or row[0] in seen:
            fault = f"id {row[0]!r} is empty or repeated"
        if not fault:
            seen.add(row[0])
            rows.append(row)
        elif skip_bad:
            skipped.append(f"{name} row {number}: {fault}")
        else:
            raise DataError(f"{name} row {number} (line {number + 1}): {fault}; mend it or use --skip-bad")
    return pd.DataFrame(rows, columns=columns, dtype=object).replace("NA", ""), skipped


def read_split(path: Path) -> pd.DataFrame:
    """Return split and group by id from a CSV file; raises DataError for missing columns or a bad row."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: not a readable CSV file ({error}); remove it or mend it") from error
    missing = [column for column in ("id", "split", "group") if column not in table.columns]
    if missing:
        raise DataError(f"{path}: lacks the columns {', '.join(missing)}; remove it or mend it")
    bad = (~table["split"].isin(SPLITS) | table["id"].duplicated() | (table["group"] == "")).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        values = ",".join(table.iloc[row][["id", "split", "group"]])
        raise DataError(f"{path} row {row + 1}: {values!r} repeats an id or lacks a known split or a group")
    return table.set_index("id")


def make_split(ids: pd.Series, titles: pd.Series, checksums: list[int]) -> pd.DataFrame:
    """Return split and group of each product: whole groups go to train, val or test, 85 : 5 : 10.

    Our choice, as there is no official split. A group is what shares a title (case and spaces aside) or
    an identical picture, also by way of a third product, and is named after its first id; a hash of that
    name decides.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(ids)
    folded = np.array([" ".join(title.lower().split()) for title in titles], dtype=object)
    titled = np.flatnonzero(folded != "")
    title = pd.factorize(folded[titled])[0]
    picture = pd.factorize(np.asarray(checksums, dtype=np.int64))[0]
    products = np.concatenate([titled, np.arange(n)])
    shared = n + np.concatenate([title, n + picture])
    links = coo_array((np.ones(len(products), bool), (products, shared)), shape=(3 * n, 3 * n))
    component = connected_components(links, directed=False)[1][:n]
    first = pd.Series(ids.to_numpy()).groupby(component).transform("first")
    place = {group: int(digest(group), 16) % 100 for group in first.unique()}
    splits = ["train" if place[group] < 85 else "val" if place[group] < 90 else "test" for group in first]
    return pd.DataFrame({"split": splits, "group": first.to_numpy()}, index=ids.to_numpy())


def captions(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return per product its title and two captions composed of its attributes (our choice).

    "Nike Men Blue Jersey", "blue tshirts" and "men's blue tshirts for casual use, summer"; what is
    unknown is left out, and so is a caption that repeats another.
    """
    columns = ("productDisplayName", "gender", "baseColour", "articleType", "usage", "season")
    texts = []
    for title, gender, colour, article, usage, season in zip(*(table[name] for name in columns), strict=True):
        short = f"{colour} {article}".strip().lower()
        person = POSSESSIVE.get(gender, gender.lower())
        purpose = f" for {usage.lower()} use" if usage else ""
        long = f"{person} {short}{purpose}{', ' if season else ''}{season.lower()}".strip()
        texts.append(tuple(dict.fromkeys(text for text in (title.strip(), short, long) if text)))
    return texts


OBTAIN = (
    "Download 'Fashion Product Images (Small)' from Kaggle (paramaggarwal/fashion-product-images-small, an "
    "account is needed) and unpack styles.csv and images/ into kagl/ under the data root."
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
    citation="P. Aggarwal, Fashion Product Images Dataset, Kaggle",
    expected={"train": 37_400, "val": 2_291, "test": 4_381},
)

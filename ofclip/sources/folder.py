"""Own data: a folder of pictures and a CSV file with a row for each, named folder:PATH where a source is asked for."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ofclip.archives import escapes
from ofclip.archives.base import official
from ofclip.catalog import Catalog
from ofclip.errors import DataError, unknown
from ofclip.images import AbsentImages
from ofclip.sources import FOLDER
from ofclip.sources.base import Source
from ofclip.sources.reading import Faults, product_table, shown, squeeze
from ofclip.sources.splits import group_by, split_groups
from ofclip.tree import Tree

TABLE = "products.csv"
SPLITS = ("train", "val", "test")
NEEDED = ("id", "image", "text")
#: The caption, and further texts of the same product.
TEXT = re.compile(r"text\d*")
#: Columns that a Catalog has anyway.
TAKEN = "texts"


@dataclass(frozen=True)
class Row:
    """One row of the CSV file: what messages call it, its cells by column, its texts, and its picture's name."""

    where: str
    number: int
    cells: dict[str, str]
    texts: tuple[str, ...]
    picture: str


def own_source(place: str) -> Source:
    """Return own data as a source, so that it is named, watched and tested like any other; labels are its columns.

    Raises DataError as `load_folder` does for a missing file or a wrong header.
    """
    path = find_table(Path(place).expanduser())
    columns, _ = read_rows(Tree(path.parent), path.name, Faults(skip_bad=True))

    def load(root: Path, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
        return load_folder(place, split, pictures=pictures, skip_bad=skip_bad)

    return Source(
        name=f"{FOLDER}{place}",
        title=path.parent.name,
        pictures="photographs",  # our choice: what they are is not known, and most people's own are
        load=load,
        find=lambda root: path,
        splits=SPLITS,
        labels=tuple(_labels(columns)),
        licence="your own",
        obtain="",
    )


def load_folder(
    place: str | Path, split: str | None = None, *, pictures: bool = True, skip_bad: bool = False
) -> Catalog:
    """Read own data: `place` is a folder with `products.csv` (or one other CSV file), or a CSV file among its pictures.

    The CSV file has a header and is comma-separated; cells may be quoted. Columns: `id`; `image`, the picture's path
    below the folder (or in an archive that lies in it); `text`, the caption, and `text2`, `text3` ... for further
    ones; if there is one, `split` (train, val or test); if there is one, `group`, equal for views of one product;
    every other column is a label, unknown where it is empty. Products that share a group or a picture, bit by bit,
    count as one group. Without a split whole groups are drawn, 85 : 5 : 10 per cent (our choice). `pictures=False`
    leaves the pictures unread.

    Raises SettingError for an unknown split, and DataError for a missing or damaged file, a missing column, no rows in
    the split, and, naming the row, for a wrong number of cells, an id that is empty or repeats, an empty text, a
    picture that is not there, empty, or outside the folder, an unknown split, and one group on two sides of a split;
    with `skip_bad` such rows are listed as skipped instead.

    >>> load_folder("shop", split="test")                                          # doctest: +SKIP
    Catalog('folder:shop', 121 products: test 121; labels: type, colour, pattern)
    """
    name = f"{FOLDER}{place}"
    if split not in (None, *SPLITS):
        raise unknown(f"split of {name}", split, SPLITS)
    path = find_table(Path(place).expanduser())
    tree = Tree(path.parent)
    faults = Faults(skip_bad)
    columns, rows = read_rows(tree, path.name, faults)
    contents: list[object] = [None] * len(rows)
    if pictures:
        rows, contents = _filled(tree, rows, faults)
    rows, groups, splits = _parted(rows, contents, "split" in columns, faults)
    kept = [i for i in range(len(rows)) if split in (None, splits[i])]
    if not kept:
        counts = ", ".join(f"{part} {count}" for part, count in Counter(splits).items()) or "no rows"
        wanted = f" in split {split!r}" if split else ""
        raise DataError(f"{tree.label(path.name)}: no products{wanted}; there are {counts}")
    labels = _labels(columns)
    table = [
        (rows[i].cells["id"], splits[i], groups[i], rows[i].texts, *(rows[i].cells[label] or None for label in labels))
        for i in kept
    ]
    names = [rows[i].picture for i in kept]
    images = tree.images(names) if pictures else AbsentImages(names)
    products = product_table(table, ["id", "split", "group", "texts", *labels])
    return Catalog(name, products, images, tuple(faults.reasons))


def find_table(place: Path) -> Path:
    """Return the CSV file at a place; raises DataError that says what to name if there is none, or one of several."""
    if place.is_file():
        if place.suffix.lower() != ".csv":
            raise DataError(f"{place}: not a folder and not a .csv file; name the folder that holds {TABLE}")
        return place
    if not place.is_dir():
        raise DataError(f"{place}: not found; name a folder that holds {TABLE} and pictures")
    if (place / TABLE).is_file():
        return place / TABLE
    found = sorted(path for path in place.glob("*.csv") if path.is_file() and not path.name.startswith("."))
    if len(found) != 1:
        several = f"{len(found)} CSV files; name one, as in {FOLDER}{found[0]}" if found else f"no {TABLE}; write one"
        raise DataError(f"{place}: holds {several}")
    return found[0]


def read_rows(tree: Tree, name: str, faults: Faults) -> tuple[list[str], list[Row]]:
    """Return the columns and the sound rows of a CSV file; what is wrong with a row goes to `faults`.

    Raises DataError for a header that lacks a column or names one twice, and, with the line, for what is no CSV.
    Lines without anything in them are no rows.
    """
    label = tree.label(name)
    reader = csv.reader(io.StringIO(tree.text(name)), strict=True)
    columns: list[str] = []
    rows: list[Row] = []
    seen: dict[str, int] = {}
    near = {_stem(known): known for known in tree.names}
    number, line = 0, 1
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            raise DataError(f"{label} line {line}: not CSV ({error}); look for a lone quotation mark") from None
        if not any(cells):
            continue
        if not columns:
            columns = _header(cells, label)
            continue
        number += 1
        where = f"{label} row {number} (line {line})"
        fault = ""
        if len(cells) != len(columns):
            fault = f"{len(cells)} cells, expected {len(columns)}; put cells that hold commas into quotation marks"
        else:
            row = dict(zip(columns, cells, strict=True))
            texts = tuple(dict.fromkeys(filter(None, (squeeze(row[name]) for name in columns if TEXT.fullmatch(name)))))
            fault = _fault(row, seen) or ("text is empty" if not texts else "")
            picture, missing = _picture(row["image"], tree, near) if not fault else ("", "")
            fault = fault or missing
        if fault:
            faults.bad(f"{where}: {fault}")
            continue
        seen[row["id"]] = number
        rows.append(Row(where, number, row, texts, picture))
    if not columns:
        raise DataError(f"{label}: empty; its first line must name the columns {', '.join(NEEDED)}")
    return columns, rows


def _labels(columns: Sequence[str]) -> list[str]:
    return [column for column in columns if column not in (*NEEDED, "split", "group") and not TEXT.fullmatch(column)]


def _header(cells: Sequence[str], label: str) -> list[str]:
    for other, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) == 1 and other in cells[0]:
            raise DataError(f"{label} line 1: cells are separated by {word}; save the file with commas")
    for column in NEEDED:
        if column not in cells:
            near = difflib.get_close_matches(column, [cell.lower() for cell in cells], n=1, cutoff=0.6)
            there = next((cell for cell in cells if near and cell.lower() == near[0]), None)
            hint = f" (there is {there!r})" if there else f" (there are {', '.join(cells)})"
            raise DataError(f"{label} line 1: lacks the column {column!r}{hint}; name it so")
    for place, cell in enumerate(cells, start=1):
        if not cell:
            raise DataError(f"{label} line 1: column {place} has no name; give it one, or take it away")
        if cells.index(cell) != place - 1:
            raise DataError(f"{label} line 1: the column {cell!r} occurs twice; rename one")
        if cell == TAKEN:
            raise DataError(f"{label} line 1: {cell!r} is no name for a column here; call further texts text2, text3")
    return list(cells)


def _fault(row: dict[str, str], seen: dict[str, int]) -> str:
    """Return what is wrong with a row's id or split, or nothing."""
    if not row["id"]:
        return "id is empty"
    if not row["id"].isprintable():
        return f"id {shown(row['id'])} holds a line break or the like"
    if row["id"] in seen:
        return f"id {row['id']!r} is that of row {seen[row['id']]} already"
    if row.get("split", SPLITS[0]) not in SPLITS:
        return f"split {row['split']!r} is none of {', '.join(SPLITS)}"
    return ""


def _picture(name: str, tree: Tree, near: dict[str, str]) -> tuple[str, str]:
    """Return the name of a row's picture in the tree, and what is wrong with it, or nothing.

    `near` finds a picture in another folder, or with another suffix or case.
    """
    if not name:
        return "", "image is empty"
    if "://" in name:
        return "", f"image {shown(name)} is an address; put the picture into the folder and name it by its path there"
    if escapes(name):
        return "", f"image {shown(name)} lies outside the folder; put the picture into it"
    plain = official(name)
    if plain is None or plain not in tree:
        other = near.get(_stem(name))
        return "", f"picture {name} not found" + (f"; there is {other}" if other else "")
    return plain, ""


def _stem(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0].lower()


def _filled(tree: Tree, rows: list[Row], faults: Faults) -> tuple[list[Row], list[object]]:
    """Return the rows whose picture is not empty, and size and checksum of each picture."""
    entries = tree.images(row.picture for row in rows).entries()
    for row, (size, _) in zip(rows, entries, strict=True):
        if not size:
            faults.bad(f"{row.where}: picture {row.picture} is an empty file")
    kept = [(row, entry) for row, entry in zip(rows, entries, strict=True) if entry[0]]
    return [row for row, _ in kept], [entry for _, entry in kept]


def _parted(
    rows: list[Row], contents: Sequence[object], given: bool, faults: Faults
) -> tuple[list[Row], list[str], list[str]]:
    """Return rows, groups and splits; where a group lies on two sides of a given split, the first row's side counts."""
    groups = group_by([row.cells["id"] for row in rows], [row.cells.get("group", "") for row in rows], contents)
    if not given:
        return rows, list(groups), list(split_groups(groups))
    first: dict[str, Row] = {}
    kept = []
    for row, group in zip(rows, groups, strict=True):
        one = first.setdefault(group, row)
        if one.cells["split"] == row.cells["split"]:
            kept.append((row, group))
            continue
        faults.bad(
            f"{row.where}: is in {row.cells['split']}, but row {one.number}, which shows the same product or picture, "
            f"in {one.cells['split']}; put both on one side"
        )
    return [row for row, _ in kept], [group for _, group in kept], [row.cells["split"] for row, _ in kept]

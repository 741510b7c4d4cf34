"""Atlas: clothes of Indian web shops, with the shop's title and a path of three levels in one taxonomy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, find_place
from ofclip.sources.reading import (
    Faults,
    expect,
    field,
    official,
    pictured,
    product_table,
    read_json,
    shown,
    squeeze,
)
from ofclip.sources.splits import fold, group_by
from ofclip.tree import Tree

NAME = "atlas"
SPLITS = ("train", "val", "test")
LIST = "atlas_dataset.json"
#: Names of the levels of the taxonomy, which is three deep at most.
LEVELS = ("gender", "wear", "type")
COLUMNS = ("id", "split", "group", "texts", "category", *LEVELS)

#: Folder, file, title, levels of the taxonomy, split and URL of a picture.
Row = tuple[str, str, str, tuple[str, ...], str, str]


def find(root: Path) -> Path | None:
    """Return the folder or archive of the data set, or None."""
    return find_place(root, NAME, "atlas_dataset")


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read the pictures in the order of atlas_dataset.json, with its splits.

    What shares title and category, or a URL, shares a group (our choice): views of a product are told apart by
    nothing else. Pictures without a title are listed as skipped, and so is an entry that repeats one before word for
    word. Raises DataError for a missing or damaged file, or for a bad entry unless `skip_bad`.
    """
    tree = Tree(SOURCE.locate(root))
    faults = Faults(skip_bad)
    known: dict[str, Row] = {}
    wheres, table = [], []
    for where, row in read_entries(tree, official(tree, LIST), faults):
        folder, file, title, levels, part, _ = row
        name = f"{folder}/images/{file}"
        if name in known:
            report = faults.left_out if known[name] == row else faults.bad
            report(f"{where}: repeats {shown(name)}" + ("" if known[name] == row else " with other values"))
            continue
        known[name] = row
        wheres.append(where)
        texts = captions(title, levels)
        labels = (*levels, *(None,) * (len(LEVELS) - len(levels)))
        table.append((name.replace("/images/", "/"), part, name, texts, "/".join(levels), *labels))

    products, names = product_table(table, COLUMNS), list(known)
    if table:
        titles = [fold(f"{row[2]}\n{'/'.join(row[3])}") for row in known.values()]
        products["group"] = group_by(products["id"].tolist(), titles, [row[5] for row in known.values()]).astype(str)
    if pictures:
        there = _files(tree)
        places = [next((there[at] for at in places_of(row) if at in there), None) for row in known.values()]
        kept, images = pictured(tree, names, places, wheres, faults, OBTAIN)
        products = products.iloc[kept]
    else:
        images = AbsentImages(names)
    catalog = Catalog(NAME, products, images, tuple(faults.reasons))
    return catalog if split is None else catalog.where(split=split)


def read_entries(tree: Tree, name: str, faults: Faults) -> list[tuple[str, Row]]:
    """Return of each entry of {"images": [...]} what messages call it, and its values.

    Raises DataError if the file has another shape; an entry of another shape is a fault; one without a title is
    left out.
    """
    label = tree.label(name)
    entries = field(expect(read_json(tree, name, faults), dict, label), "images", list, label)
    rows = []
    for number, entry in enumerate(entries, start=1):
        where = f"{label} image {number}"
        try:
            row = _row(expect(entry, dict, where), where)
        except DataError as error:
            faults.bad(str(error))
            continue
        if row[2]:
            rows.append((where, row))
        else:
            faults.left_out(f"{where}: no title")
    return rows


def _row(entry: Mapping[str, object], where: str) -> Row:
    path = field(entry, "filename", str, where).replace("\\", "/").split("/")
    title = "" if entry.get("title", "") is None else squeeze(field(entry, "title", str, where))
    sentences = field(entry, "sentences", list, where)
    if len(sentences) != 1:
        raise DataError(f"{where}: {len(sentences)} category paths in sentences instead of one")
    tokens = field(expect(sentences[0], dict, f"{where}: sentences"), "tokens", list, f"{where}: sentences")
    levels = tuple(squeeze(expect(token, str, f"{where}: tokens")) for token in tokens)
    if not 1 <= len(levels) <= len(LEVELS) or not all(levels):
        raise DataError(f"{where}: tokens {shown(tokens)} are no path of one to {len(LEVELS)} categories")
    part = field(entry, "split", str, where)
    if part not in SPLITS:
        raise DataError(f"{where}: split {shown(part)} is none of {', '.join(SPLITS)}")
    url = field(entry, "image_url", str, where)
    if not path[-1]:
        raise DataError(f"{where}: filename {shown(entry['filename'])} names no file")
    folder = path[-3] if len(path) > 2 and path[-2] == "images" and path[-3] else "_".join(levels)
    return folder, path[-1], title, levels, part, url


def places_of(row: Row) -> tuple[str, ...]:
    """Return where the versions of the official script put a picture: <folder>/images/<file>.

    >>> places_of(("Men_Inner Wear_Underwear", "a.jpg", "", ("Men", "Inner Wear", "Underwear"), "test", ""))[1]
    'Men-Inner_Wear-Underwear/images/a.jpg'
    """
    folder, file, levels = row[0], row[1], row[3]
    folders = dict.fromkeys((folder, "-".join(levels).replace(" ", "_"), "_".join(levels)))
    return tuple(f"{name}/images/{file}" for name in folders)


def _files(tree: Tree) -> dict[str, str]:
    """<folder>/images/<file> -> the outermost file of the tree that ends so."""
    found: dict[str, str] = {}
    for full in sorted(tree.names, key=lambda name: name.count("/"), reverse=True):
        parts = full.split("/")
        if len(parts) > 2 and parts[-2] == "images":
            found["/".join(parts[-3:])] = full
    return found


def captions(title: str, levels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the title, and its category in words where the path is whole (our choice).

    >>> captions("peach crop top", ("Women", "Western Wear", "Tops&Tees"))
    ('peach crop top', 'tops and tees for women')
    """
    if len(levels) < len(LEVELS):
        return (title,)
    words = squeeze(levels[-1].replace("&", " and ")).lower()
    return tuple(dict.fromkeys((title, f"{words} for {levels[0].lower()}")))


OBTAIN = (
    "Get atlas_dataset.json as https://github.com/vumaasha/Atlas says, fetch the pictures with its "
    "dataset/create_dataset.py while their URLs last (the authors may share them with signed agreement), and put "
    "the list and the folders <category>/images/ into atlas/ under the data root."
)

SOURCE = Source(
    name=NAME,
    title="Atlas",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("category", *LEVELS),
    licence="repository under MIT; the list is given on the authors' data agreement; the pictures belong to the shops",
    obtain=OBTAIN,
    summary=(
        "183,996 pictures of Indian and western clothes from 13 web shops, under one taxonomy of 52 paths: 22 for men "
        "with 61,370 pictures, 30 for women with 122,626. The sizes of the official splits are not published."
    ),
    text=(
        "The shop's title of each picture's product: a phrase, often with brand and piece count. Middling "
        "specificity; the category in words is the short text."
    ),
    citation=(
        "V. Umaashankar, G. Shanmugam S and A. Prakash, Atlas: A Dataset and Benchmark for E-commerce Clothing "
        "Product Categorization, arXiv 1908.08984, 2019"
    ),
    home="https://github.com/vumaasha/Atlas",
    fields={
        "filename": "id <folder>/<file> of the picture <folder>/images/<file>; a bare name lies in its category",
        "title": "texts",
        "sentences[0].tokens": "category, joined by slashes; gender, wear and type, level by level",
        "split": "split",
        "image_url": "group, with title and category",
    },
    defects=(
        "The official split is drawn picture by picture, and views of a product cross it: so do groups.",
        "Many URLs are dead, and the project is no longer maintained: missing pictures are listed as skipped.",
        "Versions of the official script name the folders of categories in different ways; all are read.",
        "The paper's abstract counts 186,150 pictures, the published list 183,996.",
    ),
)

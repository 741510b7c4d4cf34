"""DeepFashion In-Shop: shop photographs of clothes from several views, with a description of each item."""

from __future__ import annotations

import re
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
    picture_places,
    pictured,
    product_table,
    read_json,
    shown,
    squeeze,
)
from ofclip.tree import Tree

NAME = "deepfashion-inshop"
SPLITS = ("train", "query", "gallery")
PARTITION = ("Eval/list_eval_partition.txt", "list_eval_partition.txt")
DESCRIPTIONS = ("Anno/list_description_inshop.json", "list_description_inshop.json")
HEADER = ["image_name", "item_id", "evaluation_status"]
PICTURE = re.compile(
    r"img/(?P<gender>MEN|WOMEN)/(?P<category>[^/]+)/(?P<item>id_[0-9]+)/"
    r"(?P<variant>[0-9]+)_[0-9]+_(?P<view>[a-z]+)\.jpg"
)
#: Plain English for labels that are names of folders (our choice); the other categories are words already.
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "gender": {"MEN": ("men",), "WOMEN": ("women",)},
    "category": {
        "Blouses_Shirts": ("blouses", "shirts"),
        "Graphic_Tees": ("graphic tees",),
        "Jackets_Coats": ("jackets", "coats"),
        "Jackets_Vests": ("jackets", "vests"),
        "Rompers_Jumpsuits": ("rompers", "jumpsuits"),
        "Shirts_Polos": ("shirts", "polos"),
        "Sweatshirts_Hoodies": ("sweatshirts", "hoodies"),
        "Tees_Tanks": ("tees", "tanks"),
    },
}
COLUMNS = ("id", "split", "group", "texts", "gender", "category", "view", "variant", "colour")

#: Colour (None if unknown) and lines of an item's description.
Note = tuple[str | None, tuple[str, ...]]


def find(root: Path) -> Path | None:
    """Return the folder or archive of the data set under its own name or its publisher's, or None."""
    return find_place(root, NAME, "In-shop Clothes Retrieval Benchmark")


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read the pictures in the order of list_eval_partition.txt, which also decides the splits.

    The group is the item, so that query and gallery share groups, as the benchmark wants it. Raises DataError for a
    missing or damaged file, or for a bad row or description unless `skip_bad`. Texts are our choice: see `captions`.
    """
    tree = Tree(SOURCE.locate(root))
    faults = Faults(skip_bad)
    rows = read_partition(tree, official(tree, *PARTITION), faults)
    name = official(tree, *DESCRIPTIONS)
    notes = read_descriptions(tree, name, faults)
    variants: dict[str, set[str]] = {}
    for _, match, _ in rows:
        variants.setdefault(match["item"], set()).add(match["variant"])

    table, names, wheres = [], [], []
    texts: dict[tuple[str, str], tuple[str, ...]] = {}
    for where, match, status in rows:
        item, category = match["item"], match["category"]
        if item not in notes:
            faults.bad(f"{where}: {Path(name).name} has no item {item}")
            continue
        colour, lines = notes[item]
        if (item, category) not in texts:
            texts[item, category] = captions(lines, colour if len(variants[item]) == 1 else None, category)
        product = match[0].removeprefix("img/").removesuffix(".jpg")
        labels = (match["gender"], category, match["view"], match["variant"], colour)
        table.append((product, status, item, texts[item, category], *labels))
        names.append(match[0])
        wheres.append(where)

    products = product_table(table, COLUMNS)
    if pictures:
        kept, images = pictured(tree, names, picture_places(tree, names), wheres, faults, OBTAIN)
        products = products.iloc[kept]
    else:
        images = AbsentImages(names)
    catalog = Catalog(NAME, products, images, tuple(faults.reasons))
    return catalog if split is None else catalog.where(split=split)


def read_partition(tree: Tree, name: str, faults: Faults) -> list[tuple[str, re.Match[str], str]]:
    """Return of each row what messages call it, its picture's name taken apart, and its evaluation status.

    Line 1 is the number of rows, line 2 the header, and columns are split by runs of spaces. Raises DataError for
    another header; a wrong number of rows and a bad row are faults.
    """
    label = tree.label(name)
    count, header, *body = (tree.text(name) + "\n\n").split("\n")
    if header.split() != HEADER:
        raise DataError(f"{label} line 2: not the header '{' '.join(HEADER)}' of this benchmark; use its official file")
    lines = [(number, line) for number, line in enumerate(body, start=1) if line.strip()]
    if count.strip() != str(len(lines)):
        faults.bad(f"{label} line 1: says {shown(count.strip())} rows, {len(lines)} are there")
    rows, seen = [], set()
    for number, line in lines:
        where, parts = f"{label} row {number} (line {number + 2})", line.split()
        match = PICTURE.fullmatch(parts[0])
        if len(parts) != 3:
            faults.bad(f"{where}: {len(parts)} of 3 columns")
        elif match is None:
            faults.bad(f"{where}: {shown(parts[0])} is no img/<gender>/<category>/<item>/<variant>_<n>_<view>.jpg")
        elif parts[1] != match["item"]:
            faults.bad(f"{where}: item {shown(parts[1])} is not that of {match[0]}")
        elif parts[2] not in SPLITS:
            faults.bad(f"{where}: evaluation status {shown(parts[2])} is none of {', '.join(SPLITS)}")
        elif match[0] in seen:
            faults.bad(f"{where}: {match[0]} repeats")
        else:
            seen.add(match[0])
            rows.append((where, match, parts[2]))
    return rows


def read_descriptions(tree: Tree, name: str, faults: Faults) -> dict[str, Note]:
    """Return colour and description lines by item from the official list of {item, color, description: [lines]}.

    The official file tells at least one item twice in the same words, which is listed; two accounts that differ, and
    an entry without item, colour or description, are faults. Raises DataError if the file is no such list.
    """
    label = tree.label(name)
    notes: dict[str, Note] = {}
    for number, entry in enumerate(expect(read_json(tree, name, faults), list, label), start=1):
        where = f"{label} entry {number}"
        try:
            item = field(expect(entry, dict, where), "item", str, where)
            colour = field(entry, "color", str, where)
            lines = field(entry, "description", list, where)
            note = squeeze(colour) or None, tuple(squeeze(expect(x, str, f"{where}: description")) for x in lines)
        except DataError as error:
            faults.bad(str(error))
            continue
        if item not in notes:
            notes[item] = note
        elif notes[item] == note:
            faults.left_out(f"{where}: tells item {shown(item)} again in the same words")
        else:
            faults.bad(f"{where}: tells item {shown(item)} in other words than an entry before")
    return notes


def captions(lines: tuple[str, ...], colour: str | None, category: str) -> tuple[str, ...]:
    """Return the texts of an item: its first line, its whole description, and "colour category" (our choice).

    The first line is prose about the garment; what follows is lining, fabric, measures and care, most of which no
    picture shows, so that the first line is the caption to retrieve by. In the whole description each line ends as a
    sentence, so that it can be cut at its borders.

    >>> captions(("A sheer top.", "Unlined"), "Cream", "Blouses_Shirts")
    ('A sheer top.', 'A sheer top. Unlined.', 'cream blouses and shirts')
    """
    lines = tuple(line for line in lines if line)
    whole = " ".join(line if line[-1] in ".!?" else line + "." for line in lines)
    clothes = " and ".join(WORDS["category"].get(category, (category.replace("_", " ").lower(),)))
    short = f"{colour.lower()} {clothes}" if colour else clothes
    return tuple(dict.fromkeys(text for text in (*lines[:1], whole, short) if text))


OBTAIN = (
    "Ask for the In-shop Clothes Retrieval Benchmark of DeepFashion as its page says "
    "(mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html; non-commercial research) and put Anno/, Eval/ "
    "and Img/ (img.zip may stay packed) into deepfashion-inshop/ under the data root."
)

SOURCE = Source(
    name=NAME,
    title="DeepFashion In-Shop",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("gender", "category", "view"),
    licence="non-commercial research and education only; the publisher does not own the pictures' copyright",
    obtain=OBTAIN,
    summary=(
        "Shop photographs of worn clothes, 256x256, several views and variants of each item. The official partition "
        "is for retrieving an item by another picture of it: train shares no item with query and gallery, and every "
        "item of query is in gallery."
    ),
    text=(
        "A description per item: a line or two of a shop's prose, then lining, fabric, measures and care. Highly "
        "specific, though the same for all pictures of an item; 'colour category' is the short text."
    ),
    citation=(
        "Z. Liu, P. Luo, S. Qiu, X. Wang and X. Tang, DeepFashion: Powering Robust Clothes Recognition and Retrieval "
        "with Rich Annotations, CVPR 2016"
    ),
    home="https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html",
    fields={
        "image_name": "id; gender, category, variant and view by its parts",
        "item_id": "group; must be the item in image_name",
        "evaluation_status": "split",
        "color": "colour, as stated for the item; in a text only if the item has one variant",
        "description": "texts: the first line, then all lines",
    },
    defects=(
        "color is stated once per item, also where an item has dozens of variants: it cannot be right for all of them.",
        "Texts speak of the item, not of the picture: a back view or a detail has the text of the whole garment.",
        "Query and gallery share items by design, so that they are one test set for anything but retrieval.",
        "Items carry the numbers of DeepFashion-MultiModal's pictures, which come from this set: never train on the "
        "one and test on the other without excluding equal groups.",
        "The list of descriptions tells at least one item twice in the same words; the repeats are listed as skipped.",
    ),
    words=WORDS,
    expected={"train": 25_882, "query": 14_218, "gallery": 12_612},
)

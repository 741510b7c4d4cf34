"""Polyvore (Maryland): shop pictures of the items of outfits, each with a short name and a category."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
from ofclip.sources.splits import group_by
from ofclip.tree import Tree

NAME = "polyvore"
SPLITS = ("train", "valid", "test")
CATEGORIES = "category_id.txt"
#: Official number of outfits per split; the number of items is not published.
OUTFITS = {"train": 17_316, "valid": 1_497, "test": 3_076}
#: What tells one picture of a shop from another in its URL; the host before it changes from outfit to outfit.
THING = re.compile(r"[?&](tid=[0-9]+)")
COLUMNS = ("id", "split", "group", "texts", "category", "category_id", "outfit")


def find(root: Path) -> Path | None:
    """Return the folder or archive of the data set, or None."""
    return find_place(root, NAME, "polyvore-dataset")


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read the items of all outfits, in the order of {train,valid,test}_no_dup.json.

    Items that show the same picture of the shop share a group, in one outfit or another (our choice: names such as
    "coat" are shared by different products). Items without a name are listed as skipped. Raises DataError for a
    missing or damaged file, or for a bad outfit or item unless `skip_bad`. The official sizes are outfits, not
    items: compare `outfits(catalog)` with `OUTFITS`.
    """
    tree = Tree(SOURCE.locate(root))
    faults = Faults(skip_bad)
    categories = read_categories(tree, faults)
    table, things, names, wheres, seen = [], [], [], [], set()
    for part in SPLITS:
        for where, outfit, item in read_items(tree, official(tree, f"{part}_no_dup.json"), faults):
            try:
                item = expect(item, dict, where)
                index, name, number, url = (
                    field(item, key, kind, where)
                    for key, kind in (("index", int), ("name", str), ("categoryid", int), ("image", str))
                )
            except DataError as error:
                faults.bad(str(error))
                continue
            product, text = f"{outfit}_{index}", squeeze(name)
            if product in seen:
                faults.bad(f"{where}: item {shown(product)} repeats")
                continue
            seen.add(product)
            if not text:
                faults.left_out(f"{where}: item {product} has no name")
                continue
            category = str(number)
            table.append((product, part, product, (text,), categories.get(category), category, outfit))
            thing = THING.search(url)
            things.append(thing[1] if thing else url)
            names.append(f"images/{outfit}/{index}.jpg")
            wheres.append(where)

    products = product_table(table, COLUMNS)
    if table:
        products["group"] = group_by(products["id"].tolist(), things).astype(str)
    if pictures:
        kept, images = pictured(tree, names, picture_places(tree, names), wheres, faults, OBTAIN)
        products = products.iloc[kept]
    else:
        images = AbsentImages(names)
    catalog = Catalog(NAME, products, images, tuple(faults.reasons))
    return catalog if split is None else catalog.where(split=split)


def read_items(tree: Tree, name: str, faults: Faults) -> Iterator[tuple[str, str, object]]:
    """Yield of each item of a file of outfits what messages call it, its outfit's id, and the item as it is.

    Raises DataError if the file is no JSON list; an outfit of another shape is a fault.
    """
    label = tree.label(name)
    for number, outfit in enumerate(expect(read_json(tree, name, faults), list, label), start=1):
        where = f"{label} outfit {number}"
        try:
            key = field(expect(outfit, dict, where), "set_id", str, where)
            items = field(outfit, "items", list, where)
            if not key or set(key) & set("/_ "):
                raise DataError(f"{where}: set_id {shown(key)} is no number of an outfit")
        except DataError as error:
            faults.bad(str(error))
            continue
        if not items:
            faults.left_out(f"{where}: no items")
        for place, item in enumerate(items, start=1):
            yield f"{where} item {place}", key, item


def read_categories(tree: Tree, faults: Faults) -> dict[str, str]:
    """Return the category names by number from category_id.txt, "<number> <name>" per line.

    Without the file, which is beside the archives and not in them, all categories are unknown, and that is listed.
    A line without a name, or that repeats a number, is a fault.
    """
    name = tree.locate(CATEGORIES)
    if name is None:
        faults.left_out(f"{CATEGORIES}: not there, so that the category of every item is unknown")
        return {}
    names: dict[str, str] = {}
    for number, line in enumerate(tree.text(name).split("\n"), start=1):
        key, _, category = line.strip().partition(" ")
        if not key:
            continue
        if not re.fullmatch("[0-9]+", key) or not category.strip() or key in names:
            faults.bad(f"{tree.label(name)} row {number}: {shown(line)} is no new <number> <name>")
            continue
        names[key] = squeeze(category)
    return names


def outfits(catalog: Catalog) -> dict[str, int]:
    """Return the number of outfits per split that have an item in the catalogue, to compare with `OUTFITS`."""
    return catalog.products.groupby("split", sort=False)["outfit"].nunique().to_dict()


OBTAIN = (
    "Clone https://github.com/xthan/polyvore-dataset (polyvore.tar.gz and category_id.txt), follow its link to "
    "polyvore-images.tar.gz, and put all three, packed or not, into polyvore/ under the data root."
)

SOURCE = Source(
    name=NAME,
    title="Polyvore (Maryland)",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("category",),
    licence="repository under Apache-2.0; the pictures belong to the shops that Polyvore's users took them from",
    obtain=OBTAIN,
    summary=(
        "Items of 21,889 outfits that users of polyvore.com put together: 17,316 to train, 1,497 to validate, 3,076 "
        "to test, at most eight items of each. The number of items is not published, so that no count of products "
        "is expected."
    ),
    text=(
        "A shop's name for each item, in lower case and short: 'pleated skirt', 'betsey johnson studded satchel'. "
        "Low to middling specificity; some are a brand or one word."
    ),
    citation=(
        "X. Han, Z. Wu, Y.-G. Jiang and L. S. Davis, Learning Fashion Compatibility with Bidirectional LSTMs, "
        "ACM Multimedia 2017"
    ),
    home="https://github.com/xthan/polyvore-dataset",
    fields={
        "set_id, index": "id, as <set_id>_<index>; outfit; the picture images/<set_id>/<index>.jpg",
        "name": "texts",
        "categoryid": "category_id, and category by its name in category_id.txt",
        "image": "group: items with an equal tid in it show one picture",
        "price, likes, and the outfit's name, views, desc, date": "not read; a price of -1 means unknown",
    },
    defects=(
        "An item may be in several outfits, also of different splits: its group then crosses the official splits.",
        "Some items have no name; they are listed as skipped.",
        "Some items are no fashion: flowers, furniture, fonts, books. Their category tells.",
        "Numbers of items within an outfit have gaps, since items such as backgrounds were taken out.",
        "The URLs are those of early 2017: read the pictures from the archive.",
        "Outfits' descriptions are encoded twice ('\u00c3\u00a9' for '\u00e9'); they are not read.",
    ),
)

"""Fashion200K: shop pictures of women's clothes, cropped to the garment, with a short description of each product."""

from __future__ import annotations

import re
from pathlib import Path

from ofclip.catalog import Catalog
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, find_place
from ofclip.sources.reading import (
    Faults,
    official,
    picture_places,
    pictured,
    product_table,
    shown,
    squeeze,
)
from ofclip.text.phrases import phrases
from ofclip.tree import Tree

NAME = "fashion200k"
SPLITS = ("train", "test")
CATEGORIES = ("dress", "jacket", "pants", "skirt", "top")
PICTURE = re.compile(r"women/[^/]+/([^/]+)/([0-9]+)/\2_[0-9]+\.jpe?g")
COLUMNS = ("id", "split", "group", "texts", "category", "subcategory")

#: What messages call a row, then its picture, product, sub-category and description.
Row = tuple[str, str, str, str, str]


def find(root: Path) -> Path | None:
    """Return the folder or archive of the data set, or None."""
    return find_place(root, NAME, "fashion-200k", "fashion_200k")


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read the pictures in the order of labels/{dress,jacket,pants,skirt,top}_{train,test}_detect_all.txt.

    The group is the product, whose pictures may lie in both splits: see the card. A picture that is listed again
    keeps every row, the second with "#2" after its id, but a row that repeats one of its split word for word is
    listed as skipped. Texts are the description and, where they differ, its phrases (our choice). Low detection
    scores were removed by the authors, so all rows are read. Raises DataError for a missing or damaged file, or for
    a bad row unless `skip_bad`.
    """
    tree = Tree(SOURCE.locate(root))
    faults = Faults(skip_bad)
    table, names, wheres = [], [], []
    times: dict[str, int] = {}
    seen: dict[tuple[str, str, str, str], str] = {}
    texts: dict[str, tuple[str, ...]] = {}
    for part in SPLITS:
        for category in CATEGORIES:
            name = official(tree, f"labels/{category}_{part}_detect_all.txt")
            for where, picture, product, kind, description in read_labels(tree, name, faults):
                key = part, category, picture, description
                if key in seen:
                    faults.left_out(f"{where}: repeats {seen[key]}")
                    continue
                seen[key] = where
                times[picture] = again = times.get(picture, 0) + 1
                identity = picture.removeprefix("women/").rpartition(".")[0] + (f"#{again}" if again > 1 else "")
                if description not in texts:
                    texts[description] = texts_of(description)
                kind = kind.replace("_", " ")
                table.append((identity, part, product, texts[description], category, kind))
                names.append(picture)
                wheres.append(where)

    products = product_table(table, COLUMNS)
    if pictures:
        kept, images = pictured(tree, names, picture_places(tree, names), wheres, faults, OBTAIN)
        products = products.iloc[kept]
    else:
        images = AbsentImages(names)
    catalog = Catalog(NAME, products, images, tuple(faults.reasons))
    return catalog if split is None else catalog.where(split=split)


def read_labels(tree: Tree, name: str, faults: Faults) -> list[Row]:
    """Return the rows of a label file: path TAB detection score TAB description.

    Rows without a description are left out; one of another shape is a fault.
    """
    label = tree.label(name)
    rows: list[Row] = []
    for number, line in enumerate(tree.text(name).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{label} line {number}"
        columns = line.split("\t")
        if len(columns) != 3:
            spaced = len(columns) == 1 and len(line.split()) > 2
            told = "; there are spaces for tabs" if spaced else ""
            faults.bad(f"{where}: {len(columns)} of 3 columns apart by tabs (path, score, description){told}")
            continue
        picture, score, description = columns[0].strip(), columns[1], squeeze(columns[2])
        match = PICTURE.fullmatch(picture)
        if not match:
            faults.bad(f"{where}: {shown(picture)} is no women/<category>/<sub>/<id>/<id>_<k>.jpeg")
        elif not _is_number(score):
            faults.bad(f"{where}: detection score {shown(score)} is no number")
        elif not description:
            faults.left_out(f"{where}: no description")
        else:
            rows.append((where, picture, match[2], match[1], description))
    return rows


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf")
    except ValueError:
        return False


def texts_of(description: str) -> tuple[str, ...]:
    """Return a description, and its lemmatised phrases if they differ by more than capitals (our choice).

    >>> texts_of("Red dresses with pockets")
    ('Red dresses with pockets', 'red dress, pocket')
    """
    phrased = ", ".join(phrases(description))
    return (description, phrased) if phrased and phrased != description.lower() else (description,)


OBTAIN = (
    "Download the data as https://github.com/xthan/fashion-200k says, and put labels/ and women/ (or women.tar.gz) "
    "into fashion200k/ under the data root."
)

SOURCE = Source(
    name=NAME,
    title="Fashion200K",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("category", "subcategory"),
    licence="none named; the pictures belong to the shops that Lyst.com listed",
    obtain=OBTAIN,
    summary=(
        "Pictures of women's dresses, jackets, pants, skirts and tops that the authors crawled from Lyst.com in 2016 "
        "and cropped to what a detector found: 172,049 rows for training and 29,789 for testing, several views of a "
        "product each."
    ),
    text=(
        "The name of the product as a shop gives it: a phrase of a few words with colour, material, cut and type. "
        "Middling specificity, shared by the views of a product; its lemmatised phrases follow where they differ."
    ),
    citation=(
        "X. Han, Z. Wu, P. X. Huang, X. Zhang, M. Zhu, Y. Li, Y. Zhao and L. S. Davis, Automatic Spatially-aware "
        "Fashion Concept Discovery, ICCV 2017"
    ),
    home="https://github.com/xthan/fashion-200k",
    fields={
        "path": "id, without women/ and the ending; group, from its last folder; sub-category, spaces for underscores",
        "score": "not used (our choice): rows of low detection scores are not in the label files",
        "description": "texts",
        "<category>_<split>_detect_all.txt": "category and split",
    },
    defects=(
        "A product may have pictures in train and in test: the official split is kept, and such groups are counted by "
        "the check.",
        "A picture may be listed more than once: other rows of it have #2 after their id, and repeats are left out.",
    ),
    expected={"train": 172_049, "test": 29_789},
)

"""DeepFashion category and attribute prediction: photographs of clothes with a category and attributes of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, unknown
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, find_place, spoken
from ofclip.sources.deepfashion_files import (
    CATEGORIES,
    PICTURE,
    TYPES,
    positives,
    read_attributes,
    read_categories,
    read_labels,
    read_lines,
    read_pairs,
)
from ofclip.sources.reading import Faults, official, picture_places, pictured, shown
from ofclip.tree import Tree

NAME = "deepfashion"
SPLITS = ("train", "val", "test")
ANNOTATIONS = ("coarse", "fine")
CODES = tuple(str(code) for code in range(1, len(CATEGORIES) + 1))
PARTITION = ("Eval/list_eval_partition.txt", "list_eval_partition.txt")
#: Column for each of the five official types of the 1,000 attributes.
COARSE = ("textures", "fabrics", "shapes", "parts", "styles")
#: The 26 attributes of the fine set in official order, by the column for their type.
FINE = {
    "textures": ("floral", "graphic", "striped", "embroidered", "pleated", "solid", "lattice"),
    "sleeves": ("long_sleeve", "short_sleeve", "sleeveless"),
    "lengths": ("maxi_length", "mini_length", "no_dress"),
    "necklines": ("crew_neckline", "v_neckline", "square_neckline", "no_neckline"),
    "fabrics": ("denim", "chiffon", "cotton", "leather", "faux", "knit"),
    "fits": ("tight", "loose", "conventional"),
}
#: Types in the order in which a caption says them before the noun and, joined by "with", after it (our choice).
BEFORE = ("styles", "fits", "lengths", "shapes", "textures", "fabrics", "sleeves")
AFTER = ("necklines", "parts")
RANK = {column: rank for rank, column in enumerate((*BEFORE, *AFTER))}
#: How a caption says an attribute whose name is no English; "" says that there is nothing to say.
SAID = {
    "no_dress": "", "no_neckline": "", "conventional": "", "maxi_length": "maxi", "mini_length": "mini",
    "v_neckline": "v-neckline",
}  # fmt: skip
#: Categories whose name alone means something else or nothing, as a shop would call them (our choice).
NOUNS = {
    "Bomber": "bomber jacket", "Button-Down": "button-down shirt", "Coverup": "cover-up", "Cutoffs": "cutoff shorts",
    "Flannel": "flannel shirt", "Halter": "halter top", "Henley": "henley shirt", "Tank": "tank top",
}  # fmt: skip


class Row(NamedTuple):
    """One picture: what messages call it, its name, its split, its category from 1 and its attributes from 0."""

    where: str
    name: str
    split: str
    category: int
    attributes: tuple[int, ...]


def find(root: Path) -> Path | None:
    """Return the folder or archive of the data set under its own name or its publisher's, or None."""
    return find_place(root, NAME, "Category and Attribute Prediction Benchmark")


def load(
    root: Path,
    *,
    split: str | None = None,
    pictures: bool = True,
    skip_bad: bool = False,
    annotations: str = "coarse",
) -> Catalog:
    """Read the pictures in the order of list_eval_partition.txt, which also decides the splits.

    `annotations="fine"` reads the smaller set of Anno_fine instead, with 26 attributes and splits of its own. The
    group is the item, which is the picture's folder; official splits cross it. Texts are our choice: see `phrase`
    and `captions`. Raises SettingError for other annotations, and DataError for a missing file, an edited list of
    categories or attributes, or, unless `skip_bad`, for a row that is damaged or that only some of the files have.
    """
    if annotations not in ANNOTATIONS:
        raise unknown(f"annotations of {NAME}", annotations, ANNOTATIONS)
    tree = Tree(SOURCE.locate(root))
    faults = Faults(skip_bad)
    read = read_fine if annotations == "fine" else read_coarse
    categories, attributes, rows = read(tree, faults)
    if split is not None:
        rows = [row for row in rows if row.split == split]

    names = [row.name for row in rows]
    if pictures:
        wheres = [row.where for row in rows]
        kept, images = pictured(tree, names, picture_places(tree, names), wheres, faults, OBTAIN)
        rows = [rows[i] for i in kept]
    else:
        images = AbsentImages(names)
    columns = tuple(FINE) if annotations == "fine" else COARSE
    return Catalog(NAME, _products(rows, categories, attributes, columns), images, tuple(faults.reasons))


#: In official order: categories with their type, and attributes with the column of theirs.
_Names = list[tuple[str, str]]


def read_coarse(tree: Tree, faults: Faults) -> tuple[_Names, _Names, list[Row]]:
    """Return categories, attributes and rows of the full set; errors are those of `load`."""

    def lies(file: str) -> str:
        return official(tree, f"Anno_coarse/{file}", f"Anno/{file}")

    categories = read_categories(tree, lies("list_category_cloth.txt"))
    attributes = read_attributes(tree, lies("list_attr_cloth.txt"), 1000, len(COARSE))
    label, parts = read_pairs(tree, official(tree, *PARTITION), "image_name evaluation_status", SPLITS, faults)
    coded, codes = read_pairs(tree, lies("list_category_img.txt"), "image_name category_label", CODES, faults)
    labelled, labels = read_labels(tree, lies("list_attr_img.txt"), len(attributes), faults)
    rows = []
    for name, (number, part) in parts.items():
        where = f"{label} row {number} (line {number + 2})"
        lacking = coded if name not in codes else labelled if name not in labels else None
        if lacking:
            faults.bad(f"{where}: {Path(lacking).name} has no {name}")
        else:
            rows.append(Row(where, name, part, int(codes[name][1]), labels[name]))
    for other, found in ((coded, codes), (labelled, labels)):
        for name in found:
            if name not in parts:
                faults.bad(f"{other}: {name} is not in {Path(label).name}")
    return categories, [(name, COARSE[kind - 1]) for name, kind in attributes], rows


def read_fine(tree: Tree, faults: Faults) -> tuple[_Names, _Names, list[Row]]:
    """Return categories, attributes and rows of the fine set, whose files have neither count nor header.

    Per split, line i of three files speaks of one picture: its name, its 26 labels, and its category.
    """

    def lies(file: str) -> str:
        return official(tree, f"Anno_fine/{file}")

    categories = read_categories(tree, lies("list_category_cloth.txt"))
    attributes = [(name, column) for column, names in FINE.items() for name in names]
    label = tree.label(lies("list_attr_cloth.txt"))
    found = read_attributes(tree, lies("list_attr_cloth.txt"), len(attributes), len(FINE))
    for number, ((name, _), (given, _)) in enumerate(zip(attributes, found, strict=True), start=1):
        if name != given:
            raise DataError(
                f"{label} row {number} (line {number + 2}): {shown(given)} instead of {name!r}; use the official file"
            )
    rows, seen = [], set()
    for part in SPLITS:
        label, names = read_lines(tree, lies(f"{part}.txt"))
        _, codes = read_lines(tree, lies(f"{part}_cate.txt"), names)
        _, labels = read_lines(tree, lies(f"{part}_attr.txt"), names)
        for number, (name, code, line) in enumerate(zip(names, codes, labels, strict=True), start=1):
            name, code, where = name.strip(), code.strip(), f"{label} row {number}"
            positive = positives(f" {line}".encode(), len(attributes))
            if not PICTURE.fullmatch(name):
                faults.bad(f"{where}: {shown(name)} is no img/<item>/<picture>.jpg")
            elif name in seen:
                faults.bad(f"{where}: {name} repeats")
            elif code not in CODES:
                faults.bad(f"{where}: category {shown(code)} in {part}_cate.txt is none of 1 to {len(CATEGORIES)}")
            elif positive is None:
                faults.bad(f"{where}: {part}_attr.txt has other than {len(attributes)} labels of 1 and 0")
            else:
                seen.add(name)
                rows.append(Row(where, name, part, int(code), positive))
    return categories, attributes, rows


def _products(rows: Sequence[Row], categories: _Names, attributes: _Names, columns: Sequence[str]) -> pd.DataFrame:
    # many pictures share what is composed here
    phrases: dict[tuple[int, tuple[int, ...]], str] = {}
    tuples: dict[tuple[int, ...], list[tuple[str, ...]]] = {}
    items = [row.name.split("/")[1] for row in rows]
    texts = []
    for row, item in zip(rows, items, strict=True):
        marked = row.attributes
        if marked not in tuples:
            named = [attributes[at] for at in marked]
            kinds = (dict.fromkeys(name for name, kind in named if kind == column) for column in columns)
            tuples[marked] = [tuple(dict.fromkeys(name for name, _ in named)), *map(tuple, kinds)]
        category = categories[row.category - 1][0]
        if (row.category, marked) not in phrases:
            phrases[row.category, marked] = phrase(category, [attributes[at] for at in marked])
        texts.append(captions(phrases[row.category, marked], category, item))

    def column(place: int) -> pd.Series:
        return pd.Series([tuples[row.attributes][place] for row in rows], dtype=object)

    return pd.DataFrame({
        "id": pd.array([row.name for row in rows], dtype=str),
        "split": pd.array([row.split for row in rows], dtype=str),
        "group": pd.array(items, dtype=str),
        "texts": pd.Series(texts, dtype=object),
        "category": pd.array([categories[row.category - 1][0] for row in rows], dtype="string"),
        "category_type": pd.array([categories[row.category - 1][1] for row in rows], dtype="string"),
        **{name: column(place) for place, name in enumerate(("attributes", *columns))},
    })  # fmt: skip


def phrase(category: str, attributes: Sequence[tuple[str, str]]) -> str:
    """Return a category and attributes, given as (name, column), as one phrase (our choice).

    Attributes stand as English puts their types. One whose words another or the category says too is left out, and
    so are those that say what is not there.

    >>> phrase("Dress", [("floral", "textures"), ("floral print", "textures"), ("v-neck", "parts")])
    'floral print dress with v-neck'
    """
    noun, nouns = _said(category)
    said = [(RANK[column], *_said(name)) for name, column in attributes]
    known = [words for _, _, words in said]
    kept = [
        (rank, text) for rank, text, words in said
        if text and not words <= nouns and not any(words < other for other in known)
    ]  # fmt: skip
    kept.sort(key=lambda pair: pair[0])
    before = [text for rank, text in kept if rank < len(BEFORE)]
    after = [text for rank, text in kept if rank >= len(BEFORE)]
    return " ".join([*before, noun]) + (f" with {' and '.join(after)}" if after else "")


@cache
def _said(name: str) -> tuple[str, frozenset[str]]:
    """How a phrase says a category or an attribute, and the words of that."""
    text = NOUNS.get(name) or SAID.get(name, name.lower().replace("_", " "))
    return text, frozenset(text.split())


def captions(whole: str, category: str, item: str) -> tuple[str, ...]:
    """Return the texts of a picture: its phrase, its item's title, its category (our choice).

    The title is the name of the item's folder, in which the publisher put what the shop called it.

    >>> captions("floral dress", "Dress", "V-Neck_Floral_Dress")
    ('floral dress', 'V-Neck Floral Dress', 'dress')
    """
    texts = [whole]
    title, noun = " ".join(item.replace("_", " ").split()), _said(category)[0]
    if title and title.lower() != whole:
        texts.append(title)
    if noun != whole and noun != title.lower():
        texts.append(noun)
    return tuple(texts)


OBTAIN = (
    "Ask for the Category and Attribute Prediction Benchmark of DeepFashion as its page says "
    "(mmlab.ie.cuhk.edu.hk/projects/DeepFashion/AttributePrediction.html; non-commercial research) and put "
    f"Anno_coarse/, Anno_fine/, Eval/ and Img/ (their archives may stay packed) into {NAME}/ under the data root."
)

SOURCE = Source(
    name=NAME,
    title="DeepFashion category and attribute prediction",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("category", "category_type"),
    licence="non-commercial research and education only; the publisher does not own the pictures' copyright",
    obtain=OBTAIN,
    summary=(
        "289,222 photographs, the long side 300, each with one of 50 categories and with 1,000 attributes of five "
        "types: texture, fabric, shape, part, style. The fine set (annotations='fine') is a smaller one with 26 "
        "attributes of six types and splits of its own."
    ),
    text=(
        "No prose: a phrase composed of the attributes and the category, then the item's title, then the category. "
        "Low to middling specificity: few attributes are marked, and pictures of an item share its title."
    ),
    citation=(
        "Z. Liu, P. Luo, S. Qiu, X. Wang and X. Tang, DeepFashion: Powering Robust Clothes Recognition and Retrieval "
        "with Rich Annotations, CVPR 2016"
    ),
    home="https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/AttributePrediction.html",
    fields={
        "image_name": "id; group and the second text by its folder",
        "evaluation_status": "split",
        "category_label": "category and category_type, by the row of list_category_cloth.txt",
        "attribute_labels": "attributes, and one column per type; -1 and 0 (unknown) are both left out",
        "list_bbox.txt, list_landmarks.txt": "not read",
    },
    defects=(
        "A list of 46 categories circulates, which shifts every label after Caftan; it is refused.",
        "Cape, Nightdress, Shirtdress and Sundress were merged into Dress: 46 of the 50 categories occur.",
        "The official split is by picture: one item's folder can have pictures in train, val and test, so that a "
        "group crosses the splits.",
        "Anno_fine/list_attr_img.txt names pictures in another way (img_highres_subset/); it is not read.",
    ),
    expected={"train": 209_222, "val": 40_000, "test": 40_000},
    families=dict.fromkeys((*COARSE, *FINE), spoken),
    words={
        "category": {name: (noun,) for name, noun in NOUNS.items()},
        "category_type": {kind: (f"{kind}-body clothes",) for kind in TYPES},
    },
)

"""DeepFashion-MultiModal: photographs of dressed people with a caption, shapes, fabrics and patterns for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, find_place
from ofclip.sources.deepfashion_inshop import WORDS
from ofclip.sources.reading import (
    Faults,
    expect,
    official,
    pictured,
    product_table,
    read_json,
    shown,
    squeeze,
)
from ofclip.sources.splits import SHARES, split_groups
from ofclip.tree import Tree

NAME = "deepfashion-multimodal"
SPLITS = tuple(SHARES)
CAPTIONS = "captions.json"
PICTURE = re.compile(
    r"(?P<gender>MEN|WOMEN)-(?P<category>[^-/]+)-(?P<item>id_[0-9]+)-(?P<variant>[0-9]+)_[0-9]+_(?P<view>[a-z]+)\.jpg"
)

# Names by code, in order, from the README of the data set; the last code always means "not visible", so: unknown.
YES_NO = ("no", "yes", None)
FABRIC = ("denim", "cotton", "leather", "furry", "knitted", "chiffon", "other", None)
PATTERN = ("floral", "graphic", "striped", "pure color", "lattice", "other", "color block", None)
SHAPES: Mapping[str, tuple[str | None, ...]] = {
    "sleeve_length": ("sleeveless", "short-sleeve", "medium-sleeve", "long-sleeve", "not long-sleeve", None),
    "lower_length": ("three-point", "medium short", "three-quarter", "long", None),
    "socks": ("no", "socks", "leggings", None),
    "hat": YES_NO,
    "glasses": ("no", "eyeglasses", "sunglasses", "have a glasses in hand or clothes", None),
    "neckwear": YES_NO,
    "wrist_wearing": YES_NO,
    "ring": YES_NO,
    "waist_accessories": ("no", "belt", "have a clothing", "hidden", None),
    # early copies of the README left out code 3; its author confirmed that as a mistake
    "neckline": ("V-shape", "square", "round", "standing", "lapel", "suspenders", None),
    "outer_is_cardigan": ("yes", "no", None),
    "upper_covers_navel": YES_NO,
}
FABRICS = {f"{part}_fabric": FABRIC for part in ("upper", "lower", "outer")}
PATTERNS = {f"{part}_pattern": PATTERN for part in ("upper", "lower", "outer")}
#: Official file of labels, a shorter name under which copies have it, and its columns after the picture's name.
LABEL_FILES = (
    ("labels/shape/shape_anno_all.txt", "shape_anno_all.txt", SHAPES),
    ("labels/texture/fabric_ann.txt", "fabric_ann.txt", FABRICS),
    ("labels/texture/pattern_ann.txt", "pattern_ann.txt", PATTERNS),
)
COLUMNS = ("id", "split", "group", "texts", "gender", "category", "view", *SHAPES, *FABRICS, *PATTERNS)


def find(root: Path) -> Path | None:
    """Return the folder or archive of the data set, or None."""
    return find_place(root, NAME, "DeepFashion-MultiModal")


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read the pictures that have a caption, in the order of captions.json.

    The group is the item in the picture's name, and decides the split (our choice, as there is no official one).
    Pictures without a caption are listed as skipped. Raises DataError for a missing or damaged file, or for a bad
    caption or row of labels unless `skip_bad`; a row of labels left out leaves its labels unknown.
    """
    tree = Tree(SOURCE.locate(root))
    faults = Faults(skip_bad)
    told = read_captions(tree, official(tree, CAPTIONS), faults)
    labels = [
        (read_labels(tree, official(tree, name, short), columns, faults), (None,) * len(columns))
        for name, short, columns in LABEL_FILES
    ]
    table = []
    for match, text in told:
        attributes = (value for rows, unknown in labels for value in rows.get(match[0], unknown))
        name = (match["gender"], match["category"], match["view"])
        table.append((match[0].removesuffix(".jpg"), "", match["item"], (text,), *name, *attributes))
    products = product_table(table, COLUMNS)
    products["split"] = split_groups(products["group"].tolist()).astype(str)

    names = [f"images/{match[0]}" for match, _ in told]
    if pictures:
        there = _files(tree)
        wheres = [f"{CAPTIONS} {match[0]}" for match, _ in told]
        kept, images = pictured(tree, names, [there.get(match[0]) for match, _ in told], wheres, faults, OBTAIN)
        products = products.iloc[kept]
        for file in sorted(there.keys() - {match[0] for match, _ in told}):
            faults.left_out(f"images/{file}: no caption in {CAPTIONS}")
    else:
        images = AbsentImages(names)
    catalog = Catalog(NAME, products, images, tuple(faults.reasons))
    return catalog if split is None else catalog.where(split=split)


def _files(tree: Tree) -> dict[str, str]:
    """Picture's name -> the outermost file that has it; the names are unique, the folder's name is not everywhere."""
    found: dict[str, str] = {}
    for full in sorted(tree.names, key=lambda name: name.count("/"), reverse=True):
        name = full.rpartition("/")[2]
        if PICTURE.fullmatch(name):
            found[name] = full
    return found


def read_captions(tree: Tree, name: str, faults: Faults) -> list[tuple[re.Match[str], str]]:
    """Return each picture's name taken apart and its caption.

    Raises DataError if the file is no JSON object; a name or caption that is none is a fault; an empty caption is
    left out.
    """
    label = tree.label(name)
    told = []
    for file, text in expect(read_json(tree, name, faults), dict, label).items():
        where, match = f"{label} {shown(file)}", PICTURE.fullmatch(file)
        try:
            if match is None:
                raise DataError(f"{where}: no <gender>-<category>-<item>-<variant>_<n>_<view>.jpg")
            caption = squeeze(expect(text, str, where))
        except DataError as error:
            faults.bad(str(error))
            continue
        if caption:
            told.append((match, caption))
        else:
            faults.left_out(f"{where}: empty caption")
    return told


def read_labels(
    tree: Tree, name: str, columns: Mapping[str, tuple[str | None, ...]], faults: Faults
) -> dict[str, tuple[str | None, ...]]:
    """Return the names of the labels by picture from a file of "<picture> <code> <code> ...", without a header.

    A row of another length, with a code out of range, or that contradicts one before is a fault.
    """
    label = tree.label(name)
    codes = [{str(code): value for code, value in enumerate(values)} for values in columns.values()]
    rows: dict[str, tuple[str | None, ...]] = {}
    for number, line in enumerate(tree.text(name).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{label} row {number}"
        file, *found = line.split()
        wrong = next((i for i, (code, known) in enumerate(zip(found, codes, strict=False)) if code not in known), None)
        if len(found) != len(codes):
            faults.bad(f"{where}: {len(found)} of {len(codes)} labels")
        elif not PICTURE.fullmatch(file):
            faults.bad(f"{where}: {shown(file)} is no <gender>-<category>-<item>-<variant>_<n>_<view>.jpg")
        elif wrong is not None:
            column = list(columns)[wrong]
            faults.bad(f"{where}: {column} {shown(found[wrong])} is none of 0 to {len(codes[wrong]) - 1}")
        else:
            values = tuple(known[code] for code, known in zip(found, codes, strict=True))
            if file not in rows:
                rows[file] = values
            elif rows[file] == values:
                faults.left_out(f"{where}: repeats the row of {file}")
            else:
                faults.bad(f"{where}: contradicts a row before on {file}")
    return rows


OBTAIN = (
    "Follow https://github.com/yumingj/DeepFashion-MultiModal (non-commercial research) and put images/, labels/ "
    "(or their archives) and captions.json into deepfashion-multimodal/ under the data root."
)

SOURCE = Source(
    name=NAME,
    title="DeepFashion-MultiModal",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=(
        "gender", "category", "sleeve_length", "lower_length", "neckline",
        "upper_fabric", "lower_fabric", "outer_fabric", "upper_pattern", "lower_pattern", "outer_pattern",
    ),  # fmt: skip
    licence="non-commercial research only, no redistribution",
    obtain=OBTAIN,
    summary=(
        "44,096 photographs of people, 750x1101, taken from DeepFashion under In-Shop's names, with labels of 12 "
        "shapes and of the fabric and pattern of upper, lower and outer clothing. No official split: ours keeps the "
        "pictures of an item together, 85 : 5 : 10, so that no count per split is known beforehand."
    ),
    text=(
        "A caption per picture in short sentences that follow the labels: sleeves, fabric and pattern, neckline, "
        "lower clothing, accessories. Specific in attributes, with a small vocabulary."
    ),
    citation=(
        "Y. Jiang, S. Yang, H. Qiu, W. Wu, C. C. Loy and Z. Liu, Text2Human: Text-Driven Controllable Human Image "
        "Generation, ACM Transactions on Graphics 41(4), 2022"
    ),
    home="https://github.com/yumingj/DeepFashion-MultiModal",
    fields={
        "captions.json": "texts: one caption by picture",
        "picture's name": "id; gender, category and view by its parts; group: the item",
        "shape_anno_all.txt": "12 labels, sleeve_length to upper_covers_navel",
        "fabric_ann.txt": "upper_fabric, lower_fabric, outer_fabric",
        "pattern_ann.txt": "upper_pattern, lower_pattern, outer_pattern; the README calls them colours",
    },
    defects=(
        "Fewer captions than pictures: the hub's copy has 42,537 rows. Pictures without one are listed as skipped.",
        "Some pictures have fabrics and patterns and no shapes; their shapes are unknown.",
        "Early copies of the README number the necklines past 3 one too high; the codes here are the corrected ones.",
        "Captions say little more than the labels do, so that pictures of different items can share one word for word.",
        "Pictures and items are DeepFashion In-Shop's (groups have equal names): never train on the one and test on "
        "the other without excluding equal groups.",
    ),
    words=WORDS,
)

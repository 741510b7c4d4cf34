"""Fashion IQ: shop pictures of dresses, shirts and tops, told by how they differ from another picture."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from ofclip.catalog import Catalog
from ofclip.errors import DataError, unknown
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, find_place
from ofclip.sources.fetching import fetch_fashion_iq
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
from ofclip.text.relative import describe_target
from ofclip.tree import Tree

NAME = "fashion-iq"
CATEGORIES = ("dress", "shirt", "toptee")
#: The test captions have no target, so there is no picture that they describe.
SPLITS = ("train", "val")
GALLERIES = ("train", "val", "test")
ASIN = re.compile("[A-Z0-9]{10}")
#: What a picture may be called; the official names end in .jpg or .png.
PICTURE = re.compile(r"(?:.*/)?([A-Z0-9]{10})\.(jpe?g|png)", re.IGNORECASE)
COLUMNS = ("id", "split", "group", "texts", "category")


def find(root: Path) -> Path | None:
    """Return the folder or archive of the data set, or None."""
    return find_place(root, NAME, "fashion-iq-master")


def load(
    root: Path,
    *,
    split: str | None = None,
    pictures: bool = True,
    skip_bad: bool = False,
    category: str | None = None,
    relative: bool = False,
) -> Catalog:
    """Read the target pictures of the captions, category by category, in the order of captions/cap.*.json.

    A product is a target in one category, and its group the ASIN, since some are in two categories or splits.
    Texts are what the two captions say of the target together, and each of them alone (see `ofclip.text.relative`);
    `relative` adds the captions themselves, which speak of two pictures. Targets of which nothing is said are listed
    as skipped. `category` reads one category only. Raises SettingError for an unknown one, and DataError for a
    missing or damaged file, or for a bad annotation unless `skip_bad`.
    """
    if category is not None and category not in CATEGORIES:
        raise unknown(f"category of {NAME}", category, CATEGORIES)
    tree = Tree(SOURCE.locate(root))
    faults = Faults(skip_bad)
    known: dict[tuple[str, str], tuple[str, str, list[tuple[str, ...]]]] = {}  # where, split and captions of a target
    for kind in CATEGORIES if category is None else (category,):
        for part in SPLITS:
            name = official(tree, f"captions/cap.{kind}.{part}.json")
            for where, asin, captions in read_annotations(tree, name, faults):
                first = known.setdefault((kind, asin), (where, part, []))
                if first[1] == part:
                    first[2].append(captions)
                else:
                    faults.bad(f"{where}: target {asin} is in {first[1]} already")

    table, wheres = [], []
    for (kind, asin), (where, part, told) in known.items():
        texts = texts_of(told, relative)
        if texts:
            table.append((f"{kind}/{asin}", part, asin, texts, kind))
            wheres.append(where)
        else:
            faults.left_out(f"{where}: nothing is said of {asin} but how it differs")
    products = product_table(table, COLUMNS)
    if pictures:
        there = pictures_of(tree)
        places = [there.get(asin) for asin in products["group"]]
        names = [_official(asin, place) for asin, place in zip(products["group"], places, strict=True)]
        kept, images = pictured(tree, names, places, wheres, faults, OBTAIN)
        products = products.iloc[kept]
    else:
        images = AbsentImages(_official(asin, None) for asin in products["group"])
    catalog = Catalog(NAME, products, images, tuple(faults.reasons))
    return catalog if split is None else catalog.where(split=split)


def read_annotations(tree: Tree, name: str, faults: Faults) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return of each annotation what messages call it, its target, and its captions as they are, spaces tidied.

    Raises DataError if the file is no JSON list; an annotation of another shape is a fault.
    """
    label = tree.label(name)
    rows = []
    for number, entry in enumerate(expect(read_json(tree, name, faults), list, label), start=1):
        where = f"{label} annotation {number}"
        try:
            entry = expect(entry, dict, where)
            asin, captions = field(entry, "target", str, where), field(entry, "captions", list, where)
            if not ASIN.fullmatch(asin):
                raise DataError(f"{where}: target {shown(asin)} is no ASIN")
            if not captions:
                raise DataError(f"{where}: no captions")
            told = tuple(squeeze(expect(caption, str, f"{where}: captions")) for caption in captions)
        except DataError as error:
            faults.bad(str(error))
            continue
        rows.append((where, asin, told))
    return rows


def texts_of(told: list[tuple[str, ...]], relative: bool = False) -> tuple[str, ...]:
    """Return the texts of a target from the captions of each of its annotations (our choice).

    >>> texts_of([("is red with no sleeves", "is longer and has a belt")], relative=True)
    ('red, no sleeve, belt', 'red, no sleeve', 'belt', 'is red with no sleeves', 'is longer and has a belt')
    """
    texts = [describe_target(*captions) for captions in told]
    texts += [describe_target(caption) for captions in told for caption in captions]
    if relative:
        texts += [caption for captions in told for caption in captions]
    return tuple(dict.fromkeys(text for text in texts if text))


def pictures_of(tree: Tree) -> dict[str, str]:
    """Return the file that has the picture of each ASIN; in several folders, the outermost one."""
    found: dict[str, str] = {}
    for match in sorted(tree.match(PICTURE), key=lambda match: (match[0].count("/"), match[0])):
        found.setdefault(match[1], match[0])
    return found


def _official(asin: str, place: str | None) -> str:
    ending = "jpg" if place is None else place.rpartition(".")[2].lower()
    return f"images/{asin}.{'png' if ending == 'png' else 'jpg'}"


def galleries(root: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Return, by category and split, how many pictures image_splits/split.*.json lists, and how many are no target.

    Those are distractors that no caption describes; in the test split that is all of them. Raises DataError for a
    missing or damaged file.
    """
    tree = Tree(SOURCE.locate(root))
    found = {}
    for kind in CATEGORIES:
        for part in GALLERIES:
            name = official(tree, f"image_splits/split.{kind}.{part}.json")
            label = tree.label(name)
            listed = expect(read_json(tree, name), list, label)
            listed = {expect(asin, str, f"{label} entry {number}") for number, asin in enumerate(listed, start=1)}
            if part in SPLITS:
                captions = official(tree, f"captions/cap.{kind}.{part}.json")
                targets = {asin for _, asin, _ in read_annotations(tree, captions, Faults())}
            else:
                targets = set()
            found[kind, part] = len(listed), len(listed - targets)
    return found


def urls(root: Path) -> list[tuple[str, str]]:
    """Return official name and URL of each picture in image_url/asin2url.{dress,shirt,toptee}.txt, without repeats.

    A line is ASIN and URL with a tab between them, and spaces around it. Of an ASIN in several lists the first URL
    counts. Raises DataError if no list is there, or for a line of another shape.
    """
    tree = Tree(SOURCE.locate(root))
    lists = [name for kind in CATEGORIES if (name := tree.locate(f"asin2url.{kind}.txt"))]
    if not lists:
        raise DataError(f"{tree.place}: holds no image_url/asin2url.*.txt. {OBTAIN}")
    found: dict[str, str] = {}
    for name in lists:
        for number, line in enumerate(tree.text(name).split("\n"), start=1):
            if not line.strip():
                continue
            asin, _, url = (part.strip() for part in line.partition("\t"))
            if not ASIN.fullmatch(asin) or not _is_url(url):
                raise DataError(f"{tree.label(name)} line {number}: {shown(line)} is no ASIN, tab and URL; mend it")
            found.setdefault(asin, url)
    return [(_official(asin, urlsplit(url).path), url) for asin, url in found.items()]


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text


OBTAIN = (
    "Clone https://github.com/XiaoxiaoGuo/fashion-iq into fashion-iq/ under the data root (captions/ and "
    "image_splits/), and put the URL lists image_url/ of https://github.com/hongwang600/fashion-iq-metadata beside "
    "them; the pictures go to images/<ASIN>.jpg or .png while their URLs last."
)

SOURCE = Source(
    name=NAME,
    title="Fashion IQ",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("category",),
    licence="Community Data License Agreement (CDLA), variant unnamed, for the captions; the pictures are of the shop",
    obtain=OBTAIN,
    summary=(
        "Shop pictures of dresses, shirts and tops. 18,000 pairs of pictures for training and 6,016 for validation, "
        "each told by two people who saw both and say how the target differs from the candidate; a product here is "
        "the target. Candidates, the other pictures of image_splits/ and the whole test split are left out, since no "
        "caption describes them alone."
    ),
    text=(
        "Short remarks on a difference, turned into what they say of the target: lemmatised phrases joined by commas, "
        "with comparatives dropped (our choice). Colours, sleeves, prints: low to middling specificity."
    ),
    citation=(
        "H. Wu, Y. Gao, X. Guo, Z. Al-Halah, S. Rennie, K. Grauman and R. Feris, The Fashion IQ Dataset: Retrieving "
        "Images by Combining Side Information and Relative Natural Language Feedback, CVPR 2021"
    ),
    home="https://github.com/XiaoxiaoGuo/fashion-iq",
    fields={
        "target": "id <category>/<ASIN>; group; picture images/<ASIN>.jpg or .png",
        "candidate": "not used: what is said of it is not said of it alone",
        "captions": "texts, see `text`; the captions themselves with relative=True",
        "cap.<category>.<split>.json": "category and split",
    },
    defects=(
        "The test captions have no target: there is no test split here.",
        "274 targets are in both shirt and toptee, 100 of them in train of one and val of the other: they are "
        "products of both, in one group.",
        "1,880 of the 74,381 pictures are in several splits, by way of another category; within a category none is.",
        "Nothing absolute is said of about 3 in 100 targets: they are listed as skipped.",
        "Some captions are empty, and many are misspelt; some pictures are a shop's logo instead of a garment.",
        "Pictures are fetched from URLs of a shop, and many are gone.",
    ),
    expected={"train": 18_000, "val": 6_016},
    fetch=fetch_fashion_iq,
    words={"category": {"toptee": ("top", "tee")}},
)

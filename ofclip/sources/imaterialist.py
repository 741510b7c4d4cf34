"""iMaterialist Fashion 2018 (iFashion-Attribute): JSON annotations in either spelling, pictures fetched by URL."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, SettingError
from ofclip.images import AbsentImages, FileImages, Images
from ofclip.sources.base import Source, find_place
from ofclip.sources.fetching import fetch_imaterialist
from ofclip.sources.imaterialist_labels import LABEL_MAP, MD5, TASKS, members, phrase, read_label_map
from ofclip.text.attributes import prepare, serialisations
from ofclip.tree import Tree

NAME = "imaterialist"
#: The last is Kaggle's name of the competition.
FOLDERS = ("imaterialist-2018", NAME, "imaterialist-challenge-fashion-2018")
#: Names of the annotation file of each split: Kaggle's, then the authors'.
FILES = {"train": ("train.json",), "validation": ("validation.json", "val.json"), "test": ("test.json",)}
#: The column that holds all labels of a task.
PLURALS = {task: "categories" if task == "category" else f"{task}s" for task in TASKS}
#: Pictures lie in <split>/<image id>.jpg, where our own fetch puts them; other people's copies vary in these names.
PICTURE = re.compile(
    r"(?:.*/)?(train|validation|valid|val|test)(?:_images)?/([0-9]+)\.(?:jpe?g|png|webp|gif)", re.IGNORECASE
)


def find(root: Path) -> Path | None:
    """Return the folder that holds an annotation file, or the archive of such a name; None for a label map alone."""
    files = [f"{name}{end}" for names in FILES.values() for name in names for end in ("", ".zip")]
    for name in FOLDERS:
        place = find_place(root, name)
        if place is not None and (place.is_file() or any((place / file).is_file() for file in files)):
            return place
    return None


def partial(root: Path) -> str | None:
    """Return what is there of the data although `find` finds none: "label map only", or None."""
    return "label map only" if any((root / name / LABEL_MAP).is_file() for name in FOLDERS) else None


def load(
    root: Path,
    *,
    split: str | None = None,
    pictures: bool = True,
    skip_bad: bool = False,
    unlabelled: bool = False,
    captions: int = 4,
) -> Catalog:
    """Read the labelled pictures in the order of the annotation files; the id is "<split>/<image id>".

    The labels of the test part were never published: it, and any other picture without labels, is read, without
    texts, only if `unlabelled`. `captions` is the number of texts per product (see `ofclip.text.attributes`).
    Columns named in the plural hold all labels of a task; `category` holds the category of those that have just
    one. Pictures that were not fetched are in `Catalog.skipped`. Raises DataError for a missing file, for a label
    map that is not the official one and, unless `skip_bad`, for an image id that is missing or repeats and an
    annotation that repeats, has no image or has a label id outside the map.
    """
    if split == "test" and not unlabelled:
        raise SettingError("imaterialist: the test part has no labels; load it with unlabelled=True, without texts")
    tree = Tree(SOURCE.locate(root))
    table = _labels(tree)
    codes = {key: code for code, label in enumerate(table.index) for key in (int(label), str(label))}
    keys: list[tuple[str, str]] = []
    sets: list[bytes] = []
    skipped: list[str] = []
    for part in [split] if split else [part for part in FILES if part != "test" or unlabelled]:
        found, faults = _part(tree, part, codes, skip_bad, unlabelled)
        keys += [(part, number) for number in found]
        sets += found.values()
        skipped += faults
    names = [f"{part}/{number}.jpg" for part, number in keys]
    if pictures:
        there = pictures_of(tree)
        rows = [row for row, key in enumerate(keys) if key in there]
        if keys and not rows:
            raise NoPictures(
                f"{tree.place}: holds none of the pictures <split>/<image id>.jpg; fetch them with `ofclip sources "
                "fetch imaterialist`, or read texts and labels alone with pictures=False"
            )
        absent = (name for name, key in zip(names, keys, strict=True) if key not in there)
        skipped += [f"{tree.place.name}: no picture {name}" for name in absent]
        keys, sets, names = [keys[row] for row in rows], [sets[row] for row in rows], [names[row] for row in rows]
        files = tree.images(there[key] for key in keys)
        store: Images = FileImages(files.parts, files.which, files.members, tuple(names))  # by their official names
    else:
        store = AbsentImages(names)
    return Catalog(NAME, _products(keys, sets, table, captions), store, tuple(skipped))


def label_map(root: Path) -> pd.DataFrame:
    """Return name and task of each of the 228 labels, indexed by label id.

    Needs no annotation file. Raises DataError if the map is missing or not the official one.
    """
    place = next((root / name for name in FOLDERS if (root / name / LABEL_MAP).is_file()), None)
    return _labels(Tree(place or SOURCE.locate(root)))


def pictures_of(tree: Tree) -> dict[tuple[str, str], str]:
    """Return the name of each picture that is there by (split, image id)."""
    found: dict[tuple[str, str], str] = {}
    for match in tree.match(PICTURE):
        part = match[1].lower()
        found.setdefault(("validation" if part.startswith("val") else part, match[2]), match[0])
    return found


def urls(tree: Tree) -> dict[tuple[str, str], str]:
    """Return the URL of each picture by (split, image id), from the annotation files that are there.

    It is "" where a file gives none; where it gives several, the first counts. Raises DataError for a damaged file.
    """
    found: dict[tuple[str, str], str] = {}
    for part, files in FILES.items():
        if any(tree.locate(file) for file in files):
            for record in _records(tree, part, {})[1]:
                url = record[1] if type(record) is tuple else ""
                url = url[0] if isinstance(url, list) and url else url
                if number := _number(record):
                    found.setdefault((part, number), url if isinstance(url, str) else "")
    return found


def _labels(tree: Tree) -> pd.DataFrame:
    name = tree.locate(LABEL_MAP)
    if name is None:
        raise DataError(f"{tree.place / LABEL_MAP}: not there. {OBTAIN}")
    return read_label_map(tree, name)


def _records(tree: Tree, part: str, codes: Mapping[Any, int]) -> tuple[str, list, list]:
    """What messages call a split's file, its images (id, url) and its annotations (id, label codes as bytes)."""
    name = next((full for file in FILES[part] if (full := tree.locate(file))), None)
    if name is None:
        raise DataError(f"{tree.place / FILES[part][0]}: not there; name the split that is, or get it. {OBTAIN}")

    def shrink(pairs: list[tuple[str, object]]) -> object:
        # a tuple instead of a dict per row, and bytes instead of a list of labels, keep a million rows small
        item = members(pairs)
        number = item.get("image_id", item.get("imageId"))
        if "url" in item:
            return number, item["url"]
        labels = item.get("label_id", item.get("labelId"))
        if type(labels) is list:
            try:
                return number, bytes(sorted({codes[label] for label in labels}))
            except (KeyError, TypeError):
                return number, labels
        return item

    try:
        data = json.loads(tree.text(name), object_pairs_hook=shrink)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{tree.label(name)}: not a whole JSON file ({error}); fetch it again") from error
    images, annotations = (data.get(key, []) if type(data) is dict else None for key in ("images", "annotations"))
    if not isinstance(images, list) or not isinstance(annotations, list) or not images:
        raise DataError(f"{tree.label(name)}: holds no list of images; use the official file")
    return tree.label(name), images, annotations


def _number(record: object) -> str | None:
    """The image id of a record as text, or None if it has none; Kaggle's copy has ids as text."""
    if type(record) is dict:
        number = record.get("image_id", record.get("imageId"))
    else:
        number = record[0] if type(record) is tuple else None
    if type(number) is int and number >= 0:
        return str(number)
    return number if type(number) is str and number.isascii() and number.isdecimal() else None


def _part(
    tree: Tree, part: str, codes: Mapping[Any, int], skip_bad: bool, unlabelled: bool
) -> tuple[dict[str, bytes], list[str]]:
    """Label codes by image id of one split, in the order of its images, and a reason for each row left out."""
    file, images, annotations = _records(tree, part, codes)
    skipped: list[str] = []

    def fault(reason: str) -> None:
        if not skip_bad:
            raise DataError(f"{file} {reason}; mend it or use --skip-bad")
        skipped.append(f"{file} {reason}")

    rows: dict[str, int] = {}
    for row, record in enumerate(images, start=1):
        number = _number(record)
        if number is None:
            fault(f"image {row}: has no image id")
        elif number in rows:
            fault(f"image {row}: repeats image id {number} of image {rows[number]}")
        else:
            rows[number] = row
    labels: dict[str, bytes | None] = {}
    for row, record in enumerate(annotations, start=1):
        number = _number(record)
        if number is None:
            fault(f"annotation {row}: has no image id")
        elif number not in rows:
            fault(f"annotation {row}: image id {number} is not among the images")
        elif number in labels:
            fault(f"annotation {row}: repeats image id {number}")
        else:
            labels[number] = record[1] if type(record) is tuple and type(record[1]) is bytes else None
            if labels[number] is None:
                fault(f"annotation {row}: {_wrong(record, codes)}")
    found: dict[str, bytes] = {}
    for number, row in rows.items():
        codes_of = labels.get(number, b"")
        if codes_of or (codes_of is not None and unlabelled):
            found[number] = codes_of
        elif codes_of is not None:
            skipped.append(f"{file} image {row}: has no labels")
    return found, skipped


def _wrong(record: object, codes: Mapping[Any, int]) -> str:
    if type(record) is not tuple or type(record[1]) is not list:
        return "has no list of label ids"
    known = {str(label) for label in codes}
    return f"label id {next((label for label in record[1] if str(label) not in known), None)!r} is not in the map"


def _products(
    keys: Sequence[tuple[str, str]], sets: Sequence[bytes], table: pd.DataFrame, captions: int
) -> pd.DataFrame:
    """The product table. What depends on the label set alone is made once per set: many pictures share one."""
    which, kinds = pd.factorize(np.fromiter(sets, dtype=object, count=len(sets)))
    names, tasks = table["name"].tolist(), table["task"].tolist()
    phrases = [phrase(name, task) for name, task in zip(names, tasks, strict=True)]
    columns: dict[str, list[tuple[str, ...]]] = {task: [] for task in TASKS}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    prepared = []
    for kind in kinds:
        of_task: dict[str, list[int]] = {}
        for code in kind:
            of_task.setdefault(tasks[code], []).append(code)
        prepared.append(prepare({task: [phrases[code] for code in group] for task, group in of_task.items()}))
        for task, column in columns.items():
            labels = tuple([names[code] for code in of_task.get(task, ())])
            column.append(shared.setdefault(labels, labels))
    ids = ["/".join(key) for key in keys]
    texts = [serialisations(prepared[kind], key, captions) for kind, key in zip(which, ids, strict=True)]
    products = pd.DataFrame({"id": ids, "split": [part for part, _ in keys], "group": ids}, dtype=str)
    products["texts"] = pd.Series(texts, dtype=object)
    only = [labels[0] if len(labels) == 1 else pd.NA for labels in columns["category"]]
    products["category"] = pd.Series([only[kind] for kind in which], dtype="string")
    for task, plural in PLURALS.items():
        products[plural] = pd.Series([columns[task][kind] for kind in which], dtype=object)
    return products


OBTAIN = (
    "Download train.json, val.json, test.json and iMat_fashion_2018_label_map_228.csv through "
    "https://github.com/visipedia/imat_fashion_comp (the first three also from Kaggle's imaterialist-challenge-fashion-"
    "2018, an account is needed) into imaterialist-2018/ under the data root; then fetch the pictures with "
    "`ofclip sources fetch imaterialist`."
)

SOURCE = Source(
    name=NAME,
    title="iMaterialist Fashion 2018 (iFashion-Attribute)",
    pictures="photographs",
    load=load,
    find=find,
    fetch=fetch_imaterialist,
    splits=tuple(FILES),
    labels=("category",),
    licence="the authors' repository states none, Kaggle's rules apply to its copy; the pictures are those of Wish",
    obtain=OBTAIN,
    summary="Over a million shop pictures of Wish, each with several of 228 labels in 8 tasks.",
    text="A set of labels, written out once in natural order and then in random order and number (our choice). "
    "Middling specificity: kinds, colours, patterns and cuts, no names and no sentences.",
    citation="S. Guo et al., The iMaterialist Fashion Attribute Dataset, arXiv:1906.05750, 2019",
    home="https://github.com/visipedia/imat_fashion_comp",
    fields={
        "images[].image_id or imageId": "id, as <split>/<image id>, and picture <split>/<image id>.jpg",
        "images[].url": "where the picture is fetched from",
        "annotations[].label_id or labelId": "texts and "
        + ", ".join(PLURALS.values())
        + "; category where there is just one",
    },
    defects=(
        "There are URLs only, and many pictures are gone.",
        "The test part has no labels; it is read only with unlabelled=True.",
        "Image ids start anew in each split.",
        "Kaggle's copy spells keys in camelCase and ids as text, and has been reported to list 1,014,544 training "
        "pictures.",
        "Which pictures show the same product is not known: each is a group of its own.",
    ),
    expected={"train": 1_012_947, "validation": 9_897, "test": 39_706},
    md5={LABEL_MAP: MD5},
    families={column: functools.partial(phrase, task=task) for task, column in PLURALS.items()},
    test_split="validation",
)

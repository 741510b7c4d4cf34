"""clothing-dataset-small: photographs of worn and laid-out clothes in ten classes, zipped or unpacked."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import AbsentImages
from ofclip.sources.base import Source, find_place
from ofclip.tree import Tree

SPLITS = ("train", "validation", "test")
CLASSES = (
    "dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt",
)  # fmt: skip
PICTURE = re.compile(rf"(?:(.+)/)?({'|'.join(SPLITS)})/([^/]+)/[^/]+\.(?:jpe?g|png)", re.IGNORECASE)
FOLDERS = ("clothing-dataset-small", "clothing-dataset-small-master")


def find(root: Path) -> Path | None:
    """Return the archive of small pictures, or the folder or archive as downloaded, or None."""
    archive = root / FOLDERS[0] / "clothing-dataset-small_160.zip"
    return archive if archive.exists() else find_place(root, *FOLDERS)


def load(root: Path, *, split: str | None = None, pictures: bool = True, skip_bad: bool = False) -> Catalog:
    """Read `<split>/<class>/<file>` in the order of the names, with the class as label and as text.

    The id is the path without its suffix, since one file name may occur in several folders; identical
    pictures share a group. The classes are folders, so the files must be there even for `pictures=False`.
    Empty files and unknown classes raise DataError, or are listed as skipped with `skip_bad`.
    """
    tree = Tree(SOURCE.locate(root))
    bases = {match[1] or "" for match in tree.match(PICTURE)}
    if not bases:
        raise DataError(f"{tree.place}: no pictures <split>/<class>/<file>.jpg. {OBTAIN}")
    tree = tree.within(min(bases, key=lambda base: (base.count("/") + bool(base), base)))
    found = [(match[0], match[2], match[3]) for match in tree.match(PICTURE) if match[1] is None]
    table = pd.DataFrame(found, columns=["name", "split", "class"])
    table["id"] = table["name"].str.rsplit(".", n=1).str[0]
    entries = tree.images(table["name"]).entries()
    faults = {name: f"class {label!r} is none of the ten" for name, _, label in found if label not in CLASSES}
    faults |= {name: "empty file" for (name, _, _), (size, _) in zip(found, entries, strict=True) if not size}
    twins = table["id"].duplicated()
    faults |= {name: "has the name of another picture" for name in table["name"][twins]}
    if faults and not skip_bad:
        name = min(faults)
        raise DataError(f"{tree.label(name)}: {faults[name]}; fetch it again or use --skip-bad")

    table["group"] = table["id"].groupby(pd.factorize(pd.Series(entries, dtype=object))[0]).transform("first")
    table["texts"] = [(name,) for name in table["class"]]
    keep = ~table["name"].isin(faults)
    if split is not None:
        keep &= table["split"] == split
    table = table[keep].astype({"class": "string"})
    images = tree.images(table["name"]) if pictures else AbsentImages(table["name"])
    products = table[["id", "split", "group", "texts", "class"]]
    skipped = tuple(f"{name}: {faults[name]}" for name in sorted(faults))
    return Catalog("clothing-dataset-small", products, images, skipped)


OBTAIN = (
    "Clone https://github.com/alexeygrigorev/clothing-dataset-small (CC0) into clothing-dataset-small/ under "
    "the data root."
)

#: What a shop calls the classes. Of a few lists the one that did best on the train split, which nothing is trained on.
WORDS = {
    "dress": ("dress", "dresses", "gown"),
    "hat": ("hat", "cap", "caps"),
    "longsleeve": ("long sleeve t-shirt", "long sleeve top", "sweatshirt"),
    "outwear": ("jacket", "jackets", "coat", "blazer"),
    "pants": ("pants", "trousers", "jeans", "track pants"),
    "shirt": ("shirt", "shirts"),
    "shoes": ("shoes", "casual shoes", "sports shoes"),
    "shorts": ("shorts",),
    "skirt": ("skirt", "skirts"),
    "t-shirt": ("t-shirt", "tshirts"),
}

SOURCE = Source(
    name="clothing-dataset-small",
    title="clothing-dataset-small",
    pictures="photographs",
    load=load,
    find=find,
    splits=SPLITS,
    labels=("class",),
    words={"class": WORDS},
    licence="CC0",
    obtain=OBTAIN,
    summary=(
        "Photographs that people took of their own clothes, worn or laid out: the ten most frequent classes of "
        "the clothing dataset, in folders by split and class."
    ),
    text="No text but the name of the class: one word, the least specific of all.",
    citation="A. Grigorev, Clothing dataset (subset), https://github.com/alexeygrigorev/clothing-dataset-small",
    home="https://github.com/alexeygrigorev/clothing-dataset-small",
    fields={"<split>": "split", "<class>": "label, and the only text", "<split>/<class>/<file>": "id, without suffix"},
    defects=("Classes of very different size: hat and skirt have 12 test pictures each, shoes 73.",),
    expected={"train": 3_068, "validation": 341, "test": 372},
)

"""The seven `Marqo/*` sets of the Hugging Face hub: from a local copy of their parquet files, or online."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, SettingError, unknown
from ofclip.files import cache_dir
from ofclip.images import AbsentImages
from ofclip.images.arrow import EXTRA, ArrowImages
from ofclip.sources.base import Source
from ofclip.sources.hub_files import arrow_files, data_files, listed, quiet, read_table
from ofclip.sources.splits import fold, group_by

#: The part of an item_ID that all pictures of one product share.
DEEPFASHION, VIEWS = r"id_\d{8}", r".+(?=_\d+$)"


@dataclass(frozen=True)
class Part:
    """One set: its repository, its rows, and what its columns are.

    `texts` are the columns with captions, the one that Marqo's benchmark asks for first; without any, captions
    are composed of the labels. `group` is a pattern that finds the product in an item_ID, or "title" where
    products share their first text and nothing else says so. `licence` is what the repository declares.
    """

    repository: str
    rows: int
    labels: tuple[str, ...]
    texts: tuple[str, ...] = ("text",)
    group: str = ""
    licence: str = "none declared"


CATEGORIES = ("category1", "category2", "category3")
PARTS = {
    "atlas": Part("Marqo/atlas", 78_370, ("sub-category",), group="title", licence="mit"),
    "deepfashion-inshop": Part("Marqo/deepfashion-inshop", 52_591, (*CATEGORIES, "color"), group=DEEPFASHION),
    "deepfashion-multimodal": Part("Marqo/deepfashion-multimodal", 42_537, CATEGORIES, group=DEEPFASHION),
    "fashion200k": Part(
        "Marqo/fashion200k", 201_624, CATEGORIES, ("text", "category3"), group=VIEWS, licence="apache-2.0"
    ),
    "imaterialist": Part(
        "Marqo/iMaterialist",
        721_065,
        ("category", "gender", "color", "material", "pattern", "style", "sleeve", "neckline"),
        texts=(),
    ),
    "kagl": Part(
        "Marqo/KAGL",
        44_434,
        (*CATEGORIES, "gender", "baseColour", "season", "year", "usage"),
        group="title",
        licence="mit",
    ),
    "polyvore": Part("Marqo/polyvore", 94_096, ("category",), licence="apache-2.0"),
}


def find(root: Path) -> Path | None:
    """Return the folder of the first set that is there, or None."""
    return next((place for part in PARTS if (place := find_part(root, part))), None)


def find_part(root: Path, part: str) -> Path | None:
    """Return the folder of one set, hub/<part> or named as its repository is, if data files are in it, or None."""
    repository = PARTS[part].repository
    names = (f"hub/{part}", repository, f"hub/{repository}", f"Marqo/{part}")
    return next((root / name for name in names if (root / name).is_dir() and listed(root / name)), None)


def load(
    root: Path,
    *,
    split: str | None = None,
    pictures: bool = True,
    skip_bad: bool = False,
    part: str = "",
    online: bool = False,
) -> Catalog:
    """Read one set in the order of its rows, from parquet files as downloaded or from what `save_to_disk` wrote.

    Without a local copy nothing is downloaded unless `online`, which keeps the files in the cache folder. Pictures
    are memory-mapped: those of parquet files are copied once into the cache by `datasets`, which takes as much
    room again. Rows without a text, or without a picture, are left out and listed. Raises DataError for a part
    that is not there, files that are missing, damaged or of another schema, and an item_ID that is empty or
    repeated, unless `skip_bad`.
    """
    if part not in PARTS:
        raise unknown("part of hub", part, PARTS)
    card, place = PARTS[part], _place(root, part, online)
    files = data_files(place, _advice(part))
    table = read_table(files, card.repository, card.texts, card.labels)
    ids = pd.Series(table.columns["item_ID"], dtype=object)
    faulty = (ids.isna() | ids.duplicated()).to_numpy()
    faults = [
        (row, "no item_ID" if ids[row] is None else f"item_ID {ids[row]!r} again") for row in np.flatnonzero(faulty)
    ]
    if faults and not skip_bad:
        row, fault = faults[0]
        raise DataError(f"{table.row(row)}: {fault}; fetch it again or use --skip-bad")
    texts = _captions([table.columns[name] for name in card.texts]) if card.texts else composed(table.columns)
    mute = np.array([not found for found in texts], bool)
    faults += [(row, "no text") for row in np.flatnonzero(mute & ~faulty)]
    kept = np.flatnonzero(~faulty & ~mute)

    products = pd.DataFrame({"id": ids.iloc[kept].astype(str).to_numpy(), "split": "data"})
    products["group"] = _groups(products["id"], [texts[row] for row in kept], card.group)
    products["texts"] = [texts[row] for row in kept]
    for name in card.labels:
        products[name] = pd.array(table.columns[name][kept], dtype="string")
    label = f"{card.repository} data"
    store: ArrowImages | AbsentImages
    if pictures:
        store = ArrowImages(arrow_files(files), label)
        if len(store) != len(ids):
            raise DataError(f"{place}: {len(ids)} rows but {len(store)} pictures; fetch it again")
        store = store.subset(kept)
        there = store.sizes > 0
        if len(kept) and not there.any():
            raise NoPictures(f"{place}: no row has its picture; fetch it again, or load it with pictures=False")
        faults += [(row, "no picture") for row in kept[~there]]
        products, store = products[there], store.subset(np.flatnonzero(there))
    else:
        store = AbsentImages(f"{label}[{row}]" for row in kept)
    return Catalog(f"hub/{part}", products, store, tuple(f"{table.row(row)}: {why}" for row, why in sorted(faults)))


def fetch(root: Path, report: Callable[[str], object] | None = None, *, part: str = "", revision: str = "main") -> None:
    """Download one set into hub/<part> under `root`; run again, it goes on where it stopped.

    `report` is told in one line what came. Raises SettingError without a part, and DataError if the hub cannot be
    reached.
    """
    if part not in PARTS:
        raise SettingError(f"hub: name a part, as in hub/{next(iter(PARTS))}. Known: {', '.join(PARTS)}")
    if _offline():
        raise DataError(f"hub/{part}: HF_HUB_OFFLINE is set; unset it to download")
    try:
        import huggingface_hub as hub
    except ImportError as error:
        raise DataError(f"hub/{part}: downloading needs huggingface_hub; {EXTRA}") from error
    folder, repository = root / "hub" / part, PARTS[part].repository
    try:
        with quiet(hub.utils):
            hub.snapshot_download(
                repository, repo_type="dataset", revision=revision, local_dir=folder,
                allow_patterns=["data/*.parquet", "README.md"],
            )  # fmt: skip
    except Exception as error:  # the hub's, httpx's and the disk's own kinds
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"hub/{part}: {repository} was not downloaded whole ({why}); run the same again") from error
    files = data_files(folder, _advice(part))
    if report:
        report(f"{repository}: {len(files)} files in {folder}")


def composed(labels: dict[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Return captions made of iMaterialist's attributes (our choice): all of them, and colour and category alone.

    "black white polyester spandex bodycon dresses, long sleeved, shoulder drapes, female" and "black white dresses";
    what is unknown is left out.
    """
    order = ("color", "pattern", "material", "style", "category", "sleeve", "neckline", "gender", "color", "category")
    texts = []
    for values in zip(*(labels[name] for name in order), strict=True):
        words = [(value or "").lower() for value in values]
        long = ", ".join(filter(None, [" ".join(filter(None, words[:5])), *words[5:8]]))
        short = " ".join(filter(None, words[8:]))
        texts.append(tuple(dict.fromkeys(text for text in (long, short) if text)))
    return texts


def _place(root: Path, part: str, online: bool) -> Path:
    if local := find_part(root, part):
        return local
    if not online:
        obtain = SOURCE.obtain.replace("<part>", part)
        raise DataError(f"hub/{part}: not found under {root}. {obtain} Name the data root with --data or OFCLIP_DATA.")
    if not _offline() or not find_part(cache_dir(), part):
        fetch(cache_dir(), part=part)
    return cache_dir() / "hub" / part


def _advice(part: str) -> str:
    return f"`ofclip sources fetch hub/{part}` goes on where it stopped"


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _captions(columns: Sequence[np.ndarray]) -> list[tuple[str, ...]]:
    return [tuple(dict.fromkeys(filter(None, texts))) for texts in zip(*columns, strict=True)]


def _groups(ids: pd.Series, texts: Sequence[tuple[str, ...]], how: str) -> np.ndarray:
    if how == "title":
        return group_by(ids, [fold(found[0]) for found in texts])
    found = ids.str.extract(f"({how})", expand=False) if how else ids
    return found.fillna(ids).to_numpy(dtype=object)


SOURCE = Source(
    name="hub",
    title="Marqo's seven benchmark sets on the Hugging Face hub",
    pictures="photographs",
    load=load,
    find=find,
    fetch=fetch,
    parts=tuple(PARTS),
    splits=("data",),
    expected={part: card.rows for part, card in PARTS.items()},
    labels=tuple(dict.fromkeys(name for card in PARTS.values() for name in card.labels)),
    licence=(
        "as each repository declares: "
        + ", ".join(f"{part} {card.licence}" for part, card in PARTS.items())
        + "; Marqo states that it does not own the data, so the terms of the original sets hold"
    ),
    obtain=(
        "Run `ofclip sources fetch hub/<part>`, put data/*.parquet of the part's repository or what `datasets`' "
        "save_to_disk makes of it into hub/<part>/ under the data root, or load it with online=True."
    ),
    summary=(
        "The copies on which Marqo evaluated Marqo-FashionCLIP and Marqo-FashionSigLIP, each with the one split data: "
        + ", ".join(f"{part} ({card.repository}) {card.rows:,}" for part, card in PARTS.items())
        + " rows."
    ),
    text=(
        "From one word to a paragraph. atlas, kagl: shop titles; polyvore: shop titles in lower case; "
        "deepfashion-inshop: the shop's description, its points joined by ||; deepfashion-multimodal: sentences "
        "composed of attributes; fashion200k: a generated description, then the original one; imaterialist: none, "
        "so captions are composed of its attributes (our choice)."
    ),
    citation="D. Jung and J. Clark, Marqo-FashionCLIP and Marqo-FashionSigLIP, 2024, and each original set's paper",
    home="https://huggingface.co/Marqo",
    fields={
        "image": "the picture, as encoded there",
        "item_ID": "id; the product named in it is the group (deepfashion-*, fashion200k)",
        "text": "first caption; products that share it are one group (atlas, kagl)",
        "category3": "label; second caption of fashion200k",
        "category, category1, category2, sub-category": "labels",
        "gender, baseColour, color, season, year, usage": "labels",
        "material, pattern, style, sleeve, neckline": "labels of imaterialist; composed into its captions",
        "description": "not read: deepfashion-inshop's text again, as a printed list",
    },
    defects=(
        "fashion200k: `text` looks generated from the picture (it tells of mannequins and white backgrounds); the "
        "original description looks to be `category3`.",
        "imaterialist: several values of one attribute are joined by spaces, as in 'Black White', though names hold "
        "spaces too; such a label is kept as it is. The official training set has 1,012,947 pictures.",
        "deepfashion-multimodal: `category3` is empty; pictures are 149 to 184 pixels wide.",
        "atlas: pictures that did not match their text were replaced in September 2024; older copies still have them.",
        "polyvore: an item_ID names an outfit and a place in it, so one product may have several.",
    ),
)

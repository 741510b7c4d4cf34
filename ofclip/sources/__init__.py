"""The registry of sources: a name for each data set, and one function that loads any of them."""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import partial
from pathlib import Path

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, SettingError, unknown
from ofclip.sources.base import Source, data_root

#: name -> module that holds its SOURCE; modules are imported when first asked for.
MODULES = {
    "atelier": "ofclip.sources.atelier",
    "atlas": "ofclip.sources.atlas",
    "clothing-co-parsing": "ofclip.sources.ccp",
    "clothing-dataset-small": "ofclip.sources.clothing_dataset_small",
    "deepfashion": "ofclip.sources.deepfashion",
    "deepfashion-inshop": "ofclip.sources.deepfashion_inshop",
    "deepfashion-multimodal": "ofclip.sources.deepfashion_multimodal",
    "fashion-gen": "ofclip.sources.fashion_gen",
    "fashion-iq": "ofclip.sources.fashion_iq",
    "fashion-mnist": "ofclip.sources.fashion_mnist",
    "fashion200k": "ofclip.sources.fashion200k",
    "hub": "ofclip.sources.hub",
    "imaterialist": "ofclip.sources.imaterialist",
    "imaterialist-fgvc": "ofclip.sources.imaterialist_fgvc",
    "kagl": "ofclip.sources.kagl",
    "polyvore": "ofclip.sources.polyvore",
}

#: What stands before the folder of a data set that was written as shards.
SHARDS = "shards:"
#: What stands before the folder of own data, or before its CSV file, and the module that reads it.
FOLDER = "folder:"
OWN = "ofclip.sources.folder"

__all__ = ["MODULES", "Source", "available", "data_root", "get", "load_catalog", "names"]


def names() -> list[str]:
    """Names of all sources."""
    return sorted(MODULES)


def get(name: str) -> Source:
    """Return a source by name ("kagl", "atelier" or "atelier/street"), or own data by place ("folder:shop").

    Raises SettingError for an unknown name, and DataError for a place without a sound CSV file.
    """
    if name.startswith(FOLDER):
        return importlib.import_module(OWN).own_source(name.removeprefix(FOLDER))
    base = name.partition("/")[0]
    if base not in MODULES:
        raise unknown("source", name, names())
    return importlib.import_module(MODULES[base]).SOURCE


def available(data: str | Path | None = None) -> list[str]:
    """Names of the sources whose data are under the data root."""
    root = data_root(data)
    return [name for name in names() if get(name).find(root) is not None]


def load_catalog(
    name: str,
    split: str | None = None,
    data: str | Path | None = None,
    *,
    pictures: bool | None = True,
    skip_bad: bool = False,
    **options: object,
) -> Catalog:
    """Load one source as a Catalog.

    `name` may carry a part ("atelier/street"); `split` keeps one split, None all of them; `data` is the
    data root; `pictures=False` loads texts and labels alone, so that no picture need be there, and None does so
    only where there is none; `skip_bad` counts and lists damaged rows and pictures in `Catalog.skipped` instead
    of raising; further options are the source's own. "shards:FOLDER" (a path or any address that fsspec knows)
    is what `ofclip shards write` made, "folder:PATH" a folder of own pictures and a CSV file. Raises SettingError
    for an unknown name, part or split and DataError for data that are missing (saying how to obtain them) or
    damaged.

    >>> load_catalog("atelier/sketch", split="test", n=10).name
    'atelier/sketch'
    """
    if name.startswith(SHARDS):
        return _shards(name, split)
    source = get(name)
    _, _, part = name.partition("/") if not name.startswith(FOLDER) else ("", "", "")
    if part and part not in source.parts:
        raise unknown(f"part of {source.name}", part, source.parts or ["(none)"])
    if split is not None and split not in source.splits:
        raise unknown(f"split of {source.name}", split, source.splits)
    if part:
        options["part"] = part
    elif source.parts:
        raise SettingError(f"{name}: name a part, as in {name}/{source.parts[0]}. Known: {', '.join(source.parts)}")
    root = data_root(data)
    if not options.get("online"):  # what is read from the hub need not lie under the root
        source.locate(root)
    load = partial(source.load, root, split=split, skip_bad=skip_bad, **options)
    try:
        catalog = load(pictures=pictures is not False)
    except NoPictures:
        if pictures is not None:
            raise
        catalog = load(pictures=False)
    if not len(catalog):
        raise DataError(f"{name}: no products in split {split!r} under {root}")
    return catalog


def _shards(name: str, split: str | None) -> Catalog:
    from ofclip.shards import load_shards

    catalog = load_shards(name.removeprefix(SHARDS), split)
    if not len(catalog):
        raise DataError(f"{name}: no products in split {split!r}")
    return replace(catalog, name=name)  # a mixture tells its sources apart by the names that they were asked by

"""The registry of sources: a name for each data set, and one function that loads any of them."""

from __future__ import annotations

import importlib
from pathlib import Path

from ofclip.catalog import Catalog
from ofclip.errors import DataError, SettingError, unknown
from ofclip.sources.base import Source, data_root

#: name -> module that holds its SOURCE; modules are imported when first asked for.
MODULES = {
    "atelier": "ofclip.sources.atelier",
    "clothing-dataset-small": "ofclip.sources.clothing_dataset_small",
    "fashion-mnist": "ofclip.sources.fashion_mnist",
    "kagl": "ofclip.sources.kagl",
}

__all__ = ["MODULES", "Source", "available", "data_root", "get", "load_catalog", "names"]


def names() -> list[str]:
    """Names of all sources."""
    return sorted(MODULES)


def get(name: str) -> Source:
    """Return a source by name ("kagl", "atelier" or "atelier/street"); raises SettingError if unknown."""
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
    skip_bad: bool = False,
    **options: object,
) -> Catalog:
    """Load one source as a Catalog.

    `name` may carry a part ("atelier/street"); `split` keeps one split, None all of them; `data` is the
    data root; `skip_bad` counts and lists damaged rows and pictures in `Catalog.skipped` instead of
    raising; further options are the source's own. Raises SettingError for an unknown name, part or
    split and DataError for data that are missing (saying how to obtain them) or damaged.

    >>> load_catalog("atelier/sketch", split="test", n=10).name
    'atelier/sketch'
    """
    source = get(name)
    _, _, part = name.partition("/")
    if part and part not in source.parts:
        raise unknown(f"part of {source.name}", part, source.parts or ["(none)"])
    if split is not None and split not in source.splits:
        raise unknown(f"split of {source.name}", split, source.splits)
    if part:
        options["part"] = part
    elif source.parts:
        raise SettingError(f"{name}: name a part, as in {name}/{source.parts[0]}. Known: {', '.join(source.parts)}")
    root = data_root(data)
    source.locate(root)
    catalog = source.load(root, split=split, skip_bad=skip_bad, **options)
    if not len(catalog):
        raise DataError(f"{name}: no products in split {split!r} under {root}")
    return catalog

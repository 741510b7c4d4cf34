"""Data by name on the command line: a source, shards:FOLDER, or folder:PATH for own data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ofclip.errors import SettingError

if TYPE_CHECKING:
    from ofclip.catalog import Catalog


def load_any(
    name: str, split: str | None = None, data: Path | None = None, *, skip_bad: bool = False, **options: Any
) -> Catalog:
    """Return the Catalog of a source, of shards:FOLDER, or of folder:PATH; the errors are those of its loader."""
    from ofclip.sources import load_catalog
    from ofclip.sources.folder import FOLDER, load_folder

    if name.startswith(FOLDER):
        return load_folder(name.removeprefix(FOLDER), split, skip_bad=skip_bad)
    return load_catalog(name, split, data, skip_bad=skip_bad, **options)


def has_card(name: str) -> bool:
    """Whether a name is that of a source, and not of a folder of shards or of own data."""
    from ofclip.sources import SHARDS
    from ofclip.sources.folder import FOLDER

    return not name.startswith((SHARDS, FOLDER))


def first_label(name: str, catalog: Catalog) -> str:
    """Return the label to classify by where none is named: the card's first, else the first column of the data.

    Raises SettingError for data without labels.
    """
    from ofclip.sources import get

    labels = get(name).labels if has_card(name) else catalog.labels
    if not labels:
        raise SettingError(f"{name}: has no label to classify by; add a column to its CSV file, or evaluate retrieval")
    return labels[0]

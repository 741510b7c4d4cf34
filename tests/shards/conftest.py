from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from shard_toys import pictures, table

from ofclip.catalog import Catalog
from ofclip.tree import Tree


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Catalog]:
    """A function of the number of products that returns a catalogue of files in a zip archive."""

    def make(n: int = 25, files: dict[str, bytes] | None = None) -> Catalog:
        files = pictures(n) if files is None else files
        path = tmp_path / f"toy{n}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return Catalog("toy", table(n), Tree(path).images(files), ("row 9: not there",))

    return make

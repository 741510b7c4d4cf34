"""Containers of files, read in place: a folder, a zip archive, a tar archive. Nothing is ever unpacked beside them."""

from __future__ import annotations

from pathlib import Path

from ofclip.archives.base import Container, escapes
from ofclip.archives.folder import Folder
from ofclip.archives.tarred import Tar
from ofclip.archives.zipped import Zip
from ofclip.errors import DataError

__all__ = ["ARCHIVES", "Container", "Folder", "Tar", "Zip", "container", "escapes", "is_archive"]

#: Endings of the archives that `container` opens.
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def container(path: str | Path) -> Container:
    """Return the container at `path`: a folder, or an archive by its ending; raises DataError for anything else."""
    path = Path(path)
    if path.is_dir():
        return Folder(path)
    if not path.exists():
        raise DataError(f"{path}: not found")
    if path.is_file() and is_archive(path.name):
        return Zip(path) if path.suffix.lower() == ".zip" else Tar(path)
    raise DataError(f"{path}: neither a folder nor one of {', '.join(ARCHIVES)}")


def is_archive(name: str) -> bool:
    """Whether a file name ends as an archive does that `container` opens."""
    return name.lower().endswith(ARCHIVES)

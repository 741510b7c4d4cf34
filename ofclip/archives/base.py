"""What a container is, the names it may hold, and what the cache remembers of one."""

from __future__ import annotations

import json
import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path

from ofclip.errors import DataError
from ofclip.files import atomic

#: What operating systems leave behind in folders and archives.
LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
#: Larger files are not read into memory: no table, list or picture is that large, but a forged header may say so.
MAX_BYTES = 2**31
#: Names that are not plain ones: one look at each is all that most need.
ODD = re.compile(
    r"^[/\\]|^[A-Za-z]:|//|/$|\\|(?:^|/)\.|[\x00-\x1f\x7f\ud800-\udfff]|(?:^|/)(?:" + "|".join(LITTER) + ")(?:/|$)"
)


class Container(ABC):
    """Files by name with forward slashes; picklable, so that worker processes open it for themselves.

    Raises DataError that names the container if it is damaged or holds a name that leads out of it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of the regular files, sorted, without hidden ones and litter."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return one file; raises DataError that names it if it is missing, damaged or above 2 GiB."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the size of one file in bytes; raises DataError if it is missing."""

    @abstractmethod
    def entries(self, names: Iterable[str]) -> Iterator[tuple[int, int]]:
        """Yield size in bytes and CRC-32 of each named file; raises DataError for one that is missing."""

    def label(self, name: str) -> str:
        """Return what messages call a file, as "kagl_60x80.zip:images/1163.jpg"."""
        return f"{self.path.name}:{name}"

    def _bounded(self, name: str, size: int) -> int:
        if size > MAX_BYTES:
            raise DataError(f"{self.label(name)}: {size:,} bytes are more than fit in memory; fetch it again")
        return size


def official(name: str) -> str | None:
    """Return a member's name as layouts write it, or None for a folder, a hidden file or litter.

    "./a//b" and "a\\\\b" are "a/b"; bytes that are not utf-8 are read as latin-1. Raises ValueError for a name
    that leads out.

    >>> official("./images//7.jpg"), official("images\\\\7.jpg"), official("images/.DS_Store"), official("images/")
    ('images/7.jpg', 'images/7.jpg', None, None)
    """
    if name and not ODD.search(name):
        return name
    if escapes(name):
        raise ValueError(name)
    if re.search("[\udc80-\udcff]", name):
        name = name.encode("utf-8", "surrogateescape").decode("latin-1")
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    hidden = any(part.startswith(".") or part in LITTER for part in parts)
    if not parts or hidden or name.endswith(("/", "\\")) or re.search(r"[\x00-\x1f\x7f]", name):
        return None
    return "/".join(parts)


def escapes(name: str) -> bool:
    """Whether a relative name leads out of the folder that it is meant to lie in.

    >>> escapes("images/1.jpg"), escapes("../1.jpg"), escapes("/etc/passwd"), escapes("C:/1.jpg")
    (False, True, True, True)
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return name.startswith(("/", "\\")) or ".." in parts or bool(re.match("[A-Za-z]:", "/".join(parts)))


def tampered(path: Path, name: str) -> DataError:
    """Return the error for an archive that holds a name which leads out of it."""
    return DataError(f"{path}: {name!r} leads out of the archive, which was tampered with; fetch it from its publisher")


def recall(memo: Path) -> dict[str, list[int]]:
    """Return what `remember` wrote to a file of the cache, or nothing if it is not there or not whole."""
    try:
        check, _, text = memo.read_bytes().partition(b"\n")
        return json.loads(text) if int(check, 16) == zlib.crc32(text) else {}
    except (OSError, ValueError):
        return {}


def remember(memo: Path, known: dict[str, list[int]]) -> None:
    """Write a table of names to a file of the cache, with a checksum, for `recall`."""
    text = json.dumps(known, separators=(",", ":")).encode()
    with atomic(memo) as temporary:
        temporary.write_bytes(b"%08x\n" % zlib.crc32(text) + text)

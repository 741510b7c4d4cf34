"""A folder as a container."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ofclip.archives.base import Container, official, recall, remember
from ofclip.errors import DataError
from ofclip.files import cache_dir, digest


class Folder(Container):
    """A folder and all regular files that lie in it, links followed."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._stored: dict[str, str] = {}  # names on the disk, where they differ from the official ones

    def names(self) -> list[str]:
        self._stored.clear()
        found = []
        folders: list[tuple[str, tuple]] = [("", ())]  # each with the marks of those that it lies in
        while folders:
            prefix, above = folders.pop()
            mark, entries = self._list(prefix)
            if mark in above:  # a link to a folder around it, which would never end
                continue
            for entry in entries:
                name = prefix + entry.name
                shown = _shown(name)
                if shown is None:
                    continue
                if _is(entry.is_dir):
                    folders.append((name + "/", (*above, mark)))
                elif _is(entry.is_file):  # neither a pipe, whose reading would never end, nor a link to nothing
                    found.append(shown)
                    if shown != name:
                        self._stored[shown] = name
        return sorted(found)

    def _list(self, prefix: str) -> tuple[tuple[int, int], list[os.DirEntry]]:
        here = self.path / prefix
        try:
            status = here.stat()
            with os.scandir(here) as listing:
                return (status.st_dev, status.st_ino), list(listing)
        except OSError as error:
            raise DataError(f"{here}: cannot be listed ({error.strerror}); check its permissions") from error

    def _path(self, name: str) -> Path:
        return self.path / self._stored.get(name, name)

    def _status(self, name: str) -> os.stat_result:
        try:
            status = self._path(name).stat()
        except (OSError, ValueError) as error:
            raise DataError(f"{self.label(name)}: not found; fetch it again") from error
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{self.label(name)}: not a file; fetch it again")
        return status

    def read(self, name: str) -> bytes:
        self._bounded(name, self._status(name).st_size)
        try:
            return self._path(name).read_bytes()
        except OSError as error:
            raise DataError(f"{self.label(name)}: cannot be read ({error.strerror}); fetch it again") from error

    def size(self, name: str) -> int:
        return self._status(name).st_size

    def entries(self, names: Iterable[str]) -> Iterator[tuple[int, int]]:
        # a CRC means reading the file, so it is remembered for as long as size and time stay the same
        names = list(names)
        memo = cache_dir() / "crc" / f"{digest(os.fsencode(self.path.resolve()))}.json"
        known = recall(memo)
        changed = False
        for name in names:
            status = self._status(name)
            stamp = [status.st_size, status.st_mtime_ns]
            if known.get(name, ())[:2] != stamp:
                known[name] = [*stamp, self._crc(name)]
                changed = True
        if changed:
            remember(memo, known)
        return ((known[name][0], known[name][2]) for name in names)

    def _crc(self, name: str) -> int:
        crc = 0
        try:
            with self._path(name).open("rb") as file:
                while block := file.read(2**20):
                    crc = zlib.crc32(block, crc)
        except OSError as error:
            raise DataError(f"{self.label(name)}: cannot be read ({error.strerror}); fetch it again") from error
        return crc

    def label(self, name: str) -> str:
        return str(self.path / name)


def _shown(name: str) -> str | None:
    try:
        return official(name)
    except ValueError:  # such as "C:1.jpg", which is a plain name in a folder and no official one
        return None


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link to itself
        return False

"""Tree: the files of a data set by their official names, whether unpacked, in archives, or partly both."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np

from ofclip.archives import Container, Folder, container, is_archive
from ofclip.errors import DataError
from ofclip.images.stores import FileImages

#: Bytes that latin-1 calls control characters; text that holds them is something else, such as cp1252.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Tree:
    """A folder, or one archive, as a table of names.

    An archive inside the folder reads as if it had been unpacked where it lies: `Img/img.zip` with
    `img/1.jpg` in it is `Img/img/1.jpg`. A file that is also there unpacked comes from the folder; if the two
    differ in size, as after an unpacking that was interrupted, using it raises DataError. With
    `archives=False` archives stay closed. Raises DataError for a damaged archive.

    >>> tree = Tree("data/fashion-iq")                                       # doctest: +SKIP
    >>> tree.read("captions/cap.dress.train.json")[:1]                       # doctest: +SKIP
    b'['
    """

    def __init__(self, place: str | Path, archives: bool = True) -> None:
        self.place = Path(place)
        root = container(self.place)
        self.parts: list[Container] = [root]
        names = root.names()
        inner = [name for name in names if archives and isinstance(root, Folder) and is_archive(name)]
        self._where = {name: (0, name) for name in names}  # part and name in it
        self._others: dict[str, list[tuple[int, str]]] = {}  # where else a file is
        for name in inner:
            del self._where[name]
        for name in inner:
            self._mount(name)

    def _mount(self, name: str) -> None:
        part = container(self.place / name)
        folder = name.rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        for member in part.names():
            place = (len(self.parts), member)
            if self._where.setdefault(prefix + member, place) is not place:
                self._others.setdefault(prefix + member, []).append(place)
        self.parts.append(part)

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def __len__(self) -> int:
        return len(self._where)

    @cached_property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._where)

    def label(self, name: str) -> str:
        """Return what messages call a file: its path, or archive and member."""
        if name not in self._where:
            return str(self.place / name)
        part, member = self._where[name]
        return self.parts[part].label(member)

    def read(self, name: str) -> bytes:
        """Return a file's content; raises DataError, with the nearest name there is, if it is missing or damaged."""
        if name not in self._where:
            near = difflib.get_close_matches(name, self._where, n=1, cutoff=0.8) if len(self) < 5_000 else []
            hint = f"; there is {near[0]!r}, which is no official name" if near else ""
            raise DataError(f"{self.place}: holds no {name}{hint}; unpack it there in the official layout")
        part, member = self._settled(name)
        return self.parts[part].read(member)

    def _settled(self, name: str) -> tuple[int, str]:
        """Where a file is, once its copies are known to be of one size."""
        part, member = self._where[name]
        for other, twin in self._others.get(name, ()):
            sizes = self.parts[part].size(member), self.parts[other].size(twin)
            if sizes[0] != sizes[1]:
                raise DataError(
                    f"{self.label(name)}: {sizes[0]:,} bytes, but {sizes[1]:,} as {self.parts[other].label(twin)}; "
                    "unpack it again, or take one of the two away"
                )
        return part, member

    def text(self, name: str) -> str:
        """Return a file as text; see `decode_text`."""
        return decode_text(self.read(name), self.label(name))

    def locate(self, name: str) -> str | None:
        """Return the one file whose path is `name` or ends with /`name`, the shortest if several, or None.

        Copies of a data set differ in the folders around the official ones.
        """
        if name in self._where:
            return name
        found = [full for full in self._where if full.endswith("/" + name)]
        return min(found, key=lambda full: (full.count("/"), full)) if found else None

    def within(self, folder: str) -> Tree:
        """Return the tree of one folder, its names relative to it, so that they are the official ones; "" is all."""
        if not folder:
            return self
        tree = object.__new__(Tree)
        tree.place, tree.parts = self.place / folder, self.parts
        start, cut = folder + "/", len(folder) + 1
        tree._where = {name[cut:]: place for name, place in self._where.items() if name.startswith(start)}
        tree._others = {name[cut:]: places for name, places in self._others.items() if name.startswith(start)}
        return tree

    def match(self, pattern: str | re.Pattern[str]) -> list[re.Match[str]]:
        """Return the matches of a pattern with whole names, in the order of the names."""
        pattern = re.compile(pattern)
        return [found for name in self.names if (found := pattern.fullmatch(name))]

    def images(self, names: Iterable[str]) -> FileImages:
        """Return the pictures of the given names in that order; raises DataError for one that is not there."""
        names = tuple(names)
        missing = next((name for name in names if name not in self._where), None)
        if missing is not None:
            raise DataError(f"{self.label(missing)}: not found; fetch it again")
        find = self._settled if self._others else self._where.__getitem__
        pairs = [find(name) for name in names]
        which = np.fromiter((part for part, _ in pairs), np.int32, len(pairs))
        return FileImages(tuple(self.parts), which, tuple(member for _, member in pairs), names)


def decode_text(data: bytes, name: str) -> str:
    """Return text that is utf-8 (a mark at its start allowed) or, failing that, sane latin-1, without carriage returns.

    Latin-1 is sane if no control character comes out. Raises DataError with file and line otherwise, and for
    bytes of zero, which a text never holds and an interrupted copy leaves behind.

    >>> decode_text("caf\\u00e9".encode("latin-1"), "a.txt")
    'café'
    """
    if (zero := data.find(0)) >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise DataError(f"{name} line {line}: holds bytes of zero (from byte {zero}), so it is no text; fetch it again")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = data.decode("latin-1")
        if control := CONTROL.search(text):
            line = text.count("\n", 0, control.start()) + 1
            raise DataError(
                f"{name} line {line}: neither utf-8 (byte {error.start}) nor latin-1; save the file as utf-8"
            ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")

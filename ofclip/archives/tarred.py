"""A tar archive as a container, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import posixpath
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from ofclip.archives.base import Container, official, recall, remember, tampered
from ofclip.errors import DataError
from ofclip.files import atomic, cache_dir, digest

#: How each kind of compression starts, whatever the file is called: browsers unpack some downloads silently.
PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
#: An archive that grows more than so many times is a bomb: pictures hardly shrink, plain text to a tenth (our choice).
MAX_GROWTH = 200
#: Longer chains of links are taken for rings.
MAX_LINKS = 40
BLOCK = 2**20
#: What `tarfile` and the decompressors raise for one or another kind of damage.
DAMAGE = (
    tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, IndexError, KeyError,
    TypeError, AttributeError, RecursionError, OverflowError, MemoryError,
)  # fmt: skip

#: Name -> offset, size and CRC-32.
_Index = dict[str, list[int]]


class Tar(Container):
    """A tar archive; one that is compressed is expanded once, into a plain tar in the cache folder.

    Its index comes from one pass over the whole archive, which the cache remembers. Hard and symbolic links
    to a file of the archive are that file; of members that share a name the last one counts, as in unpacking.
    """

    def names(self) -> list[str]:
        return sorted(self._opened[1])

    def read(self, name: str) -> bytes:
        plain = self._opened[0]
        offset, size, crc = self._member(name)
        self._bounded(name, size)
        try:
            with plain.open("rb") as file:
                file.seek(offset)
                data = file.read(size)
        except OSError as error:
            raise DataError(f"{plain}: cannot be read ({error.strerror}); fetch {self.path} again") from error
        if len(data) != size or zlib.crc32(data) != crc:
            raise DataError(f"{self.label(name)}: {plain} has changed since it was first read; fetch it again")
        return data

    def size(self, name: str) -> int:
        return self._member(name)[1]

    def entries(self, names: Iterable[str]) -> Iterator[tuple[int, int]]:
        for name in names:
            _, size, crc = self._member(name)
            yield size, crc

    def _member(self, name: str) -> list[int]:
        index = self._opened[1]
        if name not in index:
            raise DataError(f"{self.label(name)}: not in the archive; fetch it again")
        return index[name]

    @cached_property
    def _opened(self) -> tuple[Path, _Index]:
        try:
            status = self.path.stat()
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror}); fetch it again") from error
        return _open(self.path, status.st_size, status.st_mtime_ns, cache_dir() / "tar")

    def __getstate__(self) -> dict:
        return {"path": self.path}  # a worker takes the index from the cache: it is too large to send


@lru_cache(maxsize=64)
def _open(path: Path, size: int, mtime: int, cache: Path) -> tuple[Path, _Index]:
    """The plain archive and its index, read once per process: size and time make the key."""
    stamp = digest(os.fsencode(path.resolve()), size, mtime)
    memo = cache / f"{stamp}.json"
    known = recall(memo)
    try:
        with path.open("rb") as file:
            start = file.read(6)
        unpack = next((opener for mark, opener in PACKED.items() if start.startswith(mark)), None)
        plain = cache / f"{stamp}.tar" if unpack else path
        # the index comes last, so without one, or with one that does not fit, both are made anew
        if not known or not plain.exists() or plain.stat().st_size != known[""][1]:
            if unpack:
                with unpack(path) as packed:
                    _expand(packed, plain, path, size)
            known = _scan(plain, path)
            known[""] = [0, plain.stat().st_size, 0]
            remember(memo, known)
    except DAMAGE as error:
        raise DataError(f"{path}: not a whole tar archive ({error}); fetch it again") from error
    del known[""]
    return plain, known


def _expand(packed: io.BufferedIOBase, plain: Path, path: Path, size: int) -> None:
    with atomic(plain) as temporary, temporary.open("wb") as file:
        while block := packed.read(BLOCK):
            file.write(block)
            if file.tell() > MAX_GROWTH * size + BLOCK:
                raise DataError(f"{path}: expands to more than {MAX_GROWTH} times its size; fetch it again")


class _Clamped(io.BufferedReader):
    """A file that is never asked for more than it holds: a forged header cannot make `tarfile` reserve terabytes."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.end = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self.end - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def _scan(plain: Path, path: Path) -> _Index:
    index: _Index = {}
    links: dict[str, str] = {}
    with _Clamped(plain) as file, tarfile.open(fileobj=file, mode="r:") as archive:
        before = -1
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # else all headers stay in memory
            if member.size < 0 or member.offset <= before:
                raise DataError(f"{path}: damaged at byte {member.offset}; fetch it again")
            before = member.offset
            name, target = _names(member, path)
            if name and member.issparse():
                raise DataError(f"{path}:{name}: stored as a sparse file; unpack it by hand and keep the files there")
            if name and member.isreg():
                index[name] = [member.offset_data, member.size, _crc(file, member, path)]
                links.pop(name, None)
            elif name and target:
                links[name] = target
                index.pop(name, None)
        _check_end(file, archive.offset, path, len(index))
    for name, target in links.items():
        for _ in range(MAX_LINKS):
            target = links.get(target, target)
        if target in index and target not in links:
            index[name] = index[target]
    return index


def _names(member: tarfile.TarInfo, path: Path) -> tuple[str | None, str | None]:
    """Official names of a member and, if it is a link, of its target."""
    target = ""
    if member.islnk():
        target = member.linkname
    elif member.issym():
        target = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))
    try:
        return official(member.name), official(target)
    except ValueError as error:
        raise tampered(path, str(error)) from error


def _crc(file: io.BufferedReader, member: tarfile.TarInfo, path: Path) -> int:
    file.seek(member.offset_data)
    crc, left = 0, member.size
    while left and (block := file.read(min(left, BLOCK))):
        crc = zlib.crc32(block, crc)
        left -= len(block)
    if left:
        raise DataError(f"{path}:{member.name}: cut short; fetch the archive again")
    return crc


def _check_end(file: io.BufferedReader, offset: int, path: Path, count: int) -> None:
    """A whole archive ends with blocks of zeros and nothing else; `tarfile` itself stops in silence at a bad header."""
    file.seek(offset)
    zeros = 0
    while block := file.read(BLOCK):
        if block.count(0) != len(block):
            raise DataError(f"{path}: damaged after {count} files; fetch it again")
        zeros += len(block)
    if zeros < 2 * tarfile.BLOCKSIZE:
        raise DataError(f"{path}: cut short after {count} files; fetch it again")

"""A zip archive as a container."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from ofclip.archives.base import Container, official, tampered
from ofclip.errors import DataError

#: What `zipfile` raises for one or another kind of damage.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, IndexError,
    RuntimeError, OverflowError, MemoryError,
)  # fmt: skip
#: Bytes of a member's local header, and those kept for its name and extra field behind it.
HEADER, ROOM = 30, 256


class Zip(Container):
    """A zip archive; of members that share a name the last one counts, as in unpacking. Links are left out."""

    def names(self) -> list[str]:
        return sorted(self._opened[1])

    @property
    def _opened(self) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
        try:
            status = self.path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise DataError(f"{self.path}: not a file; name a zip archive")
            return _open(self.path, status.st_size, status.st_mtime_ns, os.getpid())
        except DAMAGE as error:
            raise DataError(f"{self.path}: not a whole zip archive ({error}); fetch it again") from error

    def _member(self, name: str) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
        archive, members = self._opened
        if name not in members:
            raise DataError(f"{self.label(name)}: not in the archive; fetch it again")
        return archive, members[name]

    def read(self, name: str) -> bytes:
        archive, member = self._member(name)
        self._bounded(name, member.file_size)
        if member.flag_bits & 1:
            raise DataError(f"{self.path}: needs a password; unzip it by hand and keep the files there")
        try:
            if member.compress_size > archive.start_dir:
                raise zipfile.BadZipFile(f"{member.compress_size:,} bytes are more than it holds")
            data = _quick(archive, member)
            if data is None:
                data = archive.read(member)
            if len(data) != member.file_size:  # which `zipfile` lets pass if the checksum is right
                raise zipfile.BadZipFile(f"{len(data):,} bytes instead of {member.file_size:,}")
            return data
        except DAMAGE as error:
            raise DataError(f"{self.label(name)}: damaged in the archive ({error}); fetch it again") from error

    def size(self, name: str) -> int:
        return self._member(name)[1].file_size

    def entries(self, names: Iterable[str]) -> Iterator[tuple[int, int]]:
        members = self._opened[1]
        for name in names:
            if name not in members:
                raise DataError(f"{self.label(name)}: not in the archive; fetch it again")
            yield members[name].file_size, members[name].CRC


def _quick(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    """What `zipfile` reads, in a third of its time; None where anything is unusual, for `zipfile` to say what.

    One read takes the local header with the data behind it, and the checksum tells whether they are right.
    """
    if not hasattr(os, "pread") or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return None
    assert archive.fp is not None  # it is open
    data = os.pread(archive.fp.fileno(), HEADER + ROOM + member.compress_size, member.header_offset)
    if data[:4] != zipfile.stringFileHeader or len(data) < HEADER:  # type: ignore[attr-defined]
        return None
    start = HEADER + sum(struct.unpack_from("<2H", data, HEADER - 4))  # name and extra field come first
    data = data[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_DEFLATED:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        data = stream.decompress(data, member.file_size + 1)
    return data if len(data) == member.file_size and zlib.crc32(data) == member.CRC else None


@lru_cache(maxsize=64)
def _open(path: Path, size: int, mtime: int, process: int) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """The archive and its members, read once: size, time and process make the key, as a fork must share no handle."""
    archive = zipfile.ZipFile(path)
    members = {}
    for member in archive.infolist():
        try:
            name = official(member.filename)
        except ValueError as error:
            archive.close()
            raise tampered(path, member.filename) from error
        if name is not None and not stat.S_ISLNK(member.external_attr >> 16):
            members[name] = member
    return archive, members

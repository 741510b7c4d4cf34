"""A folder of files on any storage: a disk, or whatever fsspec has a protocol for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ofclip.errors import DataError, SettingError

BLOCK = 2**22  # bytes that are read at once of a file that need not be in memory whole


class Storage:
    """The files of one folder by name: `url` is a path, or "memory://...", "https://...", "s3://..." and so on.

    Picklable; each process opens the storage for itself. Every fault of the storage is a DataError that names
    the file. Raises SettingError for a protocol that is unknown or wants a package that is not installed.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = str(url).rstrip("/") or "/"
        self._open()

    def __getstate__(self) -> dict:
        return {"url": self.url}

    def __setstate__(self, state: dict) -> None:
        self.url = state["url"]
        self._open()

    def _open(self) -> None:
        self.system, self.folder = None, self.url
        if "://" not in self.url and "::" not in self.url:
            return  # a plain path needs no fsspec
        import fsspec

        try:
            self.system, self.folder = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise SettingError(f"{self.url}: this storage cannot be read ({error})") from error
        except Exception as error:  # each storage has errors of its own
            raise DataError(f"{self.url}: cannot be reached ({error})") from error
        if "file" in _protocols(self.system):
            self.system = None

    def label(self, name: str) -> str:
        """Return what messages call a file."""
        return f"{self.url}/{name}"

    def path(self, name: str) -> str:
        """Return a file's path within the storage."""
        return f"{self.folder.rstrip('/')}/{name}"

    def read(self, name: str) -> bytes:
        """Return a whole file."""
        try:
            if self.system is None:
                return Path(self.path(name)).read_bytes()
            return self.system.cat_file(self.path(name))
        except Exception as error:  # each storage has errors of its own
            raise self._fault(name, error) from error

    def part(self, name: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on, fewer at the end of the file."""
        try:
            if self.system is None:
                with open(self.path(name), "rb", buffering=0) as file:
                    file.seek(offset)
                    return file.read(size)
            data = self.system.cat_file(self.path(name), start=offset, end=offset + size)
        except Exception as error:  # each storage has errors of its own
            raise self._fault(name, error) from error
        # a plain web server knows no ranges and sends the whole file
        return data if len(data) <= size else data[offset : offset + size]

    def sha256(self, name: str) -> tuple[int, str]:
        """Return size and SHA-256 of a file, read block by block."""
        total, size = hashlib.sha256(), 0
        try:
            opened = open(self.path(name), "rb") if self.system is None else self.system.open(self.path(name), "rb")
            with opened as file:
                while block := file.read(BLOCK):
                    total.update(block)
                    size += len(block)
        except Exception as error:  # each storage has errors of its own
            raise self._fault(name, error) from error
        return size, total.hexdigest()

    def blob(self, name: str, size: int) -> Blob:
        """Return a file of known size for reading here and there; raises DataError if it has another size."""
        if self.system is not None:
            return Blob(self.label(name), size, data=self.read(name))
        try:
            return Blob(self.label(name), size, handle=os.open(self.path(name), os.O_RDONLY))
        except OSError as error:
            raise self._fault(name, error) from error

    def _fault(self, name: str, error: Exception) -> DataError:
        if isinstance(error, FileNotFoundError):
            return DataError(f"{self.label(name)}: not found; write or fetch the shards again")
        return DataError(f"{self.label(name)}: cannot be read ({error}); write or fetch the shards again")


class Blob:
    """One open file: on a disk by its handle, from elsewhere whole in memory. Threads may share it."""

    def __init__(self, label: str, size: int, handle: int = -1, data: bytes | None = None) -> None:
        self.label, self.handle, self.data = label, handle, data
        found = len(data) if data is not None else os.fstat(handle).st_size
        if found != size:
            fault = "cut short" if found < size else "too long"
            raise DataError(f"{label}: {fault}, {found:,} of {size:,} bytes; write or fetch the shards again")
        if handle >= 0 and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_WILLNEED)  # pictures are read in random order, soon

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on."""
        if self.data is not None:
            return self.data[offset : offset + size]
        try:
            return os.pread(self.handle, size, offset)
        except OSError as error:
            raise DataError(f"{self.label}: cannot be read ({error.strerror}); look at the disk") from error

    def __del__(self) -> None:
        # closed when nobody holds it any more: a thread may read while the cache lets go of it
        if getattr(self, "handle", -1) >= 0:
            os.close(self.handle)


def _protocols(system: Any) -> tuple[str, ...]:
    protocol = system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)

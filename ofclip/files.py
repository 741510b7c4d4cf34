"""Files written whole or not at all, content hashes, and where caches live."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from ofclip.errors import OfclipError


def cache_dir() -> Path:
    """Return the folder for caches: `$OFCLIP_CACHE`, else the user's cache folder (created on demand)."""
    folder = Path(os.environ.get("OFCLIP_CACHE") or platformdirs.user_cache_dir("ofclip"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed, on failure removed.

    A reader therefore sees the old file or the new one, never half of one; the folder is flushed too, so that the
    new name outlives a power cut. A full disk raises OfclipError that names the file and the room left; the old
    file stays as it was.

    >>> with atomic("example.txt") as temporary:          # doctest: +SKIP
    ...     temporary.write_text("whole")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
        _flush(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            free = shutil.disk_usage(path.parent).free / 2**20
            raise OfclipError(
                f"disk full while writing {path} ({free:.0f} MiB free): make room and run the same command "
                "again; what was there before is untouched"
            ) from error
        raise


def _flush(folder: Path) -> None:
    """Flush a folder's list of names to disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders, and a folder may be closed to reading
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such thing
            raise
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts: object) -> str:
    """Return a short (16 hexadecimal digits) hash of the parts' text, each kept apart from the next.

    >>> digest("a", "bc") == digest("ab", "c")
    False
    """
    total = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()[:16]

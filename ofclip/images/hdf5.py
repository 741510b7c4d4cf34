"""Pictures in a dataset of an HDF5 file, each read from its place when it is asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from PIL import Image

from ofclip.errors import DataError
from ofclip.files import digest
from ofclip.images.decoding import MAX_PIXELS
from ofclip.images.stores import Images

if TYPE_CHECKING:
    import h5py

#: Pictures whose pixels make the fingerprint.
SAMPLE = 16
#: A cache of chunks grows to hold one row of them, up to so many bytes: else each picture unpacks its chunks anew.
MAX_CHUNK_CACHE = 2**28
#: HDF5's numbers of gzip and lzf, of the checksum fletcher32, and of all filters that are used, shuffling included.
COMPRESSORS, CHECKSUM = {1, 32000}, 3
FILTERS = {2, CHECKSUM, *COMPRESSORS}
#: Files that stay open at once.
MAX_OPEN = 8


class HDF5Images(Images):
    """Pictures in a uint8 table (N, h, w, 3) of an HDF5 file: picture i is row `rows[i]`, all rows by default.

    Only path, key and rows are pickled; each process opens the file for itself. Raises DataError if there is no
    such table or no pixels in it. The fingerprint hashes the size of the file, the shape of the table, `rows`, and
    the pixels of 16 of them, evenly spread; it does not read the rest of what may be 50 GB, so that it tells
    copies, splits and resizings apart, but not a change of a few pixels in place.
    """

    def __init__(self, path: str | Path, key: str = "input_image", rows: np.ndarray | None = None) -> None:
        self.path, self.key = Path(path), key
        self.rows = np.arange(len(_pictures(self.path, key))) if rows is None else np.asarray(rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, i: int) -> str:
        return f"{self.path.name}:{self.key}[{self.rows[i]}]"

    def open(self, i: int) -> Image.Image:
        return Image.fromarray(table(self.path, self.key).read(int(self.rows[i])))

    def subset(self, rows: Sequence[int] | np.ndarray) -> HDF5Images:
        return type(self)(self.path, self.key, self.rows[np.asarray(rows, dtype=np.int64)])

    @cached_property
    def fingerprint(self) -> str:
        size, pictures = _status(self.path).st_size, table(self.path, self.key)
        parts: list[object] = [size, pictures.shape, np.ascontiguousarray(self.rows, "<i8").tobytes()]
        for i in np.unique(np.linspace(0, len(self) - 1, min(SAMPLE, len(self))).astype(int)):
            try:
                parts.append(pictures.read(int(self.rows[i])).tobytes())
            except DataError:  # it is still the same data, which may be used without that picture
                parts.append("damaged")
        return digest(*parts)


@dataclass(frozen=True)
class Table:
    """A dataset of an HDF5 file, whose rows are read on demand.

    `stored` says whether there are any values in it; `short` are the first rows of chunks that are damaged.
    """

    path: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype
    stored: bool
    short: tuple[int, ...]
    _dataset: h5py.Dataset

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, rows: int | slice) -> np.ndarray:
        """Return one row or a slice of rows; raises DataError that names them if they are damaged."""
        what = f"{rows.start}:{rows.stop}" if isinstance(rows, slice) else rows
        with _undamaged(f"{self.path.name}:{self.key}[{what}]"):
            if self.short:
                first, last = (rows.start, rows.stop - 1) if isinstance(rows, slice) else (rows, rows)
                height = self._dataset.chunks[0]
                if any(start <= last and first < start + height for start in self.short):
                    raise ValueError("a chunk is too short")
            return self._dataset[rows]


@overload
def table(path: str | Path, key: str) -> Table: ...
@overload
def table(path: str | Path, key: str, optional: bool) -> Table | None: ...
def table(path: str | Path, key: str, optional: bool = False) -> Table | None:
    """Return a table of an HDF5 file by its key; the file is opened once per process.

    Raises DataError that names file and key if there is no such table (None if it is optional), if its values lie
    outside of the file, or if the file is missing, damaged, cut short or no HDF5.
    """
    path = Path(path)
    held = _open(path)
    if key not in held.tables:
        with _undamaged(path):
            held.tables[key] = _table(path, held.file, key)
    if held.tables[key] is None and not optional:
        raise DataError(f"{path}: lacks the key {key}; use the official file")
    return held.tables[key]


@contextmanager
def _undamaged(name: str | Path) -> Iterator[None]:
    """The one place that turns what reading HDF5 raises into a DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # h5py raises nearly anything over damaged data, even when asked for a type
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: damaged or no HDF5 ({reason}); fetch it again") from error


@dataclass(frozen=True)
class _Held:
    """An open file, what tells that it is still the same, and its tables by key."""

    stamp: tuple
    file: h5py.File
    tables: dict[str, Table | None]


#: By absolute path.
_held: dict[str, _Held] = {}


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); fetch it again") from error


def _open(path: Path) -> _Held:
    import h5py

    status, name = _status(path), os.path.abspath(path)
    # a fork must share no handle, and a file that was replaced must not be read through the old one
    stamp = (os.getpid(), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if name in _held and _held[name].stamp != stamp:
        _close(name)
    if name not in _held:
        with _undamaged(path):
            file = h5py.File(path, "r", locking=False)  # it may lie where nothing can be locked
        while len(_held) >= MAX_OPEN:
            _close(next(iter(_held)))
        _held[name] = _Held(stamp, file, {})
    return _held[name]


def _close(name: str) -> None:
    with suppress(Exception):  # of a damaged file
        _held.pop(name).file.close()


def _table(path: Path, file: h5py.File, key: str) -> Table | None:
    import h5py

    link = file.get(key, getlink=True)
    if link is None:
        return None
    found = file[key] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual or not found.shape:
        raise DataError(f"{path}: {key} is no table in this file; use the official file")
    short: list[int] = []
    if found.chunks:
        # all chunks that one row touches
        across = math.prod(-(-size // chunk) for size, chunk in zip(found.shape[1:], found.chunks[1:], strict=True))
        needed = across * math.prod(found.chunks) * found.dtype.itemsize
        access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
        slots, default, preemption = access.get_chunk_cache()
        if default < needed <= MAX_CHUNK_CACHE:
            access.set_chunk_cache(max(slots, 100 * across + 1), needed, preemption)
            del found  # else the new one would share its cache
            found = h5py.Dataset(h5py.h5d.open(file.id, key.encode(), access))
        short = _short_chunks(path, found, key)
    stored = not found.shape[0] or found.id.get_storage_size() > 0
    return Table(path, key, found.shape, found.dtype, stored, tuple(short), found)


def _short_chunks(path: Path, found: h5py.Dataset, key: str) -> list[int]:
    """First rows of the chunks that hold less than they should: HDF5 would read past their end, and may crash."""
    plan = found.id.get_create_plist()
    filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
    if not FILTERS.issuperset(filters):
        raise DataError(f"{path}: {key} is packed in an unknown way (filters {filters}); fetch it again")
    whole = math.prod(found.chunks) * found.dtype.itemsize
    short: list[int] = []

    def look(chunk: h5py.h5d.StoreInfo) -> None:
        if chunk.filter_mask or not packed:
            used = [number for i, number in enumerate(filters) if not chunk.filter_mask >> i & 1]
            if COMPRESSORS.isdisjoint(used) and chunk.size != whole + 4 * used.count(CHECKSUM):
                short.append(int(chunk.chunk_offset[0]))

    packed = not COMPRESSORS.isdisjoint(filters)
    found.id.chunk_iter(look)
    return short


def _pictures(path: Path, key: str) -> Table:
    found = table(path, key)
    kind, shape = found.dtype, found.shape
    if kind != np.uint8 or len(shape) != 4 or shape[3] != 3 or not 0 < shape[1] * shape[2] <= MAX_PIXELS:
        raise DataError(f"{path}: {key} must be uint8 (N, h, w, 3), not {kind} {shape}; use the official file")
    if not found.stored:
        raise DataError(f"{path}: {key} holds no pixels; fetch it again")
    return found

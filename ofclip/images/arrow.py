"""Pictures in the Arrow files of Hugging Face `datasets`: encoded, memory-mapped, and decoded by our own decoder."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ofclip.errors import DataError, OfclipError
from ofclip.files import atomic, cache_dir, digest
from ofclip.images.stores import EncodedImages

if TYPE_CHECKING:
    import pyarrow as pa

#: What the hub extra brings.
EXTRA = "install the extra: pip install 'ofclip[hub]'"


class ArrowImages(EncodedImages):
    """Encoded pictures in a `datasets` Image column: picture i is row `rows[i]` of all `files` in a row.

    The files are what `datasets` keeps in its cache or `save_to_disk` writes; of the column only the bytes are
    taken, never `datasets`' own decoding. Only the rows asked for are read. The fingerprint hashes size and CRC-32
    of each picture, so that it is the same for every copy; they are remembered, as taking them reads the files
    once. Raises DataError for a file that is damaged or has no such column.
    """

    def __init__(
        self, files: Sequence[str | Path], label: str, rows: np.ndarray | None = None, column: str = "image"
    ) -> None:
        self.files, self.label, self.column = tuple(Path(file) for file in files), label, column
        self.rows = np.arange(self._column[0][-1]) if rows is None else np.asarray(rows, np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, i: int) -> str:
        return f"{self.label}[{self.rows[i]}]"

    def read(self, i: int) -> bytes:
        data = self._buffer(self.rows[i])
        if data is None:
            raise DataError(f"{self.name(i)}: no picture; fetch it again or skip it")
        return bytes(data)

    def subset(self, rows: Sequence[int] | np.ndarray) -> ArrowImages:
        return type(self)(self.files, self.label, self.rows[np.asarray(rows, dtype=np.int64)], self.column)

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of each picture (n,), 0 where there is none; known without reading one."""
        import pyarrow.compute as pc

        _, chunks = self._column
        sizes = [pc.fill_null(pc.binary_length(chunk), 0).to_numpy(zero_copy_only=False) for chunk in chunks]
        return np.concatenate([np.empty(0, np.int64), *sizes])[self.rows]

    def entries(self) -> list[tuple[int, int]]:
        """Return size in bytes and CRC-32 of each picture, both 0 where there is none."""
        return list(zip(self.sizes.tolist(), self._checksums()[self.rows].tolist(), strict=True))

    @cached_property
    def fingerprint(self) -> str:
        return digest("\n".join(f"{size}\t{crc:08x}" for size, crc in self.entries()))

    def __getstate__(self) -> dict:
        # a worker maps the files for itself
        return {"files": self.files, "label": self.label, "rows": self.rows, "column": self.column}

    @cached_property
    def _column(self) -> tuple[np.ndarray, list[pa.Array]]:
        return _open(self.files, _stamp(self.files), self.column)

    def _buffer(self, row: int) -> pa.Buffer | None:
        starts, chunks = self._column
        number = int(np.searchsorted(starts, row, "right")) - 1
        return chunks[number][int(row - starts[number])].as_buffer()

    def _checksums(self) -> np.ndarray:
        total = int(self._column[0][-1])
        memo = (
            cache_dir()
            / "crc"
            / f"{digest(self.column, *(file.resolve() for file in self.files), *_stamp(self.files))}.npy"
        )
        try:
            known = np.load(memo, allow_pickle=False)
            if known.shape == (total,) and known.dtype == np.uint32:
                return known
        except (OSError, ValueError, EOFError):
            pass
        found = np.zeros(total, np.uint32)
        for row in range(total):
            found[row] = zlib.crc32(self._buffer(row) or b"")
        with atomic(memo) as temporary, temporary.open("wb") as file:
            np.save(file, found)
        return found


def read_arrow(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return (the given columns of) an Arrow file as `datasets` writes it, memory-mapped and checked through.

    Raises DataError if it is damaged or lacks a column.
    """
    pa = pyarrow()
    with readable(path):
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_stream(file).read_all()
        table = table if columns is None else chosen(table, columns, path)
        table.validate(full=True)  # offsets of a damaged file would read any memory
        return table


def chosen(table: pa.Table, columns: Sequence[str], path: Path) -> pa.Table:
    """Return the columns of a table that are asked for; raises DataError that names those it lacks."""
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        there = ", ".join(table.column_names)
        raise DataError(f"{path}: lacks the columns {', '.join(missing)} (it has {there}); fetch it again")
    return table.select(list(columns))


def check_pictures(schema: pa.Schema, column: str, path: Path) -> None:
    """Raise DataError unless a column is what `datasets` makes of an Image feature: a struct of bytes and path."""
    pa = pyarrow()
    with readable(path):
        kind = chosen(schema.empty_table(), [column], path).schema.field(0).type
        fields = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}
        if fields.get("bytes") not in (pa.binary(), pa.large_binary()):
            raise DataError(f"{path}: column {column} is {kind}, not pictures (bytes and path); fetch it again")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn whatever pyarrow raises on a damaged file into one DataError that names it."""
    try:
        yield
    except OfclipError:
        raise
    except Exception as error:  # a dozen kinds, of which some only say KeyError
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: not a whole file of its kind ({why}); fetch it again") from error


def pyarrow() -> ModuleType:
    """Return pyarrow; raises DataError that says how to install it."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise DataError(f"reading Hugging Face data needs pyarrow; {EXTRA}") from error
    return pyarrow


def _stamp(files: tuple[Path, ...]) -> tuple[int, ...]:
    stamps = []
    for file in files:
        try:
            status = file.stat()
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror}); fetch it again") from error
        stamps += [status.st_size, status.st_mtime_ns]
    return tuple(stamps)


@lru_cache(maxsize=8)
def _open(files: tuple[Path, ...], stamp: tuple[int, ...], column: str) -> tuple[np.ndarray, list[pa.Array]]:
    """First rows (chunks + 1,) and bytes of each chunk; the stamp is there so that no change is missed."""
    import pyarrow.compute as pc

    chunks = []
    for file in files:
        table = read_arrow(file, [column])
        check_pictures(table.schema, column, file)
        chunks += [pc.struct_field(chunk, "bytes") for chunk in table.column(0).chunks if len(chunk)]
    return np.cumsum([0, *(len(chunk) for chunk in chunks)]), chunks

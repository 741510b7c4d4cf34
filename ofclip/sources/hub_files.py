"""The files of a Hugging Face data set on disk: which there are, their columns as text, and their pictures."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ofclip.archives import Folder
from ofclip.errors import DataError
from ofclip.files import atomic, cache_dir, digest
from ofclip.images.arrow import EXTRA, check_pictures, chosen, pyarrow, read_arrow, readable

if TYPE_CHECKING:
    import pyarrow as pa

#: Number and count of a file that is one of a series.
SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.\w+$")


@dataclass(frozen=True)
class Table:
    """Columns (n,) of texts by name, None where there is none, and where each row was read."""

    repository: str
    files: list[Path]
    counts: list[int]
    columns: dict[str, np.ndarray]

    def row(self, number: int | np.integer) -> str:
        """Return what messages call a row: its file and place there, and its place in the `datasets` split."""
        starts = np.cumsum([0, *self.counts])
        file = int(np.searchsorted(starts, number, "right")) - 1
        return f"{self.files[file]} row {number - starts[file] + 1} ({self.repository} data[{number}])"


def listed(place: Path) -> list[Path]:
    """Return the parquet files in a folder, or else its Arrow files, in the order of their names."""
    names = Folder(place).names()
    for ending in (".parquet", ".arrow"):
        if found := [place / name for name in names if name.endswith(ending)]:
            return found
    return []


def data_files(place: Path, advice: str) -> list[Path]:
    """Return the files of one copy; raises DataError, ending with the advice, if some are missing or there are two."""
    files = listed(place)
    if not files:
        raise DataError(f"{place}: no data files; {advice}")
    if len({file.parent for file in files}) > 1:
        raise DataError(f"{place}: data files in {files[0].parent} and in {files[-1].parent}; keep one copy")
    shards = [(int(found[1]), int(found[2])) for file in files if (found := SHARD.search(file.name))]
    for total in sorted({total for _, total in shards}):
        there = {number for number, of in shards if of == total}
        lacking = next((number for number in range(min(total, len(there) + 1)) if number not in there), total)
        if lacking < total:
            raise DataError(f"{place}: {len(there)} of {total} data files, number {lacking:05d} is missing; {advice}")
    return files


def read_table(files: list[Path], repository: str, texts: Sequence[str], labels: Sequence[str]) -> Table:
    """Return item_ID, texts and labels of all files; no picture is read.

    Spare spaces are taken out, and a cell of nothing else is None. Raises DataError for a file that is damaged,
    lacks a column or has one of another type (captions are strings, ids strings or integers, labels strings
    or numbers; a column may also be all null), and for text that is not utf-8.
    """
    pa = pyarrow()
    columns = list(dict.fromkeys(["item_ID", *texts, *labels]))
    tables = []
    for file in files:
        with readable(file):
            table = read_arrow(file, columns) if file.suffix == ".arrow" else _read_parquet(file, columns)
            cells = {}
            for name in columns:
                numbers = name not in texts, name in labels and name not in texts
                cells[name] = _text(table[name], f"column {name}", file, *numbers)
            tables.append(pa.table(cells))
    whole = pa.concat_tables(tables)
    return Table(repository, files, [len(table) for table in tables], {name: _values(whole[name]) for name in columns})


def arrow_files(files: list[Path]) -> list[Path]:
    """Return the Arrow files that hold the pictures: the given ones, or the copy of parquet files in the cache.

    `datasets` makes the copy once, undecoded; raises DataError if it is not installed or a file is damaged.
    """
    if files[0].suffix != ".parquet":
        return files
    stamps = [(file.resolve(), (status := file.stat()).st_size, status.st_mtime_ns) for file in files]
    folder = cache_dir() / "datasets" / digest(*stamps)
    memo = folder / "files.json"
    try:
        known = [folder / name for name in json.loads(memo.read_text())]
        if all(file.is_file() for file in known):
            return known
    except (OSError, ValueError, TypeError):
        pass
    found = _copy(files, folder)
    with atomic(memo) as temporary:
        temporary.write_text(json.dumps([str(file.relative_to(folder)) for file in found]))
    return found


def _copy(files: list[Path], folder: Path) -> list[Path]:
    import glob

    import pyarrow.parquet as pq

    try:
        import datasets
    except ImportError as error:
        raise DataError(f"reading pictures of the Hugging Face hub needs datasets; {EXTRA}") from error
    for file in files:
        with readable(file):
            check_pictures(pq.read_schema(file), "image", file)
    with readable(files[0].parent), quiet(datasets):
        copy = datasets.Dataset.from_parquet(
            [glob.escape(str(file)) for file in files],
            columns=["image"],
            features=datasets.Features({"image": datasets.Image(decode=False)}),
            cache_dir=str(folder),
        )
        return [Path(file["filename"]) for file in copy.cache_files]


@contextmanager
def quiet(library: ModuleType) -> Iterator[None]:
    """Hide the progress bars of `datasets` or `huggingface_hub.utils` where ours are hidden."""
    hide = os.environ.get("OFCLIP_PROGRESS") == "0" and not library.are_progress_bars_disabled()
    if hide:
        library.disable_progress_bars()
    try:
        yield
    finally:
        if hide:
            library.enable_progress_bars()


def _read_parquet(file: Path, columns: Sequence[str]) -> pa.Table:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as parquet:
        chosen(parquet.schema_arrow.empty_table(), columns, file)
        return parquet.read(columns=list(columns))


def _text(column: pa.ChunkedArray, name: str, file: Path, integers: bool, floats: bool) -> pa.ChunkedArray:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        _check_utf8(column, name, file)
    elif floats and pa.types.is_floating(kind):
        numbers = [_number(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(numbers, pa.large_string())])
    elif not (pa.types.is_null(kind) or (integers and pa.types.is_integer(kind))):
        raise DataError(f"{file}: {name} is {kind}, not text; fetch it again")
    return column.cast(pa.large_string())


def _check_utf8(column: pa.ChunkedArray, name: str, file: Path) -> None:
    try:
        column.validate(full=True)
    except ValueError as error:
        for row, value in enumerate(column.cast("large_binary").to_pylist(), start=1):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                raise DataError(f"{file} row {row}: {name} is not utf-8; fetch it again") from error
        raise


def _number(value: float | None) -> str | None:
    if value is None or not math.isfinite(value):
        return None
    return str(int(value)) if value == int(value) else str(value)


def _values(column: pa.ChunkedArray) -> np.ndarray:
    # each different text is looked at once
    encoded = column.combine_chunks().dictionary_encode()
    words = [" ".join(word.split()) or None for word in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    return np.array([*words, None], dtype=object)[codes]

"""WebDataset shards from any Catalog: in parallel, resumable, and the same bytes each time."""

from __future__ import annotations

import json
import os
import tarfile
import warnings
import zlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import PIL

from ofclip.catalog import REQUIRED, Catalog
from ofclip.errors import DataError, SettingError
from ofclip.files import atomic, digest, sha256
from ofclip.shards.encode import Encoding, encode, official_name
from ofclip.shards.index import (
    FORMAT,
    INDEX,
    SIZES,
    TYPES,
    Index,
    Shard,
    read_header,
    table_is_whole,
    write_table,
)


def write_shards(
    catalog: Catalog,
    folder: str | Path,
    samples: int = 1000,
    *,
    size: int | None = None,
    encoding: str = "keep",
    quality: int = 90,
    skip_bad: bool = False,
    jobs: int = -1,
    progress: bool = True,
) -> Index:
    """Write a Catalog as tar shards of `samples` products each, in its order, and return their index.

    A product is `<key>.jpg` (or .png, .webp), `<key>.json` (id, split, group, texts, labels) and, if it has a
    text, `<key>.txt` (the first one); the key is its row number. "keep" stores the bytes of JPEG, PNG and WebP
    files as they are and draws everything else as PNG, which loses nothing. `size` shrinks pictures whose
    shorter side is larger to that many pixels: what was a JPEG stays one, at `quality`. Every picture is decoded.

    The same catalogue and Pillow give the same bytes. A call that was stopped goes on where it was: a shard whose
    checksum still holds is kept. One process at a time may write to a folder. Windows of a few shards are what a
    reader shuffles in, so take the rows of a sorted catalogue in random order first.

    Raises DataError that names the row of a bad picture unless `skip_bad`, which lists it in `Index.skipped`, and for
    a catalogue without products; SettingError for a folder that holds other shards. `OFCLIP_PROGRESS=0` hides the bar.
    """
    chosen = Encoding(encoding, size, quality)
    if samples < 1:
        raise SettingError(f"samples={samples}: choose 1 or more in a shard")
    if not len(catalog):
        raise DataError(f"{catalog.name}: no products to write; a shard without samples stops its readers")
    columns = {name: _type(catalog, name) for name in catalog.products.columns}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    recipe = digest(FORMAT, catalog.fingerprint, samples, chosen, PIL.__version__)
    _check_folder(folder, recipe)

    results = _parallel(catalog, folder, samples, chosen, recipe, skip_bad, jobs, progress)
    shards, skipped = [], list(catalog.skipped)
    for shard, faults in results:
        shards += [shard] if shard else []
        skipped += faults
    if not shards:
        first = skipped[len(catalog.skipped)]
        raise DataError(f"{catalog.name}: no product has a sound picture; the first fault is: {first}")
    found = Index(catalog.name, catalog.fingerprint, recipe, columns, tuple(shards), tuple(skipped))
    with atomic(folder / SIZES) as temporary:
        temporary.write_text(json.dumps({shard.name: shard.samples for shard in shards}, indent=1) + "\n")
    with atomic(folder / INDEX) as temporary:  # comes last: a folder with an index is whole
        temporary.write_text(found.dumps())
    return found


def _type(catalog: Catalog, name: str) -> str:
    """Return the type of a column, by which it is read again; raises DataError for one that a Catalog has not."""
    column = catalog.products[name]
    values = column.tolist() if name in REQUIRED else column[column.notna()].tolist()
    kinds = {type(value) for value in values}
    if kinds == {tuple} and all(type(text) is str for value in values for text in value):
        return "list"
    if not kinds <= {str} or name == "texts":
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(f"{catalog.name}: column {name} must hold str, or tuples of str, not {found}")
    return str(column.dtype) if str(column.dtype) in TYPES else "object"


def _check_folder(folder: Path, recipe: str) -> None:
    """Refuse a folder with other shards, and clear what a killed run has left half-written."""
    for path in folder.glob(".shard-*.part"):
        path.unlink(missing_ok=True)
    for path in sorted(folder.glob("shard-*")):
        table = path.with_suffix(".jsonl")
        if not table.exists() or _header(table).get("recipe", recipe) != recipe:
            raise SettingError(f"{path}: is of another catalogue or of other settings; name an empty folder")


def _header(path: Path) -> dict:
    try:
        with path.open("rb") as file:
            return read_header(file.readline())
    except (OSError, ValueError):
        return {}


def _parallel(
    catalog: Catalog, folder: Path, samples: int, encoding: Encoding, recipe: str, skip_bad: bool, jobs: int, bar: bool
) -> Generator[tuple[Shard | None, list[str]], None, None]:
    from joblib import Parallel, delayed
    from tqdm import tqdm

    n = len(catalog)
    parts = [range(start, min(start + samples, n)) for start in range(0, n, samples)]
    bare = replace(catalog, skipped=())  # what was left out need not travel to each worker
    work = (
        delayed(_shard)(bare.take(rows), rows.start, folder / f"shard-{number:06d}.tar", encoding, recipe, skip_bad)
        for number, rows in enumerate(parts)
    )
    results = Parallel(1 if len(parts) == 1 else jobs, return_as="generator")(work)
    hidden = not bar or os.environ.get("OFCLIP_PROGRESS") == "0"
    try:
        with tqdm(total=n, desc="shards", unit="", leave=False, disable=hidden or None) as shown:
            for rows, result in zip(parts, results, strict=True):
                yield result
                shown.update(len(rows))
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # joblib's, on work given up for a bad picture
            results.close()


class _NoSample(Exception):
    """Every picture of a shard is bad: an empty tar must not be."""


def _shard(
    catalog: Catalog, first: int, path: Path, encoding: Encoding, recipe: str, skip_bad: bool
) -> tuple[Shard | None, list[str]]:
    """Write one shard and its table unless both are there; return its entry in the index, and what was left out."""
    table = path.with_suffix(".jsonl")
    header = _header(table)
    if header.get("recipe") == recipe and (skip_bad or not header.get("skipped")) and _whole(path, table, header):
        skipped = header["skipped"]
    else:
        try:
            with atomic(path) as temporary:
                with temporary.open("wb") as file:
                    samples, skipped = _fill(file, catalog, first, encoding, skip_bad)
                if not samples:
                    raise _NoSample
                header = {"recipe": recipe, "samples": len(samples), "bytes": temporary.stat().st_size}
                header |= {"sha256": sha256(temporary), "skipped": skipped}
                with atomic(table) as beside:  # comes first: a tar without a table is somebody else's
                    beside.write_bytes(write_table(header, samples))
        except _NoSample:
            return None, skipped
    return Shard(path.name, header["samples"], header["bytes"], header["sha256"], sha256(table)), skipped


def _whole(path: Path, table: Path, header: dict) -> bool:
    """Whether a shard and its table are as they were written."""
    try:
        return sha256(path) == header["sha256"] and table_is_whole(table.read_bytes())
    except (OSError, KeyError):
        return False


def _fill(
    file: BinaryIO, catalog: Catalog, first: int, encoding: Encoding, skip_bad: bool
) -> tuple[list[dict], list[str]]:
    samples, skipped = [], []
    columns = {name: catalog.products[name].tolist() for name in catalog.products.columns}
    for i in range(len(catalog)):
        product: dict[str, Any] = {name: _plain(columns[name][i]) for name in REQUIRED}
        product["labels"] = {name: _plain(columns[name][i]) for name in catalog.labels}
        key = f"{first + i:09d}"
        try:
            data, kind = encode(catalog.images, i, encoding)
            caption = _utf8(product["texts"][0]) if product["texts"] else None
        except DataError as error:
            if not skip_bad:
                raise DataError(
                    f"{catalog.name} row {first + i}: {error}; --skip-bad lists such rows instead"
                ) from error
            skipped.append(f"row {first + i}, id {product['id']}: {error}")
            continue
        member = f"{key}.{kind}"
        offset = _add(file, member, data)
        _add(file, f"{key}.json", json.dumps(product).encode())
        if caption is not None:
            _add(file, f"{key}.txt", caption)
        name = official_name(catalog.images, i) or member
        place = {"picture": member, "name": name, "offset": offset, "bytes": len(data), "crc32": zlib.crc32(data)}
        samples.append({**place, "product": product})
    file.write(bytes(2 * tarfile.BLOCKSIZE))
    return samples, skipped


def _add(file: BinaryIO, name: str, data: bytes) -> int:
    """Append one member, with nothing in its header that differs between machines; return where its data begin."""
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = len(data), 0, 0o644
    file.write(header.tobuf(tarfile.USTAR_FORMAT))
    offset = file.tell()
    file.write(data)
    file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
    return offset


def _plain(value: object) -> object:
    """Return a cell as JSON has it: text, a list of texts, or None where it is missing."""
    return list(value) if isinstance(value, tuple) else value if isinstance(value, str) else None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"text {text!r} is no Unicode ({error.reason})") from error

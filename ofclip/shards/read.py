"""Shards read again: as a Catalog like any other, or as a stream of decoded samples in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ofclip.catalog import REQUIRED, Catalog
from ofclip.errors import DataError, SettingError
from ofclip.files import digest
from ofclip.images import EncodedImages
from ofclip.shards.index import AGAIN, INDEX, Index, Shard, Table, read_table, table_name
from ofclip.shards.order import ShardOrder
from ofclip.shards.pixels import OPENERS, checked
from ofclip.shards.storage import Blob, Storage
from ofclip.shards.stream import Sample, stream


class ShardImages(EncodedImages):
    """Encoded pictures in shards.

    Picture i is `members[i]` of shard `which[i]`, `size[i]` bytes from `offset[i]` on with CRC-32 `crc[i]`; `names`
    are their names in the official layout. The fingerprint is that of the files they were made from, as long
    as they were stored byte by byte: so both share the pixel cache and all that was computed.
    """

    def __init__(
        self,
        storage: Storage,
        shards: tuple[Shard, ...],
        which: np.ndarray,
        offset: np.ndarray,
        size: np.ndarray,
        crc: np.ndarray,
        members: tuple[str, ...],
        names: tuple[str, ...],
    ) -> None:
        self.storage, self.shards, self.which = storage, shards, which
        self.offset, self.size, self.crc, self.members, self.names = offset, size, crc, members, names

    def __len__(self) -> int:
        return len(self.which)

    def name(self, i: int) -> str:
        return f"{self.storage.label(self.shards[self.which[i]].name)}:{self.members[i]}"

    def read(self, i: int) -> bytes:
        """Return the encoded bytes of picture i; raises DataError if they are missing or changed."""
        offset, size, crc = int(self.offset[i]), int(self.size[i]), int(self.crc[i])
        return checked(self.storage.part(self.shards[self.which[i]].name, offset, size), size, crc, self.name(i))

    def blob(self, number: int) -> Blob:
        """Return one shard, open; raises DataError if it is missing or cut short."""
        return self.storage.blob(self.shards[number].name, self.shards[number].bytes)

    def subset(self, rows: Sequence[int] | np.ndarray) -> ShardImages:
        rows = np.asarray(rows, dtype=np.int64)
        # a chunk for a worker must not carry the list of all shards
        kept, which = np.unique(self.which[rows], return_inverse=True)
        shards = tuple(self.shards[number] for number in kept)
        offset, size, crc = (array[rows] for array in (self.offset, self.size, self.crc))
        members, names = (tuple(values[row] for row in rows) for values in (self.members, self.names))
        return type(self)(self.storage, shards, which.astype(np.int32), offset, size, crc, members, names)

    @cached_property
    def fingerprint(self) -> str:
        rows = zip(self.names, self.size.tolist(), self.crc.tolist(), strict=True)
        return digest("\n".join(f"{name}\t{size}\t{crc:08x}" for name, size, crc in rows))


class Shards:
    """A folder of shards, on a disk or on any storage that fsspec knows.

    Rows count through the shards in their order, as in `catalog()`. Raises DataError if the folder has no index
    or a damaged one.

    >>> shards = Shards("s3://bucket/kagl")                                   # doctest: +SKIP
    >>> for sample in shards.stream(size=224, seed=0, epoch=3, start=5000):   # doctest: +SKIP
    ...     sample.picture, sample.texts, sample.row
    """

    def __init__(self, url: str | Path) -> None:
        self.storage = Storage(url)
        self.index = Index.loads(self.storage.read(INDEX), self.storage.label(INDEX))
        self.sizes = np.asarray([shard.samples for shard in self.index.shards], np.int64)

    def __len__(self) -> int:
        return int(self.sizes.sum())

    def __repr__(self) -> str:
        return f"Shards({self.storage.url!r}, {len(self)} samples of {self.index.name} in {len(self.sizes)} shards)"

    def table(self, number: int) -> Table:
        """Return the samples of one shard; raises DataError if its table is missing or changed."""
        shard = self.index.shards[number]
        name = table_name(shard.name)
        return read_table(self.storage.read(name), shard, self.storage.label(name))

    def stream(
        self,
        size: int,
        seed: int = 0,
        epoch: int = 0,
        start: int = 0,
        *,
        rank: int = 0,
        ranks: int = 1,
        worker: int = 0,
        workers: int = 1,
        window: int = 8,
        how: str = "pad",
        threads: int | None = None,
    ) -> Iterator[Sample]:
        """Yield one epoch of samples, decoded to squares of `size` pixels, in the ShardOrder of (seed, window).

        Each worker of each rank gets a run of the epoch's positions of its own (`ShardOrder.share`), that differ by
        at most one sample. `start` counts within it: the stream goes on there, and opens no shard that lies before.
        """
        if size < 1 or start < 0:
            raise SettingError(f"size {size}, start {start}: choose 1 pixel or more, and start at 0 or later")
        if not (0 <= rank < ranks and 0 <= worker < workers):
            raise SettingError(f"rank {rank} of {ranks}, worker {worker} of {workers}: count each from 0")
        order = ShardOrder(self.sizes, seed, window)
        first, last = order.share(rank * workers + worker, ranks * workers)
        return stream(self, order, epoch, min(first + start, last), last, size, how, threads)

    def catalog(self, split: str | None = None) -> Catalog:
        """Return the Catalog that was written, its pictures in the shards; `split` keeps one split."""
        products, images = self._contents
        found = Catalog(self.index.name, products, images, self.index.skipped)
        return found if split is None else found.where(split=split)

    def images(self, rows: Sequence[int] | np.ndarray | None = None) -> ShardImages:
        """Return the pictures, all or those of some rows."""
        images = self._contents[1]
        return images if rows is None else images.subset(rows)

    @cached_property
    def _contents(self) -> tuple[pd.DataFrame, ShardImages]:
        types = self.index.columns
        columns: dict[str, list] = {name: [] for name in types}
        places, members, names = [], [], []
        with ThreadPoolExecutor(OPENERS) as pool:  # on object storage most of the time is waiting
            for number, table in enumerate(pool.map(self.table, range(len(self.sizes)))):
                try:
                    for name, values in columns.items():
                        values += _column(table, name, types[name])
                except (KeyError, TypeError, AttributeError) as error:
                    shard = self.index.shards[number].name
                    raise DataError(f"{self.storage.label(table_name(shard))}: {error} is wrong; {AGAIN}") from error
                places.append((table.offset, table.size, table.crc))
                members += table.members
                names += table.names
        offset, size, crc = (np.concatenate(arrays) for arrays in zip(*places, strict=True))
        which = np.repeat(np.arange(len(self.sizes), dtype=np.int32), self.sizes)
        dtypes = {name: "object" if kind == "list" else kind for name, kind in types.items()}
        products = pd.DataFrame({name: pd.Series(columns[name], dtype=dtypes[name]) for name in types})
        images = ShardImages(self.storage, self.index.shards, which, offset, size, crc, tuple(members), tuple(names))
        return products, images


def _column(table: Table, name: str, kind: str) -> list:
    inner = (product if name in REQUIRED else product["labels"] for product in table.products)
    if kind != "list":
        return [product[name] for product in inner]
    return [None if (value := product[name]) is None else tuple(value) for product in inner]


def open_shards(url: str | Path) -> Shards:
    """Return the shards in a folder: a path, or "https://...", "s3://..." and so on; see `Shards`."""
    return Shards(url)


def load_shards(url: str | Path, split: str | None = None) -> Catalog:
    """Return the Catalog that `write_shards` wrote to a folder, equal to it in every value; see `Shards.catalog`."""
    return Shards(url).catalog(split)


def check_shards(url: str | Path, jobs: int = OPENERS) -> list[str]:
    """Return what is wrong with a folder of shards, one line each: files that are missing, cut short or changed.

    Reads every byte, `jobs` shards at a time. Raises DataError if there is no index, or a damaged one.
    """
    shards = Shards(url)

    def faults(number: int) -> list[str]:
        shard, found = shards.index.shards[number], []
        try:
            size, checksum = shards.storage.sha256(shard.name)
            label = shards.storage.label(shard.name)
            if size != shard.bytes:
                found.append(f"{label}: {size:,} of {shard.bytes:,} bytes; {AGAIN}")
            elif checksum != shard.sha256:
                found.append(f"{label}: wrong checksum, it was changed; {AGAIN}")
        except DataError as error:
            found.append(str(error))
        try:
            shards.table(number)
        except DataError as error:
            found.append(str(error))
        return found

    with ThreadPoolExecutor(jobs) as pool:
        return [fault for part in pool.map(faults, range(len(shards.sizes))) for fault in part]

"""Pixels straight from shards, in place of the pixel cache: any rows, decoded by threads, in bounded memory."""

from __future__ import annotations

import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from ofclip.errors import DataError, SettingError
from ofclip.images import fit, rgb
from ofclip.images.fitting import decoded_size
from ofclip.shards.order import ShardOrder
from ofclip.shards.storage import Blob

if TYPE_CHECKING:
    from ofclip.shards.read import ShardImages

T = TypeVar("T")
#: Threads that open shards: they wait for the storage more than they compute.
OPENERS = 4


class Ahead(Generic[T]):
    """Values by number, loaded by background threads; the `keep` last used are kept. Threads may share it."""

    def __init__(self, load: Callable[[int], T], keep: int) -> None:
        self.load, self.keep = load, keep
        self.values: OrderedDict[int, Future[T]] = OrderedDict()
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(OPENERS, thread_name_prefix="shards")

    def want(self, numbers: Iterable[int]) -> list[Future[T]]:
        """Start to load what is not there yet."""
        found = []
        with self.lock:
            for number in numbers:
                if number not in self.values:
                    self.values[number] = self.pool.submit(self.load, number)
                self.values.move_to_end(number)
                found.append(self.values[number])
            while len(self.values) > max(self.keep, len(found)):
                self.values.popitem(last=False)
        return found

    def get(self, numbers: Iterable[int]) -> dict[int, T]:
        """Return the values of the given numbers, waiting for those that are not loaded yet."""
        numbers = list(numbers)
        return {number: value.result() for number, value in zip(numbers, self.want(numbers), strict=True)}

    def close(self) -> None:
        """Let go of everything."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.values.clear()


class ShardPixels:
    """Square pixels of the pictures of a ShardImages store, read and decoded when asked for.

    It stands for the array of `ofclip.images.pixels` where that would not fit on the disk: `gather(rows)` is
    `array[rows]`. Rows should come in a ShardOrder, `order(seed)` makes the one of this store: then a step needs the
    few shards of one window, and each is opened once per epoch. At most 2 x `window` + 1 are open; those that lie
    on object storage are held whole in memory. `threads` defaults to the cores this process may use.
    """

    def __init__(
        self, images: ShardImages, size: int, how: str = "pad", window: int = 8, threads: int | None = None
    ) -> None:
        if size < 1 or window < 1:
            raise SettingError(f"size {size}, window {window}: both must be 1 or more")
        self.images, self.size, self.how, self.window = images, size, how, window
        self.threads = threads or cores()
        self.blobs: Ahead[Blob] = Ahead(images.blob, 2 * window + 1)
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="decode")

    def __len__(self) -> int:
        return len(self.images)

    def order(self, seed: int) -> ShardOrder:
        """Return the order in which this store is read well; raises SettingError if its rows are not in shard order."""
        which = self.images.which
        if len(which) and np.any(np.diff(which) < 0):
            raise SettingError(f"{self.images.storage.url}: rows must be in the order of the shards")
        return ShardOrder(np.bincount(which, minlength=len(self.images.shards)), seed, self.window)

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Return the pictures of some rows as uint8 (n, size, size, 3); raises DataError that names a damaged one."""
        rows = np.asarray(rows, np.int64)
        blobs = self.blobs.get(self._shards(rows))
        out = np.empty((len(rows), self.size, self.size, 3), np.uint8)

        def work(part: np.ndarray) -> None:
            for place in part:
                out[place] = self._picture(int(rows[place]), blobs)

        parts = min(len(rows), 4 * self.threads)  # a few per thread, since some pictures take longer
        if parts > 1:
            list(self.pool.map(work, np.array_split(np.arange(len(rows)), parts)))
        elif parts:
            work(np.arange(len(rows)))
        return out

    def prefetch(self, rows: np.ndarray) -> None:
        """Start to open the shards that hold some rows, which `gather` will ask for soon."""
        self.blobs.want(self._shards(np.asarray(rows, np.int64)))

    def close(self) -> None:
        """End the threads and close the shards."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.blobs.close()

    def _shards(self, rows: np.ndarray) -> list[int]:
        return np.unique(self.images.which[rows]).tolist()

    def _picture(self, row: int, blobs: dict[int, Blob]) -> np.ndarray:
        images = self.images
        number, offset, size, crc = (int(x[row]) for x in (images.which, images.offset, images.size, images.crc))
        data = checked(blobs[number].read(offset, size), size, crc, images.name(row))
        return fit(rgb(data, images.name(row), decoded_size(self.size, self.how)), self.size, self.how)


def checked(data: bytes, size: int, crc: int, name: str) -> bytes:
    """Return the bytes of one member; raises DataError if they are not those that were written."""
    if len(data) != size:
        raise DataError(f"{name}: cut short, {len(data):,} of {size:,} bytes; write or fetch the shard again")
    if zlib.crc32(data) != crc:
        raise DataError(f"{name}: wrong checksum, the shard was changed; write or fetch it again")
    return data


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

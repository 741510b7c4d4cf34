"""One epoch of decoded samples in shuffled order: threads decode ahead, and no more is held than a few shards."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ofclip.images import fit, rgb
from ofclip.images.fitting import decoded_size
from ofclip.shards.order import ShardOrder
from ofclip.shards.pixels import Ahead, checked, cores
from ofclip.shards.storage import Blob

if TYPE_CHECKING:
    from ofclip.shards.index import Table
    from ofclip.shards.read import Shards

#: Samples per unit of work: enough that a thread is not busy with handing over, few enough to stay small.
CHUNK = 32


class Sample(NamedTuple):
    """One sample: pixels (size, size, 3) uint8, its texts, and its row in the Catalog of the shards."""

    picture: np.ndarray
    texts: tuple[str, ...]
    row: int


class _Open(NamedTuple):
    """One shard that is being read."""

    blob: Blob
    table: Table
    texts: list[tuple[str, ...]]


def stream(
    shards: Shards, order: ShardOrder, epoch: int, first: int, last: int, size: int, how: str, threads: int | None
) -> Iterator[Sample]:
    """Yield the samples at positions `first` to `last` of an epoch; shards that hold none of them are not opened.

    Raises DataError that names a shard or a picture that is missing, cut short or changed.
    """
    threads = threads or cores()
    waiting = 2 * threads  # chunks that are decoded, or being decoded, ahead of the reader
    mean = len(order) / len(order.sizes)
    # the shards of this window and the next, and where shards are tiny, all that the chunks ahead need
    keep = 2 * order.window + int(2 * waiting * CHUNK / mean) + 2
    soon = max(CHUNK, int(order.window * mean / 2))

    def load(number: int) -> _Open:
        table = shards.table(number)
        shard = shards.index.shards[number]
        texts = [tuple(product["texts"]) for product in table.products]
        table.products.clear()
        return _Open(shards.storage.blob(shard.name, shard.bytes), table, texts)

    opened: Ahead[_Open] = Ahead(load, keep)

    def chunk(rows: np.ndarray) -> list[Sample]:
        numbers = order.shards_of(rows)
        found = opened.get(np.unique(numbers).tolist())
        samples = []
        for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
            blob, table, texts = found[number]
            place = row - int(order.starts[number])
            offset, length, crc = int(table.offset[place]), int(table.size[place]), int(table.crc[place])
            name = f"{blob.label}:{table.members[place]}"
            data = checked(blob.read(offset, length), length, crc, name)
            samples.append(Sample(fit(rgb(data, name, decoded_size(size, how)), size, how), texts[place], row))
        return samples

    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    pending: deque[Future[list[Sample]]] = deque()
    try:
        for start in range(first, last, CHUNK):
            rows = order.rows(epoch, start, min(start + CHUNK, last))
            pending.append(pool.submit(chunk, rows))
            ahead = order.rows(epoch, min(start + soon, last), min(start + soon + CHUNK, last))
            opened.want(np.unique(order.shards_of(ahead)).tolist())
            if len(pending) > waiting:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        opened.close()

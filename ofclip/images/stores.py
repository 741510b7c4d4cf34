"""Where pictures come from: files in folders and archives, arrays, several stores in a row, or nowhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ofclip.errors import DataError
from ofclip.files import digest
from ofclip.images.decoding import decode, rgb

if TYPE_CHECKING:
    from ofclip.archives import Container


class Images(ABC):
    """A lazy, picklable store of pictures in a fixed order.

    `fingerprint` depends on content and order only, so that equal pictures have equal caches. A class
    with `resizes = True` takes `open(i, size=pixels)` and may return a smaller picture that still holds
    all the detail which that size can show. `present` is False where pictures are named and not there.
    """

    resizes = False
    present = True

    @property
    @abstractmethod
    def fingerprint(self) -> str: ...

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, i: int) -> str:
        """Return what messages call picture i, as "kagl_60x80.zip:images/1163.jpg"."""

    @abstractmethod
    def open(self, i: int) -> Image.Image:
        """Return picture i in mode RGB; raises DataError that names it if it cannot be decoded."""

    def rgb(self, i: int, size: int | None = None) -> np.ndarray:
        """Return what `open` returns as uint8 (h, w, 3); stores that resize take `size`."""
        return np.asarray(self.open(i, **({"size": size} if self.resizes and size else {})))

    @abstractmethod
    def subset(self, rows: Sequence[int] | np.ndarray) -> Images:
        """Return the store of the given rows, in the order given."""


class EncodedImages(Images):
    """Pictures in encoded form: a subclass reads their bytes."""

    resizes = True

    @abstractmethod
    def read(self, i: int) -> bytes:
        """Return the encoded bytes of picture i; raises DataError if there are none."""

    def open(self, i: int, size: int | None = None) -> Image.Image:
        return decode(self.read(i), self.name(i), size)

    def rgb(self, i: int, size: int | None = None) -> np.ndarray:
        return rgb(self.read(i), self.name(i), size)


class FileImages(EncodedImages):
    """Encoded pictures in folders and archives: picture i is file `members[i]` of container `parts[which[i]]`.

    `names` are their names in the official layout. The fingerprint hashes (name, size, CRC-32) of each, so
    it is the same for an archive and for what was unpacked from it. `ofclip.tree.Tree.images` makes one.
    """

    def __init__(
        self, parts: tuple[Container, ...], which: np.ndarray, members: tuple[str, ...], names: tuple[str, ...]
    ) -> None:
        self.parts, self.which, self.members, self.names = parts, which, members, names

    def __len__(self) -> int:
        return len(self.names)

    def name(self, i: int) -> str:
        return self.parts[self.which[i]].label(self.members[i])

    def read(self, i: int) -> bytes:
        return self.parts[self.which[i]].read(self.members[i])

    def subset(self, rows: Sequence[int] | np.ndarray) -> FileImages:
        rows = np.asarray(rows, dtype=np.int64)
        members, names = (tuple(values[row] for row in rows.tolist()) for values in (self.members, self.names))
        return type(self)(self.parts, self.which[rows], members, names)

    def entries(self) -> list[tuple[int, int]]:
        """Return size in bytes and CRC-32 of each picture; raises DataError for one that is missing."""
        found: list[tuple[int, int]] = [(0, 0)] * len(self)
        for number in np.unique(self.which):
            rows = np.flatnonzero(self.which == number)
            entries = self.parts[number].entries(self.members[row] for row in rows.tolist())
            for row, entry in zip(rows.tolist(), entries, strict=True):
                found[row] = entry
        return found

    @cached_property
    def fingerprint(self) -> str:
        rows = zip(self.names, self.entries(), strict=True)
        return digest("\n".join(f"{name}\t{size}\t{crc:08x}" for name, (size, crc) in rows))


class ArrayImages(Images):
    """Pictures in a uint8 array (n, h, w) of grey levels or (n, h, w, 3) of RGB."""

    def __init__(self, array: np.ndarray, name: str, rows: np.ndarray | None = None) -> None:
        if array.dtype != np.uint8 or array.ndim not in (3, 4) or array.shape[3:] not in ((), (3,)):
            found = f"{array.dtype} {array.shape}"
            raise DataError(f"{name}: pictures must be uint8 (n, h, w) or (n, h, w, 3), not {found}")
        self.array = array
        self.label = name
        self.rows = np.arange(len(array)) if rows is None else rows

    def __len__(self) -> int:
        return len(self.array)

    def name(self, i: int) -> str:
        return f"{self.label}[{self.rows[i]}]"

    def open(self, i: int) -> Image.Image:
        return Image.fromarray(self.array[i]).convert("RGB")

    def subset(self, rows: Sequence[int] | np.ndarray) -> Images:
        rows = np.asarray(rows, dtype=np.int64)
        return type(self)(self.array[rows], self.label, self.rows[rows])

    @cached_property
    def fingerprint(self) -> str:
        return digest(self.array.shape, np.ascontiguousarray(self.array).tobytes())


class JoinedImages(Images):
    """Several stores in a row, in any order: picture i is picture `row[i]` of store `which[i]`."""

    resizes = True

    def __init__(
        self, stores: Sequence[Images], which: np.ndarray | None = None, row: np.ndarray | None = None
    ) -> None:
        self.stores = tuple(stores)
        sizes = np.array([len(store) for store in self.stores], np.int64)
        self.which = np.repeat(np.arange(len(sizes)), sizes) if which is None else which
        self.row = np.concatenate([np.arange(0), *map(np.arange, sizes)]) if row is None else row

    def __len__(self) -> int:
        return len(self.which)

    def name(self, i: int) -> str:
        return self.stores[self.which[i]].name(self.row[i])

    def open(self, i: int, size: int | None = None) -> Image.Image:
        store = self.stores[self.which[i]]
        return store.open(self.row[i], size=size) if store.resizes else store.open(self.row[i])

    def rgb(self, i: int, size: int | None = None) -> np.ndarray:
        return self.stores[self.which[i]].rgb(self.row[i], size)

    def subset(self, rows: Sequence[int] | np.ndarray) -> JoinedImages:
        rows = np.asarray(rows, dtype=np.int64)
        which, row = self.which[rows], self.row[rows]
        # each store keeps only what is still wanted: a chunk for a worker must not carry the others
        stores, place = [], np.empty(len(rows), np.int64)
        kept = np.unique(which)
        for number in kept:
            here = np.flatnonzero(which == number)
            stores.append(self.stores[number].subset(row[here]))
            place[here] = np.arange(len(here))
        return type(self)(stores, np.searchsorted(kept, which), place)

    @cached_property
    def fingerprint(self) -> str:
        return digest(*(store.fingerprint for store in self.stores), self.which.tobytes(), self.row.tobytes())


class AbsentImages(Images):
    """Pictures that are named and not there: what a Catalog of texts and labels alone has."""

    present = False

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def __len__(self) -> int:
        return len(self.names)

    def name(self, i: int) -> str:
        return self.names[i]

    def open(self, i: int) -> Image.Image:
        raise DataError(f"{self.names[i]}: the catalogue was loaded without pictures; load it with pictures=True")

    def subset(self, rows: Sequence[int] | np.ndarray) -> AbsentImages:
        return type(self)(self.names[row] for row in rows)

    @cached_property
    def fingerprint(self) -> str:
        return digest("absent", *self.names)

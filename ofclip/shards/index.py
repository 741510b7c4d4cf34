"""What lies in a folder of shards.

- index.json: what was written, and name, samples, bytes and checksums of every shard
- shard-000000.tar: pictures, texts and labels, as WebDataset wants them
- shard-000000.jsonl: one line on the shard, then one per sample: where its picture lies, and the product
- sizes.json: shard -> samples, for open_clip's trainer
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass

import numpy as np

from ofclip.errors import DataError
from ofclip.files import digest

FORMAT = 1
INDEX = "index.json"
SIZES = "sizes.json"
NAME = re.compile(r"shard-\d{6,}\.tar")
#: Types of column that a Catalog may have; "list" is a tuple of str per product.
TYPES = ("str", "string", "object", "list")
AGAIN = "write or fetch the shards again"


@dataclass(frozen=True)
class Shard:
    """One tar file: its name, number of samples, bytes, SHA-256, and the SHA-256 of its table."""

    name: str
    samples: int
    bytes: int
    sha256: str
    table: str


@dataclass(frozen=True)
class Index:
    """What a folder of shards holds.

    `name` and `fingerprint` are those of the Catalog that was written, `columns` the type of each of its
    columns, `skipped` what was left out of it, `recipe` a hash of all that decides the bytes of the shards.
    """

    name: str
    fingerprint: str
    recipe: str
    columns: dict[str, str]
    shards: tuple[Shard, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(shard.samples for shard in self.shards)

    def dumps(self) -> str:
        """Return the text of index.json, which carries a hash of itself."""
        body = {"format": FORMAT, **asdict(self)}
        return json.dumps({**body, "digest": _hash(body)}, indent=1) + "\n"

    @classmethod
    def loads(cls, data: bytes, label: str) -> Index:
        """Return the Index in the content of index.json; raises DataError if it is damaged or of another format."""
        try:
            body = json.loads(data)
            known = body.pop("digest")
            version = body.pop("format")
            whole = known == _hash({"format": version, **body})
            if whole and version == FORMAT:
                body["shards"] = tuple(Shard(**shard) for shard in body["shards"])
                body["skipped"] = tuple(body["skipped"])
                found = cls(**body)
                if all(NAME.fullmatch(shard.name) for shard in found.shards) and len(found):
                    return found
                whole = False
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{label}: damaged ({type(error).__name__}: {error}); {AGAIN}") from error
        if not whole:
            raise DataError(f"{label}: changed since it was written; {AGAIN}")
        raise DataError(f"{label}: has format {version}, this ofclip reads {FORMAT}; write the shards again")


def _hash(body: dict) -> str:
    return digest(json.dumps(body, sort_keys=True))


@dataclass(frozen=True)
class Table:
    """The samples of one shard: where each picture lies in it (offset, size, CRC-32), and the products."""

    offset: np.ndarray
    size: np.ndarray
    crc: np.ndarray
    members: list[str]
    names: list[str]
    products: list[dict]

    def __len__(self) -> int:
        return len(self.offset)


def table_name(shard: str) -> str:
    """Return the name of a shard's table.

    >>> table_name("shard-000007.tar")
    'shard-000007.jsonl'
    """
    return shard.removesuffix(".tar") + ".jsonl"


def write_table(header: dict, samples: list[dict]) -> bytes:
    """Return the content of a table: a line on the shard, with a hash of the rest, then a line per sample."""
    body = "".join(json.dumps(sample) + "\n" for sample in samples).encode()
    return json.dumps({**header, "digest": digest(body)}).encode() + b"\n" + body


def table_is_whole(data: bytes) -> bool:
    """Whether the lines of a table are those that its header was written for."""
    try:
        return read_header(data).get("digest") == digest(data.partition(b"\n")[2])
    except ValueError:
        return False


def read_header(data: bytes) -> dict:
    """Return the first line of a table; raises ValueError if there is none."""
    header = json.loads(data.partition(b"\n")[0])
    if not isinstance(header, dict):
        raise ValueError("no header")
    return header


def read_table(data: bytes, shard: Shard, label: str) -> Table:
    """Return the samples of a shard; raises DataError if the table is not the one that was written with it."""
    if hashlib.sha256(data).hexdigest() != shard.table:
        raise DataError(f"{label}: wrong checksum, it was changed or cut short; {AGAIN}")
    try:
        lines = json.loads(b"[" + data.rstrip(b"\n").replace(b"\n", b",") + b"]")[1:]
        numbers = np.asarray([(line["offset"], line["bytes"], line["crc32"]) for line in lines], np.int64)
        offset, size, crc = numbers.reshape(-1, 3).T
        table = Table(
            offset,
            size,
            crc,
            [line["picture"] for line in lines],
            [line["name"] for line in lines],
            [line["product"] for line in lines],
        )
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise DataError(f"{label}: damaged ({type(error).__name__}: {error}); {AGAIN}") from error
    if len(table) != shard.samples:
        raise DataError(f"{label}: lists {len(table)} of {shard.samples} samples; {AGAIN}")
    return table

"""Shards: a Catalog of any size as WebDataset tar files, read from a disk or from object storage."""

from ofclip.shards.index import Index, Shard
from ofclip.shards.order import ShardOrder
from ofclip.shards.pixels import ShardPixels
from ofclip.shards.read import Sample, ShardImages, Shards, check_shards, load_shards, open_shards
from ofclip.shards.write import write_shards

__all__ = [
    "Index", "Sample", "Shard", "ShardImages", "ShardOrder", "ShardPixels", "Shards", "check_shards", "load_shards",
    "open_shards", "write_shards",
]  # fmt: skip

"""Duplicates of pictures and captions: inside a source, across sources and splits, and how to leave them out.

On standardised catalogue photographs a perceptual hash alone is no evidence: it sees shapes, and two shirts
of one cut in two colours share it. Of KAGL's 44,072 pictures of 60x80 pixels, 301,660 pairs are within 4 bits, and
1.2 % of those share a title. So hashes only propose pairs, and the thumbnails decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import unknown
from ofclip.images import AbsentImages, pixels
from ofclip.images.phash import BLOCK, SIDE, near_blocks, near_pairs, phash
from ofclip.sources.splits import fold
from ofclip.tasks.false_negatives import false_negatives

__all__ = [
    "DIFFERENCE", "DISTANCE", "KINDS", "duplicates", "false_negatives", "hashes", "leakage", "near_pairs", "without",
]  # fmt: skip

#: Bits that the hashes of one picture may differ in, and the root mean squared difference of its thumbnails
#: in grey levels (our choice). KAGL has 9,572 pictures at 60x80 and at 168x224 pixels: 99.4 % are found again
#: across sizes, and of the pairs found 97.1 % are one product and 99.7 % one group. 6 bits find 99.7 %, at 2.8 times
#: the pairs to compare; with 10 grey levels it is 99.6 %, and 4 % of the pairs found are of different groups.
DISTANCE, DIFFERENCE = 4, 6.0
#: Side of the cached pictures that thumbnails are made of: the laptop profile trains on such, so none is decoded twice.
CACHED = 2 * SIDE
#: Kinds of leak, the strictest first.
KINDS = ("picture exact", "picture near", "caption")


def hashes(catalog: Catalog, jobs: int = -1, skip_bad: bool = False) -> np.ndarray:
    """Return the perceptual hash (n,) uint64 of each picture, from its thumbnail of 32x32; see `images.phash`.

    Raises DataError for the first damaged picture; with `skip_bad` such a picture counts as black.
    """
    array = pixels(catalog.images, CACHED, skip_bad=skip_bad, jobs=jobs).array
    # in parts: all pictures at once would not stay on the disk
    parts = [phash(_halved(array[start : start + BLOCK])) for start in range(0, len(array), BLOCK)]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def duplicates(
    catalogs: Catalog | Sequence[Catalog],
    distance: int = DISTANCE,
    difference: float = DIFFERENCE,
    jobs: int = -1,
    skip_bad: bool = False,
) -> pd.DataFrame:
    """Return how many products of each data set and split have a duplicate in each data set and split.

    One row per (dataset, split, other, other_split), in both directions: the number of `products` in dataset
    and split, and of those that have another product in other and other_split with identical 32x32 pixels
    (picture_exact), with hash and pixels within `distance` and `difference`, identical ones included
    (picture_near), with the same first caption (caption_exact), or the same but for case and spaces
    (caption_folded). Empty captions equal none. Counts of pictures are missing where a catalogue was loaded
    without. Raises DataError for a damaged picture; with `skip_bad` it equals none.
    """
    catalogs = [catalogs] if isinstance(catalogs, Catalog) else list(catalogs)
    names = [(catalog.name, split) for catalog in catalogs for split in catalog.products["split"]]
    domain, domains = pd.factorize(pd.Series(names, dtype=object))
    captions = pd.Series([text for catalog in catalogs for text in catalog.captions], dtype=object)
    thumbnails = _thumbnails(catalogs, jobs, skip_bad)
    near = _near(thumbnails, np.arange(len(thumbnails.hash)), None, distance, difference)[:2]

    table = pd.DataFrame(
        [(*one, *other) for one in domains for other in domains], columns=["dataset", "split", "other", "other_split"]
    )
    table["products"] = np.repeat(np.bincount(domain, minlength=len(domains)), len(domains))
    blind = {catalog.name for catalog in catalogs if isinstance(catalog.images, AbsentImages)}
    seen = ~(table["dataset"].isin(blind) | table["other"].isin(blind))
    for column, keys, links in (
        ("picture_exact", thumbnails.code, None),
        ("picture_near", thumbnails.code, near),
        ("caption_exact", pd.factorize(captions.replace("", None))[0], None),
        ("caption_folded", pd.factorize(captions.map(fold).replace("", None))[0], None),
    ):
        counts = pd.Series(_sharing(keys, domain, len(domains), links).ravel(), dtype="Int64")
        table[column] = counts.where(seen) if column.startswith("picture") else counts
    return table


def leakage(
    training: Catalog,
    benchmark: Catalog,
    distance: int = DISTANCE,
    difference: float = DIFFERENCE,
    jobs: int = -1,
    skip_bad: bool = False,
) -> pd.DataFrame:
    """Return which products of a benchmark have a duplicate in the training data, and which those are.

    One row per leak: its `kind` ("picture exact": identical at 32x32 pixels; "picture near": within `distance`
    and `difference`; "caption": the benchmark's first caption is one of the training product's texts but for case
    and spaces), the ids `benchmark` and `training`, and the `difference` in grey levels (missing for captions).
    Each product with a duplicate on the other side is in at least one row of each such kind, with the nearest
    product there: so both sides can be counted, and `without` can leave one out. Catalogues loaded without
    pictures are compared by captions alone. A shared caption need not mean the same product: class names are
    captions too. Raises DataError for a damaged picture; with `skip_bad` it equals none.
    """
    rows = _caption_leaks(training, benchmark)
    if not any(isinstance(catalog.images, AbsentImages) for catalog in (training, benchmark)):
        thumbnails = _thumbnails([training, benchmark], jobs, skip_bad)
        rows = pd.concat([_picture_leaks(thumbnails, len(training), distance, difference), rows])
    columns = ["order", "benchmark", "training"]
    rows = rows.assign(order=rows["kind"].map(KINDS.index)).drop_duplicates(columns)
    rows = rows.sort_values(columns, ignore_index=True).astype({"difference": "Float64"})
    for side, catalog in (("benchmark", benchmark), ("training", training)):
        rows[side] = catalog.products["id"].to_numpy(dtype=object)[rows[side].to_numpy()]
    return rows[["kind", "benchmark", "training", "difference"]]


def without(training: Catalog, leaks: pd.DataFrame, kinds: Iterable[str] = KINDS[:2]) -> Catalog:
    """Return the training products that are in no leak of the given kinds, from a table that `leakage` returned.

    By default only shared pictures count (our choice): "blue jeans" is the caption of many products, and leaving
    all of them out would take a category away. Raises SettingError for an unknown kind.
    """
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind of leak", kind, KINDS)
    leaked = training.products["id"].isin(leaks["training"][leaks["kind"].isin(kinds)])
    return training.take(np.flatnonzero(~leaked.to_numpy()))


@dataclass(frozen=True)
class _Thumbnails:
    """The pictures of several catalogues at 32x32: which are equal, and what to compare of the different ones.

    `code` (n,) numbers the different pictures, with -1 for one that is damaged or absent; `hash` (m,) and
    `coarse` (m, 48), the mean colours of a 4x4 grid, belong to the different ones, and `where` (m, 2) says in
    which array and row their pixels are, twice as wide and high.
    """

    code: np.ndarray
    hash: np.ndarray
    coarse: np.ndarray
    where: np.ndarray
    arrays: list[np.ndarray]

    def difference(self, i: np.ndarray, j: np.ndarray, limit: float) -> np.ndarray:
        """Return the root mean squared difference of pictures i and j, infinite where it is surely above `limit`."""
        found = np.full(len(i), np.inf)
        # means over parts differ by no more than the parts do, so few pairs are left for the whole picture
        few = np.flatnonzero(((self.coarse[i] - self.coarse[j]) ** 2).mean(1) <= (limit + 1e-3) ** 2)
        for start in range(0, len(few), BLOCK):
            rows = few[start : start + BLOCK]
            change = self.pixels(i[rows]).astype(np.int32) - self.pixels(j[rows])
            found[rows] = np.sqrt((change**2).mean((1, 2, 3)))
        return found

    def pixels(self, codes: np.ndarray) -> np.ndarray:
        found = np.empty((len(codes), SIDE, SIDE, 3), np.uint8)
        array, row = self.where[codes].T
        for number in np.unique(array):
            found[array == number] = _halved(self.arrays[number][row[array == number]])
        return found


def _halved(pictures: np.ndarray) -> np.ndarray:
    """Pictures (n, 64, 64, 3) uint8 at half the side: the means of 2x2 pixels, rounded."""
    rows = pictures[:, 0::2].astype(np.uint16) + pictures[:, 1::2]
    return ((rows[:, :, 0::2] + rows[:, :, 1::2] + 2) >> 2).astype(np.uint8)


def _thumbnails(catalogs: Sequence[Catalog], jobs: int, skip_bad: bool) -> _Thumbnails:
    arrays: list[np.ndarray] = []
    digests: list[bytes | None] = []
    where = [np.empty((0, 2), np.int64)]
    for catalog in catalogs:
        names: list[bytes | None] = [None] * len(catalog)
        places = np.zeros((len(catalog), 2), np.int64)
        splits = catalog.products["split"].to_numpy()
        # split by split, so that a whole catalogue and its parts share the cache of pixels
        for split in [] if isinstance(catalog.images, AbsentImages) else pd.unique(splits):
            rows = np.flatnonzero(splits == split)
            shown = pixels(catalog.where(split=split).images, CACHED, skip_bad=skip_bad, jobs=jobs)
            bad = {row for row, _ in shown.bad}
            for start in range(0, len(rows), BLOCK):
                for row, picture in enumerate(_halved(shown.array[start : start + BLOCK]), start):
                    if row not in bad:  # at 128 bits no two different pictures are ever taken for one
                        names[rows[row]] = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
            places[rows] = np.stack([np.full(len(rows), len(arrays)), np.arange(len(rows))], axis=1)
            arrays.append(shown.array)
        digests += names
        where.append(places)
    code = pd.factorize(pd.Series(digests, dtype=object))[0]
    first = np.flatnonzero((code >= 0) & ~pd.Series(code).duplicated().to_numpy())
    hash_, coarse = np.empty(len(first), np.uint64), np.empty((len(first), 48), np.float32)
    made = _Thumbnails(code, hash_, coarse, np.concatenate(where)[first], arrays)
    for start in range(0, len(first), BLOCK):
        block = made.pixels(np.arange(start, min(start + BLOCK, len(first))))
        made.hash[start : start + BLOCK] = phash(block)
        grid = block.reshape(-1, 4, SIDE // 4, 4, SIDE // 4, 3).mean((2, 4), dtype=np.float32)
        made.coarse[start : start + BLOCK] = grid.reshape(-1, 48)
    return made


def _near(
    thumbnails: _Thumbnails, a: np.ndarray, b: np.ndarray | None, distance: int, difference: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of near pictures of `a` and `b` (or of `a` alone), all by their codes, and by how much they differ."""
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    hash_b = None if b is None else thumbnails.hash[b]
    for rows, others in near_blocks(thumbnails.hash[a], hash_b, distance):
        i, j = a[rows], (a if b is None else b)[others]
        change = thumbnails.difference(i, j, difference)
        close = change <= difference
        found.append((i[close], j[close], change[close]))
    i, j, change = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return i, j, change


def _sharing(
    keys: np.ndarray, domain: np.ndarray, domains: int, links: tuple[np.ndarray, np.ndarray] | None
) -> np.ndarray:
    """How many rows (domains, domains) of one domain share their key, or a linked one, with another of the other."""
    from scipy.sparse import coo_array

    known = keys >= 0
    keys, domain = keys[known], domain[known]
    size = int(keys.max(initial=-1)) + 1
    counts = coo_array((np.ones(len(keys), np.int64), (keys, domain)), shape=(size, domains)).tocsr()
    if links is not None:
        near = coo_array((np.ones(len(links[0]), np.int64), links), shape=(size, size)).tocsr()
        counts = counts + near @ counts + near.T @ counts
    counts = counts.toarray()
    found = np.zeros((domains, domains), np.int64)
    for one in range(domains):
        others = counts[keys[domain == one]]
        others[:, one] -= 1  # not itself
        found[one] = (others > 0).sum(0)
    return found


def _picture_leaks(thumbnails: _Thumbnails, n: int, distance: int, difference: float) -> pd.DataFrame:
    """Leaks between the first n rows, the training data, and the others, as rows of either."""
    codes = {"training": thumbnails.code[:n], "benchmark": thumbnails.code[n:]}
    a, b = (np.unique(code[code >= 0]) for code in codes.values())
    pairs = pd.DataFrame(dict(zip((*codes, "difference"), _near(thumbnails, a, b, distance, difference), strict=True)))
    leaks = []
    for side, other in (("benchmark", "training"), ("training", "benchmark")):
        nearest = pairs.sort_values(["difference", other]).drop_duplicates(side).set_index(side)
        rows = np.flatnonzero(np.isin(codes[side], nearest.index))
        hits = nearest.loc[codes[side][rows]].reset_index(drop=True)
        first = pd.Series(codes[other]).drop_duplicates()
        partner = pd.Series(first.index, index=first.to_numpy()).loc[hits[other]].to_numpy()
        leaks.append(pd.DataFrame({side: rows, other: partner, "difference": hits["difference"]}))
    found = pd.concat(leaks, ignore_index=True)
    return found.assign(kind=np.where(found["difference"] == 0, *KINDS[:2]))


def _caption_leaks(training: Catalog, benchmark: Catalog) -> pd.DataFrame:
    """Leaks of captions, as rows of either catalogue."""
    asked = pd.Series([fold(caption) for caption in benchmark.captions], dtype=object)
    known = training.products["texts"].explode().dropna().map(fold)
    firsts, answers = (texts[texts != ""].drop_duplicates() for texts in (known, asked))
    rows = asked[asked.isin(set(firsts))]
    there = known[known.isin(set(answers))]
    there = there[~pd.MultiIndex.from_arrays([there.index, there]).duplicated()]
    row_of, answer_of = (pd.Series(texts.index, index=texts.to_numpy()) for texts in (firsts, answers))
    return pd.DataFrame(
        {
            "kind": KINDS[2],
            "benchmark": np.concatenate([rows.index, answer_of.loc[there].to_numpy()]).astype(np.int64),
            "training": np.concatenate([row_of.loc[rows].to_numpy(), there.index]).astype(np.int64),
            "difference": np.nan,
        }
    )

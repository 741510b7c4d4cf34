"""Is a data set whole? Files, counts, checksums, texts, labels and groups are checked, and every picture is decoded."""

from __future__ import annotations

import csv
import hashlib
import inspect
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError, NoPictures, unknown
from ofclip.files import atomic
from ofclip.images import Images
from ofclip.sources import Source, available, data_root, get, load_catalog
from ofclip.sources.report import Report

#: Where lists go unless a path is named, under the working directory.
FOLDER = Path("work/check")
COLUMNS = ("kind", "part", "split", "id", "file", "reason")
#: Fewer pictures than this are decoded faster than worker processes start.
IN_PROCESS = 512
#: Pictures per unit of work.
CHUNK = 256
#: Products drawn per part of a source that draws its pictures: there is no file that could be damaged.
DRAWN = 50


def check(
    name: str,
    data: str | Path | None = None,
    jobs: int = -1,
    out: str | Path | None = None,
    progress: bool = True,
    **options: Any,
) -> Report:
    """Check one source, or one part of it, and write the list of what is missing and broken as a CSV file to `out`.

    Without `out` it is `work/check/<name>.csv`; its columns are kind (missing, left out, broken or crossing), part,
    split, id, file and reason. `options` are the source's own. A source that draws its pictures shows a few per part.
    Raises SettingError for an unknown name and DataError, which says how to obtain it, for a source that is not
    there. `OFCLIP_PROGRESS=0` hides the progress bar.
    """
    start = time.perf_counter()
    source = get(name)
    wanted = name.partition("/")[2]
    if wanted and wanted not in source.parts:
        raise unknown(f"part of {source.name}", wanted, source.parts or ["(none)"])
    root = data_root(data)
    source.locate(root)
    if source.pictures == "drawings" and "n" in inspect.signature(source.load).parameters:
        options.setdefault("n", DRAWN)
    total = _Findings(faults=_checksums(source, root))
    for part in [wanted] if wanted or not source.parts else source.parts:
        load = partial(load_catalog, f"{source.name}/{part}" if part else source.name, data=root, **options)
        found = _part(source, part, load, jobs, progress)
        if not wanted and part and not found.products and all("not found" in fault for fault in found.faults):
            found.missing, found.faults = found.faults, []  # nobody need have all parts
        total.add(found, "" if wanted else part)
    listed = Path(out) if out else FOLDER / f"{name.replace('/', '-')}.csv"
    with atomic(listed) as temporary, temporary.open("w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *total.rows])
    return Report(
        name,
        faults=tuple(total.faults),
        missing=tuple(total.missing),
        notes=tuple(total.notes),
        found=total.found,
        expected=total.expected,
        rows=tuple(total.rows),
        products=total.products,
        pictures=total.pictures,
        seconds=time.perf_counter() - start,
        listed=listed,
    )


def check_all(data: str | Path | None = None, jobs: int = -1, progress: bool = True) -> Generator[Report, None, None]:
    """Yield the report of each source that is under the data root."""
    for name in available(data):
        yield check(name, data, jobs, progress=progress)


@dataclass
class _Findings:
    """What was found so far, of one part or of several."""

    faults: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[str, ...]] = field(default_factory=list)
    products: int = 0
    pictures: int = 0

    def add(self, other: _Findings, part: str) -> None:
        for mine, others in zip(self._lines(), other._lines(), strict=True):
            mine += [f"{part}: {text}" if part else text for text in others]
        self.found |= {f"{part} {split}" if part else split: count for split, count in other.found.items()}
        self.expected |= {f"{part} {split}" if part else split: count for split, count in other.expected.items()}
        self.rows += other.rows
        self.products += other.products
        self.pictures += other.pictures

    def _lines(self) -> tuple[list[str], ...]:
        return self.faults, self.missing, self.notes


def _checksums(source: Source, root: Path) -> list[str]:
    """A line for each file that is there under its official name with another MD5."""
    place = source.locate(root)
    folder = place if place.is_dir() else place.parent
    faults = []
    for name, known in source.md5.items():
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                found = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
            if found != known:
                faults.append(f"{path}: has MD5 {found}, the official file {known}; fetch it again")
    return faults


def _part(source: Source, part: str, load: Callable[..., Catalog], jobs: int, progress: bool) -> _Findings:
    found = _Findings()
    catalog, found.faults, absent = _load(load)
    if catalog is None:
        return found
    found.products = len(catalog)
    counts = catalog.products["split"].value_counts()
    found.found = {split: int(counts[split]) for split in (*source.splits, *counts.index) if split in counts.index}
    for reason in catalog.skipped:
        found.rows.append(("missing" if "no picture" in reason else "left out", part, "", "", "", reason))
    _tell_skipped(catalog, found)
    if source.pictures != "drawings":
        _compare(source, part, catalog, found)
    _look_at_texts(catalog, found)
    _look_at_labels(source, catalog, found)
    _look_at_groups(catalog, part, found)
    if absent:
        found.missing.append(f"all pictures, texts and labels were checked alone ({absent})")
        return found
    found.pictures = len(catalog)
    broken = _decode(catalog.images, catalog.name, jobs, progress)
    for row, reason in broken:
        product = catalog.products.iloc[row]
        found.rows.append(("broken", part, product["split"], product["id"], catalog.images.name(row), reason))
    if broken:
        found.faults.append(f"{len(broken):,} broken pictures, the first: {broken[0][1]}")
    return found


def _load(
    load: Callable[..., Catalog], pictures: bool = True, skip_bad: bool = False
) -> tuple[Catalog | None, list[str], str]:
    """The Catalog, as whole as it can be had, what was wrong with it, and why it has no pictures, if so."""
    try:
        return load(pictures=pictures, skip_bad=skip_bad), [], ""
    except NoPictures as error:
        catalog, faults, _ = _load(load, False, skip_bad)
        return catalog, faults, str(error)
    except DataError as error:
        fault = str(error)
    if skip_bad:
        return None, [fault], ""
    catalog, faults, absent = _load(load, pictures, True)
    return catalog, list(dict.fromkeys([fault, *faults])), absent


def _tell_skipped(catalog: Catalog, found: _Findings) -> None:
    pictures = [reason for reason in catalog.skipped if "no picture" in reason]
    others = [reason for reason in catalog.skipped if "no picture" not in reason]
    if pictures:
        found.missing.append(f"{len(pictures):,} pictures, the first: {pictures[0]}")
    if others:
        found.notes.append(f"{len(others):,} rows are left out, the first: {others[0]}")


def _compare(source: Source, part: str, catalog: Catalog, found: _Findings) -> None:
    """Compare the counts with the official ones: fewer is a fault unless the rows that were left out explain it."""
    expected = dict(source.expected)
    if part:  # the parts of a source are counted as wholes
        expected = {"all": expected[part]} if part in expected else {}
    counts = {key: found.found.get(key, 0) if key in source.splits else len(catalog) for key in expected}
    found.found |= {key: count for key, count in counts.items() if key not in source.splits}
    found.expected = expected
    wrong = [f"{key} {counts[key]:,} instead of {expected[key]:,}" for key in expected if counts[key] != expected[key]]
    if not wrong:
        return
    text, gone = ", ".join(wrong), sum(expected.values()) - sum(counts.values())
    if gone < 0:
        found.notes.append(f"more products than expected, so another edition: {text}")
    elif gone and gone <= len(catalog.skipped):
        found.missing.append(f"products: {text}")
    elif all(not counts[key] or counts[key] == expected[key] for key in expected):
        found.missing.append(f"whole splits: {text}")
    else:
        found.faults.append(f"products: {text}, and nothing says why")


def _look_at_texts(catalog: Catalog, found: _Findings) -> None:
    ids, texts = catalog.products["id"], catalog.products["texts"]
    blank = [i for i, own in enumerate(texts) if not all(isinstance(text, str) and text.strip() for text in own)]
    if blank:
        found.faults.append(f"{len(blank):,} products have an empty text, the first is {ids[blank[0]]!r}")
    repeats = [i for i, own in enumerate(texts) if len(set(own)) < len(own)]
    if repeats:
        found.notes.append(f"{len(repeats):,} products repeat a text, the first is {ids[repeats[0]]!r}")
    without = [i for i, own in enumerate(texts) if not len(own)]
    if without:
        found.notes.append(f"{len(without):,} products have no text, the first is {ids[without[0]]!r}")


def _look_at_labels(source: Source, catalog: Catalog, found: _Findings) -> None:
    told = []
    for name in source.labels:
        if name not in catalog.labels and source.parts:
            continue  # a source of several parts names the labels of all of them
        if name not in catalog.labels:
            found.faults.append(f"label {name}: there is no such column")
            continue
        known = catalog.products[name].dropna()
        values = known.unique()
        wrong = [value for value in values if not isinstance(value, str) or not value.strip()]
        if wrong:
            found.faults.append(f"label {name}: {wrong[0]!r} is no value")
        share = f", known for {len(known):,}" if len(known) < len(catalog) else ""
        told.append(f"{name} {len(values):,}{share}")
    if told:
        found.notes.append(f"values of labels: {'; '.join(told)}")


def _look_at_groups(catalog: Catalog, part: str, found: _Findings) -> None:
    pairs = catalog.products[["group", "split"]].drop_duplicates()
    crossing = pairs[pairs["group"].duplicated(keep=False)].sort_values(["group", "split"])
    splits = pd.Series(crossing["split"]).groupby(crossing["group"]).agg(", ".join)
    for group, names in splits.items():
        found.rows.append(("crossing", part, "", str(group), "", f"group lies in {names}"))
    if len(splits):
        found.notes.append(f"{len(splits):,} groups lie in more than one split, the first is {splits.index[0]!r}")


def _decode(images: Images, name: str, jobs: int, progress: bool) -> list[tuple[int, str]]:
    """Row and reason of each picture that cannot be decoded, all of them decoded at full size on all cores."""
    from tqdm import tqdm

    hidden = not progress or os.environ.get("OFCLIP_PROGRESS") == "0"
    bad: list[tuple[int, str]] = []
    with tqdm(total=len(images), desc=name, unit="", leave=False, disable=hidden or None) as bar:
        for count, faults in _blocks(images, jobs):
            bad += faults
            bar.update(count)
    return bad


def _blocks(images: Images, jobs: int) -> Generator[tuple[int, list[tuple[int, str]]], None, None]:
    n = len(images)
    chunks = [range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
    if n < IN_PROCESS:
        for rows in chunks:
            yield _block(images.subset(rows), rows.start)
        return
    from joblib import Parallel, delayed

    yield from Parallel(jobs, return_as="generator")(
        delayed(_block)(images.subset(rows), rows.start) for rows in chunks
    )


def _block(images: Images, start: int) -> tuple[int, list[tuple[int, str]]]:
    bad = []
    for i in range(len(images)):
        try:
            images.rgb(i)
        except DataError as error:
            bad.append((start + i, str(error)))
    return len(images), bad

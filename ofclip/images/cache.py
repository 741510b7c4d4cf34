"""The cache of pixels: every picture at one square size in one file, decoded on all cores once."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
import simplejpeg

from ofclip.errors import DataError
from ofclip.files import atomic, cache_dir, digest, sha256
from ofclip.images import decoding, fitting
from ofclip.images.stores import Images

#: Fewer pictures than this are decoded faster than worker processes start.
IN_PROCESS = 512
#: Pictures per unit of work.
CHUNK = 256
#: Pictures that are fitted in one go: enough to save calls, few enough that their memory is kept and used again.
TOGETHER = 32


@dataclass(frozen=True)
class Pixels:
    """Pictures as one read-only uint8 array (n, size, size, 3); rows listed in `bad` are black, with why."""

    array: np.ndarray
    bad: tuple[tuple[int, str], ...] = ()


def pixels(
    images: Images, size: int, how: str = "pad", skip_bad: bool = False, jobs: int = -1, progress: bool = True
) -> Pixels:
    """Return all pictures at one square size, decoded on all cores once and memory-mapped from then on.

    Row i belongs to picture i. Without `skip_bad` the first damaged picture raises DataError that names
    its file and row; with it such rows are listed in `Pixels.bad`. A cache that is not whole is made
    anew; a full disk raises OfclipError. `OFCLIP_PROGRESS=0` hides the progress bar.
    """
    # pixels depend on the decoders too: another one makes another cache
    code = [sha256(file) for file in (decoding.__file__, fitting.__file__)]
    key = digest(images.fingerprint, len(images), size, how, *code, PIL.__version__, simplejpeg.__version__)
    path = cache_dir() / "pixels" / f"{key}.npy"
    shape = (len(images), size, size, 3)
    found = _load(path, shape)
    if found is None:
        _store(path, shape, images, how, skip_bad, jobs, progress)
        found = _load(path, shape)
        if found is None:
            raise DataError(f"{path}: the pixel cache changed while it was written; run the command again")
    if found.bad and not skip_bad:
        raise _bad(*found.bad[0])
    return found


def _load(path: Path, shape: tuple[int, ...]) -> Pixels | None:
    try:
        array = np.load(path, mmap_mode="r")
        bad = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError, EOFError):
        return None
    if array.shape != shape or array.offset + array.nbytes != path.stat().st_size:
        return None
    return Pixels(array, tuple((row, reason) for row, reason in bad))


def _store(
    path: Path, shape: tuple[int, ...], images: Images, how: str, skip_bad: bool, jobs: int, progress: bool
) -> None:
    from tqdm import tqdm

    size = shape[1]
    hidden = not progress or os.environ.get("OFCLIP_PROGRESS") == "0"
    bad = []
    with atomic(path) as temporary:
        with temporary.open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            offset = file.tell()
        with (
            closing(_blocks(images, _Target(temporary, offset, size, how), jobs)) as blocks,
            tqdm(total=len(images), desc="pictures", unit="", leave=False, disable=hidden or None) as bar,
        ):
            for count, faults in blocks:
                bad += faults
                if bad and not skip_bad:
                    raise _bad(*bad[0])
                bar.update(count)
        with atomic(path.with_suffix(".json")) as sidecar:
            sidecar.write_text(json.dumps(bad))


class _Target(NamedTuple):
    """The file that pixels go to, where in it they begin, and how pictures become square."""

    path: Path
    offset: int
    size: int
    how: str


#: Number of pictures, and row and reason of each that is bad.
_Block = tuple[int, list[tuple[int, str]]]


def _blocks(images: Images, target: _Target, jobs: int) -> Generator[_Block, None, None]:
    n = len(images)
    chunks = [range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
    # each worker gets the names of its own chunk, not of all pictures
    if n < IN_PROCESS:
        for rows in chunks:
            yield _block(images.subset(rows), rows.start, target)
        return
    from joblib import Parallel, delayed

    work = (delayed(_block)(images.subset(rows), rows.start, target) for rows in chunks)
    # one unit at a time: joblib would join quick ones, and leave a core idle at the end
    results = Parallel(jobs, return_as="generator", batch_size=1)(work)
    try:
        # "yield from" would close `results` before the filter below is set
        for result in results:  # noqa: UP028
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # joblib's, on work given up for a bad picture
            results.close()


def _block(images: Images, start: int, target: _Target) -> _Block:
    size = target.size
    decoded = fitting.decoded_size(size, target.how)
    block = np.zeros((len(images), size, size, 3), np.uint8)
    bad = []
    together = TOGETHER if decoded else 1  # pictures that are decoded in full may each take much memory
    for first in range(0, len(images), together):
        found = {}
        for i in range(first, min(first + together, len(images))):
            try:
                found[i] = images.rgb(i, decoded)
            except DataError as error:
                bad.append((start + i, str(error)))
        block[list(found)] = fitting.fit_all(list(found.values()), size, target.how)
    # each worker writes its own part: to send pixels to one writer costs as much as to decode small pictures. And
    # through a file, since a memory map would end the process with a signal on a full disk
    with target.path.open("r+b") as file:
        file.seek(target.offset + start * size * size * 3)
        file.write(block.data)
    return len(block), bad


def _bad(row: int, reason: str) -> DataError:
    return DataError(f"row {row}: {reason}; --skip-bad lists such rows instead")

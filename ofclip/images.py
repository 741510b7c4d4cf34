"""Where pictures come from (folder, zip, array), how they are decoded, and the cache of their pixels."""

from __future__ import annotations

import io
import json
import os
import struct
import warnings
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps

from ofclip.errors import DataError, unknown
from ofclip.files import atomic, cache_dir, digest, sha256

#: The only formats that are decoded; Pillow knows many more, which no data set here needs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
#: Larger pictures are refused before their pixels are unpacked.
MAX_PIXELS = 64_000_000
#: How a picture becomes square.
FITS = ("pad", "crop", "squash")
#: Fewer pictures than this are decoded faster than worker processes start.
IN_PROCESS = 512
#: Pictures per unit of work.
CHUNK = 256


class Images(ABC):
    """A lazy, picklable store of pictures in a fixed order.

    `fingerprint` depends on content and order only, so that equal pictures have equal caches. A class
    with `resizes = True` takes `open(i, size=pixels)` and may return a smaller picture that still holds
    all the detail which that size can show.
    """

    resizes = False
    fingerprint: str

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, i: int) -> str:
        """Return what messages call picture i, as "kagl_60x80.zip:images/1163.jpg"."""

    @abstractmethod
    def open(self, i: int) -> Image.Image:
        """Return picture i in mode RGB; raises DataError that names it if it cannot be decoded."""

    @abstractmethod
    def subset(self, rows: Sequence[int] | np.ndarray) -> Images:
        """Return the store of the given rows, in the order given."""


class _Files(Images):
    """Encoded pictures by relative name; fingerprints hash (name, size, CRC-32) of each."""

    resizes = True

    def __init__(self, place: str | Path, names: Iterable[str]) -> None:
        self.place = Path(place)
        self.names = tuple(names)
        for name in self.names:
            if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
                raise DataError(f"{self.place}: {name!r} leads out of the data set; remove that row")

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, rows: Sequence[int] | np.ndarray) -> Images:
        return type(self)(self.place, [self.names[row] for row in rows])

    def open(self, i: int, size: int | None = None) -> Image.Image:
        return decode(self._read(i), self.name(i), size)

    @cached_property
    def fingerprint(self) -> str:
        return digest("\n".join(f"{name}\t{size}\t{crc:08x}" for name, size, crc in self.entries()))

    @abstractmethod
    def entries(self) -> Iterator[tuple[str, int, int]]:
        """Yield name, size in bytes and CRC-32 of each picture; raises DataError for one that is missing."""

    @abstractmethod
    def _read(self, i: int) -> bytes: ...


class FolderImages(_Files):
    """Picture files under a folder, named relative to it with forward slashes."""

    def name(self, i: int) -> str:
        return str(self.place / self.names[i])

    def _read(self, i: int) -> bytes:
        try:
            return (self.place / self.names[i]).read_bytes()
        except OSError as error:
            raise DataError(f"{self.name(i)}: cannot be read ({error.strerror}); fetch it again") from error

    def entries(self) -> Iterator[tuple[str, int, int]]:
        # a CRC means reading the file, so it is remembered for as long as size and time stay the same
        memo = cache_dir() / "crc" / f"{digest(self.place.resolve())}.json"
        try:
            known = json.loads(memo.read_text())
        except (OSError, ValueError):
            known = {}
        changed = False
        for i, name in enumerate(self.names):
            try:
                stat = (self.place / name).stat()
            except OSError as error:
                raise DataError(f"{self.name(i)}: not found; fetch it again") from error
            if known.get(name, ())[:2] != [stat.st_size, stat.st_mtime_ns]:
                known[name] = [stat.st_size, stat.st_mtime_ns, zlib.crc32(self._read(i))]
                changed = True
        if changed:
            with atomic(memo) as temporary:
                temporary.write_text(json.dumps(known))
        return ((name, known[name][0], known[name][2]) for name in self.names)


class ZipImages(_Files):
    """Pictures inside a zip archive, read in place; nothing is extracted."""

    def name(self, i: int) -> str:
        return f"{self.place.name}:{self.names[i]}"

    def _read(self, i: int) -> bytes:
        return read_member(self.place, self.names[i])

    def entries(self) -> Iterator[tuple[str, int, int]]:
        members = open_zip(self.place).NameToInfo
        for i, name in enumerate(self.names):
            if name not in members:
                raise DataError(f"{self.name(i)}: not in the archive; fetch it again")
            yield name, members[name].file_size, members[name].CRC


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


def open_zip(path: str | Path) -> zipfile.ZipFile:
    """Return the archive, its directory read once per process; raises DataError if it is damaged."""
    path = Path(path)
    try:
        stat = path.stat()
        return _open_zip(path, stat.st_size, stat.st_mtime_ns, os.getpid())
    except (zipfile.BadZipFile, OSError, struct.error) as error:
        raise DataError(f"{path}: not a whole zip archive ({error}); fetch it again") from error


@lru_cache(maxsize=8)
def _open_zip(path: Path, size: int, mtime: int, process: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)  # size, time and process make the key: a handle must not outlive a fork


def read_member(path: str | Path, member: str) -> bytes:
    """Return one file of an archive; raises DataError that names both if it is missing or damaged."""
    archive = open_zip(path)
    name = f"{Path(path).name}:{member}"
    try:
        return archive.read(member)
    except KeyError as error:
        raise DataError(f"{name}: not in the archive; fetch it again") from error
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, struct.error) as error:
        raise DataError(f"{name}: damaged in the archive ({error}); fetch it again") from error


def decode(data: bytes, name: str, size: int | None = None) -> Image.Image:
    """Return the picture encoded in `data` in mode RGB, upright, with transparent parts on white.

    A JPEG may come back smaller, though no side below twice `size` pixels, if a size is given. Raises
    DataError that names the file if the data are empty, cut short, no picture, or above 64 megapixels.
    """
    if not data:
        raise DataError(f"{name}: empty file; fetch it again or skip it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise DataError(f"{name}: {image.width}x{image.height} is above 64 megapixels; shrink or skip it")
        if size is not None:
            image.draft(None, (2 * size, 2 * size))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return _rgb(image)
    except Image.DecompressionBombError as error:
        raise DataError(f"{name}: above 64 megapixels; shrink or skip it") from error
    except Image.UnidentifiedImageError as error:
        raise DataError(f"{name}: not a {', '.join(FORMATS)} picture; fetch it again or skip it") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, MemoryError) as error:
        raise DataError(f"{name}: damaged picture ({error}); fetch it again or skip it") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode.startswith("I"):  # 16-bit grey: Pillow would clip it at 255
        high = np.asarray(image).astype(np.uint32) >> 8
        return Image.fromarray(high.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def fit(image: Image.Image, size: int, how: str = "pad") -> np.ndarray:
    """Return an RGB picture as a uint8 array (size, size, 3), resampled with antialiasing.

    "pad" shows the whole picture, centred on the median colour of its border; "crop" takes the centre
    square; "squash" ignores the aspect. Raises SettingError for any other `how`.

    >>> fit(Image.new("RGB", (30, 40), "red"), 8).shape
    (8, 8, 3)
    """
    if how not in FITS:
        raise unknown("fit", how, FITS)
    if image.size == (size, size):
        return np.array(image)
    if how == "squash":
        return np.array(_resize(image, (size, size)))
    width, height = image.size
    if how == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return np.array(_resize(image, (size, size), (left, top, left + side, top + side)))
    scale = size / max(width, height)
    inner = np.asarray(_resize(image, (max(1, round(width * scale)), max(1, round(height * scale)))))
    border = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    square = np.empty((size, size, 3), np.uint8)
    square[:] = np.sort(border, axis=0)[len(border) // 2]
    height, width = inner.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = inner
    return square


def _resize(image: Image.Image, size: tuple[int, int], box: tuple | None = None) -> Image.Image:
    return image.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


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
    # pixels depend on this file and on Pillow too: another decoder makes another cache
    key = digest(images.fingerprint, len(images), size, how, sha256(__file__), PIL.__version__)
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
    # written in order through a file: a memory map would end the process with a signal on a full disk
    with (
        atomic(path) as temporary,
        temporary.open("wb") as file,
        closing(_blocks(images, size, how, jobs)) as blocks,
    ):
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        with tqdm(total=len(images), desc="pictures", unit="", leave=False, disable=hidden or None) as bar:
            for block, faults in blocks:
                bad += faults
                if bad and not skip_bad:
                    raise _bad(*bad[0])
                file.write(block)
                bar.update(len(block))
        with atomic(path.with_suffix(".json")) as sidecar:
            sidecar.write_text(json.dumps(bad))


#: Square pictures (n, size, size, 3), and row and reason of each that is bad.
_Block = tuple[np.ndarray, list[tuple[int, str]]]


def _blocks(images: Images, size: int, how: str, jobs: int) -> Generator[_Block, None, None]:
    n = len(images)
    chunks = [range(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
    # each worker gets the names of its own chunk, not of all pictures
    if n < IN_PROCESS:
        for rows in chunks:
            yield _block(images.subset(rows), rows.start, size, how)
        return
    from joblib import Parallel, delayed

    work = (delayed(_block)(images.subset(rows), rows.start, size, how) for rows in chunks)
    results = Parallel(jobs, return_as="generator")(work)
    try:
        # "yield from" would close `results` before the filter below is set
        for result in results:  # noqa: UP028
            yield result
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # joblib's, on work given up for a bad picture
            results.close()


def _block(images: Images, start: int, size: int, how: str) -> _Block:
    block = np.zeros((len(images), size, size, 3), np.uint8)
    bad = []
    for i in range(len(images)):
        try:
            image = images.open(i, size=size) if images.resizes else images.open(i)
            block[i] = fit(image, size, how)
        except DataError as error:
            bad.append((start + i, str(error)))
    return block, bad


def _bad(row: int, reason: str) -> DataError:
    return DataError(f"row {row}: {reason}; --skip-bad lists such rows instead")

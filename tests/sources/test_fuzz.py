"""Damage at random: whatever happens to the files of a data set, only our own errors come out.

`OFCLIP_MUTATIONS` is their number over all sources; `OFCLIP_MUTATION=NUMBER` replays one.
"""

from __future__ import annotations

import importlib.util
import os
import random
import resource
import shutil
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ofclip.errors import OfclipError
from ofclip.sources import get, load_catalog, names

TOTAL = int(os.environ.get("OFCLIP_MUTATIONS", "600"))
ONE = os.environ.get("OFCLIP_MUTATION")
#: Seconds that one mutation may take, and MiB by which memory may grow in all.
SECONDS, MEMORY = 30, 1024
PICTURES = (".jpg", ".jpeg", ".png")
#: What a slip of hand or of an encoding puts in, and what may stand where a number should.
INSERTS = (b"\xe9", b"\x92", b"\n", b"\t", b",", b'"', b"\\ud800", b"../", b"\r")
NUMBERS = (b"-1", b"0", b"999999999", b"9" * 30, b"1e999", b"NaN", b"null", b"[]", b'"x"')


def fixture(name: str) -> str | None:
    """Return the module that writes a small copy of a data set, if there is one."""
    module = f"fixtures.{name.replace('-', '_')}"
    return module if importlib.util.find_spec(module) else None


SOURCES = [name for name in names() if fixture(name)]


def flip(data: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 8)):
        data[dice.randrange(len(data))] = dice.randrange(256)


def flip_bit(data: bytearray, dice: random.Random) -> None:
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def cut(data: bytearray, dice: random.Random) -> None:
    del data[dice.randrange(len(data)) :]


def insert(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    data[at:at] = dice.choice([dice.randbytes(dice.randint(1, 40)), *INSERTS])


def delete(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.randint(1, 40)]


def zero(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data))
    size = min(len(data) - at, dice.randint(1, 512))
    data[at : at + size] = bytes(size)


def empty(data: bytearray, dice: random.Random) -> None:
    data.clear()


def swap_lines(data: bytearray, dice: random.Random) -> None:
    lines = data.split(b"\n")
    i, j = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    data[:] = b"\n".join(lines)


def repeat_line(data: bytearray, dice: random.Random) -> None:
    lines = data.split(b"\n")
    lines.insert(dice.randrange(len(lines)), dice.choice(lines))
    data[:] = b"\n".join(lines)


def spaces(data: bytearray, dice: random.Random) -> None:
    data[:] = data.replace(b"\t", b" " * dice.randint(1, 4))


def number(data: bytearray, dice: random.Random) -> None:
    digits = [at for at, byte in enumerate(data) if 48 <= byte < 58]
    if digits:
        at = dice.choice(digits)
        data[at : at + 1] = dice.choice(NUMBERS)


MUTATIONS = (
    flip, flip, flip_bit, cut, insert, delete, zero, empty, swap_lines, repeat_line, spaces, number,
)  # fmt: skip


def forms(name: str, folder: Path) -> list[Path]:
    """Roots that hold the small copy: as it is, and packed, where that is read too."""
    importlib.import_module(fixture(name)).write(folder / "plain")
    roots = [folder / "plain"]
    [place] = [path for path in roots[0].iterdir() if path.is_dir()][:1]
    for kind in ("zip", "tar", "gztar"):
        root = folder / kind
        root.mkdir()
        shutil.make_archive(str(root / place.name), kind, place)
        if get(name).find(root) is not None:
            roots.append(root)
    return roots


def loads(name: str, root: Path, dice: random.Random, number: int) -> list[object]:
    """Do all that may be done with a data set, load, fingerprint, open pictures, and return what it says of itself."""
    said: list[object] = []
    for part in get(name).parts or [""]:
        whole = f"{name}/{part}" if part else name
        try:
            catalog = load_catalog(whole, data=root, skip_bad=bool(number % 2), pictures=number % 8 < 7)
            said += [catalog.images.fingerprint, catalog.fingerprint, catalog.skipped]
        except OfclipError as error:
            said.append(checked(error))
            continue
        for row in dice.sample(range(len(catalog)), min(5, len(catalog))):
            try:
                catalog.images.open(row)
            except OfclipError as error:
                checked(error)
    return said


def checked(error: OfclipError) -> str:
    assert str(error).strip() and "\n" not in str(error), f"a message of one line: {error!r}"
    return str(error)


@contextmanager
def mutated(path: Path, number: int, dice: random.Random) -> Iterator[str]:
    """Damage a file, and put it back as it was."""
    before, status = path.read_bytes(), path.stat()
    data, how = bytearray(before), dice.choice(MUTATIONS) if before else insert
    if data:
        how(data, dice)
    try:
        path.write_bytes(data)
        os.utime(path, ns=(number + 1, number + 1))  # a time of its own, which is what caches go by
        yield how.__name__
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@contextmanager
def time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SOURCES)
def test_damaged_files_end_in_our_errors_only(name, tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # caches need not outlive the test
    roots = forms(name, tmp_path)
    quiet = [[loads(name, root, random.Random(0), number) for number in range(8)] for root in roots]
    files = [sorted(path for path in root.rglob("*") if path.is_file()) for root in roots]
    tables = [[path for path in found if path.suffix.lower() not in PICTURES] or found for found in files]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failures: dict[str, str] = {}
    numbers, noticed = [int(ONE)] if ONE else range(-(-TOTAL // len(SOURCES))), 0
    for number in numbers:
        dice = random.Random(f"{name} {number}")
        form = 0 if dice.random() < 0.8 else dice.randrange(len(roots))
        path = dice.choice((tables if dice.random() < 0.7 else files)[form])
        with mutated(path, number, dice) as how:
            try:
                with time_limit():
                    noticed += loads(name, roots[form], dice, number) != quiet[form][number % 8]
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                told = f"{name} OFCLIP_MUTATION={number} ({how} in {path.relative_to(tmp_path)})"
                own = [step for step in traceback.extract_tb(error.__traceback__) if "/ofclip/" in step.filename]
                where = " < ".join(f"{Path(step.filename).name}:{step.lineno}" for step in [last, *own[::-1]][:5])
                failures.setdefault(f"{type(error).__name__} {where}", f"{told}: {error!r} at {where}")
    assert not failures, "\n" + "\n".join(failures.values())
    assert noticed > len(numbers) / 4 or ONE, f"only {noticed} of {len(numbers)} mutations were noticed"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    assert grown < MEMORY, f"memory grew by {grown:.0f} MiB"


def test_an_error_that_is_not_ours_is_seen(tmp_path, monkeypatch):
    from ofclip.sources import kagl

    monkeypatch.setattr(kagl, "captions", lambda table: {}[len(table)])
    importlib.import_module("fixtures.kagl").write(tmp_path)
    with pytest.raises(KeyError):
        loads("kagl", tmp_path, random.Random(0), 0)

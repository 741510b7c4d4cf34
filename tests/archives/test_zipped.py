from __future__ import annotations

import io
import os
import pickle
import random
import stat
import struct
import tracemalloc
import zipfile

import pytest

from ofclip.archives import Zip, container, zipped
from ofclip.errors import DataError

FILES = {"a/1.txt": b"one " * 50, "a/2.txt": b"two", "b.txt": bytes(range(256)) * 4}


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def write(tmp_path):
    """A function that writes data as an archive and opens it, each time as a new file."""

    def build(data: bytes) -> Zip:
        path = tmp_path / f"data{len(list(tmp_path.iterdir()))}.zip"
        path.write_bytes(data)
        return container(path)

    return build


def use(found: Zip) -> dict[str, bytes]:
    """Read all that can be read."""
    list(found.entries(found.names()))
    return {name: found.read(name) for name in found.names()}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_is_read(write, method):
    assert use(write(packed(FILES, method))) == FILES


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [0, 1, 1000, 200_000])
@pytest.mark.parametrize("name", ["a.jpg", "images/" + "n" * 90 + ".jpg", "images/" + "n" * 400 + ".jpg"])
def test_the_quick_way_reads_what_zipfile_reads(tmp_path, method, size, name):
    content = bytes(index * index % 251 for index in range(size))
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("first", b"x" * 10)
        member = zipfile.ZipInfo(name)
        member.compress_type, member.extra = method, b"\x99\x99\x04\0abcd"
        archive.writestr(member, content)
        archive.writestr("last", b"y")
    assert Zip(path).read(name) == content == zipfile.ZipFile(path).read(name)
    opened = zipfile.ZipFile(path)
    quick = zipped._quick(opened, opened.getinfo(name))
    assert quick == content or (quick is None and len(name) > zipped.ROOM)


def test_names_that_lead_out_are_refused(write):
    for name in ("../a.txt", "/etc/passwd", "a/../../b", "C:\\windows\\a"):
        with pytest.raises(DataError, match=r"data\d.zip: '.*' leads out of the archive, which was tampered with"):
            write(packed({"1.txt": b"x", name: b"y"})).names()


def test_absurd_names_are_left_out_or_read(write):
    long = "x" * 60_000
    names = {".": b"", "a//b": b"1", "./c": b"2", "d\\e": b"3", "f\ng": b"4", "\r": b"5", long: b"6", "é…": b"7"}
    found = write(packed(names))
    assert found.names() == sorted(["a/b", "c", "d/e", long, "é…"])
    assert [found.read(name) for name in ("a/b", "c", "d/e", "é…", long)] == [b"1", b"2", b"3", b"7", b"6"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_last_of_two_members_of_one_name_counts(write):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", b"old")
        archive.writestr("./a.txt", b"new and longer")
    found = write(buffer.getvalue())
    assert found.names() == ["a.txt"] and found.read("a.txt") == b"new and longer" and found.size("a.txt") == 14


def test_links_are_left_out(write):
    link = zipfile.ZipInfo("link.txt")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", b"one")
        archive.writestr(link, b"../../etc/passwd")
    assert write(buffer.getvalue()).names() == ["a.txt"]


def test_truncated_anywhere_is_named(write):
    whole = packed(FILES)
    for size in range(len(whole)):
        with pytest.raises(DataError, match=r"data\d+.zip: not a whole zip archive .*; fetch it again"):
            write(whole[:size]).names()


def test_something_else_is_named(write):
    for data in (b"<html>gone</html>", b"\x1f\x8b" + bytes(100), bytes(4096)):
        with pytest.raises(DataError, match="not a whole zip archive"):
            write(data).names()


def test_encrypted_asks_for_unzipping(write):
    data = bytearray(packed({"a.txt": b"one"}, zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    found = write(bytes(data))
    assert found.names() == ["a.txt"]
    with pytest.raises(DataError, match=r"data0.zip: needs a password; unzip it by hand"):
        found.read("a.txt")


def test_unknown_method_is_named(write):
    data = bytearray(packed({"a.txt": b"one"}, zipfile.ZIP_STORED))
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 99
    with pytest.raises(DataError, match="a.txt: damaged in the archive .*compression"):
        write(bytes(data)).read("a.txt")


@pytest.mark.parametrize("field", [20, 24])  # sizes in the directory: packed, unpacked
@pytest.mark.parametrize("size", [2**20, 2**31 - 1, 2**32 - 2])
def test_declared_sizes_reserve_no_memory(write, field, size):
    data = bytearray(packed({"a.txt": b"one" * 99}))
    at = data.index(b"PK\x01\x02") + field
    data[at : at + 4] = struct.pack("<I", size)
    found = write(bytes(data))
    tracemalloc.start()
    with pytest.raises(DataError, match="a.txt: (damaged|.* bytes are more than fit in memory)"):
        found.read("a.txt")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_damage_inside_is_named_and_spares_the_others(write):
    data = bytearray(packed(FILES, zipfile.ZIP_STORED))
    data[100] ^= 255
    found = write(bytes(data))
    with pytest.raises(DataError, match=r"data0.zip:a/1.txt: damaged in the archive \(Bad CRC-32"):
        found.read("a/1.txt")
    assert found.read("a/2.txt") == b"two"


def test_an_archive_that_was_replaced_is_read_anew(tmp_path):
    path = tmp_path / "data.zip"
    path.write_bytes(packed({"a.txt": b"one"}))
    found = container(path)
    assert found.read("a.txt") == b"one"
    path.write_bytes(packed({"b.txt": b"two"}))
    os.utime(path, ns=(1, 1))
    assert pickle.loads(pickle.dumps(found)).names() == ["b.txt"] and found.read("b.txt") == b"two"
    path.unlink()
    with pytest.raises(DataError, match="data.zip: not a whole zip archive"):
        found.read("b.txt")


def test_mutations_end_in_our_errors_only(tmp_path):
    whole, path, dice = packed(FILES), tmp_path / "data.zip", random.Random(0)
    for time in range(600):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        os.utime(path, ns=(time, time))
        try:
            use(container(path))
        except DataError as error:
            assert "data.zip" in str(error)

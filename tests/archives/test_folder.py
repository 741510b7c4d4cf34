from __future__ import annotations

import os
import zlib

import pytest

from ofclip.archives import Folder
from ofclip.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "1.txt").write_bytes(b"one")
    return folder


def test_pipes_and_links_to_nothing_are_no_files(root):
    os.mkfifo(root / "pipe")
    (root / "dangling").symlink_to("nowhere")
    (root / "itself").symlink_to("itself")
    (root / "linked pipe").symlink_to("pipe")
    assert Folder(root).names() == ["a/1.txt"]
    with pytest.raises(DataError, match="pipe: not a file"):
        Folder(root).read("pipe")


def test_links_are_followed_but_not_in_circles(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "2.txt").write_bytes(b"two")
    (root / "b").symlink_to(tmp_path / "elsewhere")
    (root / "c").symlink_to(tmp_path / "elsewhere")
    (root / "3.txt").symlink_to(tmp_path / "elsewhere" / "2.txt")
    (root / "a" / "up").symlink_to(root)
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    found = Folder(root)
    assert {"3.txt", "a/1.txt", "b/2.txt", "c/2.txt"} <= set(found.names())
    assert len(found.names()) < 20
    assert found.read("c/2.txt") == b"two"


def test_names_that_are_not_utf_8_are_latin_1(root):
    (root / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"x")
    (root / "a\\2.txt").write_bytes(b"y")
    (root / "C:3.txt").write_bytes(b"z")
    found = Folder(root)
    assert found.names() == ["a/1.txt", "a/2.txt", "café.txt"]
    assert [found.read("café.txt"), found.read("a/2.txt")] == [b"x", b"y"]
    assert list(found.entries(["café.txt"])) == [(1, zlib.crc32(b"x"))]


def test_a_folder_in_place_of_a_file_is_named(root):
    (root / "b.txt").mkdir()
    found = Folder(root)
    assert found.names() == ["a/1.txt"]
    for use in (found.read, found.size, lambda name: list(found.entries([name]))):
        with pytest.raises(DataError, match="b.txt: not a file"):
            use("b.txt")


def test_a_file_that_vanishes_is_named(root):
    found = Folder(root)
    found.names()
    (root / "a" / "1.txt").unlink()
    with pytest.raises(DataError, match="a/1.txt: not found; fetch it again"):
        found.read("a/1.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_named(root):
    (root / "a" / "1.txt").chmod(0)
    with pytest.raises(DataError, match="1.txt: cannot be read"):
        Folder(root).read("a/1.txt")
    (root / "a").chmod(0)
    try:
        with pytest.raises(DataError, match="a: cannot be listed"):
            Folder(root).names()
    finally:
        (root / "a").chmod(0o700)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="gone: cannot be listed"):
        Folder(tmp_path / "gone").names()


def test_checksums_are_remembered_until_a_file_changes(root, monkeypatch):
    path = root / "a" / "1.txt"
    assert list(Folder(root).entries(["a/1.txt"])) == [(3, zlib.crc32(b"one"))]
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "_crc", lambda self, name: pytest.fail("read again"))
        assert list(Folder(root).entries(["a/1.txt"])) == [(3, zlib.crc32(b"one"))]
    before = path.stat().st_mtime_ns
    path.write_bytes(b"ONE")  # of the same size: the time tells
    os.utime(path, ns=(before + 1, before + 1))
    assert list(Folder(root).entries(["a/1.txt"])) == [(3, zlib.crc32(b"ONE"))]


def test_damaged_memory_is_made_anew(root, tmp_path):
    first = list(Folder(root).entries(["a/1.txt"]))
    [memo] = (tmp_path / "cache" / "crc").iterdir()
    for bad in (b"", memo.read_bytes()[:-4], memo.read_bytes().replace(b"3", b"4")):
        memo.write_bytes(bad)
        assert list(Folder(root).entries(["a/1.txt"])) == first

"""What all containers share: names, what the cache remembers, and equality of one data set in every form."""

from __future__ import annotations

import os
import pickle
import shutil
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ofclip.archives import ARCHIVES, container, escapes, is_archive
from ofclip.archives.base import official, recall, remember
from ofclip.errors import DataError

FILES = {"b/2.txt": b"two", "a.txt": b"one", "b/c/3.txt": b"three", "empty.txt": b""}
KINDS = ["folder", "zip", "tar", "gztar", "bztar", "xztar"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def make(tmp_path):
    """A function that writes the files as a folder or an archive and opens it."""

    def build(kind):
        folder = tmp_path / "data"
        for name, data in (FILES | {"__MACOSX/._a.txt": b"x", ".hidden/x": b"x", "b/Thumbs.db": b"x"}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        (folder / "no files").mkdir(exist_ok=True)
        return container(folder if kind == "folder" else shutil.make_archive(str(folder), kind, folder))

    return build


@pytest.mark.parametrize("kind", KINDS)
def test_every_form_holds_the_same_files(make, kind):
    found = make(kind)
    for again in (found, pickle.loads(pickle.dumps(found))):
        assert again.names() == sorted(FILES)
        assert {name: again.read(name) for name in FILES} == FILES
        assert [again.size(name) for name in FILES] == [3, 3, 5, 0]
        assert list(again.entries(["a.txt", "b/c/3.txt"])) == [(3, zlib.crc32(b"one")), (5, zlib.crc32(b"three"))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_file_is_named(make, kind):
    found = make(kind)
    for use in (found.read, found.size, lambda name: list(found.entries([name]))):
        with pytest.raises(DataError, match="b/9.txt: not"):
            use("b/9.txt")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_too_large_for_memory_is_not_read(make, kind, monkeypatch):
    monkeypatch.setattr("ofclip.archives.base.MAX_BYTES", 4)
    found = make(kind)
    assert found.read("a.txt") == b"one"
    with pytest.raises(DataError, match="b/c/3.txt: 5 bytes are more than fit in memory"):
        found.read("b/c/3.txt")


def test_archives_go_by_their_ending_and_all_else_is_named(tmp_path):
    assert all(is_archive(f"Img{end.upper()}") for end in ARCHIVES) and not is_archive("zip")
    (tmp_path / "img.rar").touch()
    os.mkfifo(tmp_path / "pipe.tar")
    for name, reason in (("img.rar", "neither a folder nor"), ("pipe.tar", "neither"), ("none.zip", "not found")):
        with pytest.raises(DataError, match=f"{name}: {reason}"):
            container(tmp_path / name)


def test_a_folder_called_like_an_archive_is_a_folder(tmp_path):
    (tmp_path / "img.zip").mkdir()
    (tmp_path / "img.zip" / "1.txt").touch()
    assert container(tmp_path / "img.zip").names() == ["1.txt"]


# names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("./a//./b.jpg", "a/b.jpg"),
        (".//a/b.jpg", "a/b.jpg"),
        ("a\\b.jpg", "a/b.jpg"),
        ("caf\udce9.jpg", "café.jpg"),
        ("naïve file…jpg", "naïve file…jpg"),
        ("a..b/c..jpg", "a..b/c..jpg"),
        ("12:30.jpg", "12:30.jpg"),
        ("", None),
        (".", None),
        ("a/", None),
        ("a/.b.jpg", None),
        (".a/b.jpg", None),
        ("__MACOSX/b.jpg", None),
        ("a/desktop.ini", None),
        ("Icon\r", None),
        ("a\x00b", None),
    ],
)
def test_official_names(name, expected):
    assert official(name) == expected


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "\\a", "C:\\a", "c:/a", "a\\..\\..\\b", "..", "./C:a"]
)
def test_names_that_lead_out_are_refused(name):
    assert escapes(name)
    with pytest.raises(ValueError):
        official(name)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text("./\\ab:", max_size=8))
def test_an_official_name_stays_inside_and_is_stable(name):
    try:
        found = official(name)
    except ValueError:
        assert escapes(name)
        return
    if found is not None:
        assert official(found) == found and not escapes(found)
        assert found and "//" not in found and "\\" not in found and not found.startswith(("/", "."))


# what the cache remembers


def test_what_is_remembered_is_recalled_only_whole(tmp_path):
    memo = tmp_path / "memo.json"
    assert recall(memo) == {}
    remember(memo, {"é\udce9": [1, 2, 3]})
    assert recall(memo) == {"é\udce9": [1, 2, 3]}
    good = memo.read_bytes()
    for bad in (b"", good[:-1], good.replace(b"2", b"4"), b"{}", b"zz\n{}", good + b" ", b"00000000\n" + b"\xff" * 9):
        memo.write_bytes(bad)
        assert recall(memo) == {}

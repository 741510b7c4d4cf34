from __future__ import annotations

import io
import os
import pickle
import shutil
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ofclip.errors import DataError
from ofclip.tree import Tree, decode_text

NAMES = ["Img/img/a/1.jpg", "Img/img/a/2.jpg", "Img/img/b/1.jpg"]
TABLE = "Anno/list.txt"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def files(jpeg):
    return {name: jpeg(seed) for seed, name in enumerate(NAMES)} | {TABLE: "café\n".encode()}


@pytest.fixture
def folder(tmp_path, files):
    root = tmp_path / "data"
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def pack(folder, kind: str, inside: str = ""):
    """Pack a folder, or one inside it where it lies, and return the place that a Tree opens."""
    if not inside:
        return shutil.make_archive(str(folder.parent / "packed"), kind, folder)
    parent, _, name = inside.rpartition("/")
    shutil.make_archive(str(folder / inside), kind, folder / parent, name)
    shutil.rmtree(folder / inside)
    return folder


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "xztar"])
@pytest.mark.parametrize("inside", ["", "Img", "Img/img", "Img/img/a"])
def test_every_form_is_the_same_tree(folder, files, kind, inside):
    names = [NAMES[2], NAMES[0]]
    unpacked = Tree(folder)
    expected, pictures = unpacked.images(names).fingerprint, unpacked.images(names).open(1).tobytes()
    tree = Tree(pack(folder, kind, inside))
    assert tree.names == sorted(files) and len(tree) == 4
    assert {name: tree.read(name) for name in tree.names} == files
    store = pickle.loads(pickle.dumps(tree.images(names)))
    assert store.fingerprint == tree.images(names).fingerprint == expected
    assert store.open(1).tobytes() == pictures
    assert [match[1] for match in tree.match(r"Img/img/(.)/\d\.jpg")] == ["a", "a", "b"]


def test_labels_say_where_a_file_lies(folder, files):
    (folder / "Img" / "more.zip").write_bytes(zipped({"img/c/1.jpg": files[NAMES[0]]}))
    tree = Tree(folder)
    assert tree.label(TABLE) == f"{folder}/{TABLE}"
    assert tree.label("Img/img/c/1.jpg") == "more.zip:img/c/1.jpg"
    assert tree.label("none") == f"{folder}/none"
    assert tree.images([NAMES[0], "Img/img/c/1.jpg"]).name(1) == "more.zip:img/c/1.jpg"


def test_closed_archives_are_files(folder, files):
    (folder / "broken.zip").write_bytes(b"no zip")
    assert Tree(folder, archives=False).names == sorted([*files, "broken.zip"])
    with pytest.raises(DataError, match="broken.zip: not a whole zip archive"):
        Tree(folder)


def test_half_unpacked_is_whole_or_named(folder, files):
    """Unpacking was interrupted: the archive is there, and a part of what it holds, the last file cut short."""
    before = Tree(folder).images(NAMES).fingerprint
    (folder / "img.zip").write_bytes(zipped(files))
    for name in NAMES[1:]:
        (folder / name).unlink()
    tree = Tree(folder)
    assert tree.names == sorted(files)
    assert tree.images(NAMES).fingerprint == before
    assert tree.label(NAMES[0]) == f"{folder}/{NAMES[0]}" and tree.label(NAMES[1]) == f"img.zip:{NAMES[1]}"
    (folder / NAMES[1]).write_bytes(files[NAMES[1]][:100])
    tree = Tree(folder)
    size = len(files[NAMES[1]])
    for use in (tree.read, tree.text, lambda name: tree.images([NAMES[0], name])):
        with pytest.raises(DataError, match=rf"{NAMES[1]}: 100 bytes, but {size:,} as img.zip:{NAMES[1]}; unpack it"):
            use(NAMES[1])
    assert tree.images([NAMES[0], NAMES[2]]).open(1).size == (60, 80)


def test_two_archives_of_one_name_agree_or_are_named(tmp_path):
    for name, text in (("a.zip", b"one"), ("a (1).zip", b"one"), ("b.zip", b"three")):
        (tmp_path / name).write_bytes(zipped({"list.txt": text, f"{text}": text, "README.md": os.urandom(len(text))}))
    with pytest.raises(DataError, match=r"a \(1\).zip:list.txt: 3 bytes, but 5 as b.zip:list.txt"):
        Tree(tmp_path).read("list.txt")
    (tmp_path / "b.zip").unlink()
    assert Tree(tmp_path).read("list.txt") == b"one"


def test_an_archive_in_an_archive_stays_closed(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"b.zip": zipped({"c.txt": b""})}))
    assert Tree(tmp_path).names == Tree(tmp_path / "a.zip").names == ["b.zip"]


def test_wrong_places_are_named(tmp_path):
    (tmp_path / "file.txt").touch()
    (tmp_path / "bad.tar").write_bytes(b"nothing of the kind")
    for name, reason in (("none", "not found"), ("file.txt", "neither a folder nor"), ("bad.tar", "not a whole tar")):
        with pytest.raises(DataError, match=f"{name}: {reason}"):
            Tree(tmp_path / name)


def test_a_missing_file_is_named_with_the_nearest(folder):
    tree = Tree(folder)
    with pytest.raises(DataError, match="holds no Anno/list.text; there is 'Anno/list.txt', which is no official name"):
        tree.read("Anno/list.text")
    with pytest.raises(DataError, match="data: holds no x; unpack it there in the official layout"):
        tree.text("x")
    with pytest.raises(DataError, match="Img/img/a/3.jpg: not found"):
        tree.images([NAMES[0], "Img/img/a/3.jpg"])
    for name in ("../data/Anno/list.txt", "/etc/passwd", "Anno", ""):
        assert name not in tree
        with pytest.raises(DataError):
            tree.read(name)


def test_locate_takes_the_shortest_path(folder):
    tree = Tree(folder)
    assert tree.locate("list.txt") == tree.locate(TABLE) == TABLE
    assert tree.locate("1.jpg") == "Img/img/a/1.jpg"
    assert tree.locate("st.txt") is None and tree.locate("img") is None
    (folder / "list.txt").touch()
    assert Tree(folder).locate("list.txt") == "list.txt"


def test_a_tree_within_has_official_names(folder, files):
    (folder / "Img" / "more.zip").write_bytes(zipped({"img/c/1.jpg": files[NAMES[0]], "img/a/1.jpg": b"cut"}))
    whole = Tree(folder)
    tree = whole.within("Img/img")
    assert tree.names == ["a/1.jpg", "a/2.jpg", "b/1.jpg", "c/1.jpg"]
    assert tree.read("a/2.jpg") == files[NAMES[1]] and tree.label("c/1.jpg") == "more.zip:img/c/1.jpg"
    assert tree.images(["c/1.jpg"]).names == ("c/1.jpg",)
    with pytest.raises(DataError, match="a/1.jpg: .* bytes, but 3 as more.zip:img/a/1.jpg"):
        tree.read("a/1.jpg")
    assert tree.within("c").names == ["1.jpg"] and whole.within("") is whole and len(whole.within("Im")) == 0


# text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("café…".encode(), "café…"),
        (b"\xef\xbb\xbfa\r\nb\rc\n", "a\nb\nc\n"),
        ("café".encode("latin-1"), "café"),
        (b"", ""),
        ("a\u2028b\x0bc\x85d".encode(), "a\u2028b\x0bc\x85d"),
    ],
)
def test_utf_8_and_latin_1_are_text(data, text):
    assert decode_text(data, "a.txt") == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("a\nb’s".encode("cp1252"), r"a.txt line 2: neither utf-8 \(byte 3\) nor latin-1; save the file as utf-8"),
        ("a\n\nb".encode("utf-16"), "a.txt line 1: holds bytes of zero"),
        (b"a\nb\x00", r"a.txt line 2: holds bytes of zero \(from byte 3\)"),
        (b"\x1f\x8b\x08\x05", "a.txt line 1: neither utf-8"),
    ],
)
def test_anything_else_is_named_with_its_line(data, reason):
    with pytest.raises(DataError, match=reason):
        decode_text(data, "a.txt")


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\r\x00\ufeff", exclude_categories=["Cs"])))
def test_every_text_comes_back_from_utf_8(text):
    for data in (text.encode(), text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode()):
        assert decode_text(data, "a.txt") == text


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=["Cc"])))
def test_every_printable_text_comes_back_from_latin_1(text):
    data = text.encode("latin-1")
    try:
        expected = data.decode()  # some latin-1 is utf-8 too, and utf-8 goes first
    except UnicodeDecodeError:
        expected = text
    assert decode_text(data, "a.txt") == expected


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_text_or_our_error(data):
    try:
        text = decode_text(data, "a.txt")
    except DataError as error:
        assert str(error).startswith("a.txt line ") and "\n" not in str(error)
    else:
        assert "\r" not in text and "\x00" not in text

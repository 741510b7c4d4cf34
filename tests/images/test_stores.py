from __future__ import annotations

import os
import pickle
import shutil
import time
import zipfile

import numpy as np
import pytest

from ofclip.archives import Folder
from ofclip.errors import DataError
from ofclip.images import AbsentImages, ArrayImages, JoinedImages
from ofclip.tree import Tree

NAMES = ["images/c.jpg", "images/a.jpg", "images/b.jpg"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path, jpeg):
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        (root / name).write_bytes(jpeg(seed))
    return root


@pytest.fixture
def archive(folder, tmp_path):
    return shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)


GREY = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def joined(folder) -> JoinedImages:
    """Three rows of two stores, neither in order nor all of them."""
    files = Tree(folder).images(NAMES)
    return JoinedImages([files, ArrayImages(GREY, "grey")], np.array([1, 0, 1]), np.array([2, 1, 0]))


@pytest.fixture(params=["folder", "zip", "array", "joined", "absent"])
def store(request, folder, archive):
    return {
        "folder": lambda: Tree(folder).images(NAMES),
        "zip": lambda: Tree(archive).images(NAMES),
        "array": lambda: ArrayImages(GREY, "grey"),
        "joined": lambda: joined(folder),
        "absent": lambda: AbsentImages(NAMES),
    }[request.param]()


def test_subset_keeps_order_names_and_pictures(store):
    part = pickle.loads(pickle.dumps(store.subset(np.array([2, 0]))))
    assert len(part) == 2
    assert [part.name(i) for i in (0, 1)] == [store.name(2), store.name(0)]
    if not isinstance(store, AbsentImages):
        assert [part.open(i).tobytes() for i in (0, 1)] == [store.open(2).tobytes(), store.open(0).tobytes()]
        assert {part.open(i).mode for i in (0, 1)} == {"RGB"}
    assert part.subset([1]).name(0) == store.name(0)
    assert len({store.fingerprint, part.fingerprint, store.subset([0, 2]).fingerprint}) == 3
    assert part.fingerprint == store.subset([2, 0]).fingerprint == store.subset([1, 0, 2]).subset([2, 1]).fingerprint


def test_subset_may_be_empty_or_repeat(store):
    assert len(store.subset([])) == 0 and store.subset([]).fingerprint != store.fingerprint
    twice = store.subset([1, 1])
    assert [twice.name(0), twice.name(1)] == [store.name(1)] * 2


def test_folder_and_zip_of_the_same_files_are_equal(folder, archive):
    unpacked, zipped = Tree(folder).images(NAMES), Tree(archive).images(NAMES)
    assert unpacked.fingerprint == zipped.fingerprint
    assert [zipped.name(0), unpacked.name(0)] == ["pictures.zip:images/c.jpg", str(folder / "images/c.jpg")]
    assert [unpacked.open(i).tobytes() for i in range(3)] == [zipped.open(i).tobytes() for i in range(3)]
    assert unpacked.entries() == zipped.entries() and unpacked.entries()[0][0] == (folder / NAMES[0]).stat().st_size


def test_fingerprint_follows_the_content_of_a_folder(folder):
    before = Tree(folder).images(NAMES).fingerprint
    path = folder / NAMES[0]
    old = path.read_bytes()
    path.write_bytes(old[:-1] + b"\x00")  # same size; the time tells
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 1))
    changed = Tree(folder).images(NAMES).fingerprint
    path.write_bytes(old)
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 2))
    assert changed != before
    assert Tree(folder).images(NAMES).fingerprint == before


def test_fingerprint_follows_names_and_order(folder):
    store = Tree(folder).images(NAMES)
    assert len({store.subset(rows).fingerprint for rows in ([0, 1, 2], [0, 2, 1], [0, 1], [0, 1, 1])}) == 4
    before = store.fingerprint
    (folder / NAMES[0]).rename(folder / "images/d.jpg")
    assert Tree(folder).images(["images/d.jpg", *NAMES[1:]]).fingerprint != before


def test_unchanged_folder_is_not_read_again(folder, monkeypatch):
    before = Tree(folder).images(NAMES).fingerprint
    monkeypatch.setattr(Folder, "_crc", lambda self, name: pytest.fail("read again"))
    assert Tree(folder).images(NAMES).fingerprint == before


def test_a_picture_that_vanishes_is_named(folder):
    store = Tree(folder).images(NAMES)
    (folder / NAMES[1]).unlink()
    with pytest.raises(DataError, match="images/a.jpg: not found"):
        store.open(1)
    with pytest.raises(DataError, match="images/a.jpg: not found"):
        _ = store.fingerprint


def test_damage_inside_a_zip_is_named(folder, tmp_path):
    path = tmp_path / "stored.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in NAMES:
            file.write(folder / name, name)
    data = bytearray(path.read_bytes())
    data[200] ^= 255  # within the first picture
    path.write_bytes(data)
    store = Tree(path).images(NAMES)
    with pytest.raises(DataError, match="stored.zip:images/c.jpg: damaged"):
        store.open(0)
    assert store.open(1).mode == "RGB"


def test_size_hint_reaches_the_decoder(folder, jpeg):
    (folder / NAMES[0]).write_bytes(jpeg(5, (1600, 1200)))
    store = Tree(folder).images(NAMES)
    assert store.resizes and store.open(0, size=64).height < 1200 == store.open(0).height


def test_array_is_grey_or_rgb_bytes():
    red = np.zeros((1, 2, 2, 3), np.uint8)
    red[..., 0] = 255
    assert ArrayImages(red, "red").open(0).getpixel((0, 0)) == (255, 0, 0)
    assert ArrayImages(red[..., 0], "grey").open(0).getpixel((0, 0)) == (255, 255, 255)
    for wrong in (red.astype(float), red[0, 0], red[..., :2]):
        with pytest.raises(DataError, match="wrong: pictures must be uint8"):
            ArrayImages(wrong, "wrong")


# several stores in a row


def test_joined_stores_follow_one_another(folder):
    files, grey = Tree(folder).images(NAMES), ArrayImages(GREY, "grey")
    store = JoinedImages([files, grey])
    assert [store.name(i).rpartition("/")[2] for i in range(6)] == [
        "c.jpg", "a.jpg", "b.jpg", "grey[0]", "grey[1]", "grey[2]",
    ]  # fmt: skip
    assert store.open(4).tobytes() == grey.open(1).tobytes() and store.open(1).tobytes() == files.open(1).tobytes()
    assert store.fingerprint != JoinedImages([grey, files]).fingerprint


def test_joined_in_any_order(folder):
    store = joined(folder)
    assert [store.name(i).rpartition("/")[2] for i in range(3)] == ["grey[2]", "a.jpg", "grey[0]"]
    assert store.open(0).tobytes() == ArrayImages(GREY, "grey").open(2).tobytes()


def test_a_part_of_joined_stores_carries_only_what_it_needs(folder):
    store = JoinedImages([ArrayImages(np.zeros((500, 8, 8), np.uint8), "large"), Tree(folder).images(NAMES)])
    part = store.subset([502, 500])
    assert len(part.stores) == 1 and len(pickle.dumps(part)) < 2_000
    assert [part.name(i)[-5:] for i in (0, 1)] == ["b.jpg", "c.jpg"]


def test_joined_passes_the_size_to_those_that_take_it(folder, jpeg):
    (folder / NAMES[0]).write_bytes(jpeg(5, (1600, 1200)))
    store = JoinedImages([Tree(folder).images(NAMES[:1]), ArrayImages(GREY, "grey")])
    assert store.open(0, size=64).height < 1200
    assert store.open(1, size=64).size == (5, 4)


def test_no_stores_at_all():
    store = JoinedImages([])
    assert len(store) == 0 and store.fingerprint == JoinedImages([]).subset([]).fingerprint


# pictures that are not there


def test_absent_pictures_have_names_and_say_why_they_do_not_open():
    store = AbsentImages(name for name in NAMES)
    assert len(store) == 3 and not store.resizes and store.name(1) == "images/a.jpg"
    with pytest.raises(DataError, match="images/a.jpg: .* without pictures; load it with pictures=True"):
        store.open(1)
    assert store.fingerprint != AbsentImages(NAMES[::-1]).fingerprint
    mixed = JoinedImages([store, ArrayImages(GREY, "grey")])
    assert mixed.open(3).size == (5, 4)
    with pytest.raises(DataError, match="images/c.jpg: .* without pictures"):
        mixed.open(0, size=8)

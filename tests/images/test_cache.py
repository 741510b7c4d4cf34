from __future__ import annotations

import gc
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ofclip.errors import DataError, OfclipError
from ofclip.files import cache_dir
from ofclip.images import AbsentImages, ArrayImages, JoinedImages, fit, pixels
from ofclip.images import cache as module
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


def test_pixels_are_the_fitted_pictures_and_read_only(folder):
    store = Tree(folder).images(NAMES)
    found = pixels(store, 32)
    np.testing.assert_array_equal(found.array, [fit(store.open(i), 32) for i in range(3)])
    assert found.bad == ()
    with pytest.raises(ValueError):
        found.array[0] = 0


def test_second_call_decodes_nothing_and_other_settings_do(folder, monkeypatch):
    first = pixels(Tree(folder).images(NAMES), 32).array
    monkeypatch.setattr(module.fitting, "fit_all", lambda *args: pytest.fail("fitted again"))
    np.testing.assert_array_equal(pixels(Tree(folder).images(NAMES), 32).array, first)
    for settings in ({"size": 16}, {"size": 32, "how": "crop"}):
        with pytest.raises(pytest.fail.Exception):
            pixels(Tree(folder).images(NAMES), **settings)


def test_workers_give_the_same_pixels_in_order(monkeypatch):
    array = np.random.default_rng(0).integers(0, 256, (40, 9, 12, 3), dtype=np.uint8)
    alone = np.array(pixels(ArrayImages(array, "noise"), 8).array)
    monkeypatch.setattr(module, "IN_PROCESS", 1)
    monkeypatch.setattr(module, "CHUNK", 7)
    for path in (cache_dir() / "pixels").iterdir():
        path.unlink()
    np.testing.assert_array_equal(pixels(ArrayImages(array, "noise"), 8, jobs=2).array, alone)


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_workers_read_archives_for_themselves(folder, tmp_path, monkeypatch, kind):
    names = NAMES * 5
    alone = np.array(pixels(Tree(folder).images(names), 8).array)
    archive = shutil.make_archive(str(tmp_path / "packed"), kind, folder)
    monkeypatch.setattr(module, "IN_PROCESS", 1)
    monkeypatch.setattr(module, "CHUNK", 4)
    for path in (cache_dir() / "pixels").iterdir():
        path.unlink()
    store = JoinedImages([Tree(archive).images(names), ArrayImages(np.full((2, 8, 8), 7, np.uint8), "grey")])
    found = pixels(store, 8, jobs=2).array
    np.testing.assert_array_equal(found[:15], alone)
    assert (found[15:] == 7).all()


def test_pictures_that_are_not_there_say_so():
    with pytest.raises(DataError, match="row 0: a.jpg: .* without pictures; load it with pictures=True"):
        pixels(AbsentImages(["a.jpg", "b.jpg"]), 8)


def test_bad_picture_ends_the_workers_in_silence(folder, monkeypatch, recwarn):
    (folder / "bad.jpg").write_bytes(b"")
    names = NAMES * 400  # enough to be still at work when the bad one is met
    names[12] = "bad.jpg"
    monkeypatch.setattr(module, "IN_PROCESS", 1)
    monkeypatch.setattr(module, "CHUNK", 6)
    with pytest.raises(DataError, match="row 12: .*bad.jpg: empty file"):
        pixels(Tree(folder).images(names), 8, jobs=2)
    gc.collect()
    assert not [str(warning.message) for warning in recwarn]


def test_a_store_that_resizes_is_asked_for_the_size():
    class Drawn(ArrayImages):
        resizes = True

        def open(self, i, size=256):
            return Image.new("RGB", (size, size), (size, 0, 0))

    found = pixels(Drawn(np.zeros((2, 4, 4), np.uint8), "drawn"), 24)
    assert (found.array == (24, 0, 0)).all()


def test_bad_picture_raises_with_its_row_or_is_listed(folder, jpeg):
    (folder / NAMES[1]).write_bytes(jpeg(1)[:-200])
    store = Tree(folder).images(NAMES)
    with pytest.raises(DataError, match="row 1: .*images/a.jpg: damaged"):
        pixels(store, 16)
    found = pixels(store, 16, skip_bad=True)
    [(row, reason)] = found.bad
    assert row == 1 and "images/a.jpg" in reason
    assert not found.array[1].any() and found.array[0].any() and found.array[2].any()
    assert pixels(store, 16, skip_bad=True).bad == found.bad  # and the same from the cache
    with pytest.raises(DataError, match="row 1: "):
        pixels(store, 16)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"0")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def orphan(path: Path) -> None:
    path.with_suffix(".json").unlink()


@pytest.mark.parametrize("damage", [cut, lengthen, empty, orphan])
def test_cache_that_is_not_whole_is_made_anew(folder, damage):
    store = Tree(folder).images(NAMES)
    good = np.array(pixels(store, 32).array)
    [path] = (cache_dir() / "pixels").glob("*.npy")
    damage(path)
    np.testing.assert_array_equal(pixels(store, 32).array, good)
    assert path.with_suffix(".json").exists()


def test_full_disk_is_told_and_leaves_nothing(folder):
    store = Tree(folder).images(NAMES)
    _ = store.fingerprint
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # 3 pictures of 256 x 256 need 589,824
    try:
        with pytest.raises(OfclipError, match="disk full while writing .*npy"):
            pixels(store, 256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((cache_dir() / "pixels").iterdir())
    assert pixels(store, 256).array.shape == (3, 256, 256, 3)


def test_interrupted_writing_leaves_no_cache(folder, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.fitting, "fit_all", stop)
    with pytest.raises(KeyboardInterrupt):
        pixels(Tree(folder).images(NAMES), 32)
    assert not list((cache_dir() / "pixels").iterdir())

from __future__ import annotations

import gc
import io
import os
import pickle
import resource
import struct
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ofclip import images as module
from ofclip.errors import DataError, OfclipError, SettingError
from ofclip.files import cache_dir
from ofclip.images import ArrayImages, FolderImages, ZipImages, decode, fit, pixels

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
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in NAMES:
            file.write(folder / name, name)
    return path


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises that many pixels and holds none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


# stores


def test_folder_and_zip_of_the_same_files_are_equal(folder, archive):
    unpacked, zipped = FolderImages(folder, NAMES), ZipImages(archive, NAMES)
    assert unpacked.fingerprint == zipped.fingerprint
    assert [zipped.name(0), unpacked.name(0)] == ["pictures.zip:images/c.jpg", str(folder / "images/c.jpg")]
    for i in range(len(NAMES)):
        assert unpacked.open(i).tobytes() == zipped.open(i).tobytes()


@pytest.mark.parametrize("kind", ["folder", "zip", "array"])
def test_subset_keeps_order_names_and_pictures(folder, archive, kind):
    array = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    store = {
        "folder": lambda: FolderImages(folder, NAMES),
        "zip": lambda: ZipImages(archive, NAMES),
        "array": lambda: ArrayImages(array, "grey"),
    }[kind]()
    part = pickle.loads(pickle.dumps(store.subset(np.array([2, 0]))))
    assert len(part) == 2
    assert [part.name(i) for i in (0, 1)] == [store.name(2), store.name(0)]
    assert [part.open(i).tobytes() for i in (0, 1)] == [store.open(2).tobytes(), store.open(0).tobytes()]
    assert part.subset([1]).name(0) == store.name(0)
    assert len({store.fingerprint, part.fingerprint, store.subset([0, 2]).fingerprint}) == 3


def test_fingerprint_follows_the_content_of_a_folder(folder, jpeg):
    before = FolderImages(folder, NAMES).fingerprint
    path = folder / NAMES[0]
    old = path.read_bytes()
    path.write_bytes(old[:-1] + b"\x00")  # same size; the time tells
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 1))
    changed = FolderImages(folder, NAMES).fingerprint
    path.write_bytes(old)
    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns + 2))
    assert changed != before
    assert FolderImages(folder, NAMES).fingerprint == before


def test_unchanged_folder_is_not_read_again(folder, monkeypatch):
    before = FolderImages(folder, NAMES).fingerprint
    monkeypatch.setattr(FolderImages, "_read", lambda self, i: pytest.fail("read again"))
    assert FolderImages(folder, NAMES).fingerprint == before


def test_array_is_grey_or_rgb_bytes():
    red = np.zeros((1, 2, 2, 3), np.uint8)
    red[..., 0] = 255
    assert ArrayImages(red, "red").open(0).getpixel((0, 0)) == (255, 0, 0)
    assert ArrayImages(red[..., 0], "grey").open(0).getpixel((0, 0)) == (255, 255, 255)
    with pytest.raises(DataError, match="floats: pictures must be uint8"):
        ArrayImages(red.astype(float), "floats")


@pytest.mark.parametrize("name", ["/etc/passwd", "images/../../a.jpg", "..\\a.jpg"])
def test_names_that_lead_out_of_the_data_set_are_refused(folder, archive, name):
    for store, place in ((FolderImages, folder), (ZipImages, archive)):
        with pytest.raises(DataError, match="leads out of the data set"):
            store(place, [name])


def test_missing_picture_is_named(folder, archive):
    for store in (FolderImages(folder, ["images/d.jpg"]), ZipImages(archive, ["images/d.jpg"])):
        with pytest.raises(DataError, match="images/d.jpg: (not|cannot)"):
            store.open(0)
        with pytest.raises(DataError, match="images/d.jpg: not"):
            _ = store.fingerprint


def test_truncated_zip_is_named(archive):
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(DataError, match="pictures.zip: not a whole zip archive"):
        ZipImages(archive, NAMES).open(0)


def test_damage_inside_a_zip_is_named(archive):
    data = bytearray(archive.read_bytes())
    data[200] ^= 255  # within the first picture
    archive.write_bytes(data)
    with pytest.raises(DataError, match="pictures.zip:images/c.jpg: damaged"):
        ZipImages(archive, NAMES).open(0)
    assert ZipImages(archive, NAMES).open(1).mode == "RGB"


# decoding

RED = Image.new("RGB", (16, 16), (200, 30, 40))


@pytest.mark.parametrize(
    "data",
    [
        encoded(RED, "JPEG", quality=95),
        encoded(RED.convert("CMYK"), "JPEG", quality=95),
        encoded(RED, "PNG"),
        encoded(RED.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        encoded(RED.convert("RGBA"), "WEBP", lossless=True),
        encoded(RED, "GIF"),
        encoded(RED, "BMP"),
    ],
    ids=["jpeg", "cmyk", "png", "palette", "webp", "gif", "bmp"],
)
def test_every_format_becomes_rgb(data):
    image = decode(data, "red")
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image, int) - (200, 30, 40)).max() <= 4


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(mode):
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 8, 4))
    rgb = decode(encoded(image.convert(mode), "PNG"), mode)
    assert [rgb.getpixel((4, 1)), rgb.getpixel((4, 6))] == [(0, 0, 0), (255, 255, 255)]


def test_sixteen_bit_grey_keeps_its_range():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(decode(encoded(Image.fromarray(ramp), "PNG"), "ramp"))
    np.testing.assert_array_equal(grey[..., 0].ravel(), np.arange(256))


def test_exif_orientation_turns_the_picture_upright():
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 40, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side: turn clockwise
    upright = decode(encoded(image, "JPEG", exif=exif), "turned")
    assert upright.size == (20, 40)
    assert upright.getpixel((17, 20))[0] < 50 < 200 < upright.getpixel((2, 20))[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (encoded(RED.resize((200, 200)), "JPEG")[:-300], "damaged picture"),
        (encoded(Image.effect_noise((64, 64), 50), "PNG")[:-300], "damaged picture"),
        (b"<html>not found</html>", "not a JPEG"),
        (encoded(RED, "TIFF"), "not a JPEG"),
        (png_header(8001, 8001), "8001x8001 is above 64 megapixels"),
        (png_header(60000, 60000), "above 64 megapixels"),
    ],
    ids=["empty", "short jpeg", "short png", "html", "other format", "large", "bomb"],
)
def test_bad_pictures_are_named_with_the_reason(data, reason):
    with pytest.raises(DataError, match=f"^shop/7.jpg: .*{reason}"):
        decode(data, "shop/7.jpg")


def test_size_hint_decodes_a_large_jpeg_smaller_but_fits_the_same(jpeg):
    data = jpeg(5, (1600, 1200))
    small = decode(data, "large", size=64)
    assert 128 <= small.height < 1200
    difference = np.abs(fit(small, 64).astype(int) - fit(decode(data, "large"), 64))
    assert difference.mean() < 1


# squares


def test_pad_shows_the_whole_picture_on_its_border_colour():
    image = Image.new("RGB", (30, 40), (240, 230, 220))
    image.paste("black", (5, 5, 25, 35))
    square = fit(image, 80, "pad")
    assert square.shape == (80, 80, 3)
    assert (square[:, :10] == (240, 230, 220)).all() and (square[:, 70:] == (240, 230, 220)).all()
    dark = square[40, :, 0] < 120
    assert (np.flatnonzero(dark)[[0, -1]] == (20, 59)).all()


def test_crop_takes_the_centre_and_squash_everything():
    image = Image.new("RGB", (120, 40), "red")
    image.paste("lime", (40, 0, 80, 40))
    image.paste("blue", (80, 0, 120, 40))
    assert (fit(image, 20, "crop")[:, 2:-2] == (0, 255, 0)).all()
    squashed = fit(image, 30, "squash")
    assert [tuple(squashed[15, x]) for x in (2, 15, 27)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_shrinking_is_antialiased():
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    grey = fit(Image.fromarray(checks.astype(np.uint8)).convert("RGB"), 16)
    assert np.abs(grey.astype(int) - 127).max() < 8


def test_extreme_shapes_and_unknown_fits():
    assert fit(Image.new("RGB", (5000, 1)), 16).shape == (16, 16, 3)
    with pytest.raises(SettingError, match="did you mean 'squash'"):
        fit(RED, 8, "squish")


# the pixel cache


def test_pixels_are_the_fitted_pictures_and_read_only(folder):
    store = FolderImages(folder, NAMES)
    found = pixels(store, 32)
    np.testing.assert_array_equal(found.array, [fit(store.open(i), 32) for i in range(3)])
    assert found.bad == ()
    with pytest.raises(ValueError):
        found.array[0] = 0


def test_second_call_decodes_nothing_and_other_settings_do(folder, monkeypatch):
    first = pixels(FolderImages(folder, NAMES), 32).array
    monkeypatch.setattr(module, "decode", lambda *args: pytest.fail("decoded again"))
    np.testing.assert_array_equal(pixels(FolderImages(folder, NAMES), 32).array, first)
    for settings in ({"size": 16}, {"size": 32, "how": "crop"}):
        with pytest.raises(pytest.fail.Exception):
            pixels(FolderImages(folder, NAMES), **settings)


def test_workers_give_the_same_pixels_in_order(monkeypatch):
    array = np.random.default_rng(0).integers(0, 256, (40, 9, 12, 3), dtype=np.uint8)
    alone = np.array(pixels(ArrayImages(array, "noise"), 8).array)
    monkeypatch.setattr(module, "IN_PROCESS", 1)
    monkeypatch.setattr(module, "CHUNK", 7)
    for path in (cache_dir() / "pixels").iterdir():
        path.unlink()
    np.testing.assert_array_equal(pixels(ArrayImages(array, "noise"), 8, jobs=2).array, alone)


def test_bad_picture_ends_the_workers_in_silence(folder, monkeypatch, recwarn):
    (folder / "bad.jpg").write_bytes(b"")
    names = NAMES * 400  # enough to be still at work when the bad one is met
    names[12] = "bad.jpg"
    monkeypatch.setattr(module, "IN_PROCESS", 1)
    monkeypatch.setattr(module, "CHUNK", 6)
    with pytest.raises(DataError, match="row 12: .*bad.jpg: empty file"):
        pixels(FolderImages(folder, names), 8, jobs=2)
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
    store = FolderImages(folder, NAMES)
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
    store = FolderImages(folder, NAMES)
    good = np.array(pixels(store, 32).array)
    [path] = (cache_dir() / "pixels").glob("*.npy")
    damage(path)
    np.testing.assert_array_equal(pixels(store, 32).array, good)
    assert path.with_suffix(".json").exists()


def test_full_disk_is_told_and_leaves_nothing(folder):
    store = FolderImages(folder, NAMES)
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

    monkeypatch.setattr(module, "fit", stop)
    with pytest.raises(KeyboardInterrupt):
        pixels(FolderImages(folder, NAMES), 32)
    assert not list((cache_dir() / "pixels").iterdir())

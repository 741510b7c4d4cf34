from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from ofclip.errors import DataError
from ofclip.images import decode, decoding, fit


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, rows: bytes = b"", depth: int = 8, colour: int = 0) -> bytes:
    """A PNG of the given rows, or one that promises them and holds none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows) if rows else b"") + chunk(b"IEND", b"")


def gif_header(width: int, height: int) -> bytes:
    """A GIF that promises that many pixels and holds none."""
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b"," + bytes(4) + size + b"\0\x02\x01\x44\0;"


RED = Image.new("RGB", (16, 16), (200, 30, 40))
EXIF = Image.Exif()
EXIF[0x0112] = 6


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


@pytest.mark.parametrize(
    ("kind", "mode", "clear"),
    [
        ("GIF", "P", 1), ("PNG", "P", 1), ("PNG", "P", bytes([255, 0])), ("PNG", "L", 40), ("PNG", "RGB", (40, 40, 40)),
    ],
)  # fmt: skip
def test_a_colour_declared_transparent_is_white(kind, mode, clear):
    image = Image.new(mode, (8, 8), 0)
    if mode == "P":
        image.putpalette([0, 0, 0, 40, 40, 40])
    image.paste(1 if mode == "P" else 40 if mode == "L" else (40, 40, 40), (0, 4, 8, 8))
    rgb = decode(encoded(image, kind, transparency=clear), mode)
    assert [rgb.getpixel((4, 1)), rgb.getpixel((4, 6))] == [(0, 0, 0), (255, 255, 255)]


def test_half_transparent_is_half_white():
    rgb = decode(encoded(Image.new("RGBA", (4, 4), (0, 100, 200, 128)), "PNG"), "veil")
    assert np.abs(np.subtract(rgb.getpixel((1, 1)), (127, 177, 227))).max() <= 1


def test_inverted_cmyk_of_print_shops_has_its_colours():
    """Adobe's CMYK JPEGs store ink inverted and say so in a marker, which Pillow writes too."""
    data = encoded(RED.convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data and Image.open(io.BytesIO(data)).mode == "CMYK"
    assert np.abs(np.asarray(decode(data, "print"), int) - (200, 30, 40)).max() <= 4


def test_sixteen_bit_grey_keeps_its_range():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(decode(encoded(Image.fromarray(ramp), "PNG"), "ramp"))
    np.testing.assert_array_equal(grey[..., 0].ravel(), np.arange(256))


def test_sixteen_bit_colour_keeps_its_upper_bytes():
    row = struct.pack(">6H", 0x12FF, 0x8000, 0xFF00, 0, 0x00FF, 0xFFFF)
    data = png(2, 1, b"\0" + row, depth=16, colour=2)
    rgb = decode(data, "deep")
    assert [rgb.getpixel((x, 0)) for x in (0, 1)] == [(0x12, 0x80, 0xFF), (0, 0, 0xFF)]


def test_exif_orientation_turns_the_picture_upright():
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 40, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side: turn clockwise
    upright = decode(encoded(image, "JPEG", exif=exif), "turned")
    assert upright.size == (20, 40)
    assert upright.getpixel((17, 20))[0] < 50 < 200 < upright.getpixel((2, 20))[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_comes_back_upright(orientation, kind):
    corners = Image.new("RGB", (32, 16), "white")
    for x, y, colour in ((0, 0, "red"), (16, 0, "lime"), (0, 8, "blue")):
        corners.paste(colour, (x, y, x + 16, y + 8))
    turn = Image.Transpose  # what a camera held that way would store
    stored = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
        6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270,
    }  # fmt: skip
    image = corners.transpose(stored[orientation]) if orientation in stored else corners
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    upright = decode(encoded(image, kind, exif=exif, **options), "turned")
    assert upright.size == (32, 16)
    assert np.asarray(ImageChops.difference(upright, corners)).mean() < 6


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_is_none_changes_nothing(value):
    exif = Image.Exif()
    exif[0x0112] = value
    assert decode(encoded(RED, "PNG", exif=exif), "odd").tobytes() == RED.tobytes()


@pytest.mark.parametrize("junk", [b"", b"Exif\0\0", b"Exif\0\0junk", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\xff" * 40])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_exif_that_cannot_be_read_changes_nothing(junk):
    plain = encoded(RED, "JPEG")
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(junk) + 2) + junk + plain[2:]
    assert decode(data, "odd").tobytes() == decode(plain, "plain").tobytes()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (encoded(RED.resize((200, 200)), "JPEG")[:-300], "damaged picture"),
        (encoded(Image.effect_noise((64, 64), 50), "PNG")[:-300], "damaged picture"),
        (b"<html>not found</html>", "not a JPEG"),
        (encoded(RED, "TIFF"), "not a JPEG"),
        (png(8001, 8001), "8001x8001 is above 64 megapixels"),
        (png(10_000, 10_000), "10000x10000 is above 64 megapixels"),
        (png(60000, 60000), "above 64 megapixels"),
        (gif_header(65535, 65535), "above 64 megapixels"),
        (png(100, 100), "damaged picture"),
        (b"\xff\xd8\xff\xe0", "not a JPEG"),
    ],
    ids=[
        "empty",
        "short jpeg",
        "short png",
        "html",
        "other format",
        "large",
        "100 megapixels",
        "bomb",
        "gif bomb",
        "no pixels",
        "first bytes",
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bad_pictures_are_named_with_the_reason(data, reason):
    with pytest.raises(DataError, match=f"^shop/7.jpg: .*{reason}"):
        decode(data, "shop/7.jpg")


def test_a_large_picture_is_named_even_if_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="7.jpg: .*above 64 megapixels; shrink or skip it"):
            decode(png(10_000, 10_000), "7.jpg")


KINDS = (
    ("RGB", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("RGB", "WEBP"), ("P", "GIF"), ("RGB", "BMP"),
)  # fmt: skip
PICTURES = [encoded(Image.effect_noise((20, 30), 50).convert(mode), kind) for mode, kind in KINDS]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PICTURES), st.data())
@pytest.mark.filterwarnings("ignore")
def test_damaged_pictures_open_or_end_in_our_error(data, draw):
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, 2 * len(data)))
    size = draw.draw(st.sampled_from([None, 4]))
    try:
        image = decode(bytes(changed[:cut]), "7.jpg", size)
        assert image.mode == "RGB" and fit(image, 8).shape == (8, 8, 3)
    except DataError as error:
        assert str(error).startswith("7.jpg: ") and "\n" not in str(error)


def test_size_hint_decodes_a_large_jpeg_smaller_but_fits_the_same(jpeg):
    data = jpeg(5, (1600, 1200))
    small = decode(data, "large", size=64)
    assert 128 <= small.height < 1200
    difference = np.abs(fit(small, 64).astype(int) - fit(decode(data, "large"), 64))
    assert difference.mean() < 1


@pytest.mark.parametrize("size", [None, 3, 8, 20, 64, 300])
@pytest.mark.parametrize("shape", [(60, 80), (168, 224), (33, 47), (401, 250), (641, 1000)])
@pytest.mark.parametrize(
    "options",
    [{}, {"quality": 30}, {"subsampling": 0}, {"subsampling": 1}, {"progressive": True}, {"restart_marker_rows": 1}],
)
def test_a_plain_jpeg_decodes_to_the_bit_as_with_pillow(shape, size, options):
    image = Image.effect_noise(shape, 60).convert("RGB").rotate(30, fillcolor=(200, 40, 90))
    data = encoded(image, "JPEG", **options)
    quick, slow = decoding._plain(data, size), decoding._decoded(data, "slow", size)
    np.testing.assert_array_equal(quick, np.asarray(slow))


@pytest.mark.parametrize(
    "data",
    [
        encoded(RED, "PNG"),
        encoded(RED.convert("L"), "JPEG"),
        encoded(RED.convert("CMYK"), "JPEG"),
        encoded(RED, "JPEG", keep_rgb=True),
        encoded(RED, "JPEG", exif=EXIF),
        encoded(RED.resize((200, 200)), "JPEG")[:-300],
        encoded(RED, "JPEG")[:40],
        b"\xff\xd8",
    ],
    ids=["png", "grey", "cmyk", "rgb", "exif", "short", "header", "start"],
)
def test_anything_else_is_left_to_pillow(data):
    assert decoding._plain(data, None) is None

"""From the bytes of a picture file to RGB pixels."""

from __future__ import annotations

import io
import warnings

import numpy as np
import simplejpeg
from PIL import Image

from ofclip.errors import DataError

#: The only formats that are decoded; Pillow knows many more, which no data set here needs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
#: Larger pictures are refused before their pixels are unpacked.
MAX_PIXELS = 64_000_000
#: A JPEG's own halving is quick and clean; what is left to resampling is at least 5 / 4 of the size.
SPARE = 5
#: Begins the part of a JPEG that may hold an orientation; where it is found, Pillow reads the picture.
APP1 = b"\xff\xe1"
#: Where Pillow keeps what may hold an orientation; to ask for it costs a tenth of decoding a small picture.
EXIF = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
#: The EXIF tag for orientation, and what turns each of its values upright.
ORIENTATION = 0x0112
UPRIGHT: dict[int | None, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def rgb(data: bytes, name: str, size: int | None = None) -> np.ndarray:
    """Return the picture encoded in `data` as uint8 (h, w, 3), upright, with transparent parts on white.

    A JPEG may come back smaller, though no side below 1.25 times `size` pixels, if a size is given. EXIF data that
    cannot be read say nothing, so the picture stays as it is. Raises DataError that names the file if the data
    are empty, cut short, no picture, or above 64 megapixels.
    """
    if not data:
        raise DataError(f"{name}: empty file; fetch it again or skip it")
    plain = _plain(data, size)
    return np.asarray(_decoded(data, name, size)) if plain is None else plain


def decode(data: bytes, name: str, size: int | None = None) -> Image.Image:
    """Return what `rgb` returns as a Pillow image, to look at."""
    return Image.fromarray(rgb(data, name, size))


def _plain(data: bytes, size: int | None) -> np.ndarray | None:
    """Pillow's pixels, to the bit, in a fraction of its time; None for all but a plain, whole JPEG in colour."""
    if data[:2] != b"\xff\xd8" or APP1 in data:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours != "YCbCr" or width * height > MAX_PIXELS:
            return None
        part = 1
        while size is not None and part < 8 and 2 * part * (SPARE * size // 4) <= min(width, height):
            part *= 2  # as Pillow's `draft` halves
        return simplejpeg.decode_jpeg(data, min_height=-(-height // part), min_width=-(-width // part))
    except ValueError:  # cut short, or of a rare kind: Pillow says what is wrong with it, if anything is
        return None


def _decoded(data: bytes, name: str, size: int | None) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise DataError(f"{name}: {image.width}x{image.height} is above 64 megapixels; shrink or skip it")
        if size is not None:
            image.draft(None, (SPARE * size // 4, SPARE * size // 4))
        image.load()
        return _upright(_rgb(image), image)
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{name}: above 64 megapixels; shrink or skip it") from error
    except Image.UnidentifiedImageError as error:
        raise DataError(f"{name}: not a {', '.join(FORMATS)} picture; fetch it again or skip it") from error
    except Exception as error:  # Pillow raises nearly anything over damaged data
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: damaged picture ({reason}); fetch it again or skip it") from error


def _upright(rgb: Image.Image, stored: Image.Image) -> Image.Image:
    if EXIF.isdisjoint(stored.info):
        return rgb
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            turn = UPRIGHT.get(stored.getexif().get(ORIENTATION))
    except Exception:  # as above; and the value may be of a kind that no dictionary takes
        turn = None
    return rgb if turn is None else rgb.transpose(turn)


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

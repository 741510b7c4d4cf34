"""From the bytes of a picture file to a square of RGB pixels."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image

from ofclip.errors import DataError, unknown

#: The only formats that are decoded; Pillow knows many more, which no data set here needs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
#: Larger pictures are refused before their pixels are unpacked.
MAX_PIXELS = 64_000_000
#: How a picture becomes square.
FITS = ("pad", "crop", "squash")
#: A JPEG's own halving is quick and clean; what is left to resampling is at least 5 / 4 of the size.
SPARE = 5
#: Where Pillow keeps what may hold an orientation; to ask for it costs a tenth of decoding a small picture.
EXIF = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
#: The EXIF tag for orientation, and what turns each of its values upright.
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, name: str, size: int | None = None) -> Image.Image:
    """Return the picture encoded in `data` in mode RGB, upright, with transparent parts on white.

    A JPEG may come back smaller, though no side below 1.25 times `size` pixels, if a size is given. EXIF data that
    cannot be read say nothing, so the picture stays as it is. Raises DataError that names the file if the data
    are empty, cut short, no picture, or above 64 megapixels.
    """
    if not data:
        raise DataError(f"{name}: empty file; fetch it again or skip it")
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


def fit(image: Image.Image, size: int, how: str = "pad") -> np.ndarray:
    """Return an RGB picture as a uint8 array (size, size, 3), resampled with antialiasing.

    "pad" shows the whole picture, centred on the median colour of its border; "crop" takes the centre
    square; "squash" ignores the aspect. Raises SettingError for any other `how`.

    >>> fit(Image.new("RGB", (30, 40), "red"), 8).shape
    (8, 8, 3)
    """
    if how not in FITS:
        raise unknown("fit", how, FITS)
    if image.size == (size, size):
        return np.array(image)
    if how == "squash":
        return np.array(_resize(image, (size, size)))
    width, height = image.size
    if how == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return np.array(_resize(image, (size, size), (left, top, left + side, top + side)))
    scale = size / max(width, height)
    inner = np.asarray(_resize(image, (max(1, round(width * scale)), max(1, round(height * scale)))))
    border = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    middle = len(border) // 2
    square = np.empty((size, size, 3), np.uint8)
    square[0] = np.partition(border, middle, axis=0)[middle]
    square[1:] = square[0]  # whole rows: numpy fills pixel by pixel otherwise, a tenth as fast
    height, width = inner.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = inner
    return square


def _resize(image: Image.Image, size: tuple[int, int], box: tuple | None = None) -> Image.Image:
    # large pictures are first reduced by a whole number; to ask for it where there is none costs time
    gap = 3.0 if image.width >= 6 * size[0] or image.height >= 6 * size[1] else None
    return image.resize(size, Image.Resampling.BICUBIC, box=box, reducing_gap=gap)

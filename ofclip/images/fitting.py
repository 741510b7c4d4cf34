"""From pictures of any shape to squares of one size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ofclip.errors import unknown

#: How a picture becomes square.
FITS = ("pad", "crop", "crop-down", "squash")
#: How its pixels are resampled; all but "nearest" are antialiased.
FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
#: From so many times the size on, a picture that is padded is first reduced by a whole number, which is quicker.
LARGE = 6


def parse(how: str) -> tuple[str, str]:
    """Return rule and interpolation of a way to fit; the latter may be left out, and is bicubic then.

    Raises SettingError for an unknown one.

    >>> parse("crop bilinear"), parse("pad")
    (('crop', 'bilinear'), ('pad', 'bicubic'))
    """
    rule, _, interpolation = how.partition(" ")
    if rule not in FITS:
        raise unknown("fit", rule, FITS)
    if interpolation and interpolation not in FILTERS:
        raise unknown("interpolation", interpolation, FILTERS)
    return rule, interpolation or "bicubic"


def decoded_size(size: int, how: str) -> int | None:
    """Return to how many pixels a picture may be reduced while it is decoded, None where each pixel counts.

    Published models ("crop", "squash") were measured on pictures that were decoded in full.
    """
    return size if parse(how)[0] == "pad" else None


def fit(pictures: np.ndarray | Image.Image, size: int, how: str = "pad") -> np.ndarray:
    """Return one RGB picture (h, w, 3), or several (n, h, w, 3), as uint8 squares (..., size, size, 3).

    `how` is a rule, bicubic, or a rule and another of Pillow's interpolations ("crop bilinear"). "pad" shows the whole
    picture, centred on the median colour of its border. "crop" resizes the shorter side, then cuts out the centre, to
    the bit as torchvision's Resize and CenterCrop, which open_clip uses; "crop-down" as `transformers`, which rounds
    half a pixel of the cut's place down always. "squash" ignores the aspect. Raises SettingError for any other `how`.

    >>> fit(Image.new("RGB", (30, 40), "red"), 8).shape
    (8, 8, 3)
    """
    rule, interpolation = parse(how)
    stack = np.asarray(pictures)
    if stack.ndim == 3:
        return fit(stack[None], size, how)[0]
    height, width = stack.shape[1:3]
    if rule == "squash":
        return _alone(stack, (size, size), interpolation)
    shorter = min(width, height)
    if rule == "pad":
        scale = size / max(width, height)
        shape = max(1, round(width * scale)), max(1, round(height * scale))
        if width >= LARGE * shape[0] or height >= LARGE * shape[1]:
            return _padded(_alone(stack, shape, interpolation, gap=3.0), size)
        return _padded(_together(stack, shape, interpolation), size)
    shape = int(size * width / shorter), int(size * height / shorter)
    left, top = ((side - size) // 2 if rule == "crop-down" else round((side - size) / 2) for side in shape)
    return _alone(stack, shape, interpolation)[:, top : top + size, left : left + size]


def fit_all(pictures: Sequence[np.ndarray], size: int, how: str = "pad") -> np.ndarray:
    """Return RGB pictures (h, w, 3) of any shapes as squares (n, size, size, 3), those of one shape in one go.

    >>> fit_all([np.zeros((30, 40, 3), np.uint8), np.zeros((50, 20, 3), np.uint8)], 8).shape
    (2, 8, 8, 3)
    """
    squares = np.empty((len(pictures), size, size, 3), np.uint8)
    places = defaultdict(list)
    for place, picture in enumerate(pictures):
        places[picture.shape].append(place)
    for alike in places.values():
        squares[alike] = fit(np.stack([pictures[place] for place in alike]), size, how)
    return squares


def _alone(stack: np.ndarray, shape: tuple[int, int], interpolation: str, gap: float | None = None) -> np.ndarray:
    """Each picture in another shape by one call of Pillow's, which resamples rows or columns first as is quicker."""
    how = Image.Resampling[interpolation.upper()]
    return np.stack([np.asarray(Image.fromarray(picture).resize(shape, how, reducing_gap=gap)) for picture in stack])


def _together(stack: np.ndarray, shape: tuple[int, int], interpolation: str) -> np.ndarray:
    """Each picture in another shape: rows first, then columns, two calls for them all.

    Resampling a row asks for nothing outside of it. So the rows of all pictures can go through together, one picture
    below the other, and then the columns, side by side: it comes out as if each had gone alone.
    """
    n, height, width = stack.shape[:3]
    how = Image.Resampling[interpolation.upper()]
    if shape[0] != width:
        rows = _image(stack.reshape(n * height, width, 3)).resize((shape[0], n * height), how)
        stack = np.asarray(rows).reshape(n, height, shape[0], 3)
    if shape[1] != height:
        columns = _image(stack.transpose(1, 0, 2, 3).reshape(height, n * shape[0], 3))
        columns = columns.resize((n * shape[0], shape[1]), how)
        stack = np.asarray(columns).reshape(shape[1], n, shape[0], 3).transpose(1, 0, 2, 3)
    return stack


def _image(array: np.ndarray) -> Image.Image:
    return Image.frombuffer("RGB", array.shape[1::-1], np.ascontiguousarray(array), "raw", "RGB", 0, 1)


def _padded(stack: np.ndarray, size: int) -> np.ndarray:
    n, height, width = stack.shape[:3]
    if height == width == size:
        return stack
    border = np.concatenate([stack[:, 0], stack[:, -1], stack[:, :, 0], stack[:, :, -1]], axis=1)
    middle = border.shape[1] // 2
    squares = np.empty((n, size, size, 3), np.uint8)
    squares[:, 0] = np.partition(border, middle, axis=1)[:, middle, None]
    squares[:, 1:] = squares[:, :1]  # whole rows: numpy fills pixel by pixel otherwise, a tenth as fast
    top, left = (size - height) // 2, (size - width) // 2
    squares[:, top : top + height, left : left + width] = stack
    return squares

"""From pictures of any shape to squares of one size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ofclip.errors import unknown

#: How a picture becomes square.
FITS = ("pad", "crop", "squash")
#: From so many times the size on, a picture is first reduced by a whole number, which is quicker.
LARGE = 6

Box = tuple[float, float, float, float]


def fit(pictures: np.ndarray | Image.Image, size: int, how: str = "pad") -> np.ndarray:
    """Return one RGB picture (h, w, 3), or several (n, h, w, 3), as uint8 squares (..., size, size, 3), antialiased.

    "pad" shows the whole picture, centred on the median colour of its border; "crop" takes the centre
    square; "squash" ignores the aspect. Raises SettingError for any other `how`.

    >>> fit(Image.new("RGB", (30, 40), "red"), 8).shape
    (8, 8, 3)
    """
    if how not in FITS:
        raise unknown("fit", how, FITS)
    stack = np.asarray(pictures)
    if stack.ndim == 3:
        return fit(stack[None], size, how)[0]
    height, width = stack.shape[1:3]
    if how == "squash":
        return _resize(stack, (size, size), (0, 0, width, height))
    if how == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _resize(stack, (size, size), (left, top, left + side, top + side))
    scale = size / max(width, height)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    return _padded(_resize(stack, shape, (0, 0, width, height)), size)


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


def _resize(stack: np.ndarray, shape: tuple[int, int], box: Box) -> np.ndarray:
    """The part in `box` of each picture in another shape: bicubic, rows first, then columns, two calls for them all.

    Resampling a row asks for nothing outside of it. So the rows of all pictures can go through together, one picture
    below the other, and then the columns, side by side: it comes out as if each had gone alone.
    """
    n, height, width = stack.shape[:3]
    if width >= LARGE * shape[0] or height >= LARGE * shape[1]:
        large = (Image.fromarray(picture) for picture in stack)
        return np.stack([picture.resize(shape, Image.Resampling.BICUBIC, box, reducing_gap=3.0) for picture in large])
    left, top, right, bottom = box
    if (shape[0], left, right) != (width, 0, width):
        rows = _image(stack.reshape(n * height, width, 3))
        rows = rows.resize((shape[0], n * height), Image.Resampling.BICUBIC, (left, 0, right, n * height))
        stack = np.asarray(rows).reshape(n, height, shape[0], 3)
    if (shape[1], top, bottom) != (height, 0, height):
        columns = _image(stack.transpose(1, 0, 2, 3).reshape(height, n * shape[0], 3))
        columns = columns.resize((n * shape[0], shape[1]), Image.Resampling.BICUBIC, (0, top, n * shape[0], bottom))
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

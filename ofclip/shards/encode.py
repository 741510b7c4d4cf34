"""What is stored of one picture: its own bytes where it has any, else an encoding of its pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from ofclip.errors import SettingError, unknown
from ofclip.images import EncodedImages, Images, JoinedImages, decode

#: "keep" leaves encoded pictures as they are; "jpg" and "png" encode all anew.
ENCODINGS = ("keep", "jpg", "png")


@dataclass(frozen=True)
class Encoding:
    """How pictures are stored; raises SettingError for a value that is not possible.

    `size` is the most pixels that the shorter side may have, None for any number.
    """

    how: str = "keep"
    size: int | None = None
    quality: int = 90

    def __post_init__(self) -> None:
        if self.how not in ENCODINGS:
            raise unknown("encoding", self.how, ENCODINGS)
        if self.size is not None and self.size < 1:
            raise SettingError(f"size={self.size}: choose 1 pixel or more")
        if not 1 <= self.quality <= 100:
            raise SettingError(f"quality={self.quality}: choose 1 to 100")


def encode(images: Images, i: int, encoding: Encoding) -> tuple[bytes, str]:
    """Return the bytes to store for picture i, and the ending of their file; raises DataError for a bad picture."""
    data, size = encoded(images, i), encoding.size
    if data is None:
        kind = ""
        image = images.open(i, **({"size": size} if size and images.resizes else {}))
    else:
        kind = ending(data)
        image = decode(data, images.name(i), size)  # may come smaller, but never below twice the size
    small = size is None or min(image.size) <= size
    if data is not None and small and kind and encoding.how in ("keep", kind):
        return data, kind
    if size is not None and not small:
        scale = size / min(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    kind = "jpg" if "jpg" in (encoding.how, kind if encoding.how == "keep" else "") else "png"
    buffer = io.BytesIO()
    if kind == "jpg":
        image.save(buffer, "JPEG", quality=encoding.quality)
    else:
        image.save(buffer, "PNG")
    return buffer.getvalue(), kind


def encoded(images: Images, i: int) -> bytes | None:
    """Return the encoded bytes of picture i, or None where the store has pixels or drawings."""
    if isinstance(images, JoinedImages):
        return encoded(images.stores[images.which[i]], int(images.row[i]))
    return images.read(i) if isinstance(images, EncodedImages) else None


def official_name(images: Images, i: int) -> str | None:
    """Return the name that picture i has in its data set's official layout, or None if it has none."""
    if isinstance(images, JoinedImages):
        return official_name(images.stores[images.which[i]], int(images.row[i]))
    names = getattr(images, "names", None)
    return names[i] if names is not None else None


def ending(data: bytes) -> str:
    """Return the ending of a format that is stored as it is, by its first bytes, or nothing.

    >>> ending(b"\\xff\\xd8\\xff\\xe0"), ending(b"GIF89a")
    ('jpg', '')
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""

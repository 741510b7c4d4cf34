"""Products cut out of their pictures, so that they can be put on any ground, at any place and size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from ofclip.errors import SettingError
from ofclip.sources.atelier.draw import Canvas, Drape, Placement, to_bytes
from ofclip.sources.atelier.garment import Garment
from ofclip.sources.atelier.scenery import clutter, flat, town
from ofclip.sources.atelier.world import Product

NEAR = 12  # levels of 255 by which a photograph's plain ground may differ from its colour, in every channel
PLAIN_BORDER = 0.9  # share of a photograph's border that must be of one colour
LEAST, MOST = 0.05, 0.95  # share of a photograph that the product may cover


def drawn(product: Product, size: int = 128) -> Image.Image:
    """Return a product of Atelier alone, RGBA, cropped to what it covers; exact, since it is drawn on nothing."""
    garment, drape = Garment.of(product), Drape.of(product.rng("scene"), size)
    canvas = Canvas(flat(size, (0.0, 0.0, 0.0)))
    canvas.paint(garment.pieces, Placement.fit(garment.box, size, 0.96), garment.look, drape)
    alpha = canvas.alpha()[:, :, None]
    # on black, paint that covers a share of a pixel leaves that share of its colour
    colour = np.divide(canvas.rgb, alpha, out=np.zeros_like(canvas.rgb), where=alpha > 0)
    picture = Image.fromarray(to_bytes(np.concatenate([colour, alpha], axis=2)), "RGBA")
    return picture.crop(picture.getchannel("A").getbbox())


def photographed(picture: np.ndarray) -> Image.Image | None:
    """Return the product of a photograph (h, w, 3) uint8, RGBA, cropped to it; None unless its ground is plain.

    The ground is what is near the median colour of the border and hangs together with the border, so a white shirt on
    white keeps its inside as far as its outline is seen (our choice). Photographs whose border is of several colours,
    or whose product would cover next to nothing or all, have no ground to change.
    """
    from scipy.ndimage import label

    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    ground = np.median(border, axis=0)
    if (np.abs(border - ground).max(axis=1) <= NEAR).mean() < PLAIN_BORDER:
        return None
    parts, _ = label(np.abs(picture - ground).max(axis=2) <= NEAR)
    touching = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    product = ~np.isin(parts, touching[touching > 0])
    if not LEAST <= product.mean() <= MOST:
        return None
    cut = Image.fromarray(np.dstack([picture, 255 * product.astype(np.uint8)]), "RGBA")
    return cut.crop(cut.getchannel("A").getbbox())


def place(cut: Image.Image, ground: np.ndarray, share: float, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Return a cut-out on a ground (size, size, 3) uint8: its longer side is `share` of the frame's.

    It is centred and then shifted by shares of the frame, right and down; what leaves the frame is lost. Raises
    SettingError for a share outside 0 to 1.
    """
    if not 0 < share <= 1:
        raise SettingError(f"share {share} of the frame: give a number above 0, and 1 at most")
    size = len(ground)
    factor = share * size / max(cut.size)
    width, height = (max(1, round(side * factor)) for side in cut.size)
    small = cut.resize((width, height), Image.Resampling.BILINEAR)  # which averages when it shrinks
    picture = Image.fromarray(ground)
    left, top = (round((size - side) / 2 + moved * size) for side, moved in zip((width, height), shift, strict=True))
    picture.paste(small, (left, top), small)
    return np.asarray(picture)


def _even(level: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, size: np.full((size, size, 3), level, np.uint8)


#: Name of a ground -> function of chance and the side of the picture that draws it, (size, size, 3) uint8.
GROUNDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "white": _even(255),
    "grey": _even(128),
    "noise": lambda rng, size: rng.integers(0, 256, (size, size, 3), dtype=np.uint8),
    "clutter": lambda rng, size: to_bytes(clutter(rng, size, (0.85, 0.85, 0.83), 14, 0.01)),
    "street": lambda rng, size: to_bytes(town(rng, size)),
}


def staged(
    cuts: Sequence[Image.Image], size: int, ground: str, share: float, shift: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Return cut-outs (n, size, size, 3) uint8 on grounds of one kind, at one share of the frame, shifted as far.

    Each picture has a ground and one of eight directions of its own, which do not depend on the other settings: so the
    pictures of two stagings differ in what is set and in nothing else.
    """
    pictures = np.empty((len(cuts), size, size, 3), np.uint8)
    for i, cut in enumerate(cuts):
        angle = np.random.default_rng((seed, i, 0)).integers(8) * np.pi / 4
        reach = max(abs(np.cos(angle)), abs(np.sin(angle)))  # along the diagonals as far to each side
        moved = shift * np.cos(angle) / reach, shift * np.sin(angle) / reach
        drawn_ground = GROUNDS[ground](np.random.default_rng((seed, i, 1)), size)
        pictures[i] = place(cut, drawn_ground, share, moved)
    return pictures

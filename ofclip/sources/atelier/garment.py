"""A product as a thing: cut, dyed and given its cloth, before it is placed in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ofclip.sources.atelier.bodies import Body
from ofclip.sources.atelier.draw import Colour, Look
from ofclip.sources.atelier.fabrics import Cloth
from ofclip.sources.atelier.lowers import LOWERS
from ofclip.sources.atelier.shapes import Piece, box
from ofclip.sources.atelier.shoes import SHOES
from ofclip.sources.atelier.smalls import SMALLS
from ofclip.sources.atelier.uppers import UPPERS
from ofclip.sources.atelier.vocabulary import COLOURS
from ofclip.sources.atelier.world import Product

_CUTS = UPPERS | LOWERS | SHOES | SMALLS


@dataclass(frozen=True)
class Garment:
    """A product cut and coloured, before it is placed in a picture."""

    pieces: list[Piece]
    body: Body | None
    look: Look
    box: tuple[float, float, float, float]

    @staticmethod
    def of(product: Product) -> Garment:
        """Cut a product: a pure function of it."""
        rng = product.rng("shape")
        pieces, body = _CUTS[product.type](product, rng)
        frame = box(pieces)
        return Garment(pieces, body, Look(palette(product, rng), Cloth.of(product, frame, rng)), frame)

    @property
    def back(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.behind]

    @property
    def front(self) -> list[Piece]:
        return [piece for piece in self.pieces if not piece.behind]


def palette(product: Product, rng: np.random.Generator) -> dict[str, Colour]:
    """Return what each fill looks like for a product; dye lots vary a little."""

    def dyed(name: str) -> Colour:
        return tuple(min(max(c / 255 + rng.uniform(-0.03, 0.03), 0.02), 0.98) for c in COLOURS[name])

    main = dyed(product.colour)
    gold = rng.random() < 0.5
    return {
        "main": main,
        "accent": dyed(product.accent) if product.accent else tuple(0.85 * c for c in main),
        "trim": tuple(0.93 * c for c in main),
        "inside": tuple(0.62 * c for c in main),
        "metal": (0.82, 0.67, 0.36) if gold else (0.76, 0.77, 0.80),
        "rubber": (0.80, 0.66, 0.46) if gold else (0.25, 0.24, 0.25),
        "wood": (0.70, 0.50, 0.33),
        "white": (0.95, 0.94, 0.92),
        "dark": (0.19, 0.17, 0.18),
        "paper": (0.97, 0.96, 0.93),
        "graphite": (0.19, 0.19, 0.23),
    }

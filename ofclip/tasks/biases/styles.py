"""Atelier's products drawn in another domain's style: the same things in a studio, in the street, laid flat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ofclip.files import digest
from ofclip.images import Images
from ofclip.sources.atelier import AtelierImages
from ofclip.sources.atelier.domains import VERSION, render
from ofclip.sources.atelier.world import Product, product

#: From plain to cluttered; the first is what the others are compared with.
STYLES = ("studio", "pairs", "tags", "flatlay", "street")


@dataclass(frozen=True)
class RestyledImages(Images):
    """Products of one Atelier domain drawn in the style of another, at any size."""

    of: AtelierImages
    style: str

    resizes = True

    @property
    def fingerprint(self) -> str:
        """Hash of what decides every pixel."""
        return digest("restyled", VERSION, self.of.fingerprint, self.style)

    def __len__(self) -> int:
        return len(self.of)

    def name(self, i: int) -> str:
        return f"{self.of.name(i)} in the style of {self.style}"

    def open(self, i: int, size: int = 256) -> Image.Image:
        """Draw picture i, size x size RGB."""
        made = product(self.of.seed, self.of.domain, self.of.numbers[i])
        return render(made, self.style, size)

    def subset(self, rows: Sequence[int] | np.ndarray) -> RestyledImages:
        return RestyledImages(self.of.subset(rows), self.style)


def products(images: AtelierImages) -> list[Product]:
    """Return the products of Atelier's pictures, in their order."""
    return [product(images.seed, images.domain, number) for number in images.numbers]

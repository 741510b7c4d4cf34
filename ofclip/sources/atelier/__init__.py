"""Atelier, the embedded catalogue: an illustrated shop drawn in code, with exact labels and part masks.

Eight domains, each a stream of products of its own: four to train on that differ in picture style and in how
specific their text is, as the four data sets of the OpenFashionCLIP paper do, and four held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.files import digest
from ofclip.images import Images
from ofclip.sources.atelier.captions import candidate, captions
from ofclip.sources.atelier.domains import VERSION, masks, render
from ofclip.sources.atelier.words import FAMILIES
from ofclip.sources.atelier.world import (
    ATTRIBUTES,
    DOMAINS,
    HELD_OUT,
    TRAINING,
    Product,
    held_out_combinations,
    is_reserved,
    product,
)
from ofclip.sources.base import Source

__all__ = [
    "DOMAINS", "HELD_OUT", "SOURCE", "TRAINING", "AtelierImages", "Product", "candidate", "captions",
    "held_out_combinations", "is_reserved", "load", "masks", "product", "render",
]

#: What a picture of a domain cannot show is no label there.
_UNSEEN = {"grey": ("colour", "accent"), "sketch": ("colour", "accent", "fabric")}


@dataclass(frozen=True)
class AtelierImages(Images):
    """The pictures of some products of one domain, drawn when opened, at any size."""

    domain: str
    seed: int
    numbers: tuple[int, ...]

    #: Pictures are drawn at the size asked for, which costs less than shrinking a large one.
    resizes = True

    @property
    def fingerprint(self) -> str:
        """Hash of what decides every pixel: drawing code version, domain, seed and product numbers."""
        return digest("atelier", VERSION, self.domain, self.seed, self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def name(self, i: int) -> str:
        """Return what to call picture i in a message."""
        return f"atelier/{self.domain} product {self.numbers[i]} of seed {self.seed}"

    def open(self, i: int, size: int = 256) -> Image.Image:
        """Draw picture i, size x size RGB."""
        return render(product(self.seed, self.domain, self.numbers[i]), self.domain, size)

    def subset(self, rows: Sequence[int] | np.ndarray) -> AtelierImages:
        """Return the pictures of the given rows, in the order given."""
        return AtelierImages(self.domain, self.seed, tuple(self.numbers[row] for row in rows))


def load(
    root: Path,
    *,
    split: str | None = None,
    pictures: bool = True,
    skip_bad: bool = False,
    part: str,
    n: int = 3000,
    seed: int = 0,
) -> Catalog:
    """Return products 0 to n - 1 of a domain (`part`), or those of them in one split.

    Product i depends on (seed, domain, i) only, and so does its split. Nothing is read from `root` and
    nothing can be missing or damaged, so `pictures` and `skip_bad` change nothing. Raises SettingError for
    an n below 1 or a negative seed.

    >>> load(Path("."), part="phrases", n=3).products["id"].tolist()
    ['phrases-0-0', 'phrases-0-1', 'phrases-0-2']
    """
    if n < 1:
        raise SettingError(f"atelier/{part}: n={n} products asked for; ask for 1 or more")
    if seed < 0:
        raise SettingError(f"atelier/{part}: seed={seed} is negative; choose 0 or more")
    products = [made for made in (product(seed, part, i) for i in range(n)) if split in (None, made.split)]
    table = {
        "id": [f"{part}-{seed}-{made.number}" for made in products],
        "split": [made.split for made in products],
        "group": [made.group for made in products],
        "texts": [captions(made) for made in products],
    }
    for name in ATTRIBUTES:
        hidden = name in _UNSEEN.get(part, ())
        values = [None if hidden else getattr(made, name) for made in products]
        table[name] = pd.array(values, dtype="string")
    images = AtelierImages(part, seed, tuple(made.number for made in products))
    return Catalog(f"atelier/{part}", pd.DataFrame(table), images)


SOURCE = Source(
    name="atelier",
    title="Atelier, an illustrated shop drawn in code",
    pictures="drawings",
    load=load,
    find=lambda root: Path(__file__).parent,
    splits=("train", "val", "test"),
    labels=("type", "colour", "pattern", "fabric", "sleeve", "neckline", "length", "category"),
    licence="MIT, part of this package",
    obtain="It is part of this package and needs no download.",
    summary=(
        "Garments, shoes and accessories drawn in code, with exact labels and part masks: four domains to train "
        "on that differ in picture style and in how specific their text is, and four held out."
    ),
    text="From bare labels to whole descriptions, by domain, some with the empty sentences that shops write.",
    fields={name: "label" for name in ATTRIBUTES},
    defects=("A drawn world: numbers on it say nothing about photographs.",),
    parts=DOMAINS,
    families=FAMILIES,
)

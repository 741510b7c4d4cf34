"""The products of Atelier's shop: product i of a domain as a pure function, and the reserved combinations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ofclip.files import digest
from ofclip.sources.atelier.vocabulary import BRANDS, COLOURS, TYPES

#: The four domains that models are trained on, and the four held out; their order numbers their streams.
TRAINING = ("studio", "pairs", "phrases", "tags")
HELD_OUT = ("street", "flatlay", "grey", "sketch")
DOMAINS = TRAINING + HELD_OUT

#: The attributes that are label columns, in the order of the table.
ATTRIBUTES = (
    "type", "colour", "pattern", "fabric", "sleeve", "neckline", "length", "fit", "closure", "heel", "strap",
    "accent", "category", "gender",
)

#: The value of an attribute, None where a type has no such thing; whoever draws a type knows which it has.
Attribute = Any


@dataclass(frozen=True)
class Product:
    """One product: its attributes (None where its type has no such thing) and where its chance comes from."""

    seed: int
    domain: str
    number: int
    type: str
    colour: str
    pattern: str
    fabric: str
    accent: str | None
    gender: str
    brand: str
    sleeve: Attribute = None
    neckline: Attribute = None
    length: Attribute = None
    fit: Attribute = None
    closure: Attribute = None
    heel: Attribute = None
    strap: Attribute = None

    @property
    def category(self) -> str:
        return TYPES[self.type].category

    @property
    def group(self) -> str:
        """Products that share every labelled attribute count as the same product: the hash of those."""
        return digest(*(getattr(self, name) for name in ATTRIBUTES))

    @property
    def split(self) -> str:
        """About 80 % train, 10 % val, 10 % test; whole groups fall on one side, in every domain the same."""
        tenth = int(self.group, 16) % 10
        return "val" if tenth == 8 else "test" if tenth == 9 else "train"

    def rng(self, purpose: str) -> np.random.Generator:
        """Return this product's own random numbers for one purpose."""
        return stream(self.seed, self.domain, self.number, purpose)


_PURPOSES = ("attributes", "shape", "scene", "text", "noise", "pair")


def stream(seed: int, domain: str, number: int, purpose: str) -> np.random.Generator:
    """Return a Philox generator keyed by (seed, domain, purpose) whose counter starts at the product."""
    lane = DOMAINS.index(domain) * len(_PURPOSES) + _PURPOSES.index(purpose)
    return np.random.Generator(np.random.Philox(key=(seed % 2**64) | lane << 64, counter=number << 128))


def pick(rng: np.random.Generator, items):
    """Return one of the items, each as likely as the next."""
    return items[int(rng.random() * len(items))]


@cache
def held_out_combinations() -> frozenset[tuple[str, str, str]]:
    """Return the reserved ("colour" or "pattern", value, type) triples: seen in held-out domains only.

    Two colours per type and, where it comes in three patterns or more, one pattern beside plain. Every
    colour, pattern and type occurs in training, only these pairs do not.
    """
    reserved = set()
    for k, (name, kind) in enumerate(TYPES.items()):
        colours, patterns = kind.colours, kind.patterns[1:]
        reserved.add(("colour", colours[(5 * k + 3) % len(colours)], name))
        reserved.add(("colour", colours[(5 * k + 10) % len(colours)], name))
        if len(patterns) >= 2:
            reserved.add(("pattern", patterns[k % len(patterns)], name))
    return frozenset(reserved)


def is_reserved(product: Product) -> bool:
    """Say whether a product has a colour or pattern that is reserved for its type."""
    reserved = held_out_combinations()
    pairs = (("colour", product.colour, product.type), ("pattern", product.pattern, product.type))
    return any(pair in reserved for pair in pairs)


def grey_level(red, green, blue):
    """Return the lightness of a colour, in the units of its channels (weights of ITU-R BT.601)."""
    return 0.299 * red + 0.587 * green + 0.114 * blue


def luma(colour: str) -> float:
    """Return the lightness of a named colour, 0 to 255."""
    return grey_level(*COLOURS[colour])


@cache
def accents(colour: str) -> tuple[str, ...]:
    """Return the colours that stand out clearly against the given one."""
    return tuple(other for other in COLOURS if abs(luma(other) - luma(colour)) > 60)


def draw_attributes(rng: np.random.Generator, types: tuple[str, ...]) -> dict[str, Attribute]:
    """Draw the attributes of one product among the given types."""
    name = pick(rng, types)
    kind = TYPES[name]
    colour = pick(rng, kind.colours)
    pattern = "plain" if rng.random() < 0.35 else pick(rng, kind.patterns)
    attributes = {
        "type": name,
        "colour": colour,
        "pattern": pattern,
        "fabric": pick(rng, kind.fabrics),
        "accent": None if pattern == "plain" else pick(rng, accents(colour)),
        "gender": pick(rng, kind.genders),
        "brand": pick(rng, BRANDS),
    }
    return attributes | {attribute: pick(rng, values) for attribute, values in kind.attributes.items()}


def product(seed: int, domain: str, number: int, types: tuple[str, ...] = tuple(TYPES)) -> Product:
    """Return product `number` of a domain: a pure function of its arguments.

    In training domains reserved combinations are drawn again from the same stream.

    >>> product(0, "studio", 7) == product(0, "studio", 7)
    True
    """
    rng = stream(seed, domain, number, "attributes")
    while True:
        made = Product(seed, domain, number, **draw_attributes(rng, types))
        if domain in HELD_OUT or not is_reserved(made):
            return made


def companions(main: Product) -> list[Product]:
    """Return the one or two other products in a street picture: drawn from their own numbers."""
    rng = main.rng("pair")
    upper = tuple(name for name, kind in TYPES.items() if kind.category == "tops")
    bags = ("handbag", "tote bag", "backpack")
    small = ("sneakers", "boots", "cap", "beanie", "handbag", "tote bag", "t-shirt", "skirt", "scarf")
    kinds: list[tuple[str, ...]]
    if main.category == "outerwear":
        kinds = [("jeans", "trousers")] + [bags] * (rng.random() < 0.5)
    elif main.category == "tops":
        kinds = [("jeans", "trousers", "shorts", "skirt")] + [bags] * (rng.random() < 0.5)
    elif main.category == "bottoms":
        kinds = [upper] + [bags] * (rng.random() < 0.5)
    elif main.category == "dresses":
        kinds = [bags]
    else:
        kinds = [small] * (1 + (rng.random() < 0.5))
    others = [tuple(name for name in kind if name != main.type) for kind in kinds]
    numbers = (main.number + (k << 40) for k in range(1, 3))
    return [product(main.seed, main.domain, i, names) for i, names in zip(numbers, others, strict=False)]

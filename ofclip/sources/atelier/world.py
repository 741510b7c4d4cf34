"""What Atelier's shop sells: the vocabulary of products, and product i of a domain as a pure function."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache

import numpy as np

from ofclip.files import digest

#: Part name -> number of its random stream. The first four are trained on, the others never.
TRAINING = ("studio", "pairs", "phrases", "tags")
HELD_OUT = ("street", "flatlay", "grey", "sketch")
DOMAINS = TRAINING + HELD_OUT

#: Colour name -> red, green, blue of dyed cloth in even light, 0 to 255.
COLOURS = {
    "black": (42, 42, 47),
    "white": (244, 242, 237),
    "grey": (146, 149, 155),
    "navy": (38, 48, 92),
    "blue": (66, 122, 204),
    "red": (198, 40, 48),
    "pink": (240, 154, 182),
    "orange": (236, 124, 42),
    "yellow": (246, 204, 62),
    "green": (44, 140, 84),
    "olive": (116, 116, 62),
    "brown": (116, 72, 46),
    "beige": (218, 194, 158),
    "purple": (122, 70, 158),
}
PATTERNS = (
    "plain", "striped", "checked", "dotted", "floral", "animal", "camouflage", "zigzag", "graphic", "colour-block",
)  # fmt: skip
FABRICS = (
    "cotton", "linen", "denim", "knit", "cable knit", "wool", "satin", "leather", "suede", "corduroy", "quilted",
    "canvas", "straw",
)  # fmt: skip
#: Attributes with an order, from little to much: what "longer", "looser" and "higher" mean.
SLEEVES = ("sleeveless", "short", "three-quarter", "long")
LENGTHS = ("cropped", "ankle", "mini", "regular", "hip", "knee", "midi", "long", "maxi")
HEELS = ("flat", "kitten", "platform", "block", "wedge", "stiletto")
BRANDS = (
    "Maison Orla", "Nordhaven", "Atelier Vert", "Kestrel & Co", "Luma", "Ostrava", "Pine Street", "Rue Blanche",
    "Saltmarsh", "Tresco", "Umbra Studio", "Velio", "Wren", "Yarrow",
)  # fmt: skip


@dataclass(frozen=True)
class Type:
    """One kind of article: where it is worn, what it is called, and what a shop may list about it."""

    category: str
    words: tuple[str, ...]
    patterns: tuple[str, ...]
    fabrics: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    colours: tuple[str, ...] = tuple(COLOURS)
    genders: tuple[str, ...] = ("women", "men")


_FIT = ("slim", "regular", "loose")
_SOFT = ("plain", "striped", "dotted", "floral", "animal")
_KNITS = ("plain", "striped", "zigzag", "colour-block", "dotted")
_BAGS = ("plain", "animal", "checked", "floral", "colour-block")
_SHOES = ("plain", "animal", "floral", "colour-block")

TYPES: dict[str, Type] = {
    "t-shirt": Type(
        "tops", ("t-shirt", "tee"), (*_SOFT, "camouflage", "graphic", "colour-block"), ("cotton", "linen"),
        {"sleeve": ("short", "long"), "neckline": ("crew", "v-neck", "scoop"),
         "length": ("cropped", "regular", "long"), "fit": _FIT},
    ),
    "shirt": Type(
        "tops", ("shirt", "button-up shirt"), ("plain", "striped", "checked", "dotted", "floral"),
        ("cotton", "linen", "denim", "satin"),
        {"sleeve": ("short", "long"), "neckline": ("collar", "band collar"), "length": ("regular", "long"),
         "fit": _FIT, "closure": ("buttons",)},
    ),
    "blouse": Type(
        "tops", ("blouse",), (*_SOFT, "checked"), ("satin", "cotton", "linen"),
        {"sleeve": ("short", "three-quarter", "long", "bell"), "neckline": ("v-neck", "square", "tie-neck"),
         "length": ("cropped", "regular"), "fit": ("regular", "loose")},
        genders=("women",),
    ),
    "tank top": Type(
        "tops", ("tank top", "camisole", "vest top"), (*_SOFT, "camouflage"), ("cotton", "satin", "linen"),
        {"sleeve": ("sleeveless",), "neckline": ("scoop", "v-neck", "square"),
         "length": ("cropped", "regular", "long"), "fit": _FIT, "strap": ("thin", "wide")},
    ),
    "sweater": Type(
        "tops", ("sweater", "jumper", "pullover"), _KNITS, ("knit", "cable knit"),
        {"sleeve": ("three-quarter", "long"), "neckline": ("crew", "v-neck", "turtleneck", "boat"),
         "length": ("cropped", "regular", "long"), "fit": _FIT},
    ),
    "hoodie": Type(
        "tops", ("hoodie", "hooded sweatshirt"), ("plain", "graphic", "camouflage", "colour-block", "striped"),
        ("cotton",),
        {"sleeve": ("long",), "neckline": ("hood",), "length": ("cropped", "regular"),
         "fit": ("regular", "loose"), "closure": ("pull-on", "zip")},
    ),
    "cardigan": Type(
        "tops", ("cardigan",), _KNITS, ("knit", "cable knit"),
        {"sleeve": ("three-quarter", "long"), "neckline": ("v-neck", "crew"),
         "length": ("cropped", "regular", "long"), "fit": _FIT, "closure": ("buttons", "open")},
    ),
    "blazer": Type(
        "outerwear", ("blazer", "suit jacket"), ("plain", "checked", "striped", "floral"),
        ("wool", "linen", "corduroy", "cotton"),
        {"sleeve": ("long",), "neckline": ("lapels",), "length": ("regular", "long"), "fit": _FIT,
         "closure": ("buttons", "double-breasted")},
    ),
    "jacket": Type(
        "outerwear", ("jacket", "bomber jacket"), ("plain", "camouflage", "colour-block", "animal", "checked"),
        ("denim", "leather", "quilted", "suede"),
        {"sleeve": ("long",), "neckline": ("collar", "band collar"), "length": ("cropped", "regular"),
         "fit": _FIT, "closure": ("zip", "buttons")},
    ),
    "coat": Type(
        "outerwear", ("coat", "overcoat"), ("plain", "checked", "animal", "colour-block"),
        ("wool", "cotton", "leather", "quilted"),
        {"sleeve": ("long",), "neckline": ("lapels", "hood", "collar"), "length": ("hip", "knee", "long"),
         "fit": ("regular", "loose"), "closure": ("buttons", "double-breasted", "belt")},
    ),
    "dress": Type(
        "dresses", ("dress",), (*_SOFT, "checked", "zigzag", "colour-block"),
        ("cotton", "linen", "satin", "denim", "knit"),
        {"sleeve": ("sleeveless", "short", "three-quarter", "long", "bell"),
         "neckline": ("crew", "v-neck", "scoop", "square", "boat"), "length": ("mini", "knee", "midi", "maxi"),
         "fit": ("fitted", "a-line", "pleated")},
        genders=("women",),
    ),
    "jumpsuit": Type(
        "dresses", ("jumpsuit", "playsuit"), (*_SOFT, "camouflage"), ("cotton", "linen", "denim", "satin"),
        {"sleeve": ("sleeveless", "short", "long"), "neckline": ("v-neck", "collar", "square"),
         "length": ("mini", "ankle", "long"), "fit": ("slim", "wide"), "closure": ("buttons", "zip")},
        genders=("women",),
    ),
    "jeans": Type(
        "bottoms", ("jeans", "denims"), ("plain", "floral", "colour-block"), ("denim",),
        {"length": ("ankle", "long"), "fit": ("skinny", "straight", "wide", "flared"), "closure": ("zip", "buttons")},
        colours=("blue", "navy", "black", "grey", "white", "beige", "green", "pink"),
    ),
    "trousers": Type(
        "bottoms", ("trousers", "pants"), ("plain", "checked", "striped", "floral", "animal", "camouflage"),
        ("cotton", "wool", "linen", "corduroy", "leather"),
        {"length": ("ankle", "long"), "fit": ("skinny", "straight", "wide", "flared"),
         "closure": ("zip", "drawstring")},
    ),
    "shorts": Type(
        "bottoms", ("shorts",), ("plain", "striped", "checked", "floral", "camouflage", "dotted"),
        ("cotton", "linen", "denim", "leather"),
        {"length": ("mini", "knee"), "fit": _FIT, "closure": ("zip", "drawstring")},
    ),
    "skirt": Type(
        "bottoms", ("skirt",), (*_SOFT, "checked", "zigzag"), ("cotton", "denim", "satin", "leather", "wool"),
        {"length": ("mini", "knee", "midi", "maxi"), "fit": ("fitted", "a-line", "pleated"),
         "closure": ("zip", "buttons")},
        genders=("women",),
    ),
    "sneakers": Type(
        "shoes", ("sneakers", "trainers"), (*_SHOES, "checked"), ("canvas", "leather", "suede", "knit"),
        {"length": ("regular", "ankle"), "heel": ("flat", "platform"), "closure": ("lace-up", "slip-on", "velcro")},
    ),
    "boots": Type(
        "shoes", ("boots",), ("plain", "animal", "floral"), ("leather", "suede"),
        {"length": ("ankle", "knee"), "heel": ("flat", "block", "stiletto"),
         "closure": ("lace-up", "zip", "pull-on")},
    ),
    "pumps": Type(
        "shoes", ("pumps", "court shoes", "high heels"), (*_SHOES, "dotted"), ("leather", "suede", "satin"),
        {"heel": ("kitten", "block", "wedge", "stiletto"), "strap": ("strapless", "ankle strap")},
        genders=("women",),
    ),
    "sandals": Type(
        "shoes", ("sandals",), ("plain", "animal", "floral"), ("leather", "suede"),
        {"heel": ("flat", "platform", "wedge", "block"), "strap": ("ankle strap", "two-strap", "crossover")},
    ),
    "handbag": Type(
        "bags", ("handbag", "purse"), _BAGS, ("leather", "suede", "quilted"),
        {"closure": ("flap", "zip", "clasp"), "strap": ("top handle", "shoulder strap", "chain")},
        genders=("women",),
    ),
    "tote bag": Type(
        "bags", ("tote bag", "tote", "shopper"), (*_BAGS, "striped", "graphic"), ("canvas", "leather", "straw"),
        {"strap": ("short handles", "long handles")},
        genders=("women",),
    ),
    "backpack": Type(
        "bags", ("backpack", "rucksack"), (*_BAGS, "camouflage"), ("canvas", "leather", "quilted"),
        {"closure": ("zip", "buckle", "drawstring")},
    ),
    "cap": Type(
        "headwear", ("cap", "baseball cap"), ("plain", "camouflage", "colour-block", "checked", "graphic"),
        ("cotton", "denim", "corduroy", "suede"),
    ),
    "beanie": Type(
        "headwear", ("beanie", "knitted hat"), _KNITS, ("knit", "cable knit"), {"fit": ("slim", "slouchy", "bobble")}
    ),
    "sun hat": Type(
        "headwear", ("sun hat", "wide-brim hat"), ("plain", "striped", "floral", "dotted"),
        ("straw", "cotton", "wool"),
        genders=("women",),
    ),
    "scarf": Type(
        "accessories", ("scarf",), (*_KNITS, "checked", "floral", "animal"), ("knit", "wool", "satin"),
        {"length": ("regular", "long")},
    ),
    "belt": Type(
        "accessories", ("belt",), ("plain", "animal", "striped"), ("leather", "suede", "canvas"),
        {"fit": ("slim", "wide"), "closure": ("buckle", "double ring")},
    ),
    "tie": Type(
        "accessories", ("tie", "necktie"), ("plain", "striped", "dotted", "checked", "floral", "zigzag"),
        ("satin", "wool", "knit"), {"fit": ("slim", "regular")}, genders=("men",),
    ),
    "gloves": Type(
        "accessories", ("gloves", "pair of gloves"), ("plain", "striped", "zigzag", "animal"),
        ("leather", "suede", "knit"), {"length": ("regular", "long")},
    ),
}  # fmt: skip

#: The attributes that are label columns, in the order of the table.
ATTRIBUTES = (
    "type", "colour", "pattern", "fabric", "sleeve", "neckline", "length", "fit", "closure", "heel", "strap",
    "accent", "category", "gender",
)  # fmt: skip


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
    sleeve: str | None = None
    neckline: str | None = None
    length: str | None = None
    fit: str | None = None
    closure: str | None = None
    heel: str | None = None
    strap: str | None = None

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


ATTRIBUTE_FIELDS = tuple(f.name for f in fields(Product))[3:]
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
    return ("colour", product.colour, product.type) in reserved or (
        "pattern", product.pattern, product.type
    ) in reserved  # fmt: skip


def luma(colour: str) -> float:
    """Return the lightness of a named colour, 0 to 255 (ITU-R BT.601 weights)."""
    red, green, blue = COLOURS[colour]
    return 0.299 * red + 0.587 * green + 0.114 * blue


@cache
def accents(colour: str) -> tuple[str, ...]:
    """Return the colours that stand out clearly against the given one."""
    return tuple(other for other in COLOURS if abs(luma(other) - luma(colour)) > 60)


def draw_attributes(rng: np.random.Generator, types: tuple[str, ...]) -> dict[str, str | None]:
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

"""Shop language: the words for each attribute's value, synonyms included."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from ofclip.sources.atelier.vocabulary import TYPES
from ofclip.sources.atelier.world import Product, pick

#: Colour -> words for it; the first is the plain name. No word belongs to two colours.
COLOUR_WORDS = {
    "black": ("black", "jet black", "onyx"),
    "white": ("white", "ivory", "off-white"),
    "grey": ("grey", "gray", "ash"),
    "navy": ("navy", "navy blue", "midnight"),
    "blue": ("blue", "cobalt", "azure"),
    "red": ("red", "scarlet", "crimson"),
    "pink": ("pink", "rose", "blush"),
    "orange": ("orange", "tangerine"),
    "yellow": ("yellow", "lemon"),
    "green": ("green", "emerald"),
    "olive": ("olive", "khaki"),
    "brown": ("brown", "chocolate", "chestnut"),
    "beige": ("beige", "sand", "camel"),
    "purple": ("purple", "violet", "plum"),
}
PATTERN_WORDS = {
    "plain": ("plain", "solid"),
    "striped": ("striped", "stripe"),
    "checked": ("checked", "plaid", "check"),
    "dotted": ("polka dot", "dotted", "spotted"),
    "floral": ("floral", "flower print"),
    "animal": ("animal print", "wild print"),
    "camouflage": ("camouflage", "camo"),
    "zigzag": ("zigzag", "chevron"),
    "graphic": ("graphic", "printed"),
    "colour-block": ("colour-block", "two-tone"),
}
FABRIC_WORDS = {
    "cotton": ("cotton",), "linen": ("linen",), "denim": ("denim",), "knit": ("knit", "knitted"),
    "cable knit": ("cable knit", "chunky knit"), "wool": ("wool", "woollen"), "satin": ("satin", "silky"),
    "leather": ("leather",), "suede": ("suede",), "corduroy": ("corduroy", "cord"),
    "quilted": ("quilted", "padded"),
    "canvas": ("canvas",), "straw": ("straw", "woven straw"),
}
SLEEVE_WORDS = {
    "sleeveless": ("sleeveless",), "short": ("short-sleeve", "short sleeved"),
    "three-quarter": ("three-quarter-sleeve",), "long": ("long-sleeve", "long sleeved"),
    "bell": ("bell-sleeve", "flared-sleeve"),
}
NECKLINE_WORDS = {
    "crew": ("crew neck", "round neck"), "v-neck": ("v-neck",), "scoop": ("scoop neck",),
    "square": ("square neck",),
    "boat": ("boat neck",), "turtleneck": ("turtleneck", "roll neck"), "collar": ("collared",),
    "band collar": ("band collar", "stand collar"), "tie-neck": ("tie-neck", "bow-neck"), "hood": ("hooded",),
    "lapels": ("notch lapel",),
}
_LENGTH_WORDS = {
    "cropped": ("cropped",), "mini": ("mini", "short"), "hip": ("hip-length",), "knee": ("knee-length",),
    "midi": ("midi",),
    "maxi": ("maxi",), "long": ("longline", "long"), "ankle": ("ankle-length",),
}
_FIT_WORDS = {
    "slim": ("slim-fit", "slim"), "loose": ("oversized", "relaxed"), "fitted": ("fitted", "bodycon"),
    "a-line": ("a-line",),
    "pleated": ("pleated",), "skinny": ("skinny",), "straight": ("straight-leg",), "wide": ("wide-leg",),
    "flared": ("flared", "bootcut"), "slouchy": ("slouchy",), "bobble": ("bobble", "pom-pom"),
}
_CLOSURE_WORDS = {
    "buttons": ("button-front", "buttoned"), "zip": ("zip-up", "zipped"),
    "double-breasted": ("double-breasted",),
    "open": ("open-front",), "belt": ("belted",), "pull-on": ("pull-on",), "lace-up": ("lace-up",),
    "slip-on": ("slip-on",),
    "velcro": ("velcro",), "drawstring": ("drawstring",), "flap": ("flap",), "clasp": ("clasp",),
    "buckle": ("buckled",),
    "double ring": ("double-ring",),
}
_HEEL_WORDS = {
    "flat": ("flat",), "kitten": ("kitten-heel",), "platform": ("platform",), "block": ("block-heel",),
    "wedge": ("wedge",),
    "stiletto": ("stiletto", "high-heel"),
}
_STRAP_WORDS = {
    "thin": ("spaghetti-strap",), "wide": ("wide-strap",), "strapless": ("strapless",),
    "ankle strap": ("ankle-strap",),
    "two-strap": ("two-strap",), "crossover": ("crossover",), "top handle": ("top-handle",),
    "shoulder strap": ("shoulder",),
    "chain": ("chain-strap",), "short handles": ("short-handle",), "long handles": ("long-handle",),
}
#: Words that say something else for one type than for the others.
_SPECIAL = {
    ("sneakers", "ankle"): ("high-top",), ("boots", "ankle"): ("ankle",), ("boots", "knee"): ("knee-high",),
    ("trousers", "long"): ("full-length",), ("jeans", "long"): ("full-length",),
    ("jumpsuit", "long"): ("full-length",),
    ("trousers", "ankle"): ("cropped", "ankle-length"), ("jeans", "ankle"): ("cropped", "ankle-length"),
    ("belt", "wide"): ("wide",), ("belt", "slim"): ("thin", "skinny"), ("tie", "slim"): ("skinny", "slim"),
    ("jumpsuit", "slim"): ("slim-leg",), ("beanie", "slim"): ("fitted",), ("dress", "long"): ("long",),
    ("coat", "long"): ("long", "full-length"), ("scarf", "long"): ("long",), ("gloves", "long"): ("long",),
}
_BY_ATTRIBUTE: dict[str, Mapping[str, tuple[str, ...]]] = {
    "sleeve": SLEEVE_WORDS, "neckline": NECKLINE_WORDS, "length": _LENGTH_WORDS, "fit": _FIT_WORDS,
    "closure": _CLOSURE_WORDS, "heel": _HEEL_WORDS, "strap": _STRAP_WORDS,
}
DETAILS = tuple(_BY_ATTRIBUTE)
_WORDS = {"colour": COLOUR_WORDS, "pattern": PATTERN_WORDS, "fabric": FABRIC_WORDS, **_BY_ATTRIBUTE}
#: What a lazy seller calls anything of a category.
BROAD_WORDS = {
    "tops": "top", "outerwear": "outerwear", "dresses": "one-piece", "bottoms": "bottoms", "shoes": "shoes",
    "bags": "bag",
    "headwear": "hat", "accessories": "accessory",
}
_PLURAL = ("jeans", "trousers", "shorts", "sneakers", "boots", "pumps", "sandals", "gloves")


def usual(rng: np.random.Generator, words: tuple[str, ...], share: float = 0.65) -> str:
    """Return the first word most of the time, else any of them."""
    return words[0] if rng.random() < share else pick(rng, words)


def adjective(product: Product, attribute: str, rng: np.random.Generator) -> str | None:
    """Return a word for one attribute of a product, None where there is nothing to say."""
    value = getattr(product, attribute)
    words = _SPECIAL.get((product.type, value)) or _BY_ATTRIBUTE[attribute].get(value)
    return usual(rng, words) if words else None


def colour(product: Product, rng: np.random.Generator) -> str:
    return usual(rng, COLOUR_WORDS[product.colour])


def pattern(product: Product, rng: np.random.Generator) -> str:
    return usual(rng, PATTERN_WORDS[product.pattern])


def fabric(product: Product, rng: np.random.Generator) -> str:
    return usual(rng, FABRIC_WORDS[product.fabric])


def noun(product: Product, rng: np.random.Generator, broad: float = 0.0) -> str:
    """Return a name of the product's type; with chance `broad` only its category."""
    if rng.random() < broad:
        return BROAD_WORDS[product.category]
    return usual(rng, TYPES[product.type].words)


def spoken(value: str, attribute: str) -> str:
    """Return the plainest word of a value, or, where no caption says it, the value with its attribute.

    >>> spoken("short", "sleeve"), spoken("knee", "length"), spoken("regular", "fit")
    ('short-sleeve', 'knee-length', 'regular fit')
    """
    words = _WORDS[attribute].get(value)
    return words[0] if words else f"{value} {attribute}"


#: Attribute -> how a prompt says its values.
FAMILIES = {attribute: partial(spoken, attribute=attribute) for attribute in _WORDS}


def with_article(product: Product, phrase: str) -> str:
    """Put "a" or "an" before a phrase about one thing, nothing before one about a pair."""
    if product.type in _PLURAL and not phrase.endswith("pair of gloves"):
        return phrase
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase

"""What is written about a product: one style of text per domain, from long descriptions to bare labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ofclip.sources.atelier.vocabulary import LENGTHS, SLEEVES, TYPES
from ofclip.sources.atelier.words import (
    DETAILS,
    NECKLINE_WORDS,
    adjective,
    colour,
    fabric,
    noun,
    pattern,
    with_article,
)
from ofclip.sources.atelier.world import Attribute, Product, accents, is_reserved, luma, pick

_FITS = ("skinny", "slim", "fitted", "straight", "regular", "a-line", "loose", "wide")
_HEEL_HEIGHT = {"flat": 0, "platform": 1, "kitten": 1, "block": 2, "wedge": 2, "stiletto": 3}
_CLOSURES = {
    "buttons": "closes with buttons", "zip": "has a zip", "belt": "has a belt", "lace-up": "has laces",
    "velcro": "has velcro straps", "drawstring": "has a drawstring", "flap": "has a flap",
    "clasp": "has a clasp",
    "buckle": "has a buckle", "double ring": "has two rings",
}
_FILLER = (
    "Tonal stitching.", "Fully lined.", "Machine wash cold.", "Made with care.",
    "Part of the new season collection.",
    "An everyday essential.", "Logo tag at interior.", "Dry clean only.", "Supplier colour may vary.",
)


def captions(product: Product) -> tuple[str, ...]:
    """Return the texts of a product in the style of its domain; the first is its main caption."""
    return _STYLES[product.domain](product, product.rng("text"))


def _shuffled(rng: np.random.Generator, items: list) -> list:
    return [items[k] for k in rng.permutation(len(items))]


def _details(product: Product, rng: np.random.Generator, most: int, skip: tuple[str, ...] = ()) -> list[str]:
    """Return up to `most` adjectives of a product, in random order."""
    words = [adjective(product, name, rng) for name in DETAILS if name not in skip]
    return _shuffled(rng, [word for word in words if word])[:most]


def _phrase(product: Product, rng: np.random.Generator, most: int, broad: float = 0.0, tinted: bool = True,
            cloth: float = 0.4) -> str:
    """Return colour, pattern, fabric, details and name in a row: "beige v-neck bell-sleeve top"."""
    words = [colour(product, rng)] if tinted else []
    if product.pattern != "plain" or rng.random() < 0.1:
        words.append(pattern(product, rng))
    if rng.random() < cloth:
        words.append(fabric(product, rng))
    return " ".join([*words, *_details(product, rng, most), noun(product, rng, broad)])


def _studio(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    sleeve = adjective(product, "sleeve", rng) if product.sleeve else None
    lead = " ".join(filter(None, [sleeve, fabric(product, rng), noun(product, rng)])).replace("-sleeve",
        " sleeve")
    sentences = []
    if product.pattern != "plain":
        sentences.append(f"{pattern(product, rng).capitalize()} pattern in {product.accent}.")
    spoken = {
        "neckline": "{} styling at neck.", "length": "{} cut.", "fit": "{} fit.", "closure": "{} fastening.",
        "heel": "{} sole.",
        "strap": "{} detail.",
    }
    for name, sentence in spoken.items():
        word = adjective(product, name, rng)
        if word and rng.random() < 0.85:
            sentences.append(sentence.format(word.removesuffix("-fit")).capitalize())
    sentences = _shuffled(rng, sentences + [pick(rng, _FILLER) for _ in range(1 + (rng.random() < 0.4))])
    tint = colour(product, rng)
    description = " ".join([f"{lead} in {tint}.".capitalize(), *sentences])
    kind = noun(product, rng)
    printed = "" if product.pattern == "plain" else f"{pattern(product, rng)} "
    title = f"{product.brand} {tint} {printed}{kind}"
    return description, title, f"{product.gender}'s {tint} {fabric(product, rng)} {kind}"


def _phrases(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    return _phrase(product, rng, 2, 0.15), _phrase(product, rng, 1), _phrase(product, rng, 3, 0.15)


def _tags(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    labels = [product.pattern, product.fabric, product.gender, *(getattr(product, name) for name in DETAILS)]
    if product.sleeve and product.sleeve != "sleeveless":
        labels[labels.index(product.sleeve, 3)] = f"{product.sleeve} sleeves"
    labels = [label for label in labels if label and label != "regular" and rng.random() < 0.75]
    return (", ".join([product.type, product.colour, *_shuffled(rng, labels)]),)


def _street(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    worn = _phrase(product, rng, 1, cloth=0.25)
    place = pick(rng, ("in town", "on the street", "on a walk", "outside", "downtown"))
    who = "woman" if product.gender == "women" else "man"
    verb = "carrying" if product.category == "bags" else "wearing"
    return (
        f"{who} {verb} {with_article(product, worn)} {place}",
        f"{product.gender}'s {_phrase(product, rng, 0, cloth=0.1)}",
        f"street style: {_phrase(product, rng, 2, cloth=0.2)}",
    )


def _flatlay(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    return (
        f"{product.brand} {_phrase(product, rng, 1)}".title().replace("'S", "'s"),
        f"{_phrase(product, rng, 2)} laid flat",
        f"{product.gender}'s {_phrase(product, rng, 1)} - {product.brand}",
    )


def _grey(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    return _phrase(product, rng, 2, tinted=False, cloth=0.2), _phrase(product, rng, 1, tinted=False,
        cloth=0.0)


def _sketch(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    first = _phrase(product, rng, 2, tinted=False, cloth=0.0)
    second = _phrase(product, rng, 3, tinted=False, cloth=0.0)
    return f"line drawing of {with_article(product, first)}", f"pencil sketch, {second}, front view"


def candidate(product: Product) -> Product:
    """Return the product that a relative caption starts from: the same but for one to three attributes."""
    rng = product.rng("pair")
    kind = TYPES[product.type]
    free = [name for name in DETAILS if len(kind.attributes.get(name, ())) > 1]
    while True:
        names = _shuffled(rng, ["colour", "colour", "pattern", *free])[: 1 + int(rng.random() * 3)]
        changes: dict[str, Attribute] = {}
        for name in names:
            values = {"colour": kind.colours, "pattern": kind.patterns}.get(name) or kind.attributes[name]
            changes[name] = pick(rng, [value for value in values if value != getattr(product, name)])
        made = replace(product, **changes)
        if made.pattern == "plain":
            made = replace(made, accent=None)
        elif made.accent not in accents(made.colour):
            made = replace(made, accent=pick(rng, accents(made.colour)))
        if not is_reserved(made):
            return made


def _more(order: tuple[str, ...], mine: str, other: str) -> int:
    """Return 1 if mine comes after other, -1 if before, 0 where the order does not say."""
    if mine not in order or other not in order:
        return 0
    a, b = order.index(mine), order.index(other)
    return (a > b) - (a < b)


def differences(target: Product, other: Product, rng: np.random.Generator) -> dict[str, str]:
    """Return, for each attribute in which `other` differs, one true statement about `target`."""
    said = {}
    if target.colour != other.colour:
        tint, gap = colour(target, rng), luma(target.colour) - luma(other.colour)
        options = [f"is {tint}", f"is {tint} rather than {colour(other, rng)}"]
        said["colour"] = pick(rng, options
                              + [f"is {'lighter' if gap > 0 else 'darker'} in colour"] * (abs(gap) > 40))
    if target.pattern != other.pattern:
        words = pattern(target, rng)
        if target.pattern == "plain":
            said["pattern"] = pick(rng, ("has no pattern", f"is plain, not {pattern(other, rng)}"))
        elif other.pattern == "plain":
            said["pattern"] = pick(rng, (f"is {words}", f"has a {words} pattern", "has more pattern"))
        else:
            said["pattern"] = pick(rng,
                                   (f"is {words}", f"has a {words} pattern instead of {pattern(other, rng)}"))
    for name in DETAILS:
        mine, theirs = getattr(target, name), getattr(other, name)
        if mine != theirs:
            said[name] = _difference(target, name, mine, theirs, rng)
    return said


def _difference(target: Product, name: str, mine: str, theirs: str, rng: np.random.Generator) -> str:
    word = adjective(target, name, rng)
    if name == "sleeve":
        more = _more(SLEEVES, *("long" if value == "bell" else value for value in (mine, theirs)))
        direct = "has no sleeves" if mine == "sleeveless" else f"has {mine} sleeves"
        return pick(rng, [direct] + [f"has {'longer' if more > 0 else 'shorter'} sleeves"] * (2 * abs(more)))
    if name == "neckline":
        return f"has a {NECKLINE_WORDS[mine][0]}" if mine not in ("collar", "hood",
            "lapels") else f"is {word}"
    if name == "length":
        more = _more(LENGTHS, mine, theirs)
        return pick(rng, [f"is {'longer' if more > 0 else 'shorter'}"] * 2 + [f"is {word}"] * bool(word))
    if name == "fit":
        more = _more(_FITS, mine, theirs)
        if more and (rng.random() < 0.6 or not word):
            return f"is {'looser' if more > 0 else 'tighter'}"
        return f"is more {word.removesuffix('-fit')}" if word else "has a regular fit"
    if name == "heel":
        more = _HEEL_HEIGHT[mine] - _HEEL_HEIGHT[theirs]
        if more and rng.random() < 0.5:
            return f"has a {'higher' if more > 0 else 'lower'} heel"
        return f"has a {mine} heel" if mine not in ("flat", "platform") else f"has a {mine} sole"
    if name == "closure":
        return _CLOSURES.get(mine) or f"is {word}"
    return f"is {mine}" if mine in ("strapless", "two-strap",
                                    "crossover") else f"has {'a ' * (not mine.endswith('s'))}{mine}"


def _pairs(product: Product, rng: np.random.Generator) -> tuple[str, ...]:
    other = candidate(product)
    texts = []
    for _ in range(2):
        said = differences(product, other, rng)
        if rng.random() < 0.4:  # name the thing, and leave out what its name says already
            named = f"is {with_article(product, _phrase(product, rng, 0, cloth=0.0))}"
            said = {"type": named} | {name: words for name, words in said.items() if name not in ("colour",
                "pattern")}
        *others, last = _shuffled(rng, list(said.values()))
        texts.append(f"{', '.join(others)} and {last}" if others else last)
    return tuple(texts)


_STYLES = {
    "studio": _studio, "pairs": _pairs, "phrases": _phrases, "tags": _tags, "street": _street,
    "flatlay": _flatlay,
    "grey": _grey, "sketch": _sketch,
}

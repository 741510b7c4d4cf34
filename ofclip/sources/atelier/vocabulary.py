"""What there is in Atelier's shop: colours, patterns, fabrics, and types of article with attributes."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    "plain", "striped", "checked", "dotted", "floral", "animal", "camouflage", "zigzag", "graphic",
    "colour-block",
)
FABRICS = (
    "cotton", "linen", "denim", "knit", "cable knit", "wool", "satin", "leather", "suede", "corduroy",
    "quilted",
    "canvas", "straw",
)
#: Attributes with an order, from little to much: what "longer" means.
SLEEVES = ("sleeveless", "short", "three-quarter", "long")
LENGTHS = ("cropped", "ankle", "mini", "regular", "hip", "knee", "midi", "long", "maxi")
BRANDS = (
    "Maison Orla", "Nordhaven", "Atelier Vert", "Kestrel & Co", "Luma", "Ostrava", "Pine Street",
    "Rue Blanche",
    "Saltmarsh", "Tresco", "Umbra Studio", "Velio", "Wren", "Yarrow",
)


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
        "tops", ("hoodie", "hooded sweatshirt"),
        ("plain", "graphic", "camouflage", "colour-block", "striped"), ("cotton",),
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
        "outerwear", ("jacket", "bomber jacket"),
        ("plain", "camouflage", "colour-block", "animal", "checked"),
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
         "neckline": ("crew", "v-neck", "scoop", "square", "boat"),
         "length": ("mini", "knee", "midi", "maxi"),
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
        {"length": ("ankle", "long"), "fit": ("skinny", "straight", "wide", "flared"),
         "closure": ("zip", "buttons")},
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
        {"length": ("regular", "ankle"), "heel": ("flat", "platform"),
         "closure": ("lace-up", "slip-on", "velcro")},
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
        "bags", ("tote bag", "tote", "shopper"), (*_BAGS, "striped", "graphic"),
        ("canvas", "leather", "straw"),
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
        "headwear", ("beanie", "knitted hat"), _KNITS, ("knit", "cable knit"),
        {"fit": ("slim", "slouchy", "bobble")}
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
}

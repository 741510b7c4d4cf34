"""Cuts for shoes, seen from the side and in pairs."""

from __future__ import annotations

import numpy as np

from ofclip.sources.atelier.shapes import Line, Piece, disc, moved, path, ribbon
from ofclip.sources.atelier.world import Product


def two(shoe: list[Piece], rng: np.random.Generator) -> list[Piece]:
    """Return a pair: the same shoe again, farther off."""
    dx, dy = rng.uniform(0.1, 0.2), rng.uniform(-0.15, -0.09)
    return [*(moved(piece, dx, dy, 0.97) for piece in shoe), *shoe]


def sneakers(product: Product, rng: np.random.Generator):
    thick = 0.085 if product.heel == "platform" else 0.048
    base = 0.3
    high = product.length == "ankle"
    top = -0.1 if high else 0.05
    sole = path((-0.005, base - 0.02), (0.64, base - 0.025, -0.015), (0.645, base + thick - 0.03, 0.3),
                (0.6, base + thick, 0.1),
                (0.02, base + thick), (-0.01, base - 0.02, 0.1))
    upper = path((0.0, base), (0.015, top, -0.02), (0.05, top - 0.02, 0.1), (0.19, top + 0.02, -0.12),
                 (0.25, top - 0.03, 0.05),
                 (0.43, 0.165, -0.06), (0.63, 0.235, 0.16), (0.64, base, 0.1))
    toe = path((0.5, base), (0.5, 0.19, -0.1), (0.56, 0.187, 0.02), (0.63, 0.235, 0.1), (0.64, base, 0.1))
    heel = path((0.0, base), (0.008, base - 0.12), (0.08, base - 0.1), (0.1, base))
    swoosh = path((0.12, 0.23), (0.3, 0.25, 0.1), (0.42, 0.175, 0.05), (0.3, 0.275, -0.1),
                  (0.14, 0.265, -0.05))
    accent = "accent" if product.accent else "trim"
    opening = Piece("lining", path((0.05, top - 0.015), (0.24, top - 0.025), (0.2, top + 0.05),
                                   (0.06, top + 0.03)), "inside")
    shoe = [
        opening,
        Piece("upper", upper, lines=[Line(path((0.24, top + 0.05), (0.38, 0.24, -0.1)), -0.3, 0.006),
                                     Line(path((0.05, top + 0.03), (0.2, top + 0.06, -0.1)), -0.25, 0.008)]),
        Piece("toe", toe, "white" if product.fabric == "canvas" else "trim", relief=0.8),
        Piece("upper", heel, accent),
        Piece("upper", swoosh, accent if rng.random() < 0.6 else "white", relief=0.5),
        Piece("sole", sole, "white" if rng.random() < 0.75 else "rubber",
              lines=[Line(path((0.0, base + thick - 0.022), (0.63, base + thick - 0.022)), -0.25, 0.006)]),
    ]
    rows = 5 if high else 4
    steps = [(0.215 + 0.2 * k / rows, top + 0.03 + (0.15 - top) * k / rows) for k in range(rows)]
    if product.closure == "lace-up":
        shoe += [Piece("lace", ribbon(path((x - 0.005, y + 0.04), (x + 0.075, y)), 0.017), "white",
                       relief=0.4) for x, y in steps]
        shoe.append(Piece("lace", ribbon(path((0.25, top + 0.02), (0.33, top + 0.06, 0.4),
                                              (0.26, top + 0.05, 0.3)), 0.012), "white", relief=0.3))
    elif product.closure == "velcro":
        shoe += [Piece("strap", ribbon(path((x - 0.03, y + 0.075), (x + 0.075, y)), 0.044), accent,
                       relief=0.7) for x, y in steps[::2]]
    else:
        gore = path((0.16, top + 0.04), (0.24, top), (0.25, top + 0.1), (0.19, top + 0.12))
        shoe.append(Piece("tongue", gore, "dark", relief=0.4))
    return two(shoe, rng), None


def _heel(kind: str, x: float, base: float, rise: float) -> list[Piece]:
    """Return the heel under a shoe whose sole is `rise` above the ground at its back."""
    ground = base + 0.02
    y = base - rise
    if kind in ("stiletto", "kitten"):
        outline = path((x, y - 0.01), (x + 0.02, ground, -0.08), (x + 0.036, ground),
                       (x + 0.11, y + 0.02, -0.16))
    elif kind == "wedge":
        outline = path((x, y - 0.01), (x + 0.01, ground), (x + 0.54, ground), (x + 0.42, base),
                       (x + 0.17, y + 0.03, -0.04))
    else:
        outline = path((x, y - 0.01), (x + 0.015, ground), (x + 0.105, ground), (x + 0.12, y + 0.015, -0.05))
    fill = "wood" if kind == "wedge" else "dark" if kind == "block" else "trim"
    return [Piece("heel", outline, fill, slant=0.1)]


def boots(product: Product, rng: np.random.Generator):
    rise = {"flat": 0.03, "block": 0.09, "stiletto": 0.15}[product.heel]
    base, back = 0.34, 0.34 - rise
    top = -0.14 if product.length == "ankle" else -0.62
    width = 0.21 if product.length == "ankle" else 0.24
    upper = path((0.0, back), (0.01, top + 0.1, -0.01), (-0.012 if top < -0.5 else 0.01, top, 0.02),
                 (width, top + 0.012),
                 (0.2, 0.08, -0.03), (0.36, 0.215, -0.12), (0.53, 0.29, 0.12), (0.54, base, 0.2), (0.4, base),
                 (0.17, back + 0.02, 0.06), (0.0, back))
    sole = ribbon(path((0.0, back), (0.17, back + 0.022, 0.0), (0.38, base + 0.005, -0.06),
                       (0.545, base + 0.003)), 0.034)
    lines = [Line(path((0.04, 0.13), (0.19, 0.1, 0.1)), -0.32, 0.02, soft=True),
             Line(path((0.06, 0.06), (0.2, 0.03, 0.08)), -0.26, 0.02, soft=True),
             Line(path((0.0, top + 0.03), (width, top + 0.04)), -0.3, 0.006),
             Line(path((0.12, top), (0.14, back)), -0.18, 0.005)]
    shoe = [Piece("lining", path((0.0, top - 0.006), (width, top + 0.006, 0.08), (width - 0.02, top + 0.03),
                                 (0.02, top + 0.03)), "inside"),
            Piece("shaft", upper, lines=lines), *_heel(product.heel if product.heel != "flat" else "block",
                                                       0.0, base, rise), Piece("sole", sole, "dark")]
    if product.closure == "lace-up":
        rows = 5 if top > -0.5 else 9
        for k in range(rows):
            y = 0.16 - k * (0.14 - top) / rows
            x = 0.2 + max(y - 0.05, 0) * 0.9
            shoe.append(Piece("lace", ribbon(path((x - 0.075, y + 0.025), (x + 0.012, y)), 0.015),
                              "white" if product.colour in ("black", "brown", "navy") else "dark",
                              relief=0.4))
    elif product.closure == "zip":
        shoe[1].lines.extend([Line(path((0.09, top + 0.03), (0.1, 0.24)), 0.55, 0.014),
                              Line(path((0.09, top + 0.03), (0.1, 0.24)), -0.6, 0.004)])
    else:
        shoe.append(Piece("strap", path((0.02, top - 0.05), (0.06, top - 0.05), (0.055, top + 0.05),
                                        (0.025, top + 0.05)), "trim"))
    return two(shoe, rng), None


def pumps(product: Product, rng: np.random.Generator):
    rise = {"kitten": 0.09, "block": 0.15, "wedge": 0.17, "stiletto": 0.21}[product.heel]
    base, back = 0.32, 0.32 - rise
    upper = path((0.0, back), (-0.005, back - 0.13, 0.06), (0.03, back - 0.125), (0.3, base - 0.085, -0.07),
                 (0.4, base - 0.075, 0.05), (0.56, base, 0.1), (0.4, base + 0.005),
                 (0.17, back + 0.035, 0.04), (0.0, back))
    inside = path((0.0, back - 0.125), (0.35, base - 0.09, 0.0), (0.3, base - 0.05), (0.05, back - 0.08))
    sole = ribbon(path((0.02, back + 0.012), (0.17, back + 0.045), (0.38, base + 0.012, -0.05),
                       (0.555, base + 0.004)), 0.02)
    shoe = [Piece("lining", inside, "inside"), *_heel(product.heel, 0.0, base, rise), Piece("upper", upper),
            Piece("sole", sole, "wood")]
    if product.strap == "ankle strap":
        y = back - 0.19
        shoe += [Piece("strap", ribbon(path((0.01, back - 0.1), (0.02, y)), 0.022), "trim"),
                 Piece("strap", ribbon(path((0.005, y), (0.17, y + 0.01, 0.16)), 0.022), "trim"),
                 Piece("strap", ribbon(path((0.005, y), (0.17, y + 0.01, -0.16)), 0.024), "trim"),
                 Piece("buckle", disc(0.14, y + 0.03, 0.014), "metal")]
    elif rng.random() < 0.3:
        bow = path((0.4, base - 0.08), (0.345, base - 0.12, -0.2), (0.35, base - 0.06, -0.2),
                   (0.4, base - 0.08))
        shoe += [Piece("bow", bow, "trim"), Piece("bow", [(0.8 - x, y) for x, y in bow], "trim")]
    return two(shoe, rng), None


def sandals(product: Product, rng: np.random.Generator):
    rise = {"flat": 0.0, "platform": 0.0, "wedge": 0.12, "block": 0.13}[product.heel]
    thick = {"flat": 0.026, "platform": 0.085}.get(product.heel, 0.03)
    base, back = 0.32, 0.32 - rise
    bed = ribbon(path((-0.01, back), (0.17, back + 0.25 * rise), (0.38, base, -0.05 if rise else 0.0),
                      (0.57, base - 0.004)), thick)
    sole = [] if product.heel in ("flat", "platform") else _heel(product.heel, 0.0, base, rise)
    tan = Piece("sole", bed, "wood" if product.heel != "platform" or rng.random() < 0.5 else "rubber")
    foot = Piece("lining", ribbon(path((0.0, back - thick / 2), (0.17, back + 0.25 * rise - thick / 2),
                                       (0.38, base - thick / 2), (0.56, base - thick / 2)), 0.014), "dark")
    y = base - thick / 2
    if product.strap == "two-strap":
        bands = [path((0.22, y - 0.3 * rise), (0.26, y - 0.12), (0.34, y - 0.11, 0.1), (0.36, y)),
                 path((0.4, y), (0.41, y - 0.09, -0.05), (0.49, y - 0.075, 0.1), (0.52, y))]
    else:
        bands = [path((0.36, y), (0.42, y - 0.1), (0.5, y - 0.075, 0.1), (0.52, y))]
    straps = [Piece("strap", band, lines=[Line(band, -0.25, 0.005)]) for band in bands]
    if product.strap == "crossover":
        straps = [Piece("strap", ribbon(path((0.28, y - 0.3 * rise), (0.5, y - 0.07, 0.2), (0.52, y)), 0.05)),
                  Piece("strap", ribbon(path((0.51, y), (0.36, y - 0.11, -0.1),
                                             (0.24, y - 0.13 - 0.3 * rise, -0.1)), 0.05))]
    if product.strap == "ankle strap":
        top = back - 0.2
        straps += [Piece("strap", ribbon(path((0.01, back - 0.01), (0.02, top)), 0.03)),
                   Piece("strap", ribbon(path((0.01, top), (0.19, top + 0.012, 0.16)), 0.022)),
                   Piece("strap", ribbon(path((0.01, top), (0.19, top + 0.012, -0.16)), 0.028)),
                   Piece("buckle", disc(0.16, top + 0.034, 0.016), "metal")]
    elif product.strap == "two-strap":
        straps += [Piece("buckle", disc(x, y - 0.075, 0.016), "metal") for x in (0.3, 0.45)]
    return two([*sole, tan, foot, *straps], rng), None


SHOES = {"sneakers": sneakers, "boots": boots, "pumps": pumps, "sandals": sandals}

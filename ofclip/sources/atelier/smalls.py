"""Cuts for shoes (seen from the side, in pairs), bags, headwear and accessories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ofclip.sources.atelier.shapes import Line, Piece, both, disc, flip, pair, path, ribbon
from ofclip.sources.atelier.world import Product


def moved(piece: Piece, dx: float, dy: float, scale: float = 1.0) -> Piece:
    """Return the piece scaled about the origin, then shifted."""

    def to(points):
        return [(x * scale + dx, y * scale + dy) for x, y in points]

    return replace(
        piece,
        outline=to(piece.outline),
        lines=[replace(line, points=to(line.points), width=line.width * scale) for line in piece.lines],
        dots=[(x * scale + dx, y * scale + dy, r * scale, tone) for x, y, r, tone in piece.dots],
    )


def two(shoe: list[Piece], rng: np.random.Generator) -> list[Piece]:
    """Return a pair: the same shoe again, farther off."""
    dx, dy = rng.uniform(0.1, 0.2), rng.uniform(-0.15, -0.09)
    return [*(moved(piece, dx, dy, 0.97) for piece in shoe), *shoe]


def sneakers(product: Product, rng: np.random.Generator):
    thick = 0.085 if product.heel == "platform" else 0.048
    base = 0.3
    high = product.length == "ankle"
    top = -0.1 if high else 0.05
    sole = path((-0.005, base - 0.02), (0.64, base - 0.025, -0.015), (0.645, base + thick - 0.03, 0.3), (0.6, base + thick, 0.1),
                (0.02, base + thick), (-0.01, base - 0.02, 0.1))  # fmt: skip
    upper = path((0.0, base), (0.015, top, -0.02), (0.05, top - 0.02, 0.1), (0.19, top + 0.02, -0.12), (0.25, top - 0.03, 0.05),
                 (0.43, 0.165, -0.06), (0.63, 0.235, 0.16), (0.64, base, 0.1))  # fmt: skip
    toe = path((0.5, base), (0.5, 0.19, -0.1), (0.56, 0.187, 0.02), (0.63, 0.235, 0.1), (0.64, base, 0.1))
    heel = path((0.0, base), (0.008, base - 0.12), (0.08, base - 0.1), (0.1, base))
    swoosh = path((0.12, 0.23), (0.3, 0.25, 0.1), (0.42, 0.175, 0.05), (0.3, 0.275, -0.1), (0.14, 0.265, -0.05))
    accent = "accent" if product.accent else "trim"
    opening = Piece("lining", path((0.05, top - 0.015), (0.24, top - 0.025), (0.2, top + 0.05), (0.06, top + 0.03)), "inside")
    shoe = [
        opening,
        Piece("upper", upper, lines=[Line(path((0.24, top + 0.05), (0.38, 0.24, -0.1)), -0.3, 0.006),
                                     Line(path((0.05, top + 0.03), (0.2, top + 0.06, -0.1)), -0.25, 0.008)]),
        Piece("toe", toe, "white" if product.fabric == "canvas" else "trim", relief=0.8),
        Piece("upper", heel, accent),
        Piece("upper", swoosh, accent if rng.random() < 0.6 else "white", relief=0.5),
        Piece("sole", sole, "white" if rng.random() < 0.75 else "rubber", lines=[Line(path((0.0, base + thick - 0.022), (0.63, base + thick - 0.022)), -0.25, 0.006)]),
    ]  # fmt: skip
    rows = 5 if high else 4
    steps = [(0.215 + 0.2 * k / rows, top + 0.03 + (0.15 - top) * k / rows) for k in range(rows)]
    if product.closure == "lace-up":
        shoe += [Piece("lace", ribbon(path((x - 0.005, y + 0.04), (x + 0.075, y)), 0.017), "white", relief=0.4) for x, y in steps]
        shoe.append(Piece("lace", ribbon(path((0.25, top + 0.02), (0.33, top + 0.06, 0.4), (0.26, top + 0.05, 0.3)), 0.012), "white", relief=0.3))
    elif product.closure == "velcro":
        shoe += [Piece("strap", ribbon(path((x - 0.03, y + 0.075), (x + 0.075, y)), 0.044), accent, relief=0.7) for x, y in steps[::2]]
    else:
        gore = path((0.16, top + 0.04), (0.24, top), (0.25, top + 0.1), (0.19, top + 0.12))
        shoe.append(Piece("tongue", gore, "dark", relief=0.4))
    return two(shoe, rng), None


def _heel(kind: str, x: float, base: float, rise: float) -> list[Piece]:
    """Return the heel under a shoe whose sole is `rise` above the ground at its back."""
    ground = base + 0.02
    y = base - rise
    if kind in ("stiletto", "kitten"):
        outline = path((x, y - 0.01), (x + 0.02, ground, -0.08), (x + 0.036, ground), (x + 0.11, y + 0.02, -0.16))
    elif kind == "wedge":
        outline = path((x, y - 0.01), (x + 0.01, ground), (x + 0.5, ground), (x + 0.36, base, 0.0), (x + 0.2, y + 0.03, 0.05))
    else:
        outline = path((x, y - 0.01), (x + 0.015, ground), (x + 0.105, ground), (x + 0.12, y + 0.015, -0.05))
    fill = "wood" if kind == "wedge" else "dark" if kind == "block" else "trim"
    return [Piece("heel", outline, fill, slant=0.1)]


def boots(product: Product, rng: np.random.Generator):
    rise = {"flat": 0.03, "block": 0.09, "stiletto": 0.15}[product.heel]
    base, back = 0.34, 0.34 - rise
    top = -0.14 if product.length == "ankle" else -0.62
    width = 0.21 if product.length == "ankle" else 0.24
    upper = path((0.0, back), (0.01, top + 0.1, -0.01), (-0.012 if top < -0.5 else 0.01, top, 0.02), (width, top + 0.012),
                 (0.2, 0.08, -0.03), (0.36, 0.215, -0.12), (0.53, 0.29, 0.12), (0.54, base, 0.2), (0.4, base),
                 (0.17, back + 0.02, 0.06), (0.0, back))  # fmt: skip
    sole = ribbon(path((0.0, back), (0.17, back + 0.022, 0.0), (0.38, base + 0.005, -0.06), (0.545, base + 0.003)), 0.034)
    lines = [Line(path((0.04, 0.13), (0.19, 0.1, 0.1)), -0.32, 0.02, soft=True), Line(path((0.06, 0.06), (0.2, 0.03, 0.08)), -0.26, 0.02, soft=True),
             Line(path((0.0, top + 0.03), (width, top + 0.04)), -0.3, 0.006), Line(path((0.12, top), (0.14, back)), -0.18, 0.005)]  # fmt: skip
    shoe = [Piece("lining", path((0.0, top - 0.006), (width, top + 0.006, 0.08), (width - 0.02, top + 0.03), (0.02, top + 0.03)), "inside"),
            Piece("shaft", upper, lines=lines), *_heel(product.heel if product.heel != "flat" else "block", 0.0, base, rise), Piece("sole", sole, "dark")]  # fmt: skip
    if product.closure == "lace-up":
        rows = 5 if top > -0.5 else 9
        for k in range(rows):
            y = 0.16 - k * (0.14 - top) / rows
            x = 0.2 + max(y - 0.05, 0) * 0.9
            shoe.append(Piece("lace", ribbon(path((x - 0.075, y + 0.025), (x + 0.012, y)), 0.015), "white" if product.colour in ("black", "brown", "navy") else "dark", relief=0.4))
    elif product.closure == "zip":
        shoe[1].lines.extend([Line(path((0.09, top + 0.03), (0.1, 0.24)), 0.55, 0.014), Line(path((0.09, top + 0.03), (0.1, 0.24)), -0.6, 0.004)])
    else:
        shoe.append(Piece("strap", path((0.02, top - 0.05), (0.06, top - 0.05), (0.055, top + 0.05), (0.025, top + 0.05)), "trim"))
    return two(shoe, rng), None


def pumps(product: Product, rng: np.random.Generator):
    rise = {"kitten": 0.09, "block": 0.15, "wedge": 0.17, "stiletto": 0.21}[product.heel]
    base, back = 0.32, 0.32 - rise
    upper = path((0.0, back), (-0.005, back - 0.13, 0.06), (0.03, back - 0.125), (0.3, base - 0.085, -0.16 - 0.2 * rise),
                 (0.4, base - 0.075, 0.05), (0.56, base, 0.1), (0.4, base + 0.005), (0.17, back + 0.035, 0.04), (0.0, back))  # fmt: skip
    inside = path((0.0, back - 0.125), (0.35, base - 0.09, 0.0), (0.3, base - 0.05), (0.05, back - 0.08))
    sole = ribbon(path((0.02, back + 0.012), (0.17, back + 0.045), (0.38, base + 0.012, -0.05), (0.555, base + 0.004)), 0.02)
    shoe = [Piece("lining", inside, "inside"), *_heel(product.heel, 0.0, base, rise), Piece("upper", upper), Piece("sole", sole, "wood")]
    if product.strap == "ankle strap":
        y = back - 0.19
        shoe += [Piece("strap", ribbon(path((0.01, back - 0.1), (0.02, y)), 0.022), "trim"),
                 Piece("strap", ribbon(path((0.005, y), (0.17, y + 0.01, 0.16)), 0.022), "trim"),
                 Piece("strap", ribbon(path((0.005, y), (0.17, y + 0.01, -0.16)), 0.024), "trim"),
                 Piece("buckle", disc(0.14, y + 0.03, 0.014), "metal")]  # fmt: skip
    elif rng.random() < 0.3:
        bow = path((0.4, base - 0.08), (0.345, base - 0.12, -0.2), (0.35, base - 0.06, -0.2), (0.4, base - 0.08))
        shoe += [Piece("bow", bow, "trim"), Piece("bow", [(0.8 - x, y) for x, y in bow], "trim")]
    return two(shoe, rng), None


def sandals(product: Product, rng: np.random.Generator):
    rise = {"flat": 0.0, "platform": 0.0, "wedge": 0.12, "block": 0.13}[product.heel]
    thick = {"flat": 0.026, "platform": 0.085}.get(product.heel, 0.03)
    base, back = 0.32, 0.32 - rise
    bed = ribbon(path((-0.01, back), (0.17, back + 0.25 * rise), (0.38, base, -0.05 if rise else 0.0), (0.57, base - 0.004)), thick)
    sole = [] if product.heel in ("flat", "platform") else _heel(product.heel, 0.0, base, rise)
    tan = Piece("sole", bed, "wood" if product.heel != "platform" or rng.random() < 0.5 else "rubber")
    foot = Piece("lining", ribbon(path((0.0, back - thick / 2), (0.17, back + 0.25 * rise - thick / 2), (0.38, base - thick / 2), (0.56, base - thick / 2)), 0.014), "dark")
    y = base - thick / 2
    if product.strap == "two-strap":
        bands = [path((0.22, y - 0.3 * rise), (0.26, y - 0.12), (0.34, y - 0.11, 0.1), (0.36, y)), path((0.4, y), (0.41, y - 0.09, -0.05), (0.49, y - 0.075, 0.1), (0.52, y))]
    else:
        bands = [path((0.36, y), (0.42, y - 0.1), (0.5, y - 0.075, 0.1), (0.52, y))]
    straps = [Piece("strap", band, lines=[Line(band, -0.25, 0.005)]) for band in bands]
    if product.strap == "crossover":
        straps = [Piece("strap", ribbon(path((0.28, y - 0.3 * rise), (0.5, y - 0.07, 0.2), (0.52, y)), 0.05)),
                  Piece("strap", ribbon(path((0.51, y), (0.36, y - 0.11, -0.1), (0.24, y - 0.13 - 0.3 * rise, -0.1)), 0.05))]  # fmt: skip
    if product.strap == "ankle strap":
        top = back - 0.2
        straps += [Piece("strap", ribbon(path((0.01, back - 0.01), (0.02, top)), 0.03)),
                   Piece("strap", ribbon(path((0.01, top), (0.19, top + 0.012, 0.16)), 0.022)),
                   Piece("strap", ribbon(path((0.01, top), (0.19, top + 0.012, -0.16)), 0.028)),
                   Piece("buckle", disc(0.16, top + 0.034, 0.016), "metal")]  # fmt: skip
    elif product.strap == "two-strap":
        straps += [Piece("buckle", disc(x, y - 0.075, 0.016), "metal") for x in (0.3, 0.45)]
    return two([*sole, tan, foot, *straps], rng), None


def handbag(product: Product, rng: np.random.Generator):
    w, h = rng.uniform(0.26, 0.32), rng.uniform(0.34, 0.44)
    body = both(path((0.0, 0.0), (w * 0.86, 0.0), (w, h - 0.04, 0.04), (w * 0.93, h, 0.3), (0.0, h)))
    edge = [Line(both(path((0.0, 0.015), (w * 0.84, 0.015), (w * 0.96, h - 0.04, 0.04), (w * 0.9, h - 0.015, 0.2), (0.0, h - 0.015))), -0.22, 0.006, dashed=True)]
    pieces = [Piece("body", body, lines=edge)]
    if product.closure == "flap":
        flap = both(path((0.0, -0.01), (w * 0.87, -0.01), (w * 0.9, h * 0.4, 0.03), (0.0, h * 0.58, 0.12)))
        pieces += [Piece("flap", flap, lines=[Line(flap, -0.35, 0.006)]), Piece("buckle", path((-0.03, h * 0.5), (0.03, h * 0.5), (0.03, h * 0.63), (-0.03, h * 0.63)), "metal")]
    elif product.closure == "zip":
        pieces += [Piece("zip", ribbon(path((-w * 0.84, 0.03), (w * 0.84, 0.03)), 0.028), "dark"),
                   Piece("zip", ribbon(path((-w * 0.8, 0.03), (w * 0.8, 0.03)), 0.01), "metal", relief=0.2),
                   Piece("pocket", path((-w * 0.6, h * 0.42), (w * 0.6, h * 0.42), (w * 0.62, h * 0.85), (-w * 0.62, h * 0.85)),
                         lines=[Line(path((-w * 0.6, h * 0.42), (w * 0.6, h * 0.42)), -0.4, 0.008)], relief=0.6)]  # fmt: skip
    else:
        pieces += [Piece("frame", ribbon(path((-w * 0.87, 0.012), (w * 0.87, 0.012)), 0.04), "metal"),
                   Piece("buckle", disc(-0.022, -0.025, 0.024), "metal"), Piece("buckle", disc(0.022, -0.025, 0.024), "metal")]  # fmt: skip
    if product.strap == "top handle":
        handle = ribbon(path((-w * 0.5, 0.02), (0.0, -0.24, 0.24), (w * 0.5, 0.02, 0.24)), 0.034)
        pieces = [Piece("strap", handle, "trim"), *pieces, *pair(Piece("buckle", disc(w * 0.5, 0.03, 0.02), "metal"))]
    elif product.strap == "chain":
        curve = path((-w * 0.82, 0.03), (0.0, -0.5, 0.2), (w * 0.82, 0.03, 0.2))
        pieces = [Piece("strap", ribbon(curve, 0.012), "metal"), *(Piece("strap", disc(x, y, 0.015), "metal") for x, y in curve), *pieces]
    else:
        curve = ribbon(path((-w * 0.84, 0.04), (0.0, -0.55, 0.18), (w * 0.84, 0.04, 0.18)), 0.03)
        pieces = [Piece("strap", curve, "trim"), *pieces]
    return pieces, None


def tote_bag(product: Product, rng: np.random.Generator):
    w, h = rng.uniform(0.27, 0.31), rng.uniform(0.54, 0.64)
    body = both(path((0.0, 0.0), (w, 0.0), (w * 0.95, h, 0.01), (0.0, h + 0.005)))
    drop = -0.2 if product.strap == "short handles" else -0.46
    inner = w * 0.45
    back = ribbon(path((-inner, 0.0), (0.0, drop - 0.03, 0.24), (inner, 0.0, 0.24)), 0.034)
    front = ribbon(path((-inner, 0.09), (-inner + 0.01, 0.0), (0.0, drop, 0.24), (inner - 0.01, 0.0, 0.24), (inner, 0.09)), 0.038)
    hem = Line(path((-w, 0.05), (w, 0.05)), -0.25, 0.005, dashed=True)
    folds = [Line(path((0.6 * w, 0.1), (0.5 * w, h - 0.05, 0.03)), -0.2, 0.03, True), Line(path((-0.7 * w, 0.2), (-0.5 * w, h - 0.1, 0.05)), -0.2, 0.03, True)]
    pieces = [Piece("strap", back, "trim"), Piece("lining", both(path((0.0, -0.014), (w * 0.97, -0.008), (w, 0.02), (0.0, 0.02))), "inside"),
              Piece("body", body, lines=[hem, *folds])]  # fmt: skip
    if product.fabric == "leather" or rng.random() < 0.3:
        pieces.append(Piece("body", both(path((0.0, h - 0.12), (w * 0.96, h - 0.12), (w * 0.95, h), (0.0, h + 0.005))), "trim"))
    pieces.append(Piece("strap", front, "trim", lines=[]))
    return pieces, None


def backpack(product: Product, rng: np.random.Generator):
    w, h = rng.uniform(0.24, 0.27), rng.uniform(0.6, 0.68)
    body = both(path((0.0, -0.03), (w * 0.6, 0.0, 0.12), (w, 0.17, 0.2), (w * 1.04, h - 0.06, 0.02), (w * 0.92, h, 0.25), (0.0, h)))
    straps = pair(Piece("strap", ribbon(path((w * 0.5, 0.0), (w * 1.12, 0.2, 0.3), (w * 0.98, h - 0.1, 0.18)), 0.05), "dark"))
    handle = Piece("strap", ribbon(path((-0.07, 0.0), (0.0, -0.1, 0.24), (0.07, 0.0, 0.24)), 0.026), "trim")
    pocket = both(path((0.0, h * 0.52), (w * 0.74, h * 0.53), (w * 0.82, h * 0.9, 0.03), (w * 0.7, h * 0.96, 0.25), (0.0, h * 0.96)))
    pieces = [*straps, handle, Piece("body", body)]
    if product.closure == "zip":
        arc = both(path((0.0, 0.07), (w * 0.62, 0.12, 0.15), (w * 0.82, h * 0.45, 0.1)))[: 2 * 17 + 2]
        curve = flip(path((0.0, 0.07), (w * 0.62, 0.12, 0.15), (w * 0.82, h * 0.45, 0.1)))[::-1] + arc[1:17]
        pieces += [Piece("zip", ribbon(curve, 0.016), "dark", relief=0.3)]
    elif product.closure == "buckle":
        flap = both(path((0.0, -0.035), (w * 0.62, 0.0, 0.12), (w * 0.98, 0.16, 0.14), (w * 0.86, h * 0.46, 0.05), (0.0, h * 0.5, 0.05)))
        pieces += [Piece("flap", flap, lines=[Line(flap, -0.4, 0.007)])]
        pieces += [p for x in (-0.11, 0.11) for p in (Piece("strap", ribbon(path((x, h * 0.25), (x, h * 0.6)), 0.036), "wood"),
                                                      Piece("buckle", path((x - 0.026, h * 0.5), (x + 0.026, h * 0.5), (x + 0.026, h * 0.56), (x - 0.026, h * 0.56)), "metal"))]  # fmt: skip
    else:
        gathers = [Line(path((x * 0.6, 0.02), (x, 0.16)), -0.4, 0.012, True) for x in (-0.18, -0.12, -0.06, 0.0, 0.06, 0.12, 0.18)]
        top = both(path((0.0, -0.03), (w * 0.6, 0.0, 0.12), (w, 0.17, 0.2), (0.0, 0.17)))
        pieces += [Piece("flap", top, "trim", lines=gathers), *pair(Piece("cord", ribbon(path((0.02, 0.15), (0.07, 0.36, 0.1)), 0.014), "white"))]
    pieces.append(Piece("pocket", pocket, lines=[Line(path((-w * 0.7, h * 0.58), (w * 0.7, h * 0.58)), -0.5, 0.012), Line(pocket, -0.28, 0.005)]))
    return pieces, None


def cap(product: Product, rng: np.random.Generator):
    crown = path((-0.28, 0.2), (-0.2, -0.06, 0.13), (0.04, -0.14, 0.15), (0.22, 0.0, 0.16), (0.27, 0.2, 0.08), (0.0, 0.225, -0.03), (-0.28, 0.2, -0.03))
    brim = path((0.02, 0.205), (0.27, 0.18, 0.05), (0.52, 0.3, 0.16), (0.47, 0.335, 0.4), (0.25, 0.27, -0.06), (0.02, 0.225, -0.04))
    seams = [Line(path((0.02, -0.14), (-0.08, 0.215, -0.12)), -0.32, 0.006), Line(path((0.05, -0.14), (0.17, 0.21, 0.1)), -0.32, 0.006)]
    pieces = [Piece("crown", crown, lines=seams, dots=[(-0.12, 0.02, 0.009, -0.6), (0.12, 0.0, 0.009, -0.6)]), Piece("button", disc(0.035, -0.142, 0.022, 0.014), "trim")]
    band = Line(path((0.05, 0.24), (0.27, 0.225, 0.05), (0.46, 0.3, 0.1)), -0.25, 0.005, dashed=True)
    accent = "accent" if product.pattern == "colour-block" else "trim" if product.pattern in ("graphic",) or rng.random() < 0.5 else "main"
    return [*pieces, Piece("brim", brim, accent, lines=[band])], None


def beanie(product: Product, rng: np.random.Generator):
    tall = {"slim": -0.2, "slouchy": -0.34, "bobble": -0.22}[product.fit]
    side = rng.uniform(0.02, 0.1) if product.fit == "slouchy" else 0.0
    crown = path((-0.225, 0.14), (-0.2 + side, tall * 0.55, 0.06), (side, tall, 0.2), (0.2 + side, tall * 0.55, 0.2), (0.225, 0.14, 0.06), (-0.225, 0.14))
    cuff = both(path((0.0, 0.08), (0.235, 0.075, 0.03), (0.23, 0.22, 0.06), (0.0, 0.235, 0.03)))
    ribs = [Line(path((0.23 * x, 0.09), (0.23 * x, 0.225)), -0.22, 0.008) for x in (-0.9, -0.75, -0.6, -0.45, -0.3, -0.15, 0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)]
    lines = [Line(path((0.2 * x, 0.08), (side + 0.05 * x, tall + 0.02, 0.1 * x)), -0.25, 0.016, True) for x in (-0.7, -0.35, 0.0, 0.35, 0.7)]
    pieces = [Piece("crown", crown, lines=lines), Piece("brim", cuff, "trim", lines=ribs)]
    if product.fit == "bobble":
        tufts = [(r * 0.1 if k % 2 else r * 0.085) for k, r in enumerate([1.0] * 40)]
        ball = [(x * t / 0.1, tall - 0.06 + (y - tall + 0.06) * t / 0.1) for (x, y), t in zip(disc(0.0, tall - 0.06, 0.1, steps=40), tufts, strict=True)]
        pieces.append(Piece("bobble", ball, "accent" if product.accent else "trim"))
    return pieces, None


def sun_hat(product: Product, rng: np.random.Generator):
    wide = rng.uniform(0.46, 0.56)
    brim = both(path((0.0, 0.09), (0.3, 0.1, 0.04), (wide, 0.2, 0.1), (wide - 0.02, 0.235, 0.5), (0.24, 0.285, 0.06), (0.0, 0.295)))
    crown = both(path((0.0, -0.19), (0.12, -0.18, 0.05), (0.215, 0.13, 0.14), (0.0, 0.175, 0.05)))
    band = both(path((0.0, 0.085), (0.206, 0.05, -0.06), (0.216, 0.125), (0.0, 0.17, 0.06)))
    rings = [Line(both(path((0.0, y), (x, y - 0.06, -0.12))), -0.2, 0.006) for x, y in ((wide * 0.6, 0.22), (wide * 0.8, 0.25))]
    fill = "accent" if product.accent else "dark" if product.colour not in ("black", "navy", "brown") else "white"
    pieces = [Piece("brim", brim, lines=rings), Piece("crown", crown, lines=[Line(path((-0.1, -0.15), (0.1, -0.15, -0.15)), -0.22, 0.02, True)]), Piece("band", band, fill, relief=0.6)]
    if rng.random() < 0.4:
        pieces.append(Piece("band", ribbon(path((0.19, 0.11), (0.3, 0.26, 0.1)), 0.03, 0.05), fill))
    return pieces, None


def scarf(product: Product, rng: np.random.Generator):
    drop = 0.62 if product.length == "regular" else 0.95
    other = drop * rng.uniform(0.75, 0.92)
    loop = both(path((0.0, -0.13), (0.15, -0.11, 0.1), (0.2, 0.03, 0.25), (0.06, 0.16, 0.2), (0.0, 0.16)))
    hole = both(path((0.0, -0.075), (0.1, -0.06, 0.15), (0.09, 0.0, 0.2), (0.0, 0.03, 0.1)))
    wrap = path((-0.19, -0.02), (0.0, 0.075, -0.12), (0.19, -0.05, -0.14), (0.2, 0.05, 0.2), (0.03, 0.185, 0.2), (-0.18, 0.06, 0.15))

    def tail(x: float, lean: float, end: float) -> list[Piece]:
        outline = path((x - 0.075, 0.08), (x + 0.075, 0.1), (x + 0.085 + lean, end, 0.02), (x - 0.085 + lean, end, 0.0), (x - 0.075, 0.08, -0.02))
        fringes = [Piece("fringe", ribbon(path((x + lean + s * 0.077, end - 0.01), (x + lean * 1.1 + s * 0.08, end + 0.085, 0.03)), 0.014, 0.008), "trim", relief=0.3)
                   for s in (-1, -0.67, -0.33, 0, 0.33, 0.67, 1)]  # fmt: skip
        folds = [Line(path((x + d, 0.12), (x + d + lean, end - 0.05, 0.02)), -0.25, 0.02, True) for d in (-0.03, 0.04)]
        return [*fringes, Piece("tail", outline, lines=folds, slant=-0.06 if lean > 0 else 0.08)]

    creases = [Line(path((-0.16, 0.02), (0.0, 0.12, -0.12), (0.17, 0.0, -0.14)), -0.35, 0.014, True)]
    return [Piece("loop", loop), Piece("lining", hole, "inside"), *tail(0.07, 0.03, other), *tail(-0.05, -0.035, drop),
            Piece("loop", wrap, lines=creases, slant=0.5)], None  # fmt: skip


def belt(product: Product, rng: np.random.Generator):
    thick = 0.05 if product.fit == "slim" else 0.095
    rx, ry = rng.uniform(0.36, 0.44), rng.uniform(0.2, 0.26)
    ring = disc(0.0, 0.0, rx, ry, 48)
    back = ribbon(ring[24:] + ring[:1], thick)
    front = ribbon(ring[:25], thick)
    edge = [Line([(x, y + s * thick * 0.36) for x, y in ring[1:24]], -0.25, 0.005, dashed=True) for s in (-1, 1)]
    tip = ribbon(path((0.03, ry + 0.002), (0.2, ry - 0.006), (0.31, ry + 0.1, 0.15), (0.36, ry + 0.2, 0.1)), thick, thick * 0.8)
    holes = [(0.14 + 0.035 * k, ry - 0.002, 0.007, -0.9) for k in range(3)]
    pieces = [Piece("strap", back, "inside"), Piece("strap", tip, lines=[]), Piece("strap", front, lines=edge)]
    pieces.append(Piece("strap", ribbon(path((0.05, ry), (0.2, ry - 0.012)), thick), dots=holes))
    if product.closure == "buckle":
        t = thick * 0.85
        frame = [(-0.05, ry - t), (0.07, ry - t), (0.07, ry + t), (-0.05, ry + t), (-0.05, ry - t)]
        pieces += [Piece("buckle", ribbon(frame, 0.024), "metal"), Piece("buckle", ribbon([(-0.04, ry), (0.075, ry)], 0.016), "metal")]
    else:
        pieces += [Piece("buckle", ribbon((c := disc(x, ry, thick * 0.75, thick * 0.85, 24)) + c[:1], 0.02), "metal") for x in (-0.01, 0.05)]
    return pieces, None


def tie(product: Product, rng: np.random.Generator):
    w = {"slim": 0.055, "regular": 0.088}[product.fit] * rng.uniform(0.95, 1.08)
    long = rng.uniform(1.0, 1.12)
    knot = path((-0.06, -0.035), (0.06, -0.035, 0.04), (0.036, 0.075), (-0.036, 0.075))
    blade = both(path((0.0, 0.07), (0.034, 0.07), (w, long - 0.08, 0.01), (0.0, long)))
    back = path((-0.02, 0.09), (0.05, 0.09), (0.03 + w * 0.8, long * 0.78), (w * 0.4, long * 0.84), (-0.01, long * 0.78))
    loop = ribbon(path((-0.05, -0.01), (-0.1, -0.13, 0.2), (0.0, -0.2, 0.2), (0.1, -0.13, 0.2), (0.05, -0.01, 0.2)), 0.03)
    folds = [Line(path((0.0, 0.08), (0.012, 0.35, 0.04)), -0.3, 0.014, True)]
    return [Piece("loop", loop, "trim"), Piece("tail", back, "inside"), Piece("body", blade, lines=folds, slant=0.6), Piece("knot", knot, slant=-0.5)], None


def gloves(product: Product, rng: np.random.Generator):
    drop = 0.5 if product.length == "regular" else 0.78
    fingers = [(-0.105, -0.02, -0.2), (-0.04, -0.07, -0.06), (0.028, -0.06, 0.06), (0.09, -0.0, 0.18)]
    hand = path((-0.14, 0.16), (0.125, 0.16), (0.13, 0.32, 0.06), (0.1, 0.42, -0.06), (0.11, drop, -0.02), (-0.11, drop), (-0.1, 0.42, -0.02), (-0.14, 0.16, 0.06))
    glove = [Piece("finger", ribbon(path((x, 0.2), (x + lean * 0.12, y + 0.01), (x + lean * 0.13, y - 0.02)), 0.066, 0.05), relief=0.8) for x, y, lean in fingers]
    glove += [Piece("finger", ribbon(path((-0.09, 0.34), (-0.2, 0.2, -0.1), (-0.22, 0.12, 0.05)), 0.085, 0.055), slant=0.6),
              Piece("body", hand, lines=[Line(path((x, 0.17), (x, 0.28)), -0.35, 0.006) for x in (-0.05, 0.0, 0.05)]),
              Piece("cuff", path((-0.112, drop - 0.09), (0.112, drop - 0.09), (0.118, drop), (-0.118, drop)), "accent" if product.accent else "trim",
                    lines=[Line(path((-0.11, drop - 0.09), (0.11, drop - 0.09)), -0.4, 0.007)])]  # fmt: skip
    gap = rng.uniform(0.19, 0.24)
    return [*(moved(piece.mirrored(), gap - 0.02, 0.03) for piece in glove), *(moved(piece, -gap, 0.0) for piece in glove)], None


SMALLS = {
    "sneakers": sneakers, "boots": boots, "pumps": pumps, "sandals": sandals, "handbag": handbag, "tote bag": tote_bag,
    "backpack": backpack, "cap": cap, "beanie": beanie, "sun hat": sun_hat, "scarf": scarf, "belt": belt, "tie": tie,
    "gloves": gloves,
}  # fmt: skip

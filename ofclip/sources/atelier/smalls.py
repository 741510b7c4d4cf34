"""Cuts for bags, headwear and accessories."""

from __future__ import annotations

import numpy as np

from ofclip.sources.atelier.shapes import Line, Piece, both, disc, flip, moved, pair, path, ribbon
from ofclip.sources.atelier.world import Product


def handbag(product: Product, rng: np.random.Generator):
    w, h = rng.uniform(0.26, 0.32), rng.uniform(0.34, 0.44)
    body = both(path((0.0, 0.0), (w * 0.86, 0.0), (w, h - 0.04, 0.04), (w * 0.93, h, 0.3), (0.0, h)))
    edge = [Line(both(path((0.0, 0.015), (w * 0.84, 0.015), (w * 0.96, h - 0.04, 0.04),
                           (w * 0.9, h - 0.015, 0.2), (0.0, h - 0.015))), -0.22, 0.006, dashed=True)]
    pieces = [Piece("body", body, lines=edge)]
    if product.closure == "flap":
        flap = both(path((0.0, -0.01), (w * 0.87, -0.01), (w * 0.9, h * 0.4, 0.03), (0.0, h * 0.58, 0.12)))
        pieces += [Piece("flap", flap, lines=[Line(flap, -0.35, 0.006)]),
                   Piece("buckle", path((-0.03, h * 0.5), (0.03, h * 0.5), (0.03, h * 0.63),
                                        (-0.03, h * 0.63)), "metal")]
    elif product.closure == "zip":
        pieces += [Piece("zip", ribbon(path((-w * 0.84, 0.03), (w * 0.84, 0.03)), 0.028), "dark"),
                   Piece("zip", ribbon(path((-w * 0.8, 0.03), (w * 0.8, 0.03)), 0.01), "metal", relief=0.2),
                   Piece("pocket", path((-w * 0.6, h * 0.42), (w * 0.6, h * 0.42), (w * 0.62, h * 0.85),
                                        (-w * 0.62, h * 0.85)),
                         lines=[Line(path((-w * 0.6, h * 0.42), (w * 0.6, h * 0.42)), -0.4, 0.008)],
                         relief=0.6)]
    else:
        pieces += [Piece("frame", ribbon(path((-w * 0.87, 0.012), (w * 0.87, 0.012)), 0.04), "metal"),
                   Piece("buckle", disc(-0.022, -0.025, 0.024), "metal"),
                   Piece("buckle", disc(0.022, -0.025, 0.024), "metal")]
    if product.strap == "top handle":
        handle = ribbon(path((-w * 0.5, 0.02), (0.0, -0.24, 0.24), (w * 0.5, 0.02, 0.24)), 0.034)
        pieces = [Piece("strap", handle, "trim"), *pieces, *pair(Piece("buckle", disc(w * 0.5, 0.03, 0.02),
            "metal"))]
    elif product.strap == "chain":
        curve = path((-w * 0.82, 0.03), (0.0, -0.5, 0.2), (w * 0.82, 0.03, 0.2))
        pieces = [Piece("strap", ribbon(curve, 0.012), "metal"),
                  *(Piece("strap", disc(x, y, 0.015), "metal") for x, y in curve), *pieces]
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
    front = ribbon(path((-inner, 0.09), (-inner + 0.01, 0.0), (0.0, drop, 0.24), (inner - 0.01, 0.0, 0.24),
                        (inner, 0.09)), 0.038)
    hem = Line(path((-w, 0.05), (w, 0.05)), -0.25, 0.005, dashed=True)
    folds = [Line(path((0.6 * w, 0.1), (0.5 * w, h - 0.05, 0.03)), -0.2, 0.03, True),
             Line(path((-0.7 * w, 0.2), (-0.5 * w, h - 0.1, 0.05)), -0.2, 0.03, True)]
    pieces = [Piece("strap", back, "trim"), Piece("lining", both(path((0.0, -0.014), (w * 0.97, -0.008),
        (w, 0.02), (0.0, 0.02))), "inside"),
              Piece("body", body, lines=[hem, *folds])]
    if product.fabric == "leather" or rng.random() < 0.3:
        pieces.append(Piece("body", both(path((0.0, h - 0.12), (w * 0.96, h - 0.12), (w * 0.95, h),
                                              (0.0, h + 0.005))), "trim"))
    pieces.append(Piece("strap", front, "trim", lines=[]))
    return pieces, None


def backpack(product: Product, rng: np.random.Generator):
    w, h = rng.uniform(0.24, 0.27), rng.uniform(0.6, 0.68)
    body = both(path((0.0, -0.03), (w * 0.6, 0.0, 0.12), (w, 0.17, 0.2), (w * 1.04, h - 0.06, 0.02),
                     (w * 0.92, h, 0.25), (0.0, h)))
    straps = pair(Piece("strap", ribbon(path((w * 0.5, 0.0), (w * 1.12, 0.2, 0.3),
                                             (w * 0.98, h - 0.1, 0.18)), 0.05), "dark"))
    handle = Piece("strap", ribbon(path((-0.07, 0.0), (0.0, -0.1, 0.24), (0.07, 0.0, 0.24)), 0.026), "trim")
    pocket = both(path((0.0, h * 0.52), (w * 0.74, h * 0.53), (w * 0.82, h * 0.9, 0.03),
                       (w * 0.7, h * 0.96, 0.25), (0.0, h * 0.96)))
    pieces = [*straps, handle, Piece("body", body)]
    if product.closure == "zip":
        half = path((0.0, 0.07), (w * 0.62, 0.12, 0.15), (w * 0.82, h * 0.45, 0.1))
        curve = flip(half)[::-1] + half[1:]
        pieces += [Piece("zip", ribbon(curve, 0.016), "dark", relief=0.3)]
    elif product.closure == "buckle":
        flap = both(path((0.0, -0.035), (w * 0.62, 0.0, 0.12), (w * 0.98, 0.16, 0.14),
                         (w * 0.86, h * 0.46, 0.05), (0.0, h * 0.5, 0.05)))
        pieces += [Piece("flap", flap, lines=[Line(flap, -0.4, 0.007)])]
        pieces += [p for x in (-0.11, 0.11) for p in (Piece("strap",
                                                            ribbon(path((x, h * 0.25), (x, h * 0.6)), 0.036),
                                                            "wood"),
                                                      Piece("buckle",
                                                            path((x - 0.026, h * 0.5), (x + 0.026, h * 0.5),
                                                                (x + 0.026, h * 0.56),
                                                                (x - 0.026, h * 0.56)), "metal"))]
    else:
        gathers = [Line(path((x * 0.6, 0.02), (x, 0.16)), -0.4, 0.012, True) for x in (-0.18, -0.12, -0.06,
            0.0, 0.06, 0.12, 0.18)]
        top = both(path((0.0, -0.03), (w * 0.6, 0.0, 0.12), (w, 0.17, 0.2), (0.0, 0.17)))
        pieces += [Piece("flap", top, "trim", lines=gathers),
                   *pair(Piece("cord", ribbon(path((0.02, 0.15), (0.07, 0.36, 0.1)), 0.014), "white"))]
    pieces.append(Piece("pocket", pocket, lines=[Line(path((-w * 0.7, h * 0.58), (w * 0.7, h * 0.58)), -0.5,
                                                      0.012), Line(pocket, -0.28, 0.005)]))
    return pieces, None


def cap(product: Product, rng: np.random.Generator):
    crown = path((-0.28, 0.2), (-0.2, -0.06, 0.13), (0.04, -0.14, 0.15), (0.22, 0.0, 0.16),
                 (0.27, 0.2, 0.08), (0.0, 0.225, -0.03), (-0.28, 0.2, -0.03))
    brim = path((0.02, 0.205), (0.27, 0.18, 0.05), (0.52, 0.3, 0.16), (0.47, 0.335, 0.4),
                (0.25, 0.27, -0.06), (0.02, 0.225, -0.04))
    seams = [Line(path((0.02, -0.14), (-0.08, 0.215, -0.12)), -0.32, 0.006),
             Line(path((0.05, -0.14), (0.17, 0.21, 0.1)), -0.32, 0.006)]
    pieces = [Piece("crown", crown, lines=seams, dots=[(-0.12, 0.02, 0.009, -0.6),
                                                       (0.12, 0.0, 0.009, -0.6)]),
                                                       Piece("button", disc(0.035, -0.142, 0.022, 0.014),
                                                             "trim")]
    band = Line(path((0.05, 0.24), (0.27, 0.225, 0.05), (0.46, 0.3, 0.1)), -0.25, 0.005, dashed=True)
    fill = "trim" if product.pattern == "graphic" or rng.random() < 0.5 else "main"
    accent = "accent" if product.pattern == "colour-block" else fill
    return [*pieces, Piece("brim", brim, accent, lines=[band])], None


def beanie(product: Product, rng: np.random.Generator):
    tall = {"slim": -0.2, "slouchy": -0.34, "bobble": -0.22}[product.fit]
    side = rng.uniform(0.02, 0.1) if product.fit == "slouchy" else 0.0
    crown = path((-0.225, 0.14), (-0.2 + side, tall * 0.55, 0.06), (side, tall, 0.2),
                 (0.2 + side, tall * 0.55, 0.2), (0.225, 0.14, 0.06), (-0.225, 0.14))
    cuff = both(path((0.0, 0.08), (0.235, 0.075, 0.03), (0.23, 0.22, 0.06), (0.0, 0.235, 0.03)))
    ribs = [Line(path((0.23 * x, 0.09), (0.23 * x, 0.225)), -0.22, 0.008) for x in (-0.9, -0.75, -0.6, -0.45,
        -0.3, -0.15, 0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)]
    lines = [Line(path((0.2 * x, 0.08), (side + 0.05 * x, tall + 0.02, 0.1 * x)), -0.25, 0.016,
                  True) for x in (-0.7, -0.35, 0.0, 0.35, 0.7)]
    pieces = [Piece("crown", crown, lines=lines), Piece("brim", cuff, "trim", lines=ribs)]
    if product.fit == "bobble":
        tufts = [(r * 0.1 if k % 2 else r * 0.085) for k, r in enumerate([1.0] * 40)]
        ball = [(x * t / 0.1, tall - 0.06 + (y - tall + 0.06) * t / 0.1) for (x, y),
                t in zip(disc(0.0, tall - 0.06, 0.1, steps=40), tufts, strict=True)]
        pieces.append(Piece("bobble", ball, "accent" if product.accent else "trim"))
    return pieces, None


def sun_hat(product: Product, rng: np.random.Generator):
    wide = rng.uniform(0.46, 0.56)
    brim = both(path((0.0, 0.09), (0.3, 0.1, 0.04), (wide, 0.2, 0.1), (wide - 0.02, 0.235, 0.5),
                     (0.24, 0.285, 0.06), (0.0, 0.295)))
    crown = both(path((0.0, -0.19), (0.12, -0.18, 0.05), (0.215, 0.13, 0.14), (0.0, 0.175, 0.05)))
    band = both(path((0.0, 0.085), (0.206, 0.05, -0.06), (0.216, 0.125), (0.0, 0.17, 0.06)))
    rings = [Line(both(path((0.0, y), (x, y - 0.06, -0.12))), -0.2, 0.006) for x,
             y in ((wide * 0.6, 0.22), (wide * 0.8, 0.25))]
    fill = "accent" if product.accent else "dark" if product.colour not in ("black", "navy",
        "brown") else "white"
    pieces = [Piece("brim", brim, lines=rings), Piece("crown", crown,
                                                      lines=[Line(path((-0.1, -0.15), (0.1, -0.15, -0.15)),
                                                          -0.22, 0.02, True)]),
                                                          Piece("band", band, fill, relief=0.6)]
    if rng.random() < 0.4:
        pieces.append(Piece("band", ribbon(path((0.19, 0.11), (0.3, 0.26, 0.1)), 0.03, 0.05), fill))
    return pieces, None


def scarf(product: Product, rng: np.random.Generator):
    drop = 0.62 if product.length == "regular" else 0.95
    other = drop * rng.uniform(0.75, 0.92)
    loop = both(path((0.0, -0.13), (0.15, -0.11, 0.1), (0.2, 0.03, 0.25), (0.06, 0.16, 0.2), (0.0, 0.16)))
    hole = both(path((0.0, -0.075), (0.1, -0.06, 0.15), (0.09, 0.0, 0.2), (0.0, 0.03, 0.1)))
    wrap = path((-0.19, -0.02), (0.0, 0.075, -0.12), (0.19, -0.05, -0.14), (0.2, 0.05, 0.2),
                (0.03, 0.185, 0.2), (-0.18, 0.06, 0.15))

    def tail(x: float, lean: float, end: float) -> list[Piece]:
        outline = path((x - 0.075, 0.08), (x + 0.075, 0.1), (x + 0.085 + lean, end, 0.02),
                       (x - 0.085 + lean, end, 0.0), (x - 0.075, 0.08, -0.02))
        fringes = [Piece("fringe", ribbon(path((x + lean + s * 0.077, end - 0.01),
                                               (x + lean * 1.1 + s * 0.08, end + 0.085, 0.03)), 0.014,
                                               0.008), "trim", relief=0.3)
                   for s in (-1, -0.67, -0.33, 0, 0.33, 0.67, 1)]
        folds = [Line(path((x + d, 0.12), (x + d + lean, end - 0.05, 0.02)), -0.25, 0.02,
                      True) for d in (-0.03, 0.04)]
        return [*fringes, Piece("tail", outline, lines=folds, slant=-0.06 if lean > 0 else 0.08)]

    creases = [Line(path((-0.16, 0.02), (0.0, 0.12, -0.12), (0.17, 0.0, -0.14)), -0.35, 0.014, True)]
    return [Piece("loop", loop), Piece("lining", hole, "inside"), *tail(0.07, 0.03, other),
            *tail(-0.05, -0.035, drop),
            Piece("loop", wrap, lines=creases, slant=0.5)], None


def belt(product: Product, rng: np.random.Generator):
    thick = 0.05 if product.fit == "slim" else 0.095
    rx, ry = rng.uniform(0.36, 0.44), rng.uniform(0.2, 0.26)
    ring = disc(0.0, 0.0, rx, ry, 48)
    back = ribbon(ring[24:] + ring[:1], thick)
    front = ribbon(ring[:25], thick)
    edge = [Line([(x, y + s * thick * 0.36) for x, y in ring[1:24]], -0.25, 0.005, dashed=True) for s in (-1,
        1)]
    tip = ribbon(path((0.03, ry + 0.002), (0.2, ry - 0.006), (0.31, ry + 0.1, 0.15), (0.36, ry + 0.2, 0.1)),
                 thick, thick * 0.8)
    holes = [(0.14 + 0.035 * k, ry - 0.002, 0.007, -0.9) for k in range(3)]
    pieces = [Piece("strap", back, "inside"), Piece("strap", tip, lines=[]),
              Piece("strap", front, lines=edge)]
    pieces.append(Piece("strap", ribbon(path((0.05, ry), (0.2, ry - 0.012)), thick), dots=holes))
    if product.closure == "buckle":
        t = thick * 0.85
        frame = [(-0.05, ry - t), (0.07, ry - t), (0.07, ry + t), (-0.05, ry + t), (-0.05, ry - t)]
        pieces += [Piece("buckle", ribbon(frame, 0.024), "metal"),
                   Piece("buckle", ribbon([(-0.04, ry), (0.075, ry)], 0.016), "metal")]
    else:
        pieces += [Piece("buckle", ribbon((c := disc(x, ry, thick * 0.75, thick * 0.85, 24)) + c[:1], 0.02),
                         "metal") for x in (-0.01, 0.05)]
    return pieces, None


def tie(product: Product, rng: np.random.Generator):
    w = {"slim": 0.055, "regular": 0.088}[product.fit] * rng.uniform(0.95, 1.08)
    long = rng.uniform(1.0, 1.12)
    knot = path((-0.06, -0.035), (0.06, -0.035, 0.04), (0.036, 0.075), (-0.036, 0.075))
    blade = both(path((0.0, 0.07), (0.034, 0.07), (w, long - 0.08, 0.01), (0.0, long)))
    back = path((-0.02, 0.09), (0.05, 0.09), (0.03 + w * 0.8, long * 0.78), (w * 0.4, long * 0.84),
                (-0.01, long * 0.78))
    loop = ribbon(path((-0.05, -0.01), (-0.1, -0.13, 0.2), (0.0, -0.2, 0.2), (0.1, -0.13, 0.2),
                       (0.05, -0.01, 0.2)), 0.03)
    folds = [Line(path((0.0, 0.08), (0.012, 0.35, 0.04)), -0.3, 0.014, True)]
    return [Piece("loop", loop, "trim", behind=True), Piece("tail", back, "inside"),
            Piece("body", blade, lines=folds, slant=0.6), Piece("knot", knot, slant=-0.5)], None


def gloves(product: Product, rng: np.random.Generator):
    drop = 0.5 if product.length == "regular" else 0.78
    fingers = [(-0.105, -0.02, -0.2), (-0.04, -0.07, -0.06), (0.028, -0.06, 0.06), (0.09, -0.0, 0.18)]
    hand = path((-0.14, 0.16), (0.125, 0.16), (0.13, 0.32, 0.06), (0.1, 0.42, -0.06), (0.11, drop, -0.02),
                (-0.11, drop), (-0.1, 0.42, -0.02), (-0.14, 0.16, 0.06))
    glove = [Piece("finger", ribbon(path((x, 0.2), (x + lean * 0.12, y + 0.01), (x + lean * 0.13, y - 0.02)),
                                    0.066, 0.05), relief=0.8) for x, y, lean in fingers]
    glove += [Piece("finger", ribbon(path((-0.09, 0.34), (-0.2, 0.2, -0.1), (-0.22, 0.12, 0.05)), 0.085,
                                     0.055), slant=0.6),
              Piece("body", hand, lines=[Line(path((x, 0.17), (x, 0.28)), -0.35, 0.006) for x in (-0.05, 0.0,
                  0.05)]),
              Piece("cuff", path((-0.112, drop - 0.09), (0.112, drop - 0.09), (0.118, drop), (-0.118, drop)),
                    "accent" if product.accent else "trim",
                    lines=[Line(path((-0.11, drop - 0.09), (0.11, drop - 0.09)), -0.4, 0.007)])]
    gap = rng.uniform(0.19, 0.24)
    return [*(moved(piece.mirrored(), gap - 0.02, 0.03) for piece in glove),
            *(moved(piece, -gap, 0.0) for piece in glove)], None


SMALLS = {
    "handbag": handbag, "tote bag": tote_bag, "backpack": backpack, "cap": cap, "beanie": beanie,
    "sun hat": sun_hat,
    "scarf": scarf, "belt": belt, "tie": tie, "gloves": gloves,
}

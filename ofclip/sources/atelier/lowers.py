"""Cuts for what is worn from the waist down: jeans, trousers, shorts and skirts."""

from __future__ import annotations

import numpy as np

from ofclip.sources.atelier.shapes import Line, Piece, both, flip, pair, path, ribbon
from ofclip.sources.atelier.world import Product

WAIST, CROTCH, KNEE = 0.42, 0.74, 1.12
_WAIST_WIDTH, _HIP_WIDTH = 0.14, 0.182
#: Half width of a leg at knee and hem, by fit.
_LEG = {
    "skinny": (0.06, 0.046), "slim": (0.07, 0.066), "straight": (0.078, 0.074), "regular": (0.085, 0.086),
    "wide": (0.1, 0.118), "loose": (0.1, 0.112), "flared": (0.068, 0.13),
}
_TROUSER_HEM = {"mini": 0.9, "knee": 1.1, "ankle": 1.38, "long": 1.58}


def leg_pieces(fit: str, waist: float, top: float, hem: float, rng: np.random.Generator) -> list[Piece]:
    """Return two legs that start at height `top` with half width `waist` and end at `hem`."""
    knee, ankle = _LEG[fit]
    hip = _HIP_WIDTH + (0.02 if fit in ("wide", "loose") else 0.0)
    stance = rng.uniform(0.088, 0.11)
    at = min((hem - CROTCH) / (1.58 - CROTCH), 1.0)
    end = knee + (ankle - knee) * max(at - 0.45, 0) / 0.55 if at > 0.45 else hip - 0.09 + (knee - hip
        + 0.09) * at / 0.45
    centre = stance + 0.012 * at
    outline = path((-0.004, top), (waist, top), (hip, 0.62, 0.07))
    if hem > KNEE + 0.1:
        outline += path((hip, 0.62), (stance + knee, KNEE, 0.01),
                        (centre + end, hem, -0.02 if fit == "flared" else 0.0))[1:]
        outline += path((centre + end, hem), (centre - end, hem + 0.006), (stance - knee, KNEE, 0.0),
                        (0.006, CROTCH + 0.02, 0.02))[1:]
    else:
        outline += [(centre + end, hem), (max(centre - end, 0.012), hem + 0.006), (0.006, CROTCH + 0.02)]
    folds = [
        Line(path((0.02, CROTCH), (0.1, CROTCH + 0.05, 0.1)), -0.32, 0.018, soft=True),
        Line(path((0.015, CROTCH - 0.02), (0.13, CROTCH - 0.06, 0.08)), -0.28, 0.018, soft=True),
        Line(path((0.0, top), (0.004, CROTCH + 0.02)), -0.4, 0.006),
    ]
    if hem > KNEE:
        folds += [
            Line(path((stance - knee, KNEE + 0.02), (stance + 0.02, KNEE + 0.05, -0.1)), -0.28, 0.018,
                 soft=True),
            Line(path((stance + knee, KNEE - 0.03), (stance, KNEE, 0.1)), -0.22, 0.018, soft=True),
            Line(path((centre + 0.01, KNEE + 0.1), (centre, hem - 0.02)), 0.22, 0.03, soft=True),
        ]
    hem_line = Line(path((centre - end, hem - 0.022), (centre + end, hem - 0.026)), -0.25, 0.005, dashed=True)
    right = Piece("leg", outline, lines=[*folds, hem_line], slant=-0.03)
    return pair(right)


def skirt_piece(fit: str, waist: float, top: float, hem: float, rng: np.random.Generator) -> Piece:
    """Return a skirt that starts at height `top` with half width `waist` and ends at `hem`."""
    length = hem - top
    hip, hip_y = max(_HIP_WIDTH - 0.006, waist + 0.02), top + min(0.22, 0.5 * length)
    if fit in ("fitted", "slim"):
        bottom = hip - 0.02 * length + rng.uniform(-0.008, 0.008)
        outline = path((0.0, top), (waist, top), (hip, hip_y, 0.08), (bottom, hem), (0.0, hem + 0.012, 0.02))
        folds = [Line(path((0.1, hip_y + 0.1), (0.02, hip_y + 0.14, 0.1)), -0.25, 0.02, soft=True)]
        if length > 0.55:
            folds.append(Line(path((0.05, hem - 0.22), (0.05, hem + 0.01)), -0.5, 0.006))
    else:
        flare = (0.42 if fit == "a-line" else 0.36) * rng.uniform(0.9, 1.12)
        bottom = waist + 0.04 + flare * min(length, 0.75) + 0.06 * max(length - 0.75, 0)
        outline = path((0.0, top), (waist, top), (bottom, hem - 0.015, 0.03), (0.0, hem + 0.03, 0.05))
        count = 5 if fit == "a-line" else 9
        xs = [(k + 0.5) / count * 2 - 1 for k in range(count)]
        tone, width, soft = (-0.34, 0.024, True) if fit == "a-line" else (-0.42, 0.009, False)
        folds = [
            Line(path((x * waist, top + (0.08 if fit == "a-line" else 0.01)),
                      (x * bottom * 0.95, hem + 0.03)), tone, width, soft)
            for x in xs
        ]
    return Piece("skirt", both(outline), lines=folds)


def waistband(waist: float, drawstring: bool = False) -> list[Piece]:
    """Return the band at the waist, with a button or a drawstring."""
    band = both(path((0.0, WAIST - 0.018), (waist, WAIST - 0.026), (waist + 0.006, WAIST + 0.024),
                     (0.0, WAIST + 0.034)))
    if drawstring:
        gathers = [Line(path((x, WAIST - 0.02), (x, WAIST + 0.03)), -0.3, 0.006) for x in (-0.12, -0.09,
            -0.06, -0.03, 0.03, 0.06, 0.09, 0.12)]
        cords = pair(Piece("cord", ribbon(path((0.006, WAIST + 0.01), (0.025, WAIST + 0.15, 0.1)), 0.011),
                           "white"))
        return [Piece("waistband", band, "trim", lines=gathers), *cords]
    loops = [Piece("waistband", ribbon(path((x, WAIST - 0.03), (x, WAIST + 0.036)), 0.014),
                   "trim") for x in (-0.085, 0.085)]
    return [Piece("waistband", band, "trim", dots=[(0.0, WAIST + 0.007, 0.012, 0.5)]), *loops]


def trousers(product: Product, rng: np.random.Generator):
    waist = _WAIST_WIDTH + rng.uniform(-0.006, 0.006)
    hem = _TROUSER_HEM[product.length] * rng.uniform(0.98, 1.02)
    legs = leg_pieces(product.fit, waist, WAIST, hem, rng)
    denim = product.fabric == "denim"
    tone = 0.42 if denim and product.colour not in ("white", "beige") else -0.32
    pocket = path((0.07, WAIST + 0.03), (0.162, WAIST + 0.125, -0.22), (0.158, WAIST + 0.06, -0.05),
                  (0.14, WAIST + 0.03))
    mouth = path((0.07, WAIST + 0.03), (0.166, WAIST + 0.125, -0.22))
    fly = path((0.034, WAIST + 0.03), (0.034, CROTCH - 0.1), (0.004, CROTCH - 0.04, -0.2))
    pieces = [Piece("lining", both(path((0.0, WAIST - 0.03), (waist, WAIST - 0.036), (waist, WAIST),
                                        (0.0, WAIST))), "inside", behind=True), *legs]
    marks = [Line(mouth, tone, 0.006, dashed=denim), Line(mouth, -0.35, 0.005)]
    pieces += pair(Piece("pocket", pocket, lines=marks, relief=0.4))
    if product.closure != "drawstring":
        tip = Piece("placket", path((0.0, WAIST + 0.03), *fly, (0.0, CROTCH - 0.04)),
                    lines=[Line(fly, tone, 0.006, dashed=denim)], relief=0.3)
        if product.closure == "buttons":
            tip.dots.extend((0.016, WAIST + 0.07 + 0.05 * k, 0.009, 0.5) for k in range(3))
        pieces.append(tip)
    return [*pieces, *waistband(waist, product.closure == "drawstring")], None


def skirt(product: Product, rng: np.random.Generator):
    waist = 0.132 + rng.uniform(-0.006, 0.006)
    hem = {"mini": 0.78, "knee": 1.06, "midi": 1.28, "maxi": 1.56}[product.length] * rng.uniform(0.98, 1.02)
    piece = skirt_piece(product.fit, waist, WAIST, hem, rng)
    if product.closure == "buttons":
        tone = -0.6 if product.colour not in ("black", "navy", "brown") else 0.5
        piece.dots.extend((0.0, WAIST + 0.09 + 0.1 * k, 0.012,
                           tone) for k in range(int((hem - WAIST - 0.1) / 0.1)))
        piece.lines.append(Line(path((0.022, WAIST + 0.02), (0.022, hem + 0.02)), -0.35, 0.005))
    if product.fabric == "denim":
        piece.lines.extend(Line(points, 0.4, 0.006, dashed=True) for points in (path((0.06, WAIST),
            (0.13, WAIST + 0.1)), flip(path((0.06, WAIST), (0.13, WAIST + 0.1)))))
    back = Piece("lining", both(path((0.0, WAIST - 0.03), (waist, WAIST - 0.036), (waist, WAIST),
                                     (0.0, WAIST))), "inside", behind=True)
    band = both(path((0.0, WAIST - 0.016), (waist, WAIST - 0.024), (waist + 0.006, WAIST + 0.022),
                     (0.0, WAIST + 0.032)))
    return [back, piece, Piece("waistband", band, "trim")], None


LOWERS = {"jeans": trousers, "trousers": trousers, "shorts": trousers, "skirt": skirt}

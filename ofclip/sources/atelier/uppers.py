"""Cuts for what is worn on the upper body: tops, outerwear, dresses and jumpsuits.

Each returns its pieces, back to front, and the body that the wearer's pose is taken from.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ofclip.sources.atelier.bodies import (
    Body,
    body_piece,
    button_row,
    chest_pocket,
    hem_band,
    lapels,
    lining,
    measure,
    neck_edge,
    neckband,
    shirt_collar,
    sleeve_pieces,
    slit_pocket,
    stitch,
    with_lines,
)
from ofclip.sources.atelier.lowers import leg_pieces, skirt_piece
from ofclip.sources.atelier.shapes import Line, Path, Piece, both, disc, pair, path, ribbon
from ofclip.sources.atelier.world import Product

_HEM = {"cropped": 0.43, "regular": 0.62, "long": 0.82, "hip": 0.74, "knee": 1.06, "coat": 1.36}
_DARK = ("black", "navy", "brown", "purple")

Cut = tuple[list[Piece], Body]


def t_shirt(product: Product, rng: np.random.Generator) -> Cut:
    body = measure(product, rng, _HEM[product.length])
    hx, hy = body.hem
    front = with_lines(body_piece(product, body), stitch(path((-hx, hy - 0.02), (0, hy - 0.012),
                                                              (hx, hy - 0.02))))
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body), front,
              neckband(body, product.neckline)]
    if rng.random() < 0.25 and product.pattern != "graphic":
        pieces.append(chest_pocket())
    return pieces, body


def shirt(product: Product, rng: np.random.Generator) -> Cut:
    body = measure(product, rng, _HEM[product.length])
    hx, hy = body.hem
    tone = 0.6 if rng.random() < 0.5 and product.colour != "white" else -0.55
    lines = [Line(path((0.018, 0.06), (0.018, hy + 0.01)), -0.3, 0.005),
             Line(path((-0.018, 0.1), (-0.018, hy + 0.01)), -0.18, 0.004)]
    front = with_lines(body_piece(product, body), *lines, dots=button_row(0.1, hy - 0.02, 0.0, tone))
    pieces = [lining(body, "collar"), *sleeve_pieces(product, body,
                                                     "trim" if product.sleeve == "long" else None), front]
    pieces += shirt_collar(rng.uniform(0.9, 1.15)) if product.neckline == "collar" else [neckband(body,
        "crew", 0.034)]
    if rng.random() < 0.6:
        pieces.append(chest_pocket())
        if product.fabric == "denim":
            pieces.append(chest_pocket(flap=True).mirrored())
    return pieces, body


def blouse(product: Product, rng: np.random.Generator) -> Cut:
    body = measure(product, rng, _HEM[product.length] * 0.94)
    hx, hy = body.hem
    peplum = path((0.0, hy - 0.17), (body.waist + 0.004, hy - 0.17), (hx + 0.05, hy, -0.08),
                  (0.0, hy + 0.02, 0.03))
    gathers = [Line(path((x * 0.5, hy - 0.165), (x, hy)), -0.3, 0.012, soft=True) for x in (-0.17, -0.1,
        -0.04, 0.03, 0.09, 0.16)]
    gathers.append(Line(path((-body.waist, hy - 0.166), (body.waist, hy - 0.166)), -0.4, 0.007))
    sleeves = sleeve_pieces(product, body, "trim" if product.sleeve in ("long", "three-quarter") else None)
    pieces = [lining(body, product.neckline), *sleeves, body_piece(product, body),
              Piece("hem", both(peplum), lines=gathers)]
    if product.neckline == "tie-neck":
        bow = path((0, 0.07), (0.085, 0.03, 0.2), (0.09, 0.1, 0.15), (0, 0.075, 0.1))
        tail = ribbon(path((0.008, 0.08), (0.045, 0.27, -0.08)), 0.025, 0.045)
        pieces += [neckband(body, "crew", 0.03), *pair(Piece("collar", tail, "trim")),
                   *pair(Piece("collar", bow, "trim")),
                   Piece("collar", disc(0, 0.075, 0.018, 0.02), "trim")]
    elif product.neckline == "v-neck":
        frill = [(x + (0.028 if k % 2 else 0.012), y) for k, (x,
                                                              y) in enumerate(_dense(neck_edge(body,
                                                                  "v-neck"), 9))]
        pieces += pair(Piece("collar", _dense(neck_edge(body, "v-neck"), 9) + frill[::-1], "trim"))
    return pieces, body


def _dense(edge: Path, count: int) -> Path:
    (x0, y0), (x1, y1) = edge[0], edge[-1]
    return [(x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(count + 1)]


def tank_top(product: Product, rng: np.random.Generator) -> Cut:
    body = measure(product, rng, _HEM[product.length])
    hx, hy = body.hem
    front = body_piece(product, body)
    pieces = [lining(body, product.neckline), with_lines(front,
                                                         stitch(path((-hx, hy - 0.02), (hx, hy - 0.02))))]
    width = 0.022 if product.strap == "thin" else 0.055
    top = path((body.neck + 0.001, -0.004), (body.neck + width, 0.0), (body.neck + width + 0.012, 0.1),
               (body.neck - 0.012, 0.1))
    pieces += pair(Piece("strap", top, "trim" if product.pattern == "plain" else "main"))
    pieces.append(neckband(body, product.neckline, 0.012))
    return pieces, body


def sweater(product: Product, rng: np.random.Generator) -> Cut:
    body = measure(product, rng, _HEM[product.length] - 0.03)
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body, "trim"),
              body_piece(product, body), hem_band(body)]
    if product.neckline == "turtleneck":
        tube = both(path((0.0, -0.085), (0.07, -0.09), (0.08, 0.0, 0.1), (0.0, 0.045, 0.2)))
        fold = Line(path((-0.078, -0.02), (0.078, -0.02, 0.1)), -0.35, 0.008)
        pieces.append(Piece("collar", tube, "trim", lines=[fold]))
    else:
        pieces.append(neckband(body, product.neckline, 0.028))
    return pieces, body


def hoodie(product: Product, rng: np.random.Generator) -> Cut:
    body = measure(product, rng, _HEM[product.length] - 0.03)
    hx, hy = body.hem
    hood = both(path((0.0, -0.25), (0.13, -0.13, 0.22), (0.13, 0.03, 0.1), (0.07, 0.1), (0.0, 0.12)))
    inner = both(path((0.0, -0.2), (0.085, -0.11, 0.2), (0.07, 0.06, 0.05), (0.0, 0.11)))
    front = body_piece(product, body)
    if product.closure == "zip":
        front = with_lines(front, Line(path((0, 0.1), (0, hy + 0.03)), 0.5, 0.012),
                           Line(path((0.012, 0.1), (0.012, hy)), -0.5, 0.005))
        pockets = slit_pocket(body.waist - 0.07, hy - 0.17, flap=False)
    else:
        pouch = both(path((0.0, hy - 0.19), (0.07, hy - 0.19), (0.125, hy - 0.08), (0.125, hy - 0.015),
                          (0.0, hy - 0.01)))
        pockets = [Piece("pocket", pouch, lines=[Line(pouch + pouch[:1], -0.35, 0.006)], relief=0.7)]
    collar = path((0.105, -0.02), (0.0, 0.115, -0.12), (0.0, 0.15), (0.14, 0.03, -0.15), (0.105, -0.02))
    cords = pair(Piece("cord", ribbon(path((0.03, 0.115), (0.035, 0.3, 0.03)), 0.011), "white"))
    return [
        Piece("hood", hood, behind=True), Piece("lining", inner, "inside", behind=True),
        *sleeve_pieces(product, body, "trim"), front, *pockets, hem_band(body), *pair(Piece("hood", collar)),
        *cords,
    ], body


def cardigan(product: Product, rng: np.random.Generator) -> Cut:
    body = measure(product, rng, _HEM[product.length] - 0.02)
    hx, hy = body.hem
    tone = 0.6 if product.colour in _DARK else -0.6
    front, neck = body_piece(product, body), product.neckline
    if product.closure == "open":
        gap = rng.uniform(0.04, 0.06)
        edge = path((body.neck, 0.0), (gap, 0.3, -0.08), (gap, hy + 0.01))
        (ax, ay), (sx, sy) = body.armpit, body.shoulder
        half = edge[::-1] + path((body.neck, 0.0), (sx, sy, 0.03), (ax, ay, -0.1), (body.waist, 0.4, -0.03),
                                 body.hem)[1:]
        inside = Piece("lining", both(path((0.0, 0.02), (body.neck, -0.006), (gap + 0.03, 0.3),
                                           (gap + 0.02, hy - 0.03), (0, hy - 0.03))),
                       "inside", behind=True)
        fronts = pair(Piece("body", half, lines=[line for line in front.lines if line.points[0][0] > 0]))
        bands = pair(Piece("collar", ribbon(edge, 0.035), "trim", relief=0.7))
        return [inside, *sleeve_pieces(product, body, "trim"), *fronts, *bands], body
    band = Piece("placket", ribbon(path((0, body.depth - 0.01), (0, hy + 0.035)), 0.042), "trim", relief=0.6,
                 dots=button_row(body.depth + 0.02, hy + 0.02, 0, tone, 0.1, 0.012))
    return [lining(body, neck), *sleeve_pieces(product, body, "trim"), front, hem_band(body), band,
            neckband(body, neck, 0.034)], body


def fastening(product: Product, top: float, bottom: float, tone: float) -> tuple[list[Line], list]:
    """Return lines and buttons of a jacket's front."""
    if product.closure == "double-breasted":
        rows = max(int((bottom - top) / 0.16), 2)
        dots = [(s * 0.055, top + 0.03 + k * (bottom - top - 0.1) / rows, 0.014,
                 tone) for k in range(rows) for s in (-1, 1)]
        return [Line(path((0.0, top), (0.075, top + 0.03), (0.075, bottom)), -0.42, 0.006)], dots
    if product.closure == "zip":
        return [Line(path((0.0, top), (0.0, bottom)), 0.6, 0.014),
                Line(path((0.0, top), (0.0, bottom)), -0.6, 0.004)], []
    dots = [] if product.closure == "belt" else button_row(top + 0.02, min(bottom, top + 0.45), -0.002, tone,
                                                           0.13, 0.014)
    return [Line(path((0.016, top), (0.016, bottom)), -0.42, 0.006)], dots


def outer(product: Product, rng: np.random.Generator) -> Cut:
    hem = _HEM["coat" if product.type == "coat" and product.length == "long" else product.length]
    rib = product.type == "jacket" and product.neckline == "band collar"
    body = measure(product, rng, hem - (0.03 if rib else 0.0))
    hx, hy = body.hem
    tone = -0.6 if product.colour not in _DARK else 0.45
    opening = {"lapels": body.depth, "hood": 0.12}.get(product.neckline, 0.05)
    lines, dots = fastening(product, opening, hy + 0.01, tone)
    if product.fabric == "denim":
        lines += [stitch(path((s * 0.06, 0.19), (s * 0.035, hy)), 0.4) for s in (-1, 1)]
    front = with_lines(body_piece(product, body), *lines, dots=dots)
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body,
                                                             "trim" if rib or product.type == "jacket"
                                                             else None), front]
    if product.type == "jacket" and product.fabric == "denim":
        pieces += pair(chest_pocket(0.095, 0.17, 0.04, 0.09, flap=True))
    else:
        pieces += slit_pocket(body.waist - 0.055, min(0.46, hy - 0.15),
                              flap=product.type == "blazer" or rng.random() < 0.5)
    if rib:
        pieces.append(hem_band(body))
    if product.neckline == "lapels":
        pieces += lapels(body.depth, rng.uniform(0.9, 1.2))
    elif product.neckline == "hood":
        hood = both(path((0.0, -0.25), (0.14, -0.13, 0.22), (0.14, 0.03, 0.1), (0.07, 0.1), (0.0, 0.12)))
        inner = both(path((0.0, -0.2), (0.09, -0.11, 0.2), (0.075, 0.06, 0.05), (0.0, 0.12)))
        collar = path((0.11, -0.02), (0.0, 0.125, -0.1), (0.0, 0.17), (0.15, 0.03, -0.15), (0.11, -0.02))
        pieces = [Piece("hood", hood, behind=True), Piece("lining", inner, "inside", behind=True),
                  *pieces[1:], *pair(Piece("hood", collar))]
    elif product.neckline == "collar":
        pieces += shirt_collar(1.25)
    else:
        pieces.append(neckband(body, "crew", 0.05))
    if product.closure == "belt":
        w = body.waist + 0.012
        pieces += [Piece("belt", ribbon(path((-w, 0.43), (w, 0.43, -0.02)), 0.05), "trim"),
                   Piece("belt", ribbon(path((0.03, 0.44), (0.05, 0.64, 0.03)), 0.04), "trim"),
                   Piece("buckle", ribbon(path((0.005, 0.434), (0.055, 0.434)), 0.062), "metal")]
    return pieces, body


def dress(product: Product, rng: np.random.Generator) -> Cut:
    hem = {"mini": 0.9, "knee": 1.1, "midi": 1.32, "maxi": 1.58}[product.length] * rng.uniform(0.98, 1.02)
    waist = rng.uniform(0.4, 0.44)
    body = measure(product, rng, waist)
    body = replace(body, hem=(body.waist, waist))
    skirt = skirt_piece(product.fit, body.waist, waist - 0.01, hem, rng)
    front = body_piece(product, body)
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body), skirt, front]
    if rng.random() < 0.5:
        pieces.append(Piece("belt", ribbon(path((-body.waist - 0.004, waist), (body.waist + 0.004, waist)),
                                           0.036), "trim"))
    if product.neckline not in ("square", "v-neck"):
        pieces.append(neckband(body, product.neckline, 0.012))
    return pieces, body


def jumpsuit(product: Product, rng: np.random.Generator) -> Cut:
    waist = 0.43
    body = measure(product, rng, waist)
    body = replace(body, hem=(body.waist, waist))
    hem = {"mini": 0.9, "ankle": 1.36, "long": 1.58}[product.length]
    tone = -0.6 if product.colour not in _DARK else 0.5
    lines, dots = ([], button_row(body.depth + 0.01, 0.7, 0, tone)) if product.closure == "buttons" else (
        [Line(path((0, body.depth), (0, 0.7)), 0.6, 0.013), Line(path((0, body.depth), (0, 0.7)), -0.6,
            0.004)], [])
    legs = leg_pieces({"slim": "skinny", "wide": "wide"}[product.fit], body.waist, waist - 0.02, hem, rng)
    front = with_lines(body_piece(product, body), *lines, dots=[d for d in dots if d[1] < waist])
    belt = Piece("belt", ribbon(path((-body.waist - 0.004, waist), (body.waist + 0.004, waist)), 0.042),
                 "trim")
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body), *legs, front, belt]
    if product.neckline == "collar":
        pieces += shirt_collar(1.1)
    return pieces, body


UPPERS = {
    "t-shirt": t_shirt, "shirt": shirt, "blouse": blouse, "tank top": tank_top, "sweater": sweater,
    "hoodie": hoodie,
    "cardigan": cardigan, "blazer": outer, "jacket": outer, "coat": outer, "dress": dress,
    "jumpsuit": jumpsuit,
}

"""Cuts for what is worn on the upper body: tops, outerwear, dresses and jumpsuits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ofclip.sources.atelier.lowers import leg_pieces, skirt_piece
from ofclip.sources.atelier.shapes import Line, Path, Piece, both, disc, flip, pair, path, ribbon
from ofclip.sources.atelier.world import Product

_SLACK = {"slim": -0.02, "fitted": -0.02, "a-line": -0.014, "pleated": -0.014, "loose": 0.04}
_HEM = {"cropped": 0.43, "regular": 0.62, "long": 0.82, "hip": 0.74, "knee": 1.06, "coat": 1.36}
_NECK = {  # half width and depth of the opening
    "crew": (0.078, 0.055), "v-neck": (0.08, 0.21), "scoop": (0.11, 0.15), "square": (0.105, 0.125),
    "boat": (0.145, 0.032), "turtleneck": (0.072, 0.03), "collar": (0.068, 0.05), "band collar": (0.068, 0.04),
    "tie-neck": (0.07, 0.045), "hood": (0.09, 0.1), "lapels": (0.078, 0.33),
}  # fmt: skip


@dataclass(frozen=True)
class Body:
    """Measures of one garment on one wearer: points named as tailors do, and the pose of the arms."""

    neck: float  # half width of the neck opening
    depth: float  # how deep it is in front
    shoulder: tuple[float, float]
    armpit: tuple[float, float]
    waist: float  # half width
    hem: tuple[float, float]  # half width, height
    slack: float
    arm: float  # angle of the upper arm from the vertical, radians
    bend: float  # of the elbow


def pose(product: Product, rng: np.random.Generator) -> tuple[float, float]:
    """Return arm angle and elbow bend; clothes laid flat have their sleeves spread wider."""
    low, high = (0.45, 0.85) if product.domain == "flatlay" else (0.26, 0.5)
    if product.category == "outerwear":
        low, high = low - 0.08, high - 0.12
    return rng.uniform(low, high), rng.uniform(0.02, 0.22)


def measure(product: Product, rng: np.random.Generator, hem: float) -> Body:
    """Measure a body for a garment that ends at height `hem`."""
    man = product.gender == "men"
    slack = _SLACK.get(product.fit, 0.0) + rng.uniform(-0.006, 0.006)
    if product.category == "outerwear":
        slack += 0.015
    neck, depth = _NECK[product.neckline]
    depth *= rng.uniform(0.92, 1.1)
    arm, bend = pose(product, rng)
    chest = 0.166 + 0.012 * man + slack
    waist = chest - (0.008 if man or slack > 0.02 else 0.032)
    flare = rng.uniform(0.0, 0.02) + max(hem - 0.62, 0) * 0.05
    return Body(
        neck, depth, (0.19 + 0.012 * man + 0.5 * slack, 0.055), (chest, 0.22 + max(slack, 0)), waist,
        (chest + 0.004 + flare, hem * rng.uniform(0.97, 1.03)), slack, arm, bend,
    )  # fmt: skip


def neck_edge(body: Body, neckline: str) -> Path:
    """Return the right half of the front neck edge, from the middle up to the shoulder."""
    low, side = (0.0, body.depth), (body.neck, 0.0)
    if neckline == "square":
        return path(low, (body.neck - 0.006, body.depth), side)
    bulge = {"v-neck": -0.02, "lapels": 0.0, "boat": -0.1, "scoop": -0.26}.get(neckline, -0.2)
    return path(low, (*side, bulge))


def body_piece(product: Product, body: Body, part: str = "body") -> Piece:
    """Return the front."""
    (sx, sy), (ax, ay), (hx, hy) = body.shoulder, body.armpit, body.hem
    if product.sleeve == "sleeveless":
        sx, sy, armhole = sx - 0.035, sy - 0.012, -0.16
        if product.strap:
            sx = body.neck + (0.022 if product.strap == "thin" else 0.055)
            sy, armhole = 0.005, -0.2
    else:
        armhole = -0.1
    right = neck_edge(body, product.neckline) + path((body.neck, 0.0), (sx, sy, 0.03), (ax, ay, armhole))[1:]
    waist = min(0.42, hy - 0.05)
    right += path((ax, ay), (body.waist, waist, -0.03), (hx, hy, -0.03), (0.0, hy + 0.012, 0.02))[1:]
    folds = [
        Line(path((ax - 0.01, ay + 0.02), (ax - 0.09, ay + 0.12, -0.1)), -0.3, 0.02, soft=True),
        Line(path((body.waist - 0.01, waist), (body.waist - 0.1, waist + 0.05, 0.1)), -0.25, 0.02, soft=True),
        Line(path((0.06, hy - 0.02), (0.05, hy - 0.2, 0.05)), -0.2, 0.018, soft=True),
    ]
    return Piece(part, both(right), lines=folds + [Line(flip(f.points), f.tone, f.width, True) for f in folds])


def lining(body: Body, neckline: str) -> Piece:
    """Return the inside of the back, which shows in the neck opening."""
    top = path((0.0, 0.022), (body.neck, -0.006, -0.12))
    return Piece("lining", both(top + neck_edge(body, neckline)[::-1]), "inside", behind=True)


def sleeve_pieces(product: Product, body: Body, cuff: str | None = None) -> list[Piece]:
    """Return both sleeves, and cuffs of fill `cuff` at long ones."""
    if product.sleeve == "sleeveless":
        return []
    (sx, sy), (ax, ay) = body.shoulder, body.armpit
    turn, fore = body.arm, body.arm - body.bend
    along, across = (math.sin(turn), math.cos(turn)), (math.cos(turn), -math.sin(turn))
    along2, across2 = (math.sin(fore), math.cos(fore)), (math.cos(fore), -math.sin(fore))
    joint = (sx - 0.05, sy + 0.065)

    def at(origin, direction, length, side, width):
        return (origin[0] + direction[0] * length + side[0] * width, origin[1] + direction[1] * length + side[1] * width)

    elbow = at(joint, along, 0.28, across, 0.0)
    slack = max(body.slack, -0.015)
    wide, narrow = 0.062 + 0.6 * slack, 0.046 + 0.5 * slack
    top, pit = (sx - 0.02, sy - 0.006), (ax - 0.03, ay + 0.01)
    inner = (ax - 0.05, ay - 0.06)
    slant = -turn
    if product.sleeve == "short":
        length, spread = 0.185, 0.077 + 0.7 * slack
        ends = at(joint, along, length, across, spread), at(joint, along, length, across, -spread)
        outline = path(top, (*ends[0], 0.07), ends[1], (*pit, -0.03), inner)
        hem = Line(path(at(joint, along, length - 0.018, across, spread), at(joint, along, length - 0.018, across, -spread)))
        return pair(Piece("sleeve", outline, lines=[hem], slant=slant))
    reach = {"three-quarter": 0.13, "long": 0.29, "bell": 0.27}[product.sleeve]
    if product.sleeve == "bell":
        narrow = 0.115
    if product.sleeve == "three-quarter":
        narrow = (wide + narrow) / 2
    if cuff:
        reach -= 0.03
    ends = at(elbow, along2, reach, across2, narrow), at(elbow, along2, reach, across2, -narrow)
    bow = -0.12 if product.sleeve == "bell" else 0.02
    outline = path(
        top, (*at(elbow, along, 0, across, wide), 0.05), (*ends[0], bow), (*ends[1], -0.05 if narrow > 0.1 else 0.0),
        (*at(elbow, along, 0, across, -wide), bow), (*pit, -0.02), inner,
    )  # fmt: skip
    crease = at(elbow, along, 0, across, -wide)
    folds = [
        Line(path(crease, (*at(elbow, along, 0.01, across, 0.02), 0.1)), -0.3, 0.016, soft=True),
        Line(path(at(elbow, along, 0.05, across, -wide), at(elbow, along, 0.03, across, 0.0)), -0.25, 0.014, soft=True),
        Line(path(pit, at(joint, along, 0.1, across, 0.01)), -0.22, 0.018, soft=True),
    ]
    if product.sleeve == "bell":
        folds += [
            Line(path(at(elbow, along2, 0.1, across2, s * 0.02), at(elbow, along2, reach, across2, s * 0.06)), -0.35, 0.014, True)
            for s in (-1, 0, 1)
        ]
    pieces = [Piece("sleeve", outline, lines=folds, slant=slant)]
    if cuff:
        w = narrow * 1.04
        outline = [
            at(elbow, along2, reach - 0.012, across2, w), at(elbow, along2, reach + 0.04, across2, w * 0.9),
            at(elbow, along2, reach + 0.04, across2, -w * 0.9), at(elbow, along2, reach - 0.012, across2, -w),
        ]  # fmt: skip
        pieces.append(Piece("cuff", outline, cuff, slant=slant))
    return [mirrored for piece in pieces for mirrored in pair(piece)]


def neckband(body: Body, neckline: str, width: float = 0.02) -> Piece:
    """Return the ribbed band along the neck edge."""
    edge = neck_edge(body, neckline)
    return Piece("collar", ribbon(flip(edge)[::-1] + edge[1:], width), "trim", relief=0.6)


def shirt_collar(size: float = 1.0, fill: str = "trim") -> list[Piece]:
    """Return the stand behind the neck and two leaves."""
    leaf = path(
        (0.074, -0.028), (0.0, 0.052, -0.1), (0.05 * size, 0.052 + 0.085 * size), (0.105, 0.028, -0.05), (0.074, -0.028, 0.1)
    )
    edge = Line(path((0.0, 0.052), (0.05 * size, 0.052 + 0.085 * size), (0.105, 0.028)), -0.3, 0.005)
    stand = Piece("collar", both(path((0.0, -0.022), (0.075, -0.03), (0.07, 0.04), (0.0, 0.04))), "inside", behind=True)
    return [stand, *pair(Piece("collar", leaf, fill, lines=[edge]))]


def button_row(top: float, bottom: float, x: float, tone: float, gap: float = 0.085, radius: float = 0.009):
    """Return a column of buttons."""
    count = max(int((bottom - top) / gap), 1)
    return [(x, top + (k + 0.4) * (bottom - top) / count, radius, tone) for k in range(count)]


def chest_pocket(x: float = 0.085, y: float = 0.2, w: float = 0.036, h: float = 0.085, flap: bool = False) -> Piece:
    """Return a patch pocket."""
    outline = path((x - w, y), (x + w, y), (x + w, y + h * 0.8), (x, y + h), (x - w, y + h * 0.8))
    lines = [Line(path((x - w, y + 0.012), (x + w, y + 0.012)), -0.35, 0.005)]
    if flap:
        lines = [Line(path((x - w, y + 0.018), (x, y + 0.036), (x + w, y + 0.018)), -0.45, 0.007)]
    return Piece("pocket", outline, lines=[*lines, Line(outline + outline[:1], -0.3, 0.005)], relief=0.6)


def slit_pocket(x: float, y: float, flap: bool) -> list[Piece]:
    """Return a pair of jacket pockets, with a flap or as a slanted welt."""
    if flap:
        outline = path((x - 0.05, y), (x + 0.045, y - 0.008), (x + 0.045, y + 0.032), (x - 0.05, y + 0.04))
    else:
        outline = ribbon(path((x - 0.015, y), (x + 0.025, y + 0.11)), 0.022)
    return pair(Piece("pocket", outline, lines=[Line(outline + outline[:1], -0.35, 0.005)], relief=0.6))


def hem_band(body: Body, height: float = 0.045) -> Piece:
    """Return the ribbed band at the hem."""
    hx, hy = body.hem
    right = path((0.0, hy - 0.012), (hx + 0.002, hy - 0.02), (hx - 0.012, hy + height - 0.008), (0.0, hy + height))
    return Piece("hem", both(right), "trim")


def with_lines(piece: Piece, *lines: Line, dots=()) -> Piece:
    """Return the piece with more sewn on it."""
    return Piece(
        piece.part, piece.outline, piece.fill, [*piece.lines, *lines], [*piece.dots, *dots], piece.slant, piece.behind,
        piece.relief,
    )  # fmt: skip


def stitch(points: Path, tone: float = -0.28) -> Line:
    return Line(points, tone, 0.005, dashed=True)


def t_shirt(product, rng):
    body = measure(product, rng, _HEM[product.length])
    hx, hy = body.hem
    front = with_lines(body_piece(product, body), stitch(path((-hx, hy - 0.02), (0, hy - 0.012), (hx, hy - 0.02))))
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body), front, neckband(body, product.neckline)]
    if rng.random() < 0.25 and product.pattern != "graphic":
        pieces.append(chest_pocket())
    return pieces, body


def shirt(product, rng, tone=None):
    body = measure(product, rng, _HEM[product.length])
    hx, hy = body.hem
    tone = tone if tone is not None else (0.6 if rng.random() < 0.5 and product.colour != "white" else -0.55)
    lines = [Line(path((0.018, 0.06), (0.018, hy + 0.01)), -0.3, 0.005), Line(path((-0.018, 0.1), (-0.018, hy + 0.01)), -0.18, 0.004)]
    front = with_lines(body_piece(product, body), *lines, dots=button_row(0.1, hy - 0.02, 0.0, tone))
    pieces = [lining(body, "collar"), *sleeve_pieces(product, body, "trim" if product.sleeve == "long" else None), front]
    pieces += shirt_collar(rng.uniform(0.9, 1.15)) if product.neckline == "collar" else [neckband(body, "crew", 0.034)]
    if rng.random() < 0.6:
        pieces.append(chest_pocket())
        if product.fabric == "denim":
            pieces.append(chest_pocket(flap=True).mirrored())
    return pieces, body


def blouse(product, rng):
    body = measure(product, rng, _HEM[product.length] * 0.94)
    hx, hy = body.hem
    peplum = path((0.0, hy - 0.17), (body.waist + 0.004, hy - 0.17), (hx + 0.05, hy, -0.08), (0.0, hy + 0.02, 0.03))
    gathers = [Line(path((x * 0.5, hy - 0.165), (x, hy)), -0.3, 0.012, soft=True) for x in (-0.17, -0.1, -0.04, 0.03, 0.09, 0.16)]
    gathers.append(Line(path((-body.waist, hy - 0.166), (body.waist, hy - 0.166)), -0.4, 0.007))
    sleeves = sleeve_pieces(product, body, "trim" if product.sleeve in ("long", "three-quarter") else None)
    pieces = [lining(body, product.neckline), *sleeves, body_piece(product, body), Piece("hem", both(peplum), lines=gathers)]
    if product.neckline == "tie-neck":
        bow = path((0, 0.07), (0.085, 0.03, 0.2), (0.09, 0.1, 0.15), (0, 0.075, 0.1))
        tail = ribbon(path((0.008, 0.08), (0.045, 0.27, -0.08)), 0.025, 0.045)
        pieces += [neckband(body, "crew", 0.03), *pair(Piece("collar", tail, "trim")), *pair(Piece("collar", bow, "trim")),
                   Piece("collar", disc(0, 0.075, 0.018, 0.02), "trim")]  # fmt: skip
    elif product.neckline == "v-neck":
        frill = [(x + (0.028 if k % 2 else 0.012), y) for k, (x, y) in enumerate(_dense(neck_edge(body, "v-neck"), 9))]
        pieces += pair(Piece("collar", _dense(neck_edge(body, "v-neck"), 9) + frill[::-1], "trim"))
    return pieces, body


def _dense(edge: Path, count: int) -> Path:
    (x0, y0), (x1, y1) = edge[0], edge[-1]
    return [(x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(count + 1)]


def tank_top(product, rng):
    body = measure(product, rng, _HEM[product.length])
    hx, hy = body.hem
    front = body_piece(product, body)
    pieces = [lining(body, product.neckline), with_lines(front, stitch(path((-hx, hy - 0.02), (hx, hy - 0.02))))]
    width = 0.022 if product.strap == "thin" else 0.055
    top = path((body.neck + 0.001, -0.004), (body.neck + width, 0.0), (body.neck + width + 0.012, 0.1), (body.neck - 0.012, 0.1))
    pieces += pair(Piece("strap", top, "trim" if product.pattern == "plain" else "main"))
    pieces.append(neckband(body, product.neckline, 0.012))
    return pieces, body


def sweater(product, rng):
    body = measure(product, rng, _HEM[product.length] - 0.03)
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body, "trim"), body_piece(product, body), hem_band(body)]
    if product.neckline == "turtleneck":
        tube = both(path((0.0, -0.085), (0.07, -0.09), (0.08, 0.0, 0.1), (0.0, 0.045, 0.2)))
        fold = Line(path((-0.078, -0.02), (0.078, -0.02, 0.1)), -0.35, 0.008)
        pieces.append(Piece("collar", tube, "trim", lines=[fold]))
    else:
        pieces.append(neckband(body, product.neckline, 0.028))
    return pieces, body


def hoodie(product, rng):
    body = measure(product, rng, _HEM[product.length] - 0.03)
    hx, hy = body.hem
    hood = both(path((0.0, -0.25), (0.13, -0.13, 0.22), (0.13, 0.03, 0.1), (0.07, 0.1), (0.0, 0.12)))
    inner = both(path((0.0, -0.2), (0.085, -0.11, 0.2), (0.07, 0.06, 0.05), (0.0, 0.11)))
    front = body_piece(product, body)
    if product.closure == "zip":
        front = with_lines(front, Line(path((0, 0.1), (0, hy + 0.03)), 0.5, 0.012), Line(path((0.012, 0.1), (0.012, hy)), -0.5, 0.005))
        pockets = slit_pocket(body.waist - 0.07, hy - 0.17, flap=False)
    else:
        pouch = both(path((0.0, hy - 0.19), (0.07, hy - 0.19), (0.125, hy - 0.08), (0.125, hy - 0.015), (0.0, hy - 0.01)))
        pockets = [Piece("pocket", pouch, lines=[Line(pouch + pouch[:1], -0.35, 0.006)], relief=0.7)]
    collar = path((0.105, -0.02), (0.0, 0.115, -0.12), (0.0, 0.15), (0.14, 0.03, -0.15), (0.105, -0.02))
    cords = pair(Piece("cord", ribbon(path((0.03, 0.115), (0.035, 0.3, 0.03)), 0.011), "white"))
    return [
        Piece("hood", hood, behind=True), Piece("lining", inner, "inside", behind=True),
        *sleeve_pieces(product, body, "trim"), front, *pockets, hem_band(body), *pair(Piece("hood", collar)), *cords,
    ], body  # fmt: skip


def cardigan(product, rng):
    body = measure(product, rng, _HEM[product.length] - 0.02)
    hx, hy = body.hem
    tone = 0.6 if product.colour in ("black", "navy", "brown", "red", "purple") else -0.6
    front, neck = body_piece(product, body), product.neckline
    if product.closure == "open":
        gap = rng.uniform(0.04, 0.06)
        edge = path((body.neck, 0.0), (gap, 0.3, -0.08), (gap, hy + 0.01))
        (ax, ay), (sx, sy) = body.armpit, body.shoulder
        half = edge[::-1] + path((body.neck, 0.0), (sx, sy, 0.03), (ax, ay, -0.1), (body.waist, 0.4, -0.03), body.hem)[1:]
        inside = Piece("lining", both(path((0.0, 0.02), (body.neck, -0.006), (gap + 0.03, 0.3), (gap + 0.02, hy - 0.03), (0, hy - 0.03))),
                       "inside", behind=True)  # fmt: skip
        fronts = pair(Piece("body", half, lines=[line for line in front.lines if line.points[0][0] > 0]))
        bands = pair(Piece("collar", ribbon(edge, 0.035), "trim", relief=0.7))
        return [inside, *sleeve_pieces(product, body, "trim"), *fronts, *bands], body
    band = Piece("placket", ribbon(path((0, body.depth - 0.01), (0, hy + 0.035)), 0.042), "trim", relief=0.6,
                 dots=button_row(body.depth + 0.02, hy + 0.02, 0, tone, 0.1, 0.012))  # fmt: skip
    return [lining(body, neck), *sleeve_pieces(product, body, "trim"), front, hem_band(body), band, neckband(body, neck, 0.034)], body


def lapels(depth: float, wide: float = 1.0) -> list[Piece]:
    """Return notched lapels that meet at `depth`, and the collar above them."""
    collar = path((0.076, -0.03), (0.062, 0.1), (0.115 * wide, 0.085), (0.115, 0.02, -0.1), (0.076, -0.03))
    leaf = path((0.066, 0.05), (0.0, depth, 0.02), (0.105 * wide, 0.17, 0.02), (0.125 * wide, 0.11), (0.075, 0.1))
    edge = Line(path((0.0, depth), (0.105 * wide, 0.17, 0.02), (0.125 * wide, 0.11), (0.075, 0.1)), -0.4, 0.006)
    stand = Piece("collar", both(path((0.0, -0.02), (0.078, -0.032), (0.075, 0.03), (0.0, 0.04))), "trim", behind=True)
    return [stand, *pair(Piece("collar", collar, "trim", lines=[Line(collar, -0.3, 0.005)])),
            *pair(Piece("collar", leaf, lines=[edge], slant=0.3))]  # fmt: skip


def fastening(product: Product, top: float, bottom: float, tone: float) -> tuple[list[Line], list]:
    """Return lines and buttons of a jacket's front."""
    if product.closure == "double-breasted":
        rows = max(int((bottom - top) / 0.16), 2)
        dots = [(s * 0.055, top + 0.03 + k * (bottom - top - 0.1) / rows, 0.014, tone) for k in range(rows) for s in (-1, 1)]
        return [Line(path((0.0, top), (0.075, top + 0.03), (0.075, bottom)), -0.42, 0.006)], dots
    if product.closure == "zip":
        return [Line(path((0.0, top), (0.0, bottom)), 0.6, 0.014), Line(path((0.0, top), (0.0, bottom)), -0.6, 0.004)], []
    dots = [] if product.closure == "belt" else button_row(top + 0.02, min(bottom, top + 0.45), -0.002, tone, 0.13, 0.014)
    return [Line(path((0.016, top), (0.016, bottom)), -0.42, 0.006)], dots


def outer(product, rng):
    hem = _HEM["coat" if product.type == "coat" and product.length == "long" else product.length]
    rib = product.type == "jacket" and product.neckline == "band collar"
    body = measure(product, rng, hem - (0.03 if rib else 0.0))
    hx, hy = body.hem
    tone = -0.6 if product.colour not in ("black", "navy", "brown") else 0.45
    opening = {"lapels": body.depth, "hood": 0.12}.get(product.neckline, 0.05)
    lines, dots = fastening(product, opening, hy + 0.01, tone)
    if product.fabric == "denim":
        lines += [stitch(path((s * 0.06, 0.19), (s * 0.035, hy)), 0.4) for s in (-1, 1)]
    front = with_lines(body_piece(product, body), *lines, dots=dots)
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body, "trim" if rib or product.type == "jacket" else None), front]
    if product.type == "jacket" and product.fabric == "denim":
        pieces += pair(chest_pocket(0.095, 0.17, 0.04, 0.09, flap=True))
    else:
        pieces += slit_pocket(body.waist - 0.055, min(0.46, hy - 0.15), flap=product.type == "blazer" or rng.random() < 0.5)
    if rib:
        pieces.append(hem_band(body))
    if product.neckline == "lapels":
        pieces += lapels(body.depth, rng.uniform(0.9, 1.2))
    elif product.neckline == "hood":
        hood = both(path((0.0, -0.25), (0.14, -0.13, 0.22), (0.14, 0.03, 0.1), (0.07, 0.1), (0.0, 0.12)))
        inner = both(path((0.0, -0.2), (0.09, -0.11, 0.2), (0.075, 0.06, 0.05), (0.0, 0.12)))
        collar = path((0.11, -0.02), (0.0, 0.125, -0.1), (0.0, 0.17), (0.15, 0.03, -0.15), (0.11, -0.02))
        pieces = [Piece("hood", hood, behind=True), Piece("lining", inner, "inside", behind=True), *pieces[1:], *pair(Piece("hood", collar))]
    elif product.neckline == "collar":
        pieces += shirt_collar(1.25, "main" if product.pattern == "plain" else "trim")
    else:
        pieces.append(neckband(body, "crew", 0.05))
    if product.closure == "belt":
        w = body.waist + 0.012
        pieces += [Piece("belt", ribbon(path((-w, 0.43), (w, 0.43, -0.02)), 0.05), "trim"),
                   Piece("belt", ribbon(path((0.03, 0.44), (0.05, 0.64, 0.03)), 0.04), "trim"),
                   Piece("buckle", ribbon(path((0.005, 0.434), (0.055, 0.434)), 0.062), "metal")]  # fmt: skip
    return pieces, body


def dress(product, rng):
    hem = {"mini": 0.9, "knee": 1.1, "midi": 1.32, "maxi": 1.58}[product.length] * rng.uniform(0.98, 1.02)
    waist = rng.uniform(0.4, 0.44)
    body = measure(product, rng, waist)
    body = Body(body.neck, body.depth, body.shoulder, body.armpit, body.waist, (body.waist, waist), body.slack, body.arm, body.bend)
    skirt = skirt_piece(product.fit, body.waist, waist - 0.01, hem, rng)
    front = body_piece(product, body)
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body), skirt, front]
    if rng.random() < 0.5:
        pieces.append(Piece("belt", ribbon(path((-body.waist - 0.004, waist), (body.waist + 0.004, waist)), 0.036), "trim"))
    if product.neckline not in ("square", "v-neck"):
        pieces.append(neckband(body, product.neckline, 0.012))
    return pieces, body


def jumpsuit(product, rng):
    waist = 0.43
    body = measure(product, rng, waist)
    body = Body(body.neck, body.depth, body.shoulder, body.armpit, body.waist, (body.waist, waist), body.slack, body.arm, body.bend)
    hem = {"mini": 0.9, "ankle": 1.36, "long": 1.58}[product.length]
    tone = -0.6 if product.colour not in ("black", "navy", "brown", "purple") else 0.5
    lines, dots = ([], button_row(body.depth + 0.01, 0.7, 0, tone)) if product.closure == "buttons" else (
        [Line(path((0, body.depth), (0, 0.7)), 0.6, 0.013), Line(path((0, body.depth), (0, 0.7)), -0.6, 0.004)], [])  # fmt: skip
    legs = leg_pieces({"slim": "skinny", "wide": "wide"}[product.fit], body.waist, waist - 0.02, hem, rng)
    front = with_lines(body_piece(product, body), *lines, dots=[d for d in dots if d[1] < waist])
    belt = Piece("belt", ribbon(path((-body.waist - 0.004, waist), (body.waist + 0.004, waist)), 0.042), "trim")
    pieces = [lining(body, product.neckline), *sleeve_pieces(product, body), *legs, front, belt]
    if product.neckline == "collar":
        pieces += shirt_collar(1.1, "main")
    return pieces, body


UPPERS = {
    "t-shirt": t_shirt, "shirt": shirt, "blouse": blouse, "tank top": tank_top, "sweater": sweater, "hoodie": hoodie,
    "cardigan": cardigan, "blazer": outer, "jacket": outer, "coat": outer, "dress": dress, "jumpsuit": jumpsuit,
}  # fmt: skip

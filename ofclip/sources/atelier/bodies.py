"""The tailor's block of everything worn on the upper body: measures, fronts, sleeves, collars, pockets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ofclip.sources.atelier.shapes import Line, Path, Piece, both, flip, pair, path, ribbon
from ofclip.sources.atelier.world import Product

_SLACK = {"slim": -0.02, "fitted": -0.02, "a-line": -0.014, "pleated": -0.014, "loose": 0.04}
_NECK = {  # half width and depth of the opening
    "crew": (0.078, 0.055), "v-neck": (0.08, 0.21), "scoop": (0.11, 0.15), "square": (0.105, 0.125),
    "boat": (0.145, 0.032), "turtleneck": (0.072, 0.03), "collar": (0.068, 0.05),
    "band collar": (0.068, 0.04),
    "tie-neck": (0.07, 0.045), "hood": (0.09, 0.1), "lapels": (0.078, 0.33),
}


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
    )


def neck_edge(body: Body, neckline: str) -> Path:
    """Return the right half of the front neck edge, from the middle up to the shoulder."""
    low, side = (0.0, body.depth), (body.neck, 0.0)
    if neckline == "square":
        return path(low, (body.neck - 0.006, body.depth), side)
    bulge = {"v-neck": -0.02, "lapels": 0.0, "boat": -0.1, "scoop": -0.26}.get(neckline, -0.2)
    return path(low, (*side, bulge))


def body_piece(product: Product, body: Body) -> Piece:
    """Return the front."""
    (sx, sy), (ax, ay), (hx, hy) = body.shoulder, body.armpit, body.hem
    if product.sleeve == "sleeveless":
        sx, sy, armhole = sx - 0.035, sy - 0.012, -0.16
        if product.strap:
            sx = body.neck + (0.022 if product.strap == "thin" else 0.055)
            sy, armhole = 0.005, -0.2
    else:
        sx, sy, armhole = sx - 0.022, sy - 0.008, -0.1
    right = neck_edge(body, product.neckline) + path((body.neck, 0.0), (sx, sy, 0.03), (ax, ay, armhole))[1:]
    waist = min(0.42, hy - 0.05)
    right += path((ax, ay), (body.waist, waist, -0.03), (hx, hy, -0.03), (0.0, hy + 0.012, 0.02))[1:]
    folds = [
        Line(path((ax - 0.01, ay + 0.02), (ax - 0.09, ay + 0.12, -0.1)), -0.3, 0.02, soft=True),
        Line(path((body.waist - 0.01, waist), (body.waist - 0.1, waist + 0.05, 0.1)), -0.25, 0.02, soft=True),
        Line(path((0.06, hy - 0.02), (0.05, hy - 0.2, 0.05)), -0.2, 0.018, soft=True),
    ]
    others = [replace(fold, points=flip(fold.points)) for fold in folds]
    return Piece("body", both(right), lines=folds + others)


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
        return (origin[0] + direction[0] * length + side[0] * width,
                origin[1] + direction[1] * length + side[1] * width)

    elbow = at(joint, along, 0.28, across, 0.0)
    slack = max(body.slack, -0.015)
    wide, narrow = 0.062 + 0.6 * slack, 0.046 + 0.5 * slack
    top, cap, pit = (sx - 0.045, sy - 0.016), (sx + 0.008, sy + 0.022), (ax - 0.03, ay + 0.01)
    inner = (ax - 0.05, ay - 0.06)
    slant = -turn
    if product.sleeve == "short":
        length, spread = 0.185, 0.077 + 0.7 * slack
        ends = at(joint, along, length, across, spread), at(joint, along, length, across, -spread)
        outline = path(top, (*cap, 0.12), (*ends[0], 0.04), ends[1], (*pit, -0.03), inner)
        hem = Line(path(at(joint, along, length - 0.018, across, spread),
                        at(joint, along, length - 0.018, across, -spread)))
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
        top, (*cap, 0.12), (*at(elbow, along, 0, across, wide), 0.04), (*ends[0], bow),
        (*ends[1], -0.05 if narrow > 0.1 else 0.0),
        (*at(elbow, along, 0, across, -wide), bow), (*pit, -0.02), inner,
    )
    crease = at(elbow, along, 0, across, -wide)
    folds = [
        Line(path(crease, (*at(elbow, along, 0.01, across, 0.02), 0.1)), -0.3, 0.016, soft=True),
        Line(path(at(elbow, along, 0.05, across, -wide), at(elbow, along, 0.03, across, 0.0)), -0.25, 0.014,
             soft=True),
        Line(path(pit, at(joint, along, 0.1, across, 0.01)), -0.22, 0.018, soft=True),
    ]
    if product.sleeve == "bell":
        folds += [
            Line(path(at(elbow, along2, 0.1, across2, s * 0.02),
                      at(elbow, along2, reach, across2, s * 0.06)), -0.35, 0.014, True)
            for s in (-1, 0, 1)
        ]
    pieces = [Piece("sleeve", outline, lines=folds, slant=slant)]
    if cuff:
        w = narrow * 1.04
        outline = [
            at(elbow, along2, reach - 0.012, across2, w), at(elbow, along2, reach + 0.04, across2, w * 0.9),
            at(elbow, along2, reach + 0.04, across2, -w * 0.9), at(elbow, along2, reach - 0.012, across2, -w),
        ]
        pieces.append(Piece("cuff", outline, cuff, slant=slant))
    return [mirrored for piece in pieces for mirrored in pair(piece)]


def neckband(body: Body, neckline: str, width: float = 0.02) -> Piece:
    """Return the ribbed band along the neck edge."""
    edge = neck_edge(body, neckline)
    return Piece("collar", ribbon(flip(edge)[::-1] + edge[1:], width), "trim", relief=0.6)


def shirt_collar(size: float = 1.0, fill: str = "main") -> list[Piece]:
    """Return the stand behind the neck and two leaves."""
    leaf = path(
        (0.074, -0.028), (0.0, 0.052, -0.1), (0.05 * size, 0.052 + 0.085 * size), (0.105, 0.028, -0.05),
        (0.074, -0.028, 0.1)
    )
    edge = Line(path((0.0, 0.052), (0.05 * size, 0.052 + 0.085 * size), (0.105, 0.028)), -0.3, 0.005)
    stand = Piece("collar", both(path((0.0, -0.022), (0.075, -0.03), (0.07, 0.04), (0.0, 0.04))), "inside",
                  behind=True)
    return [stand, *pair(Piece("collar", leaf, fill, lines=[edge]))]


def button_row(top: float, bottom: float, x: float, tone: float, gap: float = 0.085, radius: float = 0.009):
    """Return a column of buttons."""
    count = max(int((bottom - top) / gap), 1)
    return [(x, top + (k + 0.4) * (bottom - top) / count, radius, tone) for k in range(count)]


def chest_pocket(x: float = 0.085, y: float = 0.2, w: float = 0.036, h: float = 0.085,
                 flap: bool = False) -> Piece:
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
    right = path((0.0, hy - 0.012), (hx + 0.002, hy - 0.02), (hx - 0.012, hy + height - 0.008),
                 (0.0, hy + height))
    return Piece("hem", both(right), "trim")


def with_lines(piece: Piece, *lines: Line, dots=()) -> Piece:
    """Return the piece with more sewn on it."""
    return replace(piece, lines=[*piece.lines, *lines], dots=[*piece.dots, *dots])


def stitch(points: Path, tone: float = -0.28) -> Line:
    """Return a stitched seam."""
    return Line(points, tone, 0.005, dashed=True)


def lapels(depth: float, wide: float = 1.0) -> list[Piece]:
    """Return notched lapels that meet at `depth`, and the collar above them."""
    collar = path((0.076, -0.03), (0.062, 0.1), (0.115 * wide, 0.085), (0.115, 0.02, -0.1), (0.076, -0.03))
    leaf = path((0.066, 0.05), (0.0, depth, 0.02), (0.105 * wide, 0.17, 0.02), (0.125 * wide, 0.11),
                (0.075, 0.1))
    edge = Line(path((0.0, depth), (0.105 * wide, 0.17, 0.02), (0.125 * wide, 0.11), (0.075, 0.1)), -0.4,
                0.006)
    stand = Piece("collar", both(path((0.0, -0.02), (0.078, -0.032), (0.075, 0.03), (0.0, 0.04))), "trim",
                  behind=True)
    return [stand, *pair(Piece("collar", collar, "trim", lines=[Line(collar, -0.3, 0.005)])),
            *pair(Piece("collar", leaf, lines=[edge], slant=0.3))]

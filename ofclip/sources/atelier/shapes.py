"""The language that garments are cut in: paths, pieces of cloth, and the lines sewn on them.

Unit coordinates: x to the right with 0 on the wearer's middle, y downwards with 0 at the base of the neck;
a standing figure is about 1.6 tall below it. Points are rounded to a fine raster before anything is drawn, so
a picture is the same on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

Point = tuple[float, float]
Path = list[Point]

_STEPS = 7  # straight segments per curved edge


def path(*vertices: tuple[float, ...]) -> Path:
    """Join vertices (x, y) or (x, y, bulge): the edge to a vertex bows to its left by bulge * length.

    >>> path((0, 0), (1, 0), (1, 1))
    [(0, 0), (1, 0), (1, 1)]
    """
    points: Path = [(vertices[0][0], vertices[0][1])]
    for x, y, *rest in vertices[1:]:
        bulge = rest[0] if rest else 0.0
        x0, y0 = points[-1]
        if bulge:
            cx = (x0 + x) / 2 + 2 * bulge * (y - y0)
            cy = (y0 + y) / 2 - 2 * bulge * (x - x0)
            for step in range(1, _STEPS):
                t = step / _STEPS
                a, b, c = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
                points.append((a * x0 + b * cx + c * x, a * y0 + b * cy + c * y))
        points.append((x, y))
    return points


def flip(points: Path) -> Path:
    """Mirror at the wearer's middle."""
    return [(-x, y) for x, y in points]


def both(half: Path) -> Path:
    """Close a right half, drawn from top to bottom, with its mirror image."""
    return half + flip(half)[::-1]


def ribbon(points: Path, width: float, end: float | None = None) -> Path:
    """Return the outline of a band along a path, `width` wide at its start and `end` at its end."""
    left, right = [], []
    last = len(points) - 1
    for k, (x, y) in enumerate(points):
        (x0, y0), (x1, y1) = points[max(k - 1, 0)], points[min(k + 1, last)]
        dx, dy = x1 - x0, y1 - y0
        half = (width + ((width if end is None else end) - width) * k / last) / 2
        scale = half / (math.sqrt(dx * dx + dy * dy) or 1.0)
        left.append((x + dy * scale, y - dx * scale))
        right.append((x - dy * scale, y + dx * scale))
    return left + right[::-1]


def disc(x: float, y: float, rx: float, ry: float | None = None, steps: int = 20) -> Path:
    """Return an ellipse."""
    ry = rx if ry is None else ry
    angles = [2 * math.pi * k / steps for k in range(steps)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


@dataclass(frozen=True)
class Line:
    """A line on a piece: tone below 0 darkens, above 0 lightens (-1 to 1); soft lines are folds."""

    points: Path
    tone: float = -0.3
    width: float = 0.006
    soft: bool = False
    dashed: bool = False


@dataclass(frozen=True)
class Piece:
    """One piece of a garment: the part it belongs to, its outline, what it is made of, what is sewn on it.

    `fill` is main (the product's fabric and pattern), trim (same colour, no pattern), accent, inside,
    metal, rubber, wood, white or dark. `slant` turns the pattern and weave, in radians.
    `behind` pieces lie behind the wearer.
    """

    part: str
    outline: Path
    fill: str = "main"
    lines: list[Line] = field(default_factory=list)
    dots: list[tuple[float, float, float, float]] = field(default_factory=list)  # x, y, radius, tone
    slant: float = 0.0
    behind: bool = False
    relief: float = 1.0

    def mirrored(self) -> Piece:
        """Return the piece of the other side."""
        return replace(
            self,
            outline=flip(self.outline),
            lines=[replace(line, points=flip(line.points)) for line in self.lines],
            dots=[(-x, y, r, tone) for x, y, r, tone in self.dots],
            slant=-self.slant,
        )


def pair(piece: Piece) -> list[Piece]:
    """Return a piece and its mirror image."""
    return [piece.mirrored(), piece]


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


def box(pieces: list[Piece]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the pieces."""
    xs = [x for piece in pieces for x, _ in piece.outline]
    ys = [y for piece in pieces for _, y in piece.outline]
    return min(xs), min(ys), max(xs), max(ys)

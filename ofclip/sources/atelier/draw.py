"""The painter: lays pieces on a canvas, shaded like cloth, and keeps the exact mask of every part.

Outlines are rasterised four times finer than the picture on whole coordinates; light, folds, weave and pattern
are float32 arrays at the picture's own size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ofclip.sources.atelier.fabrics import FINISH, Cloth
from ofclip.sources.atelier.shapes import Path, Piece

_FINE = 4  # raster cells per pixel
_LIGHT = (0.75, 1.0)  # from the upper left

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Placement:
    """Where unit coordinates fall on a canvas: turn by an angle, scale to pixels, shift."""

    cos: float
    sin: float
    scale: float  # pixels per unit
    x: float
    y: float
    mirror: float = 1.0  # -1 faces the other way

    @staticmethod
    def fit(
        box: tuple[float, float, float, float], size: int, share: float, angle: float = 0.0, dx: float = 0.0, dy: float = 0.0,
        mirror: float = 1.0,
    ) -> Placement:  # fmt: skip
        """Fit a box into a share of a square canvas, turned by `angle` radians, off centre by dx, dy (shares)."""
        left, top, right, bottom = box
        cos, sin = math.cos(angle), math.sin(angle)
        wide, high = right - left, bottom - top
        extent = max(wide * abs(cos) + high * abs(sin), wide * abs(sin) + high * abs(cos))
        scale = size * share / extent
        cx, cy = mirror * (left + right) / 2, (top + bottom) / 2
        x = size * (0.5 + dx) - scale * (cos * cx - sin * cy)
        y = size * (0.5 + dy) - scale * (sin * cx + cos * cy)
        return Placement(cos, sin, scale, x, y, mirror)

    def points(self, points: Path, zoom: float, left: int, top: int) -> list[tuple[int, int]]:
        """Return points in raster cells, relative to a window's corner in pixels."""
        a, b = self.scale * self.cos * self.mirror * zoom, -self.scale * self.sin * zoom
        c, d = self.scale * self.sin * self.mirror * zoom, self.scale * self.cos * zoom
        x0, y0 = (self.x - left) * zoom, (self.y - top) * zoom
        return [(round(a * x + b * y + x0), round(c * x + d * y + y0)) for x, y in points]

    def units(self, left: int, top: int, right: int, bottom: int, slant: float) -> tuple[np.ndarray, np.ndarray]:
        """Return unit coordinates u, v of a window's pixel centres, turned by a piece's slant."""
        px = np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5 - self.x)
        py = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5 - self.y)
        c, s = self.cos / self.scale, self.sin / self.scale
        m = self.mirror
        # inverse of turn-and-scale, then the slant
        cs, ss = math.cos(slant), math.sin(slant)
        ux, uy, vx, vy = m * c, m * s, -s, c
        a, b = np.float32(cs * ux + ss * vx), np.float32(cs * uy + ss * vy)
        d, e = np.float32(-ss * ux + cs * vx), np.float32(-ss * uy + cs * vy)
        return a * px + b * py, d * px + e * py


@dataclass(frozen=True)
class Look:
    """How pieces are coloured: fill name -> colour (0 to 1), the cloth of "main", ink instead of paint."""

    palette: Mapping[str, Colour]
    cloth: Cloth | None = None
    ink: bool = False


class Canvas:
    """A picture being painted: rgb (n, n, 3) and, per part, how much of each pixel it covers, (n, n)."""

    def __init__(self, background: np.ndarray) -> None:
        self.rgb = np.ascontiguousarray(background, dtype=np.float32)
        self.size = len(background)
        self.cover: dict[str, np.ndarray] = {}

    def paint(
        self, pieces: list[Piece], placement: Placement, look: Look, folds: np.ndarray | None = None, mark: bool = True
    ) -> None:
        """Paint pieces in order; `folds` (n, n) is the drape, -1 to 1; with `mark` parts are kept as masks."""
        for piece in pieces:
            self._piece(piece, placement, look, folds, mark)

    def _piece(self, piece: Piece, placement: Placement, look: Look, folds, mark: bool) -> None:
        corners = placement.points(piece.outline, 1, 0, 0)
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        left, top = max(min(xs) - 3, 0), max(min(ys) - 3, 0)
        right, bottom = min(max(xs) + 4, self.size), min(max(ys) + 4, self.size)
        if left >= right or top >= bottom:
            return
        wide, high = right - left, bottom - top
        fine = Image.new("L", (wide * _FINE, high * _FINE))
        outline = placement.points(piece.outline, _FINE, left, top)
        ImageDraw.Draw(fine).polygon(outline, fill=255)
        coarse = fine.reduce(_FINE)
        alpha = np.asarray(coarse, dtype=np.float32) / np.float32(255)
        window = (slice(top, bottom), slice(left, right))
        if look.ink:
            colour = self._inked(piece, placement, look, alpha.shape, left, top, outline)
        else:
            colour = self._shaded(piece, placement, look, coarse, folds, left, top)
        weight = alpha[:, :, None]
        area = self.rgb[window]
        area += (colour - area) * weight
        for part in self.cover.values():
            part[window] *= 1 - alpha
        if mark:
            part = self.cover.setdefault(piece.part, np.zeros((self.size, self.size), dtype=np.float32))
            part[window] += alpha

    def _shaded(self, piece, placement, look, coarse, folds, left, top) -> np.ndarray:
        high, wide = coarse.height, coarse.width
        main = piece.fill in ("main", "trim", "inside", "accent") and look.cloth is not None
        base = np.array(look.palette[piece.fill], dtype=np.float32)
        radius = max(0.022 * placement.scale * piece.relief, 0.6)
        shade, lit = _relief(coarse, radius, 0.34)
        if piece.relief >= 1 and min(high, wide) > 10:
            form, turned = _relief(coarse, 3.2 * radius, 0.3)
            shade, lit = shade * form, lit + 0.8 * turned
        gloss, weave, weight = 0.0, None, None
        if main:
            strength, drape, gloss = FINISH[look.cloth.fabric]
            u, v = placement.units(left, top, left + wide, top + high, piece.slant)
            pixel = 1.0 / placement.scale
            weave = look.cloth.weave_at(u, v, pixel)
            if piece.fill == "main":
                weight = look.cloth.pattern_at(u, v, pixel, piece.part)
            if weave is not None:
                shade = shade * (1 + np.float32(strength) * weave)
            if folds is not None and piece.relief >= 0.5:
                fold = folds[top : top + high, left : left + wide] * np.float32(drape)
                shade = shade * (1 + np.float32(0.11) * fold)
                if gloss:
                    shine = np.clip(fold * 0.7 + lit * 1.2 - 0.35, 0, 1)
                    lit = lit + np.float32(2.2 * gloss) * shine
        shade = shade * (1 + _lines(piece, placement, wide, high, left, top, ink=False))
        if weight is None:
            colour = np.broadcast_to(base, (high, wide, 3))
        else:
            accent = np.array(look.palette["accent"], dtype=np.float32)
            colour = base + weight.astype(np.float32)[:, :, None] * (accent - base)
        return np.clip(colour * shade[:, :, None] + (np.float32(0.1) * lit)[:, :, None], 0, 1)

    def _inked(self, piece, placement, look, shape, left, top, outline) -> np.ndarray:
        high, wide = shape
        tone = np.full(shape, 0.82 if piece.fill in ("inside", "dark") else 1.0, dtype=np.float32)
        if look.cloth is not None and piece.fill == "main":
            u, v = placement.units(left, top, left + wide, top + high, piece.slant)
            weight = look.cloth.pattern_at(u, v, 1.0 / placement.scale, piece.part)
            if weight is not None:
                tone = tone - 0.38 * weight.astype(np.float32)
        fine = Image.new("L", (wide * _FINE, high * _FINE))
        pen = max(round(0.0105 * self.size * _FINE), 2)
        ImageDraw.Draw(fine).line(outline + outline[:2], fill=225, width=pen, joint="curve")
        stroke = np.asarray(fine.reduce(_FINE), dtype=np.float32) / np.float32(255)
        tone = tone * (1 - stroke) * (1 + np.minimum(_lines(piece, placement, wide, high, left, top, ink=True), 0))
        paper, graphite = (np.array(look.palette[k], dtype=np.float32) for k in ("paper", "graphite"))
        return graphite + np.clip(tone, 0, 1)[:, :, None] * (paper - graphite)

    def masks(self) -> dict[str, np.ndarray]:
        """Return, per part, the pixels of which it covers at least half."""
        return {part: cover >= 0.5 for part, cover in sorted(self.cover.items())}

    def alpha(self) -> np.ndarray:
        """Return how much of each pixel the marked parts cover together."""
        return np.clip(sum(self.cover.values(), np.zeros((self.size, self.size), dtype=np.float32)), 0, 1)


def _relief(coarse: Image.Image, radius: float, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Return shading near the edges of a mask as if it were padded, and where light falls on it."""
    soft = np.asarray(coarse.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / np.float32(255)
    lit = np.zeros_like(soft)
    lit[:, 1:-1] += (soft[:, 2:] - soft[:, :-2]) * np.float32(_LIGHT[0] * radius)
    lit[1:-1] += (soft[2:] - soft[:-2]) * np.float32(_LIGHT[1] * radius)
    return 1 - np.float32(depth) * (1 - soft) + np.float32(0.3) * lit, lit


def _lines(piece: Piece, placement: Placement, wide: int, high: int, left: int, top: int, ink: bool) -> np.ndarray | float:
    """Return what seams, stitches, buttons and folds do to a piece's shade."""
    total: np.ndarray | float = 0.0
    for soft in (False, True):
        lines = [line for line in piece.lines if line.soft == soft]
        dots = [] if soft else piece.dots
        if not lines and not dots:
            continue
        fine = Image.new("L", (wide * _FINE, high * _FINE), 128)
        pen = ImageDraw.Draw(fine)
        zoom = placement.scale * _FINE
        for line in lines:
            points = placement.points(line.points, _FINE, left, top)
            tone = -0.75 if ink and not soft else -0.4 if ink else line.tone
            width = max(round((0.005 if ink else line.width) * zoom), _FINE // 2 if not soft else 1)
            value = round(128 + 127 * tone)
            if line.dashed and zoom > 600:
                for start, end in zip(points[:-1], points[1:], strict=True):
                    _dashes(pen, start, end, value, width, 0.016 * zoom)
            else:
                pen.line(points, fill=round((value + 128) / 2) if line.dashed else value, width=width, joint="curve")
        for x, y, radius, tone in dots:
            (px, py), r = placement.points([(x, y)], _FINE, left, top)[0], max(round(radius * zoom), 2)
            pen.ellipse((px - r, py - r, px + r, py + r), fill=round(128 + 127 * (-0.8 if ink else tone)))
            if r > 8 and not ink:
                pen.ellipse((px - r, py - r, px + r, py + r), outline=round(128 + 127 * tone * 0.4), width=2)
        coarse = fine.reduce(_FINE)
        if soft and not ink:
            coarse = coarse.filter(ImageFilter.GaussianBlur(max(0.011 * placement.scale, 0.4)))
        total = total + (np.asarray(coarse, dtype=np.float32) - 128) / np.float32(127)
    return total


def _dashes(pen: ImageDraw.ImageDraw, start, end, value: int, width: int, length: float) -> None:
    (x0, y0), (x1, y1) = start, end
    distance = math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2)
    count = max(round(distance / length), 1)
    for k in range(0, count):
        a, b = k / count, (k + 0.6) / count
        pen.line([(round(x0 + a * (x1 - x0)), round(y0 + a * (y1 - y0))), (round(x0 + b * (x1 - x0)), round(y0 + b * (y1 - y0)))], value, width)


def smooth(rng: np.random.Generator, size: int, rows: int, columns: int) -> np.ndarray:
    """Return a smooth random field (size, size), -1 to 1, with rows x columns knots."""
    knots = rng.integers(0, 256, (rows, columns), dtype=np.uint8)
    field = Image.fromarray(knots).resize((size, size), Image.Resampling.BICUBIC)
    return (np.asarray(field, dtype=np.float32) - 128) / np.float32(128)

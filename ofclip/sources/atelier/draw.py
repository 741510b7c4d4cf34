"""The painter: lays pieces on a canvas, shaded like cloth, and keeps the exact mask of every part.

Outlines are rasterised four times finer than the picture, on whole coordinates; light, folds, weave and
pattern are float32 arrays at the picture's own size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ofclip.sources.atelier.fabrics import FINISH, Cloth
from ofclip.sources.atelier.shapes import Line, Path, Piece

_FINE = 4  # raster cells per pixel
_NEUTRAL = 128  # the grey of a line raster that changes nothing
_LIGHT = (0.75, 1.0)  # from the upper left

Colour = tuple[float, ...]


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
        box: tuple[float, float, float, float], size: int, share: float, angle: float = 0.0, dx: float = 0.0,
        dy: float = 0.0,
        mirror: float = 1.0,
    ) -> Placement:
        """Fit a box into a share of a square canvas, turned by `angle` radians, off centre by dx, dy."""
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

    def units(self, left: int, top: int, right: int, bottom: int, slant: float) -> tuple[np.ndarray,
        np.ndarray]:
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

    palette: dict[str, Colour]
    cloth: Cloth | None = None
    ink: bool = False


@dataclass(frozen=True)
class Drape:
    """How cloth falls in one picture: soft folds and fine grain, (n, n), -1 to 1."""

    folds: np.ndarray
    grain: np.ndarray

    @staticmethod
    def of(rng: np.random.Generator, size: int) -> Drape:
        """Draw the fall of cloth; the same at every size."""
        return Drape(smooth(rng, size, 5, 11), smooth(rng, size, 72, 72))


class Canvas:
    """A picture being painted: rgb (n, n, 3) and, per part, how much of each pixel it covers, (n, n)."""

    def __init__(self, background: np.ndarray) -> None:
        self.rgb = np.ascontiguousarray(background, dtype=np.float32)
        self.size = len(background)
        self.cover: dict[str, np.ndarray] = {}

    def paint(
        self, pieces: list[Piece], placement: Placement, look: Look, drape: Drape | None = None,
        mark: bool = True
    ) -> None:
        """Paint pieces in order; with `mark`, their parts become masks."""
        for piece in pieces:
            self._piece(piece, placement, look, drape, mark)

    def _piece(self, piece: Piece, placement: Placement, look: Look, drape: Drape | None, mark: bool) -> None:
        outline = placement.points(piece.outline, _FINE, 0, 0)
        xs, ys = [x for x, _ in outline], [y for _, y in outline]
        left, top = max(min(xs) // _FINE - 3, 0), max(min(ys) // _FINE - 3, 0)
        right, bottom = min(max(xs) // _FINE + 4, self.size), min(max(ys) // _FINE + 4, self.size)
        if left >= right or top >= bottom:
            return
        window = _Window(placement, left, top, right - left, bottom - top)
        outline = [(x - left * _FINE, y - top * _FINE) for x, y in outline]
        coarse = window.raster(lambda pen: pen.polygon(outline, fill=255))
        if look.ink:
            alpha, colour = _unit(coarse), _inked(piece, window, look, outline, self.size)
        else:
            alpha, shade, light = _relief(piece, window, coarse)
            colour = _shaded(piece, window, look, shade, light, drape)
        where = (slice(top, bottom), slice(left, right))
        area = self.rgb[where]
        area += (colour - area) * alpha[:, :, None]
        for cover in self.cover.values():
            cover[where] *= 1 - alpha
        if mark:
            cover = self.cover.setdefault(piece.part, np.zeros((self.size, self.size), dtype=np.float32))
            cover[where] += alpha

    def masks(self) -> dict[str, np.ndarray]:
        """Return, per part, the pixels of which it covers at least half, and more than any other part."""
        if not self.cover:
            return {}
        most = np.argmax(np.stack(list(self.cover.values())), axis=0)
        return {part: (most == k) & (cover >= 0.5) for k, (part, cover) in enumerate(self.cover.items())}

    def alpha(self) -> np.ndarray:
        """Return how much of each pixel the marked parts cover together."""
        return np.clip(sum(self.cover.values(), np.zeros((self.size, self.size), dtype=np.float32)), 0, 1)


@dataclass(frozen=True)
class _Window:
    """The pixels around one piece: its corner and extent on the canvas."""

    placement: Placement
    left: int
    top: int
    wide: int
    high: int

    def raster(self, draw, ground: int = 0) -> Image.Image:
        """Draw finely on a grey ground and reduce to pixels."""
        fine = Image.new("L", (self.wide * _FINE, self.high * _FINE), ground)
        draw(ImageDraw.Draw(fine))
        return fine.reduce(_FINE)

    def of(self, field: np.ndarray) -> np.ndarray:
        return field[self.top : self.top + self.high, self.left : self.left + self.wide]

    def points(self, points: Path) -> list[tuple[int, int]]:
        return self.placement.points(points, _FINE, self.left, self.top)

    def units(self, slant: float) -> tuple[np.ndarray, np.ndarray]:
        return self.placement.units(self.left, self.top, self.left + self.wide, self.top + self.high, slant)


def _unit(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, dtype=np.float32) * np.float32(1 / 255)


def _shaded(
    piece: Piece, window: _Window, look: Look, shade: np.ndarray, lit: np.ndarray, drape: Drape | None
) -> np.ndarray:
    """Return the colour of a piece of cloth in its window, lit and folded."""
    cloth = look.cloth if piece.fill in ("main", "trim", "inside", "accent") else None
    colour = np.array(look.palette[piece.fill], dtype=np.float32)
    if cloth is not None:
        strength, grain, fall, gloss = FINISH[cloth.fabric]
        u, v = window.units(piece.slant)
        pixel = 1.0 / window.placement.scale
        weave = cloth.weave_at(u, v, pixel)
        if weave is not None:
            shade *= 1 + np.float32(strength) * weave
        if drape is not None and piece.relief >= 0.5:
            shade *= 1 + np.float32(0.11 * fall) * window.of(drape.folds)
            if grain:
                shade *= 1 + np.float32(grain) * window.of(drape.grain)
            if gloss:
                shine = np.float32(0.7 * fall) * window.of(drape.folds) + np.float32(1.2) * lit - np.float32(0.35)
                lit += np.float32(2.2 * gloss) * np.clip(shine, 0, 1)
        weight = cloth.pattern_at(u, v, pixel, piece.part) if piece.fill == "main" else None
        if weight is not None:
            accent = np.array(look.palette["accent"], dtype=np.float32)
            colour = colour + weight.astype(np.float32)[:, :, None] * (accent - colour)
    shade *= 1 + _lines(piece, window, ink=False)
    return colour * shade[:, :, None] + (np.float32(0.1) * lit)[:, :, None]


def _inked(piece: Piece, window: _Window, look: Look, outline: list[tuple[int, int]],
           size: int) -> np.ndarray:
    """Return a piece drawn in pencil: outline, sewn lines, and its pattern as a light tone."""
    tone = np.full((window.high, window.wide), 0.82 if piece.fill in ("inside", "dark") else 1.0,
                   dtype=np.float32)
    if look.cloth is not None and piece.fill == "main":
        weight = look.cloth.pattern_at(*window.units(piece.slant), 1.0 / window.placement.scale, piece.part)
        if weight is not None:
            tone -= np.float32(0.38) * weight.astype(np.float32)
    pen_width = max(round(0.0105 * size * _FINE), 2)
    stroke = window.raster(lambda pen: pen.line(outline + outline[:2], fill=225, width=pen_width,
                                                joint="curve"))
    tone = tone * (1 - _unit(stroke)) * (1 + np.minimum(_lines(piece, window, ink=True), 0))
    paper, graphite = (np.array(look.palette[k], dtype=np.float32) for k in ("paper", "graphite"))
    return graphite + np.clip(tone, 0, 1)[:, :, None] * (paper - graphite)


def _relief(piece: Piece, window: _Window, coarse: Image.Image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a piece's cover, its shade and where light falls on it, as if padded: round at hems and overall."""
    radius = max(0.022 * window.placement.scale * piece.relief, 0.6)
    rounds = [(radius, 0.28, 1.0)]  # reach in pixels, depth of the shade, share of the light
    if piece.relief >= 1 and min(window.high, window.wide) > 12:
        rounds.append((3.2 * radius, 0.22, 0.8))
    blurred = [coarse.filter(ImageFilter.GaussianBlur(reach)) for reach, _, _ in rounds]
    bands = _unit(Image.merge("RGB" if len(blurred) == 2 else "LA", [coarse, *blurred]))  # one copy, not three
    shade: Any = np.float32(1)
    light = np.zeros((window.high, window.wide), dtype=np.float32)
    for k, (reach, depth, share) in enumerate(rounds, 1):
        soft = bands[:, :, k]
        lit = np.zeros_like(light)
        lit[:, 1:-1] = (soft[:, 2:] - soft[:, :-2]) * np.float32(_LIGHT[0] * reach)
        lit[1:-1] += (soft[2:] - soft[:-2]) * np.float32(_LIGHT[1] * reach)
        shade = shade * (np.float32(1 - depth) + np.float32(depth) * soft + np.float32(0.3) * lit)
        light += np.float32(share) * lit
    return bands[:, :, 0], shade, light


def _lines(piece: Piece, window: _Window, ink: bool) -> np.ndarray | float:
    """Return what seams, stitches, buttons and folds do to a piece's shade: about -1 (dark) to 1 (light)."""
    total: np.ndarray | float = 0.0
    hard, soft = ([line for line in piece.lines if line.soft == kind] for kind in (False, True))
    if hard or piece.dots:
        sewn = window.raster(lambda pen: _sew(pen, window, hard, piece.dots, ink), _NEUTRAL)
        total = total + (np.asarray(sewn, dtype=np.float32) - _NEUTRAL) * np.float32(1 / 127)
    if soft:
        fold = window.raster(lambda pen: _sew(pen, window, soft, [], ink), _NEUTRAL)
        if not ink:
            fold = fold.filter(ImageFilter.GaussianBlur(max(0.011 * window.placement.scale, 0.4)))
        total = total + (np.asarray(fold, dtype=np.float32) - _NEUTRAL) * np.float32(1 / 127)
    return total


def _sew(pen: ImageDraw.ImageDraw, window: _Window, lines: list[Line], dots, ink: bool) -> None:
    zoom = window.placement.scale * _FINE

    def grey(tone: float) -> int:
        return round(_NEUTRAL + 127 * tone)

    for line in lines:
        points = window.points(line.points)
        tone = (-0.4 if line.soft else -0.75) if ink else line.tone
        width = max(round((0.005 if ink else line.width) * zoom), 1 if line.soft else _FINE // 2)
        if line.dashed and zoom > 600:
            for start, end in zip(points[:-1], points[1:], strict=True):
                _dashes(pen, start, end, grey(tone), width, 0.016 * zoom)
        else:
            pen.line(points, fill=grey(tone / 2 if line.dashed else tone), width=width, joint="curve")
    for x, y, radius, tone in dots:
        (px, py), r = window.points([(x, y)])[0], max(round(radius * zoom), 2)
        circle = (px - r, py - r, px + r, py + r)
        pen.ellipse(circle, fill=grey(-0.8 if ink else tone))
        if r > 8 and not ink:
            pen.ellipse(circle, outline=grey(0.4 * tone), width=2)


def _dashes(pen: ImageDraw.ImageDraw, start, end, value: int, width: int, length: float) -> None:
    (x0, y0), (x1, y1) = start, end
    count = max(round(math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2) / length), 1)
    for k in range(count):
        a, b = k / count, (k + 0.6) / count
        ends = [(round(x0 + t * (x1 - x0)), round(y0 + t * (y1 - y0))) for t in (a, b)]
        pen.line(ends, value, width)


def smooth(rng: np.random.Generator, size: int, rows: int, columns: int) -> np.ndarray:
    """Return a smooth random field (size, size), -1 to 1, with rows x columns knots."""
    knots = rng.integers(0, 256, (rows, columns), dtype=np.uint8)
    field = Image.fromarray(knots).resize((size, size), Image.Resampling.BICUBIC)
    return (np.asarray(field, dtype=np.float32) - 128) / np.float32(128)


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Return values from 0 to 1 as bytes from 0 to 255."""
    return (np.clip(values, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)

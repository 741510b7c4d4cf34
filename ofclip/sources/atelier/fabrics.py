"""Cloth: printed patterns as weights between two colours, and the relief of weaves.

Everything is a function of unit coordinates u, v (float32 arrays) and the size of a pixel in them, with edges
one pixel soft, so a pattern looks the same at every picture size. Only sums, products and roundings of
floats are used: the same bits on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ofclip.sources.atelier.world import Product

_PETALS = ((0.0, -1.0), (0.951, -0.309), (0.588, 0.809), (-0.588, 0.809), (-0.951, -0.309))
#: Fabric -> (strength of its weave, of its grain, of its folds, gloss).
FINISH = {
    "cotton": (0.0, 0.025, 0.8, 0.0), "linen": (0.09, 0.0, 1.2, 0.0), "denim": (0.13, 0.05, 0.7, 0.0),
    "knit": (0.2, 0.0, 0.5, 0.0), "cable knit": (0.34, 0.0, 0.5, 0.0), "wool": (0.0, 0.08, 0.5, 0.0),
    "satin": (0.0, 0.0, 1.7, 0.5), "leather": (0.0, 0.02, 1.0, 0.4), "suede": (0.0, 0.06, 0.6, 0.0),
    "corduroy": (0.24, 0.0, 0.5, 0.0), "quilted": (0.32, 0.0, 0.3, 0.12), "canvas": (0.12, 0.02, 0.5, 0.0),
    "straw": (0.3, 0.0, 0.3, 0.0),
}


@dataclass(frozen=True)
class Cloth:
    """What a product's cloth looks like: drawn once per product, asked per piece."""

    pattern: str
    fabric: str
    period: float  # of the pattern, in units
    turn: int  # 0 across, 1 along, 2 diagonal
    variant: float  # 0 to 1
    table: np.ndarray  # (4, 16, 16) of random numbers, 0 to 1
    centre: tuple[float, float]  # of a graphic print
    size: float  # the product's larger extent, in units

    @staticmethod
    def of(product: Product, box: tuple[float, float, float, float], rng: np.random.Generator) -> Cloth:
        """Choose the cloth of a product whose pieces fill `box`."""
        left, top, right, bottom = box
        size = max(right - left, bottom - top)
        centre = {"cap": (-0.03, 0.06), "tote bag": (0.0, 0.32)}.get(product.type, (0.0, 0.27))
        period = size * rng.uniform(0.1, 0.17)
        turn = int(rng.random() * 2.5) if product.category not in ("shoes",) else 1
        table = rng.random((4, 16, 16), dtype=np.float32)
        return Cloth(product.pattern, product.fabric, period, turn, rng.random(), table, centre, size)

    def pattern_at(self, u: np.ndarray, v: np.ndarray, pixel: float, part: str) -> np.ndarray | None:
        """Return how much of the accent colour shows at each point, 0 to 1; None for plain cloth."""
        if self.pattern == "plain":
            return None
        if self.pattern == "graphic":
            return self._graphic(u - self.centre[0], v - self.centre[1], pixel) if part in ("body",
                "crown") else None
        draw = getattr(self, "_" + self.pattern.replace("-", "_"))
        return draw(u, v, pixel)

    def weave_at(self, u: np.ndarray, v: np.ndarray, pixel: float) -> np.ndarray | None:
        """Return the relief of the weave, about -1 to 1; None where it is finer than a pixel."""
        period = {"knit": 0.03, "cable knit": 0.11, "corduroy": 0.035, "quilted": 0.13, "denim": 0.016,
                  "canvas": 0.02, "straw": 0.045, "linen": 0.016}.get(self.fabric)
        if period is None:
            return None
        period *= max(self.size, 0.6)
        fade = min(max(period / pixel / 2.0 - 0.6, 0.0), 1.0)
        if self.fabric == "linen":
            weft, warp = self._noise(u / period, v / (5 * period), 0), self._noise(u / (5 * period),
                v / period, 1)
            return (weft + warp - 1) * max(fade, 0.35)
        if fade == 0.0:
            return None
        if self.fabric == "quilted":
            across = _wave(v / period) if self.variant < 0.6 else np.minimum(_wave((u + v) / period * 0.7),
                _wave((u - v) / period * 0.7))
            return (1 - (1 - across) * (1 - across) * 2) * fade
        if self.fabric == "cable knit":
            plait = _wave(u / period)
            twist = _wave((v + np.abs(np.mod(u / period, 2) - 1) * period) / period * 1.4)
            return (plait * (0.4 + 0.6 * twist) * 1.6 - 0.8) * fade
        if self.fabric == "knit":
            return (_wave((v + np.abs(np.mod(u / period, 1) - 0.5) * period) / period) * 0.6
                    + _wave(u / period) * 1.4 - 1) * fade
        if self.fabric == "denim":
            return (_wave((u + v) / period) * 2 - 1) * 0.6 * fade
        if self.fabric == "corduroy":
            return (_wave(u / period) * 2 - 1) * fade
        a, b = _wave(u / period), _wave(v / period)
        return np.where((np.floor(u / period) + np.floor(v / period)) % 2 == 0, a, b) * 2 * fade - fade

    def _noise(self, u, v, layer: int) -> np.ndarray:
        """Return smooth value noise with one knot per unit, 0 to 1."""
        fu, fv = np.floor(u), np.floor(v)
        iu, iv = fu.astype(np.int32) & 15, fv.astype(np.int32) & 15
        u, v = u - fu, v - fv
        u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
        t = self.table[layer]
        ju, jv = (iu + 1) & 15, (iv + 1) & 15
        top = t[iv, iu] * (1 - u) + t[iv, ju] * u
        low = t[jv, iu] * (1 - u) + t[jv, ju] * u
        return top * (1 - v) + low * v

    def _along(self, u, v):
        return (v, u, (u + v) * 0.7071)[self.turn]

    def _striped(self, u, v, pixel):
        share = 0.5 if self.variant < 0.5 else 0.3
        return _band(self._along(u, v), self.period, share, pixel)

    def _checked(self, u, v, pixel):
        a, b = _band(u, self.period, 0.5, pixel), _band(v, self.period, 0.5, pixel)
        if self.variant < 0.55:
            return (a + b) / 2
        thin = np.maximum(_band(u + self.period * 0.3, self.period, 0.1, pixel),
                          _band(v + self.period * 0.3, self.period, 0.1, pixel))
        return np.maximum((a + b) * 0.4, thin)

    def _cells(self, u, v, period):
        """Return cell numbers and the position inside, -0.5 to 0.5, in a brick-like lattice."""
        v = v / period
        row = np.floor(v)
        u = u / period + 0.5 * (row % 2)
        column = np.floor(u)
        return column.astype(np.int32) & 15, row.astype(np.int32) & 15, u - column - 0.5, v - row - 0.5

    def _dotted(self, u, v, pixel):
        period = self.period * 0.9
        _, _, x, y = self._cells(u, v, period)
        radius = 0.22 + 0.08 * self.variant
        return _soft(radius * radius - x * x - y * y, pixel / period * 2 * radius)

    def _floral(self, u, v, pixel):
        period = self.period * 1.35
        i, j, x, y = self._cells(u, v, period)
        x, y = x - (self.table[0][j, i] - 0.5) * 0.3, y - (self.table[1][j, i] - 0.5) * 0.3
        grow = 0.75 + 0.4 * self.table[2][j, i]
        reach, radius = 0.17 * grow, 0.115 * grow
        near = np.minimum.reduce([(x - reach * a) * (x - reach * a) + (y - reach * b) * (y - reach * b)
                                  for a, b in _PETALS])
        soft = pixel / period * 0.25
        petals = _soft(radius * radius - near, soft)
        middle = _soft(0.005 - x * x - y * y, soft)
        return petals * (1 - middle)

    def _animal(self, u, v, pixel):
        if self.variant < 0.25:  # zebra
            bent = v + (self._noise(u / self.period * 0.8, v / self.period * 0.8,
                                    0) - 0.5) * 1.8 * self.period
            return _band(bent, self.period * 0.9, 0.45, pixel)
        knot = self.period * 0.4  # leopard: blotches with a paler heart
        height = self._noise(u / knot, v / knot, 0) * 0.75 + self._noise(u / knot * 1.7, v / knot * 1.7,
            1) * 0.35
        soft = pixel / knot * 0.8
        return _soft(height - 0.6, soft) * (1 - 0.65 * _soft(height - 0.78, soft))

    def _camouflage(self, u, v, pixel):
        knot = self.period * 1.1
        first = self._noise(u / knot, v / knot, 0) + 0.35 * self._noise(u / knot * 2.3, v / knot * 2.3, 1)
        second = self._noise(u / knot + 5, v / knot + 3, 2) + 0.35 * self._noise(u / knot * 2.3,
            v / knot * 2.3, 3)
        soft = pixel / knot
        return np.maximum(0.5 * _soft(first - 0.7, soft), 0.95 * _soft(second - 0.84, soft))

    def _zigzag(self, u, v, pixel):
        bent = v + np.abs(np.mod(u / self.period, 1) - 0.5) * self.period * 1.1
        return _band(bent, self.period, 0.5, pixel)

    def _colour_block(self, u, v, pixel):
        along = v - self.centre[1] - (self.variant - 0.3) * 0.2 * self.size
        if self.turn == 2:
            along = along + 0.6 * u
        return _soft(along, pixel)

    def _graphic(self, x, y, pixel):
        s = 0.13 * min(max(self.size, 0.8), 1.0)
        x, y = x / s, y / s
        soft = pixel / s
        r2 = x * x + y * y
        kind = int(self.variant * 4)
        if kind == 0:  # sun behind lines
            return _soft(0.9 - r2, soft * 2) * (1 - _band(y, 0.34, 0.4, soft) * (y > -0.1))
        if kind == 1:  # peaks in a ring
            ring = _soft(1.0 - r2, soft * 2) * (1 - _soft(0.72 - r2, soft * 2))
            peaks = _soft(y - np.minimum(np.abs(x + 0.25) * 1.4 - 0.45, np.abs(x - 0.32) * 1.2 - 0.2),
                          soft) * _soft(0.45 - y, soft)
            return np.maximum(ring, peaks * _soft(0.72 - r2, soft * 2))
        if kind == 2:  # three lines of block letters
            rows = _soft(0.9 - np.abs(x), soft) * _soft(0.75 - np.abs(y), soft) * _band(y, 0.55, 0.62, soft)
            return rows * _band(x + 0.17 * np.floor(y / 0.55), 0.36, 0.72, soft)
        heart = np.abs(x) - 0.42
        top = _soft(0.25 - heart * heart - (y + 0.25) * (y + 0.25), soft * 1.2)
        return np.maximum(top, _soft(0.92 - np.abs(x) - (y + 0.12) * 0.95, soft * 1.4) * _soft(y + 0.2, soft))


def _soft(distance: np.ndarray, pixel: float) -> np.ndarray:
    """Return 0 outside (distance < 0) and 1 inside, one pixel soft."""
    return np.clip(distance / pixel + 0.5, 0.0, 1.0)


def _wave(t: np.ndarray) -> np.ndarray:
    """Return a smooth wave of period 1, 0 to 1."""
    t = np.abs(np.mod(t, 1) * 2 - 1)
    return t * t * (3 - 2 * t)


def _band(t: np.ndarray, period: float, share: float, pixel: float) -> np.ndarray:
    """Return stripes of the given period and share of accent."""
    inside = share / 2 - np.abs(np.mod(t / period, 1) - 0.5)
    return _soft(inside, pixel / period)

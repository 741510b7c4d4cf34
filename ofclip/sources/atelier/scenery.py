"""What lies around a product: walls, shadows, surfaces, clutter, a street in town, and the camera's faults.

Every function draws the same scene at any size: random numbers never depend on it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ofclip.sources.atelier.draw import Canvas, Colour, Look, Placement, smooth, to_bytes
from ofclip.sources.atelier.shapes import Piece, disc, path, ribbon
from ofclip.sources.atelier.vocabulary import COLOURS
from ofclip.sources.atelier.world import Product, grey_level, pick

TINTS = ((0.86, 0.89, 0.92), (0.93, 0.88, 0.84), (0.87, 0.91, 0.85), (0.91, 0.87, 0.92), (0.95, 0.93, 0.86),
         (0.80, 0.82, 0.84))


def flat(size: int, colour: Colour) -> np.ndarray:
    return np.broadcast_to(np.array(colour, dtype=np.float32), (size, size, 3)).copy()


def ramp(size: int) -> np.ndarray:
    """Return heights of pixel rows, 0 at the top to 1, (size, 1, 1)."""
    return ((np.arange(size, dtype=np.float32) + 0.5) / size)[:, None, None]


def glow(background: np.ndarray, strength: float) -> None:
    """Darken a background towards its corners."""
    size = len(background)
    x = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    background *= 1 - np.float32(strength) * (x * x)[None, :, None] - np.float32(strength) * (x * x)[:, None,
        None]


def _blurred(mask: Image.Image, radius: float) -> np.ndarray:
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)[:, :,
        None] / np.float32(255)


def shadow(background: np.ndarray, pieces: list[Piece], place: Placement, dx: float, dy: float, blur: float,
           dark: float) -> None:
    """Cast the pieces' shadow on a background; dx, dy and blur are shares of the picture."""
    size = len(background)
    mask = Image.new("L", (size, size))
    pen = ImageDraw.Draw(mask)
    shift_x, shift_y = round(dx * size), round(dy * size)
    for piece in pieces:
        pen.polygon([(x + shift_x, y + shift_y) for x, y in place.points(piece.outline, 1, 0, 0)], fill=255)
    background *= 1 - np.float32(dark) * _blurred(mask, blur * size)


def floor_shadow(background: np.ndarray, place: Placement, frame, dark: float) -> None:
    """Put a soft pool of shadow where a product stands."""
    left, _, right, bottom = frame
    size = len(background)
    mask = Image.new("L", (size, size))
    pool = disc((left + right) / 2, bottom + 0.01, (right - left) * 0.52, (right - left) * 0.06 + 0.012)
    ImageDraw.Draw(mask).polygon(place.points(pool, 1, 0, 0), fill=255)
    background *= 1 - np.float32(dark) * _blurred(mask, 0.022 * size)


def clutter(rng: np.random.Generator, size: int, base: Colour, count: int, blur: float) -> np.ndarray:
    """Return a background of blurred boxes and discs in muted colours."""
    picture = Image.new("RGB", (size, size), tuple(round(255 * c) for c in base))
    pen = ImageDraw.Draw(picture)
    for _ in range(count):
        x, y, w, h = (rng.random() for _ in range(4))
        red, green, blue = COLOURS[pick(rng, tuple(COLOURS))]
        mute = rng.uniform(0.35, 0.7)
        fill = tuple(round(c * (1 - mute) + 255 * b * mute) for c,
                     b in zip((red, green, blue), base, strict=True))
        corners = [round(size * t) for t in (x - 0.1 - w * 0.2, y - 0.1 - h * 0.25, x + 0.1 + w * 0.15,
                                             y + 0.1 + h * 0.25)]
        (pen.rectangle if rng.random() < 0.65 else pen.ellipse)(corners, fill=fill)
    picture = picture.filter(ImageFilter.GaussianBlur(blur * size))
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def surface(rng: np.random.Generator, size: int, kind: str) -> np.ndarray:
    """Return boards, linen or marble seen from above."""
    if kind == "boards":
        tone = rng.uniform(0.55, 0.95)
        background = flat(size, (0.80 * tone, 0.66 * tone, 0.52 * tone))
        count, grain = int(rng.uniform(4, 8)), smooth(rng, size, 4, 40)
        background *= 1 + np.float32(0.05) * grain[:, :, None]
        shades = rng.uniform(0.9, 1.06, 8)
        for k in range(count):
            left, right = round(k * size / count), round((k + 1) * size / count)
            background[:, left:right] *= np.float32(shades[k])
            background[:, left : left + max(size // 90, 1)] *= np.float32(0.6)
        return background
    if kind == "linen":
        tint = pick(rng, TINTS)
        background = flat(size, tint)
        return background * (1 + np.float32(0.05) * (smooth(rng, size, 48, 8) + smooth(rng, size, 8, 48)))[:,
            :, None]
    veins = smooth(rng, size, 4, 4) + np.float32(0.3) * smooth(rng, size, 17, 17)
    depth = np.clip(1 - np.abs(veins) * 5, 0, 1) * np.clip(smooth(rng, size, 5, 5) + np.float32(0.3), 0, 1)
    cloud = np.float32(0.03) * smooth(rng, size, 6, 6)
    return flat(size, (0.92, 0.92, 0.93)) * (1 + cloud - np.float32(0.2) * depth)[:, :, None]


def town(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a blurred street: sky, house fronts with windows, pavement, passing lights."""
    sky = pick(rng, ((198, 214, 230), (226, 222, 214), (176, 190, 205), (240, 222, 200)))
    picture = Image.new("RGB", (size, size), sky)
    pen = ImageDraw.Draw(picture)
    x = -0.05
    while x < 1.0:
        wide, roof = rng.uniform(0.14, 0.34), rng.uniform(0.0, 0.35)
        wall = pick(rng, ((168, 120, 98), (196, 180, 156), (122, 128, 136), (210, 200, 190), (146, 150, 132),
                          (94, 92, 100), (186, 150, 110)))
        pen.rectangle([round(size * t) for t in (x, roof, x + wide, 0.84)], fill=wall)
        pane = tuple(round(c * 0.62 + 30) for c in wall) if rng.random() < 0.6 else (226, 214, 170)
        columns, rows = int(rng.uniform(1.5, 4.2)), int(rng.uniform(2.5, 5.5))
        for i in range(columns):
            for j in range(rows):
                px, py = x + (i + 0.25) * wide / columns, roof + 0.04 + j * (0.72 - roof) / rows
                pen.rectangle([round(size * t) for t in (px, py, px + 0.5 * wide / columns,
                                                         py + 0.5 * (0.72 - roof) / rows)], fill=pane)
        x += wide
    ground = round(rng.uniform(110, 165))
    pen.rectangle([0, round(size * rng.uniform(0.74, 0.86)), size, size], fill=(ground, ground, ground - 4))
    for _ in range(6):
        cx, cy, r = rng.random(), rng.uniform(0.3, 0.95), rng.uniform(0.02, 0.07)
        fill = tuple(round(c * 0.6 + 90) for c in COLOURS[pick(rng, tuple(COLOURS))])
        pen.ellipse([round(size * t) for t in (cx - r, cy - r, cx + r, cy + r * 2)], fill=fill)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.006, 0.018) * size))
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def props(canvas: Canvas, rng: np.random.Generator) -> None:
    """Lay a cup, a sprig or sunglasses near the corners."""
    plain = Look({"main": (0.95, 0.94, 0.92), "coffee": (0.30, 0.19, 0.13), "leaf": (0.36, 0.48, 0.34),
                  "dark": (0.13, 0.12, 0.13)})
    for _ in range(1 + (rng.random() < 0.6)):
        x, y = pick(rng, ((-0.9, -0.86), (0.9, -0.86), (-0.9, 0.88), (0.9, 0.88)))
        x, y, kind = x + rng.uniform(-0.06, 0.06), y + rng.uniform(-0.06, 0.06), rng.random()
        if kind < 0.35:
            pieces = [Piece("prop", disc(x, y, 0.2)), Piece("prop", disc(x, y, 0.13)),
                      Piece("prop", disc(x, y, 0.105), "coffee", relief=0.4)]
        elif kind < 0.7:
            stem = path((x - 0.2, y + 0.2), (x + 0.2, y - 0.2, 0.15))
            pieces = [Piece("prop", ribbon(stem, 0.014), "leaf")]
            for k, (sx, sy) in enumerate(stem[1:]):
                side = 1 if k % 2 else -1
                tip = (sx + 0.11 * side, sy - 0.02 + 0.05 * side)
                pieces.append(Piece("prop", path((sx, sy), (*tip, 0.25), (sx, sy, 0.25)), "leaf", relief=0.6))
        else:
            pieces = [Piece("prop", disc(x - 0.11, y, 0.1, 0.085), "dark"),
                      Piece("prop", disc(x + 0.11, y, 0.1, 0.085), "dark"),
                      Piece("prop", ribbon([(x - 0.2, y - 0.04), (x + 0.2, y - 0.04)], 0.025), "dark",
                            relief=0.4)]
        place = Placement(1.0, 0.0, canvas.size / 2, canvas.size / 2, canvas.size / 2)
        shadow(canvas.rgb, pieces, place, 0.01, 0.012, 0.01, 0.4)
        canvas.paint(pieces, place, plain, mark=False)


def noisy(rgb: np.ndarray, product: Product, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as from a poor camera: cast, contrast, grain, and colour stored coarsely."""
    size = len(rgb)
    cast = np.array([rng.uniform(0.9, 1.08) for _ in range(3)], dtype=np.float32)
    contrast, light, grain, quality = rng.uniform(0.75, 1.15), rng.uniform(-0.08, 0.08), rng.uniform(0.0,
        0.07), rng.random()
    rgb = np.clip((rgb * cast - 0.5) * np.float32(contrast) + np.float32(0.5 + light), 0, 1)
    noise = product.rng("noise").random((size, size, 2), dtype=np.float32)
    rgb = np.clip(rgb + (np.float32(grain) * (noise[:, :, 0] + noise[:, :, 1] - 1))[:, :, None], 0, 1)
    if quality < 0.5:
        picture = Image.fromarray(to_bytes(rgb)).convert("YCbCr")
        small = max(round(size * (0.25 + 0.5 * quality)), 8)
        luma, *chroma = picture.split()
        chroma = [c.resize((small, small), Image.Resampling.BOX).resize((size, size),
            Image.Resampling.BILINEAR) for c in chroma]
        luma = luma.point([min(round(v / 12) * 12, 255) for v in range(256)]) if quality < 0.2 else luma
        rgb = np.asarray(Image.merge("YCbCr", (luma, *chroma)).convert("RGB"),
                         dtype=np.float32) / np.float32(255)
    if rng.random() < 0.08:
        rgb = np.repeat(grey_level(*np.moveaxis(rgb, 2, 0))[:, :, None], 3, axis=2)
    return rgb

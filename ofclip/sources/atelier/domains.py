"""The eight picture styles: four that models are trained on and four that they have never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ofclip.errors import unknown
from ofclip.sources.atelier.draw import Canvas, Colour, Look, Placement, smooth
from ofclip.sources.atelier.fabrics import Cloth
from ofclip.sources.atelier.figure import bust, figure, hair
from ofclip.sources.atelier.lowers import LOWERS
from ofclip.sources.atelier.shapes import Piece, box, disc, path, ribbon
from ofclip.sources.atelier.smalls import SMALLS, moved
from ofclip.sources.atelier.uppers import UPPERS, Body
from ofclip.sources.atelier.world import COLOURS, DOMAINS, TYPES, Product, pick, product

#: Goes up whenever a picture changes, so that cached pixels are drawn again.
VERSION = 1

_CUTS = UPPERS | LOWERS | SMALLS
_MANNEQUINS = ((0.93, 0.91, 0.88), (0.84, 0.80, 0.74), (0.62, 0.60, 0.58), (0.87, 0.74, 0.62), (0.58, 0.42, 0.32))
_SKINS = ((0.95, 0.80, 0.70), (0.88, 0.70, 0.57), (0.74, 0.54, 0.40), (0.55, 0.38, 0.28), (0.38, 0.26, 0.20))
_HAIRS = ((0.12, 0.10, 0.10), (0.30, 0.19, 0.12), (0.62, 0.44, 0.24), (0.50, 0.22, 0.12), (0.62, 0.60, 0.58))
_TINTS = ((0.86, 0.89, 0.92), (0.93, 0.88, 0.84), (0.87, 0.91, 0.85), (0.91, 0.87, 0.92), (0.95, 0.93, 0.86), (0.80, 0.82, 0.84))
_GREY = 28  # pixels a side of the small greyscale pictures


@dataclass(frozen=True)
class Garment:
    """A product cut and coloured, before it is placed in a picture."""

    pieces: list[Piece]
    body: Body | None
    look: Look
    box: tuple[float, float, float, float]

    @staticmethod
    def of(product: Product) -> Garment:
        """Cut a product: a pure function of it."""
        rng = product.rng("shape")
        pieces, body = _CUTS[product.type](product, rng)
        frame = box(pieces)
        return Garment(pieces, body, Look(palette(product, rng), Cloth.of(product, frame, rng)), frame)

    @property
    def back(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.behind]

    @property
    def front(self) -> list[Piece]:
        return [piece for piece in self.pieces if not piece.behind]


def palette(product: Product, rng: np.random.Generator) -> dict[str, Colour]:
    """Return what each fill looks like for a product; dye lots vary a little."""

    def dyed(name: str) -> Colour:
        return tuple(min(max(c / 255 + rng.uniform(-0.03, 0.03), 0.02), 0.98) for c in COLOURS[name])

    main = dyed(product.colour)
    gold = rng.random() < 0.5
    return {
        "main": main,
        "accent": dyed(product.accent) if product.accent else tuple(0.85 * c for c in main),
        "trim": tuple(0.93 * c for c in main),
        "inside": tuple(0.62 * c for c in main),
        "metal": (0.82, 0.67, 0.36) if gold else (0.76, 0.77, 0.80),
        "rubber": (0.80, 0.66, 0.46) if gold else (0.25, 0.24, 0.25),
        "wood": (0.70, 0.50, 0.33),
        "white": (0.95, 0.94, 0.92),
        "dark": (0.19, 0.17, 0.18),
        "paper": (0.97, 0.96, 0.93),
        "graphite": (0.19, 0.19, 0.23),
    }


def _flat(size: int, colour: Colour) -> np.ndarray:
    return np.broadcast_to(np.array(colour, dtype=np.float32), (size, size, 3)).copy()


def _ramp(size: int) -> np.ndarray:
    """Return heights of pixel rows, 0 at the top to 1, (size, 1, 1)."""
    return ((np.arange(size, dtype=np.float32) + 0.5) / size)[:, None, None]


def _glow(background: np.ndarray, strength: float) -> None:
    """Darken a background towards its corners."""
    size = len(background)
    x = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    background *= 1 - np.float32(strength) * (x * x)[None, :, None] - np.float32(strength) * (x * x)[:, None, None]


def _blurred(mask: Image.Image, radius: float) -> np.ndarray:
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32)[:, :, None] / np.float32(255)


def _shadow(background: np.ndarray, pieces: list[Piece], place: Placement, dx: float, dy: float, blur: float, dark: float) -> None:
    """Cast the pieces' shadow on a background; dx, dy and blur are shares of the picture."""
    size = len(background)
    mask = Image.new("L", (size, size))
    pen = ImageDraw.Draw(mask)
    shift_x, shift_y = round(dx * size), round(dy * size)
    for piece in pieces:
        pen.polygon([(x + shift_x, y + shift_y) for x, y in place.points(piece.outline, 1, 0, 0)], fill=255)
    background *= 1 - np.float32(dark) * _blurred(mask, blur * size)


def _floor_shadow(background: np.ndarray, place: Placement, frame, dark: float) -> None:
    """Put a soft pool of shadow where a product stands."""
    left, _, right, bottom = frame
    size = len(background)
    mask = Image.new("L", (size, size))
    pool = disc((left + right) / 2, bottom + 0.01, (right - left) * 0.52, (right - left) * 0.06 + 0.012)
    ImageDraw.Draw(mask).polygon(place.points(pool, 1, 0, 0), fill=255)
    background *= 1 - np.float32(dark) * _blurred(mask, 0.022 * size)


def _drape(rng: np.random.Generator, size: int) -> np.ndarray:
    return smooth(rng, size, 5, 11)


def _stands(product: Product) -> bool:
    return product.category in ("shoes", "bags")


def studio(product: Product, size: int) -> Canvas:
    """Seamless white, even light, the product filling the frame."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = _drape(rng, size)
    tone = rng.uniform(0.93, 0.985)
    place = Placement.fit(garment.box, size, rng.uniform(0.84, 0.92), rng.uniform(-0.03, 0.03), mirror=pick(rng, (1.0, -1.0)))
    background = _flat(size, (tone, tone, tone + 0.005))
    _glow(background, 0.12)
    if _stands(product):
        _floor_shadow(background, place, garment.box, 0.42)
    _shadow(background, garment.pieces, place, 0.006, 0.012, 0.016, 0.20)
    canvas = Canvas(background)
    canvas.paint(garment.pieces, place, garment.look, drape)
    return canvas


def phrases(product: Product, size: int) -> Canvas:
    """An invisible mannequin on soft grey, with a shadow to one side."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = _drape(rng, size)
    place = Placement.fit(garment.box, size, rng.uniform(0.70, 0.88), rng.uniform(-0.08, 0.08), rng.uniform(-0.04, 0.04),
                          rng.uniform(-0.04, 0.04), pick(rng, (1.0, -1.0)))  # fmt: skip
    tone, warm = rng.uniform(0.74, 0.93), rng.uniform(-0.015, 0.02)
    background = _flat(size, (tone + warm, tone, tone - warm)) * (1.05 - 0.12 * _ramp(size))
    side = pick(rng, (-1, 1))
    _shadow(background, garment.pieces, place, 0.03 * side, 0.03, 0.028, 0.34)
    if _stands(product):
        _floor_shadow(background, place, garment.box, 0.3)
    canvas = Canvas(background)
    canvas.paint(garment.pieces, place, garment.look, drape)
    return canvas


def _wearing(canvas: Canvas, garment: Garment, product: Product, place: Placement, skin: Look, drape: np.ndarray) -> None:
    """Paint a garment on the stand or body that suits it."""
    if product.category == "headwear":
        body = bust()
    elif product.type in ("scarf", "tie"):
        scale = 1.6 if product.type == "tie" else 1.15
        body = [moved(piece, 0.0, 0.03, scale) for piece in figure(0.2, 0.05)]
    elif product.category in ("tops", "outerwear", "dresses", "bottoms"):
        arm, bend = (garment.body.arm, garment.body.bend) if garment.body else (0.22, 0.1)
        body = figure(arm, bend)
    else:
        body = []
    canvas.paint(garment.back, place, garment.look, drape)
    canvas.paint(body, place, skin, drape, mark=False)
    canvas.paint(garment.front, place, garment.look, drape)


def pairs(product: Product, size: int) -> Canvas:
    """A mannequin before a tinted wall, cropped to the garment."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = _drape(rng, size)
    place = Placement.fit(garment.box, size, rng.uniform(0.74, 0.86), rng.uniform(-0.05, 0.05), rng.uniform(-0.03, 0.03),
                          rng.uniform(-0.02, 0.02), pick(rng, (1.0, -1.0)))  # fmt: skip
    tint, body = pick(rng, _TINTS), pick(rng, _MANNEQUINS)
    background = _flat(size, tint)
    background += np.float32(0.04) * smooth(rng, size, 3, 3)[:, :, None]
    if _stands(product) or product.category == "accessories":
        table = _ramp(size) > rng.uniform(0.62, 0.78)
        background *= 1 - 0.12 * table
        _floor_shadow(background, place, garment.box, 0.35)
    _shadow(background, garment.pieces, place, 0.02, 0.015, 0.03, 0.18)
    canvas = Canvas(background)
    skin = Look(garment.look.palette | {"main": body, "dark": tuple(0.8 * c for c in body)})
    _wearing(canvas, garment, product, place, skin, drape)
    return canvas


def _clutter(rng: np.random.Generator, size: int, base: Colour, count: int, blur: float) -> np.ndarray:
    """Return a background of blurred boxes and discs in muted colours."""
    picture = Image.new("RGB", (size, size), tuple(round(255 * c) for c in base))
    pen = ImageDraw.Draw(picture)
    for _ in range(count):
        x, y, w, h = (rng.random() for _ in range(4))
        red, green, blue = COLOURS[pick(rng, tuple(COLOURS))]
        mute = rng.uniform(0.35, 0.7)
        fill = tuple(round(c * (1 - mute) + 255 * b * mute) for c, b in zip((red, green, blue), base, strict=True))
        corners = [round(size * t) for t in (x - 0.1 - w * 0.2, y - 0.1 - h * 0.25, x + 0.1 + w * 0.15, y + 0.1 + h * 0.25)]
        (pen.rectangle if rng.random() < 0.65 else pen.ellipse)(corners, fill=fill)
    picture = picture.filter(ImageFilter.GaussianBlur(blur * size))
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def _surface(rng: np.random.Generator, size: int, kind: str) -> np.ndarray:
    """Return boards, linen or marble seen from above."""
    if kind == "boards":
        tone = rng.uniform(0.55, 0.95)
        background = _flat(size, (0.80 * tone, 0.66 * tone, 0.52 * tone))
        count, grain = int(rng.uniform(4, 8)), smooth(rng, size, 4, 40)
        background *= 1 + np.float32(0.05) * grain[:, :, None]
        shades = rng.uniform(0.9, 1.06, 8)
        for k in range(count):
            left, right = round(k * size / count), round((k + 1) * size / count)
            background[:, left:right] *= np.float32(shades[k])
            background[:, left : left + max(size // 90, 1)] *= np.float32(0.6)
        return background
    if kind == "linen":
        tint = pick(rng, _TINTS)
        background = _flat(size, tint)
        return background * (1 + np.float32(0.05) * (smooth(rng, size, 48, 8) + smooth(rng, size, 8, 48)))[:, :, None]
    veins = smooth(rng, size, 7, 7) + np.float32(0.5) * smooth(rng, size, 15, 15)
    return _flat(size, (0.91, 0.91, 0.92)) * (1 - np.float32(0.22) * np.clip(1 - np.abs(veins) * 7, 0, 1))[:, :, None]


def _noisy(rgb: np.ndarray, product: Product, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as from a poor camera: cast, contrast, grain, and colour stored coarsely."""
    size = len(rgb)
    cast = np.array([rng.uniform(0.9, 1.08) for _ in range(3)], dtype=np.float32)
    contrast, light, grain, quality = rng.uniform(0.75, 1.15), rng.uniform(-0.08, 0.08), rng.uniform(0.0, 0.07), rng.random()
    rgb = np.clip((rgb * cast - 0.5) * np.float32(contrast) + np.float32(0.5 + light), 0, 1)
    noise = product.rng("noise").random((size, size, 2), dtype=np.float32)
    rgb = np.clip(rgb + (np.float32(grain) * (noise[:, :, 0] + noise[:, :, 1] - 1))[:, :, None], 0, 1)
    if quality < 0.5:
        picture = Image.fromarray(_bytes(rgb)).convert("YCbCr")
        small = max(round(size * (0.25 + 0.5 * quality)), 8)
        luma, *chroma = picture.split()
        chroma = [c.resize((small, small), Image.Resampling.BOX).resize((size, size), Image.Resampling.BILINEAR) for c in chroma]
        luma = luma.point([min(round(v / 12) * 12, 255) for v in range(256)]) if quality < 0.2 else luma
        rgb = np.asarray(Image.merge("YCbCr", (luma, *chroma)).convert("RGB"), dtype=np.float32) / np.float32(255)
    if rng.random() < 0.08:
        rgb = np.repeat((rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32))[:, :, None], 3, axis=2)
    return rgb


def tags(product: Product, size: int) -> Canvas:
    """Anybody's snapshot: any background, scale and tilt, poor light, noise."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = _drape(rng, size)
    kind = pick(rng, ("plain", "plain", "shade", "clutter", "clutter", "boards", "linen", "wall"))
    place = Placement.fit(garment.box, size, rng.uniform(0.55, 0.95), rng.uniform(-0.26, 0.26), rng.uniform(-0.09, 0.09),
                          rng.uniform(-0.09, 0.09), pick(rng, (1.0, -1.0)))  # fmt: skip
    tint = tuple(rng.uniform(0.3, 0.98) for _ in range(3)) if rng.random() < 0.4 else pick(rng, _TINTS)
    if kind == "clutter":
        background = _clutter(rng, size, tint, 14, rng.uniform(0.004, 0.03))
    elif kind in ("boards", "linen"):
        background = _surface(rng, size, kind)
    else:
        background = _flat(size, tint)
        if kind == "shade":
            background *= 1.1 - np.float32(rng.uniform(0.2, 0.6)) * _ramp(size)
        if kind == "wall":
            background *= 1 - np.float32(rng.uniform(0.1, 0.35)) * (_ramp(size) > rng.uniform(0.6, 0.85))
    if rng.random() < 0.6:
        _shadow(background, garment.pieces, place, rng.uniform(-0.03, 0.03), 0.02, rng.uniform(0.008, 0.03), 0.35)
    canvas = Canvas(background)
    if rng.random() < 0.35:
        skin = pick(rng, _SKINS + _MANNEQUINS)
        _wearing(canvas, garment, product, place, Look(garment.look.palette | {"main": skin}), drape)
    else:
        canvas.paint(garment.pieces, place, garment.look, drape)
    light = np.float32(rng.uniform(0.0, 0.22)) * smooth(rng, size, 2, 2)
    canvas.rgb = _noisy(canvas.rgb * (1 + light)[:, :, None], product, rng)
    return canvas


def companions(main: Product) -> list[Product]:
    """Return the one or two other products in a street picture: drawn from their own numbers."""
    rng = main.rng("pair")
    upper = tuple(name for name, kind in TYPES.items() if kind.category == "tops")
    bags, rest = ("handbag", "tote bag", "backpack"), ("sneakers", "boots", "cap", "beanie", "handbag", "tote bag", "t-shirt", "skirt", "scarf")
    if main.category in ("tops", "outerwear"):
        kinds = [tuple(LOWERS)] + [bags] * (rng.random() < 0.5)
    elif main.category == "bottoms":
        kinds = [upper] + [bags] * (rng.random() < 0.5)
    elif main.category == "dresses":
        kinds = [bags]
    else:
        kinds = [rest] * (1 + (rng.random() < 0.5))
    return [product(main.seed, main.domain, main.number + (k + 1 << 40), tuple(t for t in kind if t != main.type))
            for k, kind in enumerate(kinds)]  # fmt: skip


def _town(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a blurred street: sky, house fronts with windows, pavement, passing lights."""
    sky = pick(rng, ((198, 214, 230), (226, 222, 214), (176, 190, 205), (240, 222, 200)))
    picture = Image.new("RGB", (size, size), sky)
    pen = ImageDraw.Draw(picture)
    x = -0.05
    while x < 1.0:
        wide, roof = rng.uniform(0.14, 0.34), rng.uniform(0.0, 0.35)
        wall = pick(rng, ((168, 120, 98), (196, 180, 156), (122, 128, 136), (210, 200, 190), (146, 150, 132), (94, 92, 100), (186, 150, 110)))
        pen.rectangle([round(size * t) for t in (x, roof, x + wide, 0.84)], fill=wall)
        pane = tuple(round(c * 0.62 + 30) for c in wall) if rng.random() < 0.6 else (226, 214, 170)
        columns, rows = int(rng.uniform(1.5, 4.2)), int(rng.uniform(2.5, 5.5))
        for i in range(columns):
            for j in range(rows):
                px, py = x + (i + 0.25) * wide / columns, roof + 0.04 + j * (0.72 - roof) / rows
                pen.rectangle([round(size * t) for t in (px, py, px + 0.5 * wide / columns, py + 0.5 * (0.72 - roof) / rows)], fill=pane)
        x += wide
    ground = round(rng.uniform(110, 165))
    pen.rectangle([0, round(size * rng.uniform(0.74, 0.86)), size, size], fill=(ground, ground, ground - 4))
    for _ in range(6):
        cx, cy, r = rng.random(), rng.uniform(0.3, 0.95), rng.uniform(0.02, 0.07)
        fill = tuple(round(c * 0.6 + 90) for c in COLOURS[pick(rng, tuple(COLOURS))])
        pen.ellipse([round(size * t) for t in (cx - r, cy - r, cx + r, cy + r * 2)], fill=fill)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.006, 0.018) * size))
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def street(product: Product, size: int) -> Canvas:
    """A passer-by in town: the product worn with one or two others, or carried past them."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = _drape(rng, size)
    others = [(other, Garment.of(other)) for other in companions(product)]
    share = rng.uniform(0.56, 0.78)
    place = Placement.fit(garment.box, size, share, rng.uniform(-0.09, 0.09), rng.uniform(-0.07, 0.07), rng.uniform(-0.04, 0.06),
                          pick(rng, (1.0, -1.0)))  # fmt: skip
    canvas = Canvas(_town(rng, size))
    skin, locks, style = pick(rng, _SKINS), pick(rng, _HAIRS), rng.random()
    if product.gender == "men":
        style = 0.65 + 0.35 * style
    wearer = Look({"main": skin, "dark": locks})
    if product.category in ("tops", "outerwear", "dresses", "bottoms"):
        worn = [(other, cut) for other, cut in others if other.category in ("tops", "bottoms")]
        body = garment.body or next((cut.body for _, cut in worn if cut.body), None)
        pieces, (behind, before) = figure(body.arm, body.bend), hair(style)
        for _, cut in [*worn, (product, garment)]:
            canvas.paint(cut.back, place, cut.look, drape, mark=cut is garment)
        canvas.paint(behind, place, wearer, drape, mark=False)
        canvas.paint(pieces, place, wearer, drape, mark=False)
        first = [cut for other, cut in worn if other.category == "bottoms"] + [cut for other, cut in worn if other.category == "tops"]
        layers = [garment, *first] if product.category == "bottoms" and rng.random() < 0.35 else [*first, garment]
        for cut in layers:
            canvas.paint(cut.front, place, cut.look, drape, mark=cut is garment)
        canvas.paint(before, place, wearer, drape, mark=False)
        for other, cut in others:
            if other.category == "bags":
                wrist = next(piece for piece in pieces if piece.part == "wearer").outline[0]
                hung = [moved(piece, -abs(wrist[0]) + 0.05, wrist[1] - 0.42 * cut.box[1], 0.42) for piece in cut.pieces]
                canvas.paint(hung, place, cut.look, drape, mark=False)
    else:
        for side, (_, cut) in zip((-1, 1), others, strict=False):
            beside = Placement.fit(cut.box, size, share * rng.uniform(0.45, 0.6), rng.uniform(-0.2, 0.2), side * rng.uniform(0.32, 0.42),
                                   rng.uniform(-0.3, 0.3))  # fmt: skip
            canvas.paint(cut.pieces, beside, cut.look, drape, mark=False)
        if _stands(product):
            _floor_shadow(canvas.rgb, place, garment.box, 0.45)
        _wearing(canvas, garment, product, place, wearer, drape)
    light = np.array([rng.uniform(0.9, 1.06), 1.0, rng.uniform(0.88, 1.04)], dtype=np.float32) * np.float32(rng.uniform(0.85, 1.1))
    fall = 1 + np.float32(0.2) * smooth(rng, size, 2, 3)[:, :, None]
    grain = product.rng("noise").random((size, size), dtype=np.float32)[:, :, None] - np.float32(0.5)
    canvas.rgb = np.clip(canvas.rgb * light * fall + np.float32(0.035) * grain, 0, 1)
    return canvas


def _props(canvas: Canvas, rng: np.random.Generator) -> None:
    """Lay a cup, a sprig or sunglasses near the corners."""
    plain = Look({"main": (0.95, 0.94, 0.92), "coffee": (0.30, 0.19, 0.13), "leaf": (0.36, 0.48, 0.34), "dark": (0.13, 0.12, 0.13)})
    for _ in range(1 + (rng.random() < 0.6)):
        x, y = pick(rng, ((-0.9, -0.86), (0.9, -0.86), (-0.9, 0.88), (0.9, 0.88)))
        x, y, kind = x + rng.uniform(-0.06, 0.06), y + rng.uniform(-0.06, 0.06), rng.random()
        if kind < 0.35:
            pieces = [Piece("prop", disc(x, y, 0.2)), Piece("prop", disc(x, y, 0.13)), Piece("prop", disc(x, y, 0.105), "coffee", relief=0.4)]
        elif kind < 0.7:
            stem = path((x - 0.2, y + 0.2), (x + 0.2, y - 0.2, 0.15))
            pieces = [Piece("prop", ribbon(stem, 0.014), "leaf")]
            for k, (sx, sy) in enumerate(stem[1:]):
                side = 1 if k % 2 else -1
                tip = (sx + 0.11 * side, sy - 0.02 + 0.05 * side)
                pieces.append(Piece("prop", path((sx, sy), (*tip, 0.25), (sx, sy, 0.25)), "leaf", relief=0.6))
        else:
            pieces = [Piece("prop", disc(x - 0.11, y, 0.1, 0.085), "dark"), Piece("prop", disc(x + 0.11, y, 0.1, 0.085), "dark"),
                      Piece("prop", ribbon([(x - 0.2, y - 0.04), (x + 0.2, y - 0.04)], 0.025), "dark", relief=0.4)]  # fmt: skip
        place = Placement(1.0, 0.0, canvas.size / 2, canvas.size / 2, canvas.size / 2)
        _shadow(canvas.rgb, pieces, place, 0.01, 0.012, 0.01, 0.4)
        canvas.paint(pieces, place, plain, mark=False)


def flatlay(product: Product, size: int) -> Canvas:
    """Laid out on boards, linen or marble and seen from above, with a hard shadow and things around it."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = _drape(rng, size)
    canvas = Canvas(_surface(rng, size, pick(rng, ("boards", "linen", "marble"))))
    place = Placement.fit(garment.box, size, rng.uniform(0.66, 0.84), rng.uniform(-0.55, 0.55), rng.uniform(-0.05, 0.05),
                          rng.uniform(-0.05, 0.05), pick(rng, (1.0, -1.0)))  # fmt: skip
    _props(canvas, rng)
    _shadow(canvas.rgb, garment.pieces, place, 0.014, 0.016, 0.008, 0.5)
    canvas.paint(garment.pieces, place, garment.look, drape)
    canvas.rgb = np.clip(canvas.rgb * (1 + np.float32(0.12) * smooth(rng, size, 2, 2))[:, :, None], 0, 1)
    return canvas


def grey(product: Product, size: int) -> Canvas:
    """A 28-pixel greyscale icon on black, enlarged: light cloth stays light, dark cloth is shown as a negative."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = _drape(rng, _GREY)
    weights = np.array([0.299, 0.587, 0.114])
    grey_look = {fill: (float(np.dot(weights, colour)),) * 3 for fill, colour in garment.look.palette.items()}
    place = Placement.fit(garment.box, _GREY, rng.uniform(0.9, 1.0), mirror=pick(rng, (1.0, -1.0)))
    small = Canvas(_flat(_GREY, (0.0, 0.0, 0.0)))
    small.paint(garment.pieces, place, Look(grey_look, garment.look.cloth), drape)
    alpha = small.alpha()
    tone = small.rgb[:, :, 0]
    mean = float((tone * alpha).sum() / max(alpha.sum(), 1.0))
    if mean < 0.42:
        tone = alpha - tone
        mean = 1 - mean
    tone = np.clip(tone + alpha * np.float32(0.66 - mean), 0, 1) * (alpha > 0.02)
    enlarged = Image.fromarray(_bytes(tone)).resize((size, size), Image.Resampling.BILINEAR)
    canvas = Canvas(np.repeat((np.asarray(enlarged, dtype=np.float32) / np.float32(255))[:, :, None], 3, axis=2))
    for part, cover in small.cover.items():
        grown = Image.fromarray(_bytes(np.clip(cover, 0, 1))).resize((size, size), Image.Resampling.BILINEAR)
        canvas.cover[part] = np.asarray(grown, dtype=np.float32) / np.float32(255)
    return canvas


def sketch(product: Product, size: int) -> Canvas:
    """A pencil drawing on paper: outlines, seams and a hint of the pattern."""
    rng, garment = product.rng("scene"), Garment.of(product)
    warm = rng.uniform(0.0, 0.05)
    paper = (0.975, 0.97 - 0.3 * warm, 0.96 - warm)
    graphite = pick(rng, ((0.16, 0.16, 0.19), (0.27, 0.25, 0.25), (0.16, 0.18, 0.30)))
    place = Placement.fit(garment.box, size, rng.uniform(0.78, 0.9), rng.uniform(-0.06, 0.06), mirror=pick(rng, (1.0, -1.0)))
    look = Look(garment.look.palette | {"paper": paper, "graphite": graphite}, garment.look.cloth, ink=True)
    canvas = Canvas(_flat(size, paper))
    canvas.paint(garment.pieces, place, look)
    shade = np.clip(smooth(rng, size, 6, 6), 0, 1) * canvas.alpha()
    x = np.arange(size, dtype=np.float32) / size
    hatch = np.abs(np.mod((x[None, :] + x[:, None]) * 26, 1) - 0.5) * 2
    canvas.rgb *= 1 - np.float32(0.3) * (shade * hatch)[:, :, None]
    canvas.rgb *= 1 + np.float32(0.02) * smooth(rng, size, 60, 60)[:, :, None]
    return canvas


STYLES = {
    "studio": studio, "pairs": pairs, "phrases": phrases, "tags": tags, "street": street, "flatlay": flatlay,
    "grey": grey, "sketch": sketch,
}  # fmt: skip


def _bytes(values: np.ndarray) -> np.ndarray:
    return (np.clip(values, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _canvas(product: Product, domain: str, size: int) -> Canvas:
    if domain not in STYLES:
        raise unknown("part of atelier", domain, DOMAINS)
    return STYLES[domain](product, size)


def render(product: Product, domain: str, size: int = 256) -> Image.Image:
    """Return the picture of a product in the style of a domain, size x size RGB.

    Any product can be drawn in any style; catalogues draw each in its own. Raises SettingError for an
    unknown domain.
    """
    return Image.fromarray(_bytes(_canvas(product, domain, size).rgb))


def masks(product: Product, domain: str, size: int = 256) -> dict[str, np.ndarray]:
    """Return, per part of the product, the pixels that show it, (size, size) bool, aligned with `render`.

    They come from the same brush strokes as the picture: a pixel belongs to the part that covers at least
    half of it; nothing that hides a part (a hand, another garment) belongs to it.
    """
    return _canvas(product, domain, size).masks()

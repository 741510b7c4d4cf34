"""The eight picture styles: four that models are trained on and four that they have never seen."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ofclip.errors import unknown
from ofclip.sources.atelier.draw import Canvas, Colour, Drape, Look, Placement, smooth, to_bytes
from ofclip.sources.atelier.figure import bust, figure, form, hair
from ofclip.sources.atelier.garment import Garment
from ofclip.sources.atelier.scenery import (
    TINTS,
    clutter,
    flat,
    floor_shadow,
    glow,
    noisy,
    props,
    ramp,
    shadow,
    surface,
    town,
)
from ofclip.sources.atelier.shapes import moved
from ofclip.sources.atelier.world import DOMAINS, Product, companions, grey_level, pick

#: Goes up whenever a picture changes, so that cached pixels are drawn again.
VERSION = 1

_DOLLS = ((0.93, 0.91, 0.88), (0.84, 0.80, 0.74), (0.62, 0.60, 0.58), (0.87, 0.74, 0.62), (0.58, 0.42, 0.32))
_SKINS = ((0.95, 0.80, 0.70), (0.88, 0.70, 0.57), (0.74, 0.54, 0.40), (0.55, 0.38, 0.28), (0.38, 0.26, 0.20))
_HAIRS = ((0.12, 0.10, 0.10), (0.30, 0.19, 0.12), (0.62, 0.44, 0.24), (0.50, 0.22, 0.12), (0.62, 0.60, 0.58))
_GREY = 28  # pixels a side of the small greyscale pictures


def _stands(product: Product) -> bool:
    return product.category in ("shoes", "bags")


def studio(product: Product, size: int) -> Canvas:
    """Seamless white, even light, the product filling the frame."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = Drape.of(rng, size)
    tone = rng.uniform(0.93, 0.985)
    place = Placement.fit(garment.box, size, rng.uniform(0.84, 0.92), rng.uniform(-0.03, 0.03),
                          mirror=pick(rng, (1.0, -1.0)))
    background = flat(size, (tone, tone, tone + 0.005))
    glow(background, 0.12)
    if _stands(product):
        floor_shadow(background, place, garment.box, 0.42)
    shadow(background, garment.pieces, place, 0.006, 0.012, 0.016, 0.20)
    canvas = Canvas(background)
    canvas.paint(garment.pieces, place, garment.look, drape)
    return canvas


def phrases(product: Product, size: int) -> Canvas:
    """An invisible mannequin on soft grey, with a shadow to one side."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = Drape.of(rng, size)
    place = Placement.fit(garment.box, size, rng.uniform(0.70, 0.88), rng.uniform(-0.08, 0.08),
                          rng.uniform(-0.04, 0.04),
                          rng.uniform(-0.04, 0.04), pick(rng, (1.0, -1.0)))
    tone, warm = rng.uniform(0.74, 0.93), rng.uniform(-0.015, 0.02)
    background = flat(size, (tone + warm, tone, tone - warm)) * (1.05 - 0.12 * ramp(size))
    side = pick(rng, (-1, 1))
    shadow(background, garment.pieces, place, 0.03 * side, 0.03, 0.028, 0.34)
    if _stands(product):
        floor_shadow(background, place, garment.box, 0.3)
    canvas = Canvas(background)
    canvas.paint(garment.pieces, place, garment.look, drape)
    return canvas


def _wearing(canvas: Canvas, garment: Garment, product: Product, place: Placement, skin: Look,
             drape: Drape) -> None:
    """Paint a garment on the stand or body that suits it."""
    if product.category == "headwear":
        body = bust()
    elif product.type in ("scarf", "tie"):
        scale = 1.6 if product.type == "tie" else 1.15
        body = [moved(piece, 0.0, 0.03, scale) for piece in form()]
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
    drape = Drape.of(rng, size)
    place = Placement.fit(garment.box, size, rng.uniform(0.74, 0.86), rng.uniform(-0.05, 0.05),
                          rng.uniform(-0.03, 0.03),
                          rng.uniform(-0.02, 0.02), pick(rng, (1.0, -1.0)))
    tint, body = pick(rng, TINTS), pick(rng, _DOLLS)
    background = flat(size, tint)
    background += np.float32(0.04) * smooth(rng, size, 3, 3)[:, :, None]
    if _stands(product) or product.category == "accessories":
        table = ramp(size) > rng.uniform(0.62, 0.78)
        background *= 1 - 0.12 * table
        floor_shadow(background, place, garment.box, 0.35)
    shadow(background, garment.pieces, place, 0.02, 0.015, 0.03, 0.18)
    canvas = Canvas(background)
    skin = Look(garment.look.palette | {"main": body, "dark": tuple(0.8 * c for c in body)})
    _wearing(canvas, garment, product, place, skin, drape)
    return canvas


def tags(product: Product, size: int) -> Canvas:
    """Anybody's snapshot: any background, scale and tilt, poor light, noise."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = Drape.of(rng, size)
    kind = pick(rng, ("plain", "plain", "shade", "clutter", "clutter", "boards", "linen", "wall"))
    place = Placement.fit(garment.box, size, rng.uniform(0.55, 0.95), rng.uniform(-0.26, 0.26),
                          rng.uniform(-0.09, 0.09),
                          rng.uniform(-0.09, 0.09), pick(rng, (1.0, -1.0)))
    tint = tuple(rng.uniform(0.3, 0.98) for _ in range(3)) if rng.random() < 0.4 else pick(rng, TINTS)
    if kind == "clutter":
        background = clutter(rng, size, tint, 14, rng.uniform(0.004, 0.03))
    elif kind in ("boards", "linen"):
        background = surface(rng, size, kind)
    else:
        background = flat(size, tint)
        if kind == "shade":
            background *= 1.1 - np.float32(rng.uniform(0.2, 0.6)) * ramp(size)
        if kind == "wall":
            background *= 1 - np.float32(rng.uniform(0.1, 0.35)) * (ramp(size) > rng.uniform(0.6, 0.85))
    if rng.random() < 0.6:
        shadow(background, garment.pieces, place, rng.uniform(-0.03, 0.03), 0.02, rng.uniform(0.008, 0.03),
               0.35)
    canvas = Canvas(background)
    if rng.random() < 0.35:
        skin = pick(rng, _SKINS + _DOLLS)
        _wearing(canvas, garment, product, place, Look(garment.look.palette | {"main": skin}), drape)
    else:
        canvas.paint(garment.pieces, place, garment.look, drape)
    light = np.float32(rng.uniform(0.0, 0.22)) * smooth(rng, size, 2, 2)
    canvas.rgb = noisy(canvas.rgb * (1 + light)[:, :, None], product, rng)
    return canvas


def street(product: Product, size: int) -> Canvas:
    """A passer-by in town: the product worn with one or two others, or carried past them."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = Drape.of(rng, size)
    others = [(other, Garment.of(other)) for other in companions(product)]
    share = rng.uniform(0.56, 0.78)
    place = Placement.fit(garment.box, size, share, rng.uniform(-0.09, 0.09), rng.uniform(-0.07, 0.07),
                          rng.uniform(-0.04, 0.06),
                          pick(rng, (1.0, -1.0)))
    canvas = Canvas(town(rng, size))
    skin, locks, style = pick(rng, _SKINS), pick(rng, _HAIRS), rng.random()
    if product.gender == "men":
        style = 0.65 + 0.35 * style
    wearer = Look({"main": skin, "dark": locks})
    if product.category in ("tops", "outerwear", "dresses", "bottoms"):
        worn = [(other, cut) for other, cut in others if other.category in ("tops", "bottoms")]
        body = garment.body or next((cut.body for _, cut in worn if cut.body), None)
        assert body is not None  # what is no bottom has one, and a bottom is worn with a top
        pieces, (behind, before) = figure(body.arm, body.bend), hair(style)
        for _, cut in [*worn, (product, garment)]:
            canvas.paint(cut.back, place, cut.look, drape, mark=cut is garment)
        canvas.paint(behind, place, wearer, drape, mark=False)
        canvas.paint(pieces, place, wearer, drape, mark=False)
        first = [cut for other, cut in worn if other.category == "bottoms"] + [cut for other,
            cut in worn if other.category == "tops"]
        layers = [garment, *first] if product.category == "bottoms" and rng.random() < 0.35 else [*first,
            garment]
        for cut in layers:
            canvas.paint(cut.front, place, cut.look, drape, mark=cut is garment)
        canvas.paint(before, place, wearer, drape, mark=False)
        for other, cut in others:
            if other.category == "bags":
                wrist = pieces[0].outline[0]
                hung = [moved(piece, -abs(wrist[0]) + 0.05, wrist[1] - 0.42 * cut.box[1],
                              0.42) for piece in cut.pieces]
                canvas.paint(hung, place, cut.look, drape, mark=False)
    else:
        for side, (_, cut) in zip((-1, 1), others, strict=False):
            beside = Placement.fit(cut.box, size, share * rng.uniform(0.45, 0.6), rng.uniform(-0.2, 0.2),
                                   side * rng.uniform(0.32, 0.42),
                                   rng.uniform(-0.3, 0.3))
            canvas.paint(cut.pieces, beside, cut.look, drape, mark=False)
        if _stands(product):
            floor_shadow(canvas.rgb, place, garment.box, 0.45)
        if product.category == "headwear":
            _wearing(canvas, garment, product, place, wearer, drape)
        else:
            canvas.paint(garment.pieces, place, garment.look, drape)
    light = np.array([rng.uniform(0.9, 1.06), 1.0, rng.uniform(0.88, 1.04)],
                     dtype=np.float32) * np.float32(rng.uniform(0.85, 1.1))
    fall = 1 + np.float32(0.2) * smooth(rng, size, 2, 3)[:, :, None]
    grain = product.rng("noise").random((size, size), dtype=np.float32)[:, :, None] - np.float32(0.5)
    canvas.rgb = np.clip(canvas.rgb * light * fall + np.float32(0.035) * grain, 0, 1)
    return canvas


def flatlay(product: Product, size: int) -> Canvas:
    """Laid out on boards, linen or marble and seen from above, with a hard shadow and things around it."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = Drape.of(rng, size)
    canvas = Canvas(surface(rng, size, pick(rng, ("boards", "linen", "marble"))))
    place = Placement.fit(garment.box, size, rng.uniform(0.66, 0.84), rng.uniform(-0.55, 0.55),
                          rng.uniform(-0.05, 0.05),
                          rng.uniform(-0.05, 0.05), pick(rng, (1.0, -1.0)))
    props(canvas, rng)
    shadow(canvas.rgb, garment.pieces, place, 0.014, 0.016, 0.008, 0.5)
    canvas.paint(garment.pieces, place, garment.look, drape)
    canvas.rgb = np.clip(canvas.rgb * (1 + np.float32(0.12) * smooth(rng, size, 2, 2))[:, :, None], 0, 1)
    return canvas


def grey(product: Product, size: int) -> Canvas:
    """A 28-pixel greyscale icon on black, enlarged; dark cloth is shown as a negative."""
    rng, garment = product.rng("scene"), Garment.of(product)
    drape = Drape.of(rng, _GREY)
    levels: dict[str, Colour] = {fill: (grey_level(*colour),) * 3 for fill, colour in garment.look.palette.items()}
    place = Placement.fit(garment.box, _GREY, rng.uniform(0.9, 1.0), mirror=pick(rng, (1.0, -1.0)))
    small = Canvas(flat(_GREY, (0.0, 0.0, 0.0)))
    small.paint(garment.pieces, place, Look(levels, garment.look.cloth), drape)
    alpha = small.alpha()
    tone: np.ndarray = small.rgb[:, :, 0]
    # whole numbers add up to the same sum on every machine
    mean = int(to_bytes(tone * alpha).sum(dtype=np.int64)) / int(to_bytes(alpha).sum(dtype=np.int64))
    if mean < 0.42:
        tone = alpha - tone
        mean = 1 - mean
    tone = np.clip(tone + alpha * np.float32(0.66 - mean), 0, 1) * (alpha > 0.02)
    canvas = Canvas(np.repeat(_enlarged(tone, size)[:, :, None], 3, axis=2))
    canvas.cover = {part: _enlarged(cover, size) for part, cover in small.cover.items()}
    return canvas


def _enlarged(values: np.ndarray, size: int) -> np.ndarray:
    picture = Image.fromarray(to_bytes(values)).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def sketch(product: Product, size: int) -> Canvas:
    """A pencil drawing on paper: outlines, seams and a hint of the pattern."""
    rng, garment = product.rng("scene"), Garment.of(product)
    warm = rng.uniform(0.0, 0.05)
    paper = (0.975, 0.97 - 0.3 * warm, 0.96 - warm)
    graphite = pick(rng, ((0.16, 0.16, 0.19), (0.27, 0.25, 0.25), (0.16, 0.18, 0.30)))
    place = Placement.fit(garment.box, size, rng.uniform(0.78, 0.9), rng.uniform(-0.06, 0.06),
                          mirror=pick(rng, (1.0, -1.0)))
    look = Look(garment.look.palette | {"paper": paper, "graphite": graphite}, garment.look.cloth, ink=True)
    canvas = Canvas(flat(size, paper))
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
}


def _canvas(product: Product, domain: str, size: int) -> Canvas:
    if domain not in STYLES:
        raise unknown("part of atelier", domain, DOMAINS)
    return STYLES[domain](product, size)


def render(product: Product, domain: str, size: int = 256) -> Image.Image:
    """Return the picture of a product in the style of a domain, size x size RGB.

    Any product can be drawn in any style; catalogues draw each in its own. Raises SettingError for an
    unknown domain.
    """
    return Image.fromarray(to_bytes(_canvas(product, domain, size).rgb))


def masks(product: Product, domain: str, size: int = 256) -> dict[str, np.ndarray]:
    """Return, per part of the product, the pixels that show it, (size, size) bool, aligned with `render`.

    They come from the same brush strokes as the picture: a pixel belongs to the part that covers at least
    half of it; nothing that hides a part (a hand, another garment) belongs to it.
    """
    return _canvas(product, domain, size).masks()

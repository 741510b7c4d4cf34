"""Schematic drawings of the papers' method and of how to read an interval: no Record, and no result, is in them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from ofclip.figures.charts import CEILING, CHANCE
from ofclip.figures.style import COLOURS, INK, MUTED, PALE, Drawing, styled
from ofclip.sources.atelier import HELD_OUT, TRAINING, captions, product, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Narrower than charts, so that words stay large on a small screen.
WIDTH = 5.6
SEED = 0
PICTURES, TEXTS = COLOURS[0], COLOURS[1]
#: The products shown: types that can be told from afar, drawn in a given domain.
SHOWN = ("dress", "backpack", "handbag")


@styled
def contrastive() -> Drawing:
    """Draw a batch of three pairs: pictures down, texts across, and which of their cells are to be alike."""
    figure, axes = _canvas(WIDTH, 3.9, 10.4, 7.2)
    size, left, bottom = 1.15, 5.0, 0.75
    for place, kind in enumerate(SHOWN):
        y = bottom + size * (len(SHOWN) - 1 - place)
        own = product(SEED, "studio", place, (kind,))
        _image(axes, np.asarray(render(own, "studio", 96)), 0.1, y + 0.08, 1.0)
        _vector(axes, left - 0.42, y + size / 2, PICTURES, upright=False)
        x = left + size * place
        _vector(axes, x + size / 2, bottom + size * len(SHOWN) + 0.38, TEXTS, upright=True)
        for column in range(len(SHOWN)):
            same = column == place
            cell = Rectangle(
                (left + size * column, y), size, size, facecolor=COLOURS[2] if same else PALE, edgecolor="white"
            )
            axes.add_patch(cell)
            sign: dict[str, Any] = {"color": "white" if same else MUTED, "fontsize": 15, "ha": "center", "va": "center"}
            axes.text(left + size * (column + 0.5), y + size / 2, "+" if same else "\N{MINUS SIGN}", **sign)
    middle = bottom + size * len(SHOWN) / 2
    _box(axes, 1.95, middle - 0.5, 1.75, 1.0, "image\nencoder", PICTURES)
    _arrow(axes, (1.2, middle), (1.9, middle))
    _arrow(axes, (3.75, middle), (4.2, middle))
    top = bottom + size * len(SHOWN) + 0.8
    centre = left + size * len(SHOWN) / 2
    _box(axes, centre - 0.95, top + 0.2, 1.9, 0.8, "text encoder", TEXTS)
    _arrow(axes, (centre, top + 0.15), (centre, top - 0.1))
    for place, kind in enumerate(SHOWN):
        axes.text(left + 2.25, top + 1.75 - 0.29 * place, f"a photo of a {kind}", ha="left", va="center", fontsize=8)
    _arrow(axes, (left + 2.15, top + 1.45), (centre + 0.3, top + 1.05))
    words = left + size * len(SHOWN) + 0.2
    axes.text(words, bottom + 2.6, "+  own pair:\n    alike", color=COLOURS[2], va="center", fontsize=8.5)
    axes.text(
        words, bottom + 0.9, "\N{MINUS SIGN}  all others\n    of the batch:\n    unlike", va="center", fontsize=8.5
    )
    axes.text(left + size * 1.5, bottom - 0.35, "cosines of all pictures and all texts", ha="center", fontsize=8.5)
    return figure


@styled
def zero_shot() -> Drawing:
    """Draw the two ways to use the vectors: a picture asks for the nearest prompt, a text for the nearest pictures."""
    figure, axes = _canvas(WIDTH, 3.5, 10.4, 6.5)
    axes.text(0.1, 6.2, "Zero-shot: which prompt lies nearest?", fontsize=9.5, va="center")
    _image(axes, np.asarray(render(product(SEED, "studio", 1, ("backpack",)), "studio", 96)), 0.1, 3.9, 1.5)
    for place, (kind, length) in enumerate((("dress", 0.35), ("backpack", 0.92), ("handbag", 0.22), ("coat", 0.3))):
        y, chosen = 5.3 - 0.46 * place, kind == "backpack"
        axes.text(2.3, y, f"a photo of a {kind}", va="center", fontsize=8.5, fontweight="bold" if chosen else None)
        colour = COLOURS[2] if chosen else PALE
        axes.add_patch(Rectangle((6.2, y - 0.15), 3.2 * length, 0.3, facecolor=colour, edgecolor=MUTED, linewidth=0.5))
        if chosen:
            axes.text(6.35 + 3.2 * length, y, "answer", va="center", fontsize=8.5, color=COLOURS[2])
    axes.text(0.1, 2.95, "Retrieval: which pictures lie nearest?", fontsize=9.5, va="center")
    axes.text(0.1, 1.3, "\n".join(textwrap.wrap("“a photo of a handbag”", 14)), va="center", fontsize=8.5)
    kinds = ("handbag", "tote bag", "handbag", "cap", "sun hat")
    for place, kind in enumerate(kinds):
        x, right = 2.3 + 1.62 * place, kind == "handbag"
        _image(axes, np.asarray(render(product(SEED, "studio", place, (kind,)), "studio", 96)), x, 0.6, 1.4)
        if right:
            axes.add_patch(Rectangle((x, 0.6), 1.4, 1.4, fill=False, edgecolor=COLOURS[2], linewidth=2))
        axes.text(x + 0.7, 2.2, f"rank {place + 1}", ha="center", fontsize=8)
        if right:
            axes.text(x + 0.7, 0.25, "right", ha="center", fontsize=8, color=COLOURS[2])
    return figure


@styled
def mixture() -> Drawing:
    """Draw the data mixture: four training domains with a text each, and the domains that are held out."""
    figure, axes = _canvas(WIDTH, 4.9, 10.4, 9.1)
    axes.text(0.1, 8.8, "Trained on: four domains, each with texts of its own kind", fontsize=9.5, va="center")
    for place, domain in enumerate(TRAINING):
        y = 7.1 - 1.32 * place
        own = product(SEED, domain, 3, ("dress",))
        _image(axes, np.asarray(render(own, domain, 96)), 0.1, y, 1.22)
        words = textwrap.wrap(textwrap.shorten(captions(own)[0], 74, placeholder=" …"), 40)
        axes.text(1.6, y + 0.61, "\n".join([f"{domain}:", *words]), va="center", fontsize=8)
    _box(axes, 7.6, 4.6, 2.6, 1.5, "one model,\nall domains in\nequal shares", INK)
    for place in range(len(TRAINING)):
        _arrow(axes, (6.75, 7.7 - 1.32 * place), (7.55, 5.9 - 0.35 * place))
    axes.text(0.1, 2.55, "Held out: never trained on, and asked in the end", fontsize=9.5, va="center")
    for place, domain in enumerate(HELD_OUT):
        x = 0.1 + 1.75 * place
        _image(axes, np.asarray(render(product(SEED, domain, 3, ("dress",)), domain, 96)), x, 0.75, 1.4)
        axes.text(x + 0.7, 0.35, domain, ha="center", fontsize=8.5)
    _arrow(axes, (8.9, 4.5), (7.1, 1.5))
    axes.text(8.35, 2.9, "?", fontsize=15, color=COLOURS[1])
    return figure


@styled
def reading(rows: Sequence[tuple[float, float, float, float, float]] = ()) -> Drawing:
    """Draw made-up rows of value, low, high, chance and ceiling; five that a reader should tell apart by default."""
    made_up = (
        (0.62, 0.54, 0.70, 0.10, 1.0),
        (0.57, 0.49, 0.65, 0.10, 1.0),
        (0.36, 0.31, 0.41, 0.05, 0.42),
        (0.55, 0.38, 0.72, 0.50, 1.0),
        (0.24, 0.14, 0.34, 0.20, 1.0),
    )
    rows = rows or made_up
    names = ("first", "second", "third", "fourth", "fifth")[: len(rows)]
    figure = Drawing(figsize=(WIDTH, 0.7 + 0.32 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    for y, (value, low, high, chance, ceiling) in enumerate(rows):
        axes.hlines(y, low, high, color=COLOURS[0], linewidth=2)
        axes.plot(value, y, marker="o", color=COLOURS[0], markersize=5.5)
        axes.plot(chance, y, **CHANCE)
        axes.plot(ceiling, y, **CEILING)
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.04)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], color=COLOURS[0], marker="o", linewidth=2, markersize=5.5, label="value, 95 % interval"),
        Line2D([], [], linewidth=0, label="chance", **CHANCE),
        Line2D([], [], linewidth=0, label="ceiling", **CEILING),
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=3)
    return figure


def _canvas(width: float, height: float, right: float, top: float) -> tuple[Drawing, Axes]:
    figure = Drawing(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, right), ylim=(0, top))
    axes.set_axis_off()
    return figure, axes


def _image(axes: Axes, pixels: np.ndarray, x: float, y: float, side: float) -> None:
    axes.imshow(pixels, extent=(x, x + side, y, y + side), aspect="auto", zorder=2)
    axes.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor=MUTED, linewidth=0.6, zorder=3))


def _box(axes: Axes, x: float, y: float, width: float, height: float, text: str, colour: str) -> None:
    style: dict[str, Any] = {
        "boxstyle": "round,pad=0.02,rounding_size=0.12",
        "facecolor": "white",
        "edgecolor": colour,
        "linewidth": 1.6,
    }
    axes.add_patch(FancyBboxPatch((x, y), width, height, **style))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=9)


def _vector(axes: Axes, x: float, y: float, colour: str, *, upright: bool) -> None:
    for step, alpha in enumerate((0.9, 0.35, 0.65, 0.2)):
        shift = (step - 2) * 0.17
        corner = (x - 0.085, y + shift) if upright else (x + shift, y - 0.085)
        axes.add_patch(Rectangle(corner, 0.17, 0.17, facecolor=colour, alpha=alpha, edgecolor=colour, linewidth=0.5))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=MUTED, linewidth=1.1))

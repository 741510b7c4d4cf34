"""How every figure looks, and how it becomes the same bytes each time."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from ofclip.errors import unknown
from ofclip.files import atomic

#: Okabe and Ito's palette, which colour-blind readers can tell apart, without its pale yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
#: One per colour, so that series differ without it.
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
OWN, INK, MUTED, PALE = COLOURS[2], "#222222", "#777777", "#e4e4e4"
WIDTH = 7.2  # inches: a page's text column

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "figure.facecolor": "white",  # a white card reads well on light and on dark pages
    "font.size": 9,
    "grid.color": PALE,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "svg.hashsalt": "ofclip",  # else ids within the file are random
    "text.color": INK,
    "text.parse_math": False,  # a caption with two dollar signs is no formula
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}

#: format -> what is left out of a file, since it differs between days and versions
METADATA = {"svg": {"Date": None}, "png": {"Software": None}}


class Drawing(Figure):
    """A figure that a notebook shows as `save` writes it: SVG, or PNG where it holds pictures."""

    pictures = False

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self.pictures:
            return {"image/png": _render(self, "png")}
        return {"image/svg+xml": _render(self, "svg").decode()}


def save(figure: Drawing, path: str | Path) -> Path:
    """Write a figure in the format of the path's suffix (svg, png); equal figures give equal bytes.

    Raises SettingError for another suffix.
    """
    path = Path(path)
    with atomic(path) as temporary:
        temporary.write_bytes(_render(figure, path.suffix[1:]))
    return path


def _render(figure: Drawing, kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind not in METADATA:
        raise unknown("figure format", kind, METADATA)
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format=kind, dpi=110, metadata=METADATA[kind])
    return buffer.getvalue()


def styled(draw: Callable[..., Drawing]) -> Callable[..., Drawing]:
    """Draw in the style above, whatever the caller has set."""

    @functools.wraps(draw)
    def inner(*arguments: object, **settings: object) -> Drawing:
        with matplotlib.rc_context(STYLE):
            return draw(*arguments, **settings)

    return inner

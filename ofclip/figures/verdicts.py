"""The numbers that the book's verdicts rest on, side by side, from several Records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D

from ofclip.errors import SettingError
from ofclip.figures.style import COLOURS, INK, Drawing, styled

#: Kind of pictures -> colour and marker: they can be told apart without colour too.
KINDS = {"photographs": (COLOURS[2], "o"), "drawings": (COLOURS[4], "s")}
#: Narrower than other charts, and labels above their rows, so that all of it is read at once on a phone.
WIDTH = 4.8
LINE: dict[str, Any] = {"marker": "|", "color": INK, "markersize": 11, "markeredgewidth": 1.6}


@dataclass(frozen=True)
class Line:
    """One row of a forest plot: a value with its interval, and what it has to beat."""

    label: str
    pictures: str
    value: float
    low: float
    high: float
    line: float


@styled
def forest(lines: Sequence[Line]) -> Drawing:
    """Draw a row per line, photographs above drawings: its label, below it the value with its interval, and a tick for
    what it has to beat.

    Raises SettingError if there is nothing to draw.
    """
    shown = [line for kind in KINDS for line in lines if line.pictures == kind]
    if not shown:
        raise SettingError("no number to draw: none of the Records that the verdicts rest on is here")
    kinds = [kind for kind in KINDS if any(line.pictures == kind for line in shown)]
    figure = Drawing(figsize=(WIDTH, 0.9 + 0.42 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    for y, line in enumerate(shown):
        colour, marker = KINDS[line.pictures]
        axes.hlines(y, line.low, line.high, color=colour, linewidth=2)
        axes.plot(line.value, y, marker=marker, color=colour, markersize=5.5)
        axes.plot(line.line, y, **LINE)
        axes.text(0, y - 0.4, line.label, va="center")
    axes.set_yticks([])
    axes.set_ylim(len(shown) - 0.6, -0.8)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share that is right")
    handles = [
        Line2D([], [], color=KINDS[kind][0], marker=KINDS[kind][1], linewidth=2, markersize=5.5, label=kind)
        for kind in kinds
    ]
    handles.append(Line2D([], [], linewidth=0, label="what it has to beat", **LINE))
    figure.legend(handles=handles, loc="outside lower right", ncols=3)
    return figure

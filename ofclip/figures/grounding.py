"""Heat maps: what they score, drawn from a Record, and some of them on the drawings that they are of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from ofclip import sources
from ofclip.errors import SettingError
from ofclip.figures.style import COLOURS, INK, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.grounding.scenes import Scenes
    from ofclip.records import Record

MARKERS = "osD^v"


@styled
def localization(record: Record) -> Drawing:
    """Draw the table "grounding": a panel per score, a row per kind of map, a colour per question, with chance."""
    table = record.table("grounding")
    table = table[table["dataset"] == table["dataset"].iloc[0]]
    scores, maps, asked = (list(dict.fromkeys(table[column])) for column in ("score", "map", "question"))
    columns = min(2, len(scores))
    lines = math.ceil(len(scores) / columns)
    figure = Drawing(figsize=(WIDTH, lines * (0.7 + 0.3 * len(maps)) + 0.3), layout="constrained")
    for place, score in enumerate(scores):
        axes = figure.add_subplot(lines, columns, place + 1, title=score)
        for k, question in enumerate(asked):
            own = table[(table["score"] == score) & (table["question"] == question)]
            colour, shift = COLOURS[k % len(COLOURS)], 0.22 * (k - (len(asked) - 1) / 2)
            axes.axvline(own["chance"].iloc[0], color=colour, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
            for row in own.to_dict("records"):
                y = maps.index(row["map"]) + shift
                axes.hlines(y, row["low"], row["high"], color=colour, linewidth=1.6)
                axes.plot(row["value"], y, MARKERS[k % len(MARKERS)], color=colour, markersize=4)
        axes.set_yticks(range(len(maps)), maps if place % columns == 0 else [""] * len(maps))
        axes.set(xlim=(-0.02, 1.02), ylim=(len(maps) - 0.5, -0.5))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], color=COLOURS[k % len(COLOURS)], marker=MARKERS[k % len(MARKERS)], markersize=4, label=question)
        for k, question in enumerate(asked)
    ]
    handles.append(Line2D([], [], color=INK, linewidth=1, linestyle=(0, (3, 3)), label="chance, by colour"))
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles))
    return figure


@styled
def heat_maps(scenes: Scenes, maps: Mapping[str, np.ndarray], rows: int = 6) -> Drawing:
    """Draw pictures, evenly spaced over the questions, with their maps beside them and the mask's outline on each.

    For Atelier only: raises SettingError for photographs, which no page of the book may show.
    """
    if sources.get(scenes.dataset).pictures != "drawings":
        raise SettingError(f"{scenes.dataset}: photographs are not shown, only drawings are")
    shown = np.linspace(0, len(scenes) - 1, min(rows, len(scenes))).astype(int)
    side = WIDTH * 1.25 / (len(maps) + 1)
    figure = Drawing(figsize=(WIDTH * 1.25, (side + 0.12) * len(shown)), layout="constrained")
    figure.pictures = True
    panels = figure.subplots(len(shown), len(maps) + 1, squeeze=False)
    for line, query in zip(panels, shown, strict=True):
        asked = scenes.questions.iloc[query]
        line[0].imshow(scenes.pixels[asked["picture"]])
        line[0].set_ylabel(f"“{asked['text']}”", fontsize=8)
        for axes, own in zip(line[1:], maps.values(), strict=True):
            axes.imshow(own[query], cmap="cividis")
            axes.contour(scenes.masks[query], levels=[0.5], colors="white", linewidths=0.9)
    for axes in panels.ravel():
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    for axes, name in zip(panels[0], ("drawing", *maps), strict=True):
        axes.set_title(name, fontsize=8)
    return figure

"""What running a checkpoint in another way changes, drawn from a Record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

MARKERS = "osD^v"
NONE: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (3, 3)), "zorder": 1}


@styled
def effects(record: Record) -> Drawing:
    """Draw the table "effects": a panel per measure, a row per way, and each data set's change with its interval.

    The first way, which the others are compared with, is the dashed line at zero.
    """
    table = record.table("effects")
    datasets = list(dict.fromkeys(table["dataset"]))
    measures = list(dict.fromkeys(table["measure"]))
    changed = table[table["change"].notna()]
    ways = list(dict.fromkeys(zip(changed["factor"], changed["way"], strict=True)))
    height = 0.9 + len(ways) * (0.24 + 0.1 * len(datasets))
    figure = Drawing(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False).ravel()
    for axes, measure in zip(panels, measures, strict=True):
        axes.axvline(0, **NONE)
        for place, dataset in enumerate(datasets):
            own = changed[(changed["measure"] == measure) & (changed["dataset"] == dataset)]
            style = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
            shift = 0.7 * ((place + 0.5) / len(datasets) - 0.5)
            for row in own.itertuples():
                y = ways.index((row.factor, row.way)) + shift
                axes.hlines(y, row.low, row.high, color=style["color"], linewidth=1.6)
                axes.plot(row.change, y, markersize=4.5, **style)
        axes.set(title=measure, xlabel="change")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(ways)), [f"{factor}: {way}" for factor, way in ways])
    panels[0].set_ylim(len(ways) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], markersize=4.5, label=name)
        for i, name in enumerate(datasets)
    ]
    handles.append(Line2D([], [], label="as trained", **NONE))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))
    return figure

"""How far the definitions of recall and precision lie apart on the same ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

#: Marker and colour of each definition: they can be told apart without colour too.
MARKS = {
    "diagonal": ("o", COLOURS[0]),
    "any hit": ("s", COLOURS[1]),
    "fraction of relevant": ("D", COLOURS[2]),
    "torchmetrics": ("x", COLOURS[6]),
}


@styled
def definitions(record: Record) -> Drawing:
    """Draw the table "definitions": recall and precision at the largest k, a row per data set, a mark per definition.

    The diagonal is of the own item; the others are of any item of the same caption or, where no products share one, of
    the same group.
    """
    table = record.table("definitions")
    table = table[table["metric"].isin(["recall", "precision"]) & (table["k"] == table["k"].max())]
    datasets = list(dict.fromkeys(table["dataset"]))
    shared = {
        name: next((what for what in ("caption", "group") if what in set(own["relevant"])), "own")
        for name, own in table.groupby("dataset")
    }
    wanted = ["own" if row.definition == "diagonal" else shared[row.dataset] for row in table.itertuples()]
    table = table[table["relevant"] == wanted]
    shown = [name for name in MARKS if name in set(table["definition"])]
    directions = list(dict.fromkeys(table["direction"]))
    figure = Drawing(figsize=(WIDTH, 1.1 + 2 * (0.35 + 0.42 * len(datasets))), layout="constrained")
    panels = figure.subplots(2, len(directions), sharex="row", sharey=True, squeeze=False)
    for line, metric in zip(panels, ("recall", "precision"), strict=True):
        for axes, direction in zip(line, directions, strict=True):
            part = table[(table["metric"] == metric) & (table["direction"] == direction)]
            for row in part.itertuples():
                marker, colour = MARKS[row.definition]
                y = datasets.index(row.dataset) + 0.18 * (shown.index(row.definition) - (len(shown) - 1) / 2)
                axes.hlines(y, row.low, row.high, color=colour, linewidth=1.6)
                axes.plot(row.value, y, marker=marker, color=colour, markersize=4.5)
                axes.plot(row.ceiling, y, marker="<", color=colour, markersize=4, markerfacecolor="white")
            axes.set_title(f"{direction} {metric}@{part['k'].iloc[0]:.0f}")
            axes.set_yticks(range(len(datasets)), datasets)
            axes.set_ylim(len(datasets) - 0.5, -0.5)
            axes.set_xlim(left=0)
            axes.grid(visible=False, axis="y")
            axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], marker=MARKS[name][0], color=MARKS[name][1], markersize=4.5, linewidth=1.6, label=name)
        for name in shown
    ]
    ceiling: dict[str, Any] = {"marker": "<", "color": MUTED, "markersize": 4, "markerfacecolor": "white"}
    figure.legend(
        handles=[*handles, Line2D([], [], linewidth=0, label="ceiling", **ceiling)], loc="outside lower center", ncols=5
    )
    return figure

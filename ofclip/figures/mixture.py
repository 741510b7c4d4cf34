"""Mixing training domains, drawn from a Record alone: every run on every domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import seaborn
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ofclip.figures.style import COLOURS, INK, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ofclip.records import Record

#: What a data set is to a run, in the table "matrix": colour and marker; the run that others are compared with.
ROLES = {"held out": (COLOURS[0], "o"), "left out": (COLOURS[2], "D"), "trained on": (COLOURS[1], "s")}
ALL = "all"
DASHED: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (3, 3)), "zorder": 1}


@styled
def mixture(record: Record) -> Drawing:
    """Draw the table "matrix": recall@10 of each run, by what the test data are to it, and on each data set.

    In the first panel a run has a dot with its 95 % interval for the data sets that it is trained on, for those left
    out, and for those held out from all runs; the dashed line is what the run on all reaches on the latter. In the
    second a row is what a run is trained on, framed, and a column what it is tested on.
    """
    table = record.table("matrix")
    runs = list(dict.fromkeys(table["run"]))
    figure = Drawing(figsize=(WIDTH, 1.5 + 0.27 * len(runs)), layout="constrained")
    dots, cells = figure.subplots(1, 2, width_ratios=(2, 3))
    _roles(dots, table[table["data"].isin(ROLES)], runs)
    _matrix(cells, table[~table["data"].isin(ROLES)], runs)
    figure.legend(
        handles=[
            *(
                Line2D([], [], color=colour, marker=marker, markersize=4.5, linewidth=1.6, label=f"domains {role}")
                for role, (colour, marker) in ROLES.items()
            ),
            Line2D([], [], label="trained on all, held out", **DASHED),
        ],
        loc="outside lower center",
        ncols=4,
    )
    return figure


def _roles(axes: Axes, table: pd.DataFrame, runs: list[str]) -> None:
    for place, (role, (colour, marker)) in enumerate(ROLES.items()):
        shift = 0.22 * (place - 1)
        for row in table[table["data"] == role].itertuples():
            y = runs.index(row.run) + shift
            axes.hlines(y, row.recall_low, row.recall_high, color=colour, linewidth=1.3)
            axes.plot(row.recall, y, color=colour, marker=marker, markersize=4)
            if row.run == ALL and place == 0:
                axes.axvline(row.recall, **DASHED)
    axes.set_yticks(range(len(runs)), runs)
    axes.set(title="By what the data are to the run", xlabel="recall@10", ylim=(len(runs) - 0.5, -0.5))
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _matrix(axes: Axes, table: pd.DataFrame, runs: list[str]) -> None:
    data = list(dict.fromkeys(table["data"]))
    values = table.pivot_table(index="run", columns="data", values="recall").reindex(index=runs, columns=data)
    names = [name.rpartition("/")[2] for name in data]
    seaborn.heatmap(
        values, ax=axes, cmap="Blues", vmin=0, annot=True, fmt=".2f", annot_kws={"fontsize": 7.5}, cbar=False,
        xticklabels=names, yticklabels=False,
    )  # fmt: skip
    for row in table[table["role"] == "trained on"].itertuples():
        corner = (data.index(row.data), runs.index(row.run))
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=COLOURS[1], linewidth=1.6, clip_on=False))
    held_out = table.loc[table["role"] == "held out", "data"].nunique()
    axes.axvline(len(data) - held_out, color=INK, linewidth=1)
    axes.set(title="On each domain, those trained on framed", xlabel="", ylabel="")
    axes.tick_params(length=0)
    axes.tick_params(axis="x", rotation=45)

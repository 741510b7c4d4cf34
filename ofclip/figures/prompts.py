"""What prompts change, at test time and in training, drawn from a Record alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ofclip.records import Record

#: Kinds of the table "prompts", from top to bottom, but for the one that all are compared with.
KINDS = ("no prompt", "one template", "mean of vectors", "mean of probabilities", "extracted phrases")
#: Ways to ask of the table "training": colour and marker.
ASKED = {"no prompt": (COLOURS[0], "o"), "test prompt": (COLOURS[1], "s"), "extracted phrases": (COLOURS[2], "D")}
ZERO: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (3, 3)), "zorder": 1}


@styled
def prompts(record: Record) -> Drawing:
    """Draw the tables "prompts" and, where there is one, "training".

    Of the first each task has a panel, in which every way to ask is a row: how much it changes the score of the test
    prompt, with the interval of the paired difference; each single template is a small dot. Of the second each data
    set has a panel, in which every run is a row, asked in three ways.
    """
    asked = record.table("prompts")
    tasks = list(dict.fromkeys(asked["task"]))
    trained = record.table("training") if "training" in record.tables else None
    tests = [] if trained is None else list(trained.groupby("dataset", sort=False))
    lines = [math.ceil(len(panels) / 2) for panels in (tasks, tests)]
    heights = [2.0] * lines[0] + [1.7] * lines[1]
    figure = Drawing(figsize=(WIDTH, sum(heights) + 0.8), layout="constrained")
    grid = figure.add_gridspec(sum(lines), 2, height_ratios=heights)
    datasets = list(dict.fromkeys(asked["dataset"]))
    for place, task in enumerate(tasks):
        axes = figure.add_subplot(grid[place // 2, place % 2], title=task)
        _changes(axes, asked[asked["task"] == task], datasets)
    for place, (dataset, rows) in enumerate(tests):
        axes = figure.add_subplot(grid[lines[0] + place // 2, place % 2], title=f"trained otherwise: {dataset}")
        _runs(axes, rows)
    handles = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], marker="o", markersize=4.5, linewidth=1.6, label=dataset)
        for i, dataset in enumerate(datasets)
    ]
    if tests:
        handles += [
            Line2D([], [], color=colour, marker=marker, markersize=4.5, linewidth=1.6, label=f"asked by {way}")
            for way, (colour, marker) in ASKED.items()
        ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _changes(axes: Axes, rows: pd.DataFrame, datasets: list[str]) -> None:
    kinds = [kind for kind in KINDS if kind in set(rows["kind"])]
    axes.axvline(0, **ZERO)
    for place, dataset in enumerate(datasets):
        shift = 0.7 * ((place + 0.5) / len(datasets) - 0.5)
        colour = COLOURS[place % len(COLOURS)]
        for row in rows[(rows["dataset"] == dataset) & rows["change"].notna()].itertuples():
            y = kinds.index(row.kind) + shift
            single = row.kind == "one template"
            if not single:
                axes.hlines(y, row.change_low, row.change_high, color=colour, linewidth=1.4)
            axes.plot(row.change, y, "o", color=colour, markersize=2.2 if single else 4.2, alpha=0.6 if single else 1)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.set_ylim(len(kinds) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("change against the test prompt")


def _runs(axes: Axes, rows: pd.DataFrame) -> None:
    runs = list(dict.fromkeys(rows["run"]))
    for place, (way, (colour, marker)) in enumerate(ASKED.items()):
        for row in rows[rows["asked"] == way].itertuples():
            y = runs.index(row.run) + 0.22 * (place - 1)
            axes.hlines(y, row.low, row.high, color=colour, linewidth=1.4)
            axes.plot(row.value, y, color=colour, marker=marker, markersize=4.2)
    axes.set_yticks(range(len(runs)), runs)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("text-to-image recall@10")

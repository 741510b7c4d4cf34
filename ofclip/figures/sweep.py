"""A sweep over settings, drawn from a Record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ofclip.records import Record

#: The questions of the table "sweep".
GRID, LOSS, FROZEN = "learning rate and batch", "loss", "frozen part"
HELD_OUT = "held out"
#: Colour and marker of each kind of test data.
DATA = {HELD_OUT: (COLOURS[0], "o"), "home": (COLOURS[1], "s")}
DASHED: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (3, 3)), "zorder": 1}
MARKERS = "osD^v"
STEP = 0.03  # how far apart two batch sizes stand at one learning rate, as a share of it


@styled
def sweep(record: Record) -> Drawing:
    """Draw the tables "sweep" and "measured": recall@10 by learning rate and batch, by loss and by frozen part.

    The first panel has a line for each batch size, and each value's 95 % interval. In the panels of dots a dashed
    line is what the runs are compared with, and intervals are those of the difference from it; the last one shows
    the domain that is fine-tuned on, too. A question that the Record does not answer has no panel.
    """
    runs, measured = record.table("sweep"), record.table("measured")
    figure = Drawing(figsize=(WIDTH, 4.4), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 2))
    _rates(figure.add_subplot(grid[0, 0]), _of(runs, measured, GRID))
    losses = _of(runs, measured, LOSS)
    _dots(figure.add_subplot(grid[1, 0], title="Loss, from scratch"), losses, measured, [HELD_OUT])
    frozen = _of(runs, measured, FROZEN)
    kinds = [kind for kind in DATA if kind in set(frozen["data"])]
    _dots(figure.add_subplot(grid[:, 1], title="Trained part, fine-tuning"), frozen, measured, kinds)
    handles = [
        Line2D([], [], color=DATA[kind][0], marker=DATA[kind][1], markersize=4.5, linewidth=1.6, label=kind)
        for kind in kinds or [HELD_OUT]
    ]
    handles.append(Line2D([], [], label="what a run is compared with", **DASHED))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _of(runs: pd.DataFrame, measured: pd.DataFrame, question: str) -> pd.DataFrame:
    """Return what was measured of a question's runs, with their settings."""
    settings = runs.loc[runs["question"] == question, ["run", "learning_rate", "batch"]]
    return settings.merge(measured, on="run", sort=False)


def _rates(axes: Axes, rows: pd.DataFrame) -> None:
    rows = rows[rows["data"] == HELD_OUT]
    batches = sorted(rows["batch"].unique())
    for place, batch in enumerate(batches):
        own = rows[rows["batch"] == batch].sort_values("learning_rate")
        x = own["learning_rate"] * (1 + STEP * (place - (len(batches) - 1) / 2))  # side by side, not one on another
        axes.vlines(x, own["low"], own["high"], color=COLOURS[place], linewidth=1.2)
        line: dict[str, Any] = {"marker": MARKERS[place % len(MARKERS)], "markersize": 4, "color": COLOURS[place]}
        axes.plot(x, own["recall"], label=f"batch {batch:g}", linewidth=1.4, **line)
    axes.set(title="Held-out recall@10, from scratch", xscale="log", xlabel="learning rate")
    axes.set_ylim(bottom=0)
    rates = sorted(rows["learning_rate"].unique())
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes.minorticks_off()
    if batches:
        axes.legend(handlelength=1.6)


def _dots(axes: Axes, rows: pd.DataFrame, measured: pd.DataFrame, kinds: list[str]) -> None:
    """Draw a row per run: a dot for each kind of data, and the interval of its change around what it started from."""
    names = list(dict.fromkeys(rows.loc[rows["against"].notna(), "run"]))
    axes.set_visible(bool(names))
    for place, kind in enumerate(kinds):
        colour, marker = DATA[kind]
        known = measured[measured["data"] == kind].set_index("run")["recall"]
        own = rows[(rows["data"] == kind) & rows["change"].notna()]
        for against in dict.fromkeys(own["against"]):
            axes.axvline(known[against], **DASHED)
        shift = 0.22 * (place - (len(kinds) - 1) / 2)
        for row in own.itertuples():
            y = names.index(row.run) + shift
            axes.hlines(y, known[row.against] + row.change_low, known[row.against] + row.change_high, color=colour)
            axes.plot(row.recall, y, color=colour, marker=marker, markersize=4.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("recall@10")

"""Improbable products and forced choices, drawn from a Record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

RARE, COMMON = (COLOURS[1], "s"), (COLOURS[0], "o")
MARKERS = "osD^v"
HALF: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": ":"}
MODEL = "model"


@styled
def improbable(record: Record) -> Drawing:
    """Draw the table "combinations": each score on rare pairs and on matched common ones, with 95 % intervals."""
    table = record.table("combinations")
    table = table[table["model"] == MODEL]
    named = table["rare"].nunique() > 1  # which rare pairs, where there are several kinds
    rows = [f"{row.kind}{f', {row.rare}' if named else ''}\n{row.measure}" for row in table.itertuples()]
    figure = Drawing(figsize=(WIDTH, 0.9 + 0.46 * len(rows)), layout="constrained")
    axes = figure.add_subplot(xlabel="score")
    for place, row in enumerate(table.itertuples()):
        for shift, (colour, marker), value, low, high in (
            (-0.13, RARE, row.rare_value, row.rare_low, row.rare_high),
            (0.13, COMMON, row.common_value, row.common_low, row.common_high),
        ):
            axes.hlines(place + shift, low, high, color=colour, linewidth=1.6)
            axes.plot(value, place + shift, color=colour, marker=marker, markersize=5)
    _rows(axes, rows)
    axes.set_xlim(left=0)
    handles = [
        Line2D([], [], color=colour, marker=marker, linewidth=1.6, markersize=5, label=label)
        for (colour, marker), label in (
            (RARE, " or ".join(dict.fromkeys(table["rare"])) + " pairs"),
            (COMMON, " or ".join(dict.fromkeys(table["common"])) + " pairs, matched"),
        )
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@styled
def chosen(record: Record) -> Drawing:
    """Draw the table "choices": how often the right caption wins, by question and data set; dotted: guessing."""
    table = record.table("choices")
    table = table[table["model"] == MODEL]
    rows = list(dict.fromkeys(table["choice"]))
    names = list(dict.fromkeys(table["dataset"]))
    figure = Drawing(figsize=(WIDTH, 0.9 + 0.34 * len(rows)), layout="constrained")
    axes = figure.add_subplot(xlabel="share of pictures whose right caption wins")
    for number, name in enumerate(names):
        own = table[table["dataset"] == name]
        y = own["choice"].map(rows.index) + 0.16 * (number - (len(names) - 1) / 2)
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axes.hlines(y, own["low"], own["high"], color=colour, linewidth=1.4)
        axes.plot(own["accuracy"], y, color=colour, marker=marker, markersize=4.5, linewidth=0, label=name)
    axes.axvline(0.5, **HALF)
    _rows(axes, rows)
    axes.set_xlim(-0.02, 1.02)
    handles = [*axes.get_legend_handles_labels()[0], Line2D([], [], label="chance", **HALF)]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure


def _rows(axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)

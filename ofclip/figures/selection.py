"""Choosing a checkpoint, drawn from a Record alone: how well each criterion orders them, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

MARKERS = "osD"
#: column of the table "selection" -> title of its panel
PANELS = {
    "spearman": "Rank correlation (Spearman)\nhigher is better",
    "regret": "Regret, in recall@10\nlower is better",
}


@styled
def selection(record: Record) -> Drawing:
    """Draw the table "selection": a row per criterion, with a dot and a 95 % interval for each question.

    A tick is what a random choice gives: no correlation, and for each question its own regret.
    """
    table = record.table("selection")
    criteria = list(dict.fromkeys(table["criterion"]))
    questions = list(dict.fromkeys(table["question"]))
    figure = Drawing(figsize=(WIDTH, 1.3 + 0.42 * len(criteria)), layout="constrained")
    for axes, (column, title) in zip(figure.subplots(1, 2, sharey=True), PANELS.items(), strict=True):
        for place, question in enumerate(questions):
            colour, marker = COLOURS[place], MARKERS[place % len(MARKERS)]
            for row in table[table["question"] == question].to_dict("records"):
                y = criteria.index(row["criterion"]) + 0.24 * (place - (len(questions) - 1) / 2)
                axes.hlines(y, row[f"{column}_low"], row[f"{column}_high"], color=colour, linewidth=1.3)
                axes.plot(row[column], y, color=colour, marker=marker, markersize=4)
                chance = row["regret_chance"] if column == "regret" else 0.0
                axes.plot(chance, y, color=MUTED, marker="|", markersize=7, zorder=1)
        axes.set_title(title)
        axes.set_ylim(len(criteria) - 0.5, -0.5)
        axes.set_yticks(range(len(criteria)), criteria)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    figure.legend(
        handles=[
            *(
                Line2D([], [], color=COLOURS[place], marker=MARKERS[place % len(MARKERS)], markersize=4, label=question)
                for place, question in enumerate(questions)
            ),
            Line2D([], [], color=MUTED, marker="|", markersize=7, linewidth=0, label="chance"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    return figure

"""Forgetting, drawn from a Record alone: what a fine-tuned domain gains against what the others lose, and the knee."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ofclip.figures.style import COLOURS, INK, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ofclip.records import Record

#: The points on the straight line between two models, in the table "interpolation"; the start in the table "forgotten".
LINE, BEFORE = "interpolation", "before"
MARKERS = "sD^vP"


@styled
def forgetting(record: Record) -> Drawing:
    """Draw the tables "interpolation", "knee" and "forgotten": the curve with its knee, and each domain's change.

    In the first panel the curve runs from the start to the fine-tuned model, and the dashed chord joins its ends; the
    knee is the point furthest above it. In the second a row is a domain, and a dot its change of recall@10 with the
    95 % interval; the other ways stand beside plain fine-tuning.
    """
    points, knee = record.table("interpolation"), record.table("knee").iloc[0]
    changes = record.table("forgotten").dropna(subset="recall change")
    domains = list(dict.fromkeys(changes["data"]))
    figure = Drawing(figsize=(WIDTH, 1.9 + 0.27 * len(domains)), layout="constrained")
    curve, rows = figure.subplots(1, 2)
    colours = _colours(points, changes)
    _curve(curve, points, knee, colours)
    _changes(rows, changes, domains, colours)
    figure.legend(*rows.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _colours(points: pd.DataFrame, changes: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return way -> colour and marker, the same in both panels."""
    ways = list(dict.fromkeys([*changes["way"], *points.loc[points["way"] != LINE, "way"]]))
    return {way: (COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]) for place, way in enumerate(ways)}


def _curve(axes: Axes, points: pd.DataFrame, knee: pd.Series, colours: dict[str, tuple[str, str]]) -> None:
    line = points[points["way"] == LINE].sort_values("alpha")
    axes.plot(line["target"], line["others"], color=INK, marker="o", markersize=3, linewidth=1.2, zorder=2)
    ends = line.iloc[[0, -1]]
    axes.plot(ends["target"], ends["others"], color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
    for name, place, offset in (("before", 0, (4, 4)), ("fine-tuned", -1, (-4, -11))):
        at = line.iloc[place]
        axes.annotate(name, (at["target"], at["others"]), offset, textcoords="offset points", fontsize=8,
                      ha="left" if place == 0 else "right")  # fmt: skip
    if knee["alpha"] is not None and knee["alpha"] == knee["alpha"]:
        at = line.iloc[(line["alpha"] - knee["alpha"]).abs().argmin()]
        axes.plot(at["target"], at["others"], marker="o", markersize=11, markerfacecolor="none", color=COLOURS[1])
        axes.annotate(f"knee, alpha {at['alpha']:.1f}", (at["target"], at["others"]), (8, 6),
                      textcoords="offset points", fontsize=8, color=COLOURS[1])  # fmt: skip
    for row in points[points["way"] != LINE].itertuples():
        colour, marker = colours[row.way]
        axes.hlines(row.others, row.target_low, row.target_high, color=colour, linewidth=0.8)
        axes.vlines(row.target, row.others_low, row.others_high, color=colour, linewidth=0.8)
        axes.plot(row.target, row.others, color=colour, marker=marker, markersize=5)
    axes.set(title="Between the two models, validation", xlabel="recall@10, the target")
    axes.set_ylabel("recall@10, the other domains")


def _changes(axes: Axes, changes: pd.DataFrame, domains: list[str], colours: dict[str, tuple[str, str]]) -> None:
    ways = list(dict.fromkeys(changes["way"]))
    for place, way in enumerate(ways):
        colour, marker = colours[way]
        own = changes[changes["way"] == way]
        y = [domains.index(name) + 0.6 / len(ways) * (place - (len(ways) - 1) / 2) for name in own["data"]]
        axes.hlines(y, own["recall change_low"], own["recall change_high"], color=colour, linewidth=1.1)
        axes.plot(own["recall change"], y, color=colour, marker=marker, markersize=4, linewidth=0, label=way)
    axes.axvline(0, color=MUTED, linewidth=1, zorder=1)
    axes.set_yticks(range(len(domains)), [name.rpartition("/")[2] for name in domains])
    axes.set_ylim(len(domains) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set(title="Change of recall@10, test", xlabel="from before fine-tuning")

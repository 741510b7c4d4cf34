"""Probes and few-shot curves, drawn from a Record alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

#: Features of a probe on all training pictures: colour and marker.
FEATURES = {
    "model": (COLOURS[0], "o"),
    "starting model": (COLOURS[3], "s"),
    "raw pixels": (COLOURS[2], "^"),
}
ZERO_SHOT: dict[str, Any] = {"color": COLOURS[1], "linewidth": 1.4, "linestyle": "--"}
CHANCE: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": ":"}


@styled
def shots(record: Record) -> Drawing:
    """Draw the table "shots": accuracy over the training pictures per class, a panel per data set.

    The band is the interval over draws and test pictures; the dashed line is zero-shot, the dotted one chance. At
    the right, "all", stand the probes on all training pictures: of the model, of what it started from, of pixels.
    """
    table = record.table("shots")
    names = list(dict.fromkeys(table["dataset"]))
    columns = min(2, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Drawing(figsize=(WIDTH, 2.4 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        own = table[table["dataset"] == name]
        metrics = {metric.name: metric for metric in record.metrics if metric.dataset == name}
        axes.fill_between(own["k"], own["low"], own["high"], color=COLOURS[0], alpha=0.18, linewidth=0)
        axes.plot(own["k"], own["accuracy"], color=COLOURS[0], marker="o", markersize=4, linewidth=1.4)
        everything = 2 * own["k"].max()
        for features, (colour, marker) in FEATURES.items():
            kind = "" if features == "model" else f" ({features})"
            for metric in [one for title, one in metrics.items() if title.endswith(f"probe accuracy@1{kind}")]:
                if metric.interval:
                    axes.vlines(everything, *metric.interval, color=colour, linewidth=1.2)
                axes.plot(everything, metric.value, color=colour, marker=marker, markersize=5)
        for metric in [one for title, one in metrics.items() if title.endswith("zero-shot accuracy@1")]:
            if "minus" not in metric.name:
                axes.axhline(metric.value, **ZERO_SHOT)
                axes.axhline(metric.chance, **CHANCE)
        axes.set_title(name)
        axes.set_xscale("log", base=2)
        axes.set_xticks([*own["k"], everything], [*(f"{k:g}" for k in own["k"]), "all"])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(bottom=0)
        axes.set_xlabel("training pictures per class")
    for axes in panels[::columns]:
        axes.set_ylabel("accuracy@1")
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    line: dict[str, Any] = {"linewidth": 1.4, "markersize": 4.5}
    handles = [Line2D([], [], color=COLOURS[0], marker="o", label="probe, with 95 % interval", **line)]
    handles += [
        Line2D([], [], color=colour, marker=marker, linewidth=0, markersize=4.5, label=f"probe on {features}")
        for features, (colour, marker) in FEATURES.items()
        if features != "model"
    ]
    handles += [Line2D([], [], label="zero-shot", **ZERO_SHOT), Line2D([], [], label="chance", **CHANCE)]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure

"""The probes of what FashionCLIP's card admits, drawn from a Record alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

ZERO = {"color": MUTED, "linewidth": 1, "linestyle": (0, (3, 3)), "zorder": 1}
MARKERS = "osD^v"
WORDINGS = ("own gender", "other gender")


@styled
def query_lengths(record: Record) -> Drawing:
    """Draw the table "query_lengths": recall@10 by words of the query, of the own picture and of any with the text.

    A short tick is the ceiling of a bin: what its shared texts allow for the own picture.
    """
    table = record.table("query_lengths")
    datasets = list(dict.fromkeys(table["dataset"]))
    figure = Drawing(figsize=(WIDTH, 2.9), layout="constrained")
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False).ravel()
    for axes, dataset in zip(panels, datasets, strict=True):
        own = table[table["dataset"] == dataset]
        x = range(len(own))
        for place, (name, low, high) in enumerate([("recall", "low", "high"), ("any_recall", "any_low", "any_high")]):
            shifted = [i + 0.16 * (place - 0.5) for i in x]
            axes.vlines(shifted, own[low], own[high], color=COLOURS[place], linewidth=1.4)
            line = {"color": COLOURS[place], "marker": MARKERS[place], "markersize": 4.2, "linewidth": 1.2}
            axes.plot(shifted, own[name], **line)
        axes.plot(x, own["ceiling"], linestyle="", marker="_", color=MUTED, markersize=11)
        spans = [
            f"{a:g}" if a == b else f"{a:g}–{b:g}" for a, b in zip(own["words_from"], own["words_to"], strict=True)
        ]
        axes.set_xticks(x, spans)
        axes.set(title=dataset, xlabel="words of the query", ylim=(-0.02, 1.04))
        axes.grid(visible=False, axis="x")
    panels[0].set_ylabel("recall@10")
    names = ("own picture", "any product of the text")
    handles = [Line2D([], [], color=COLOURS[i], marker=MARKERS[i], label=name) for i, name in enumerate(names)]
    handles.append(Line2D([], [], color=MUTED, marker="_", markersize=11, linewidth=0, label="ceiling (own picture)"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@styled
def scenes(record: Record) -> Drawing:
    """Draw the table "scenes": a panel per probe, in which each step is a row, with accuracy and recall.

    Filled dots are the steps, hollow ones what they are compared with; intervals are those of the values.
    """
    table = record.table("scenes")
    probes = list(dict.fromkeys(table["probe"]))
    steps = {probe: list(dict.fromkeys(table.loc[table["probe"] == probe, "step"])) for probe in probes}
    tasks = list(dict.fromkeys(table["task"]))
    heights = [0.55 + 0.25 * len(steps[probe]) for probe in probes]
    figure = Drawing(figsize=(WIDTH, sum(heights) + 0.6), layout="constrained")
    grid = figure.add_gridspec(len(probes), 1, height_ratios=heights)
    first = None
    for place, probe in enumerate(probes):
        axes = first = figure.add_subplot(grid[place, 0], title=probe, sharex=first)
        for number, task in enumerate(tasks):
            own = table[(table["probe"] == probe) & (table["task"] == task)]
            for row in own.itertuples():
                y = steps[probe].index(row.step) + 0.24 * (number - (len(tasks) - 1) / 2)
                axes.hlines(y, row.low, row.high, color=COLOURS[number], linewidth=1.4)
                filled = "white" if math.isnan(row.change) else COLOURS[number]
                dot: dict[str, Any] = {"color": COLOURS[number], "marker": MARKERS[number], "markersize": 4.6}
                axes.plot(row.value, y, markerfacecolor=filled, **dot)
        axes.set_yticks(range(len(steps[probe])), steps[probe])
        axes.set_ylim(len(steps[probe]) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.02)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], color=COLOURS[i], marker=MARKERS[i], markersize=4.6, label=task) for i, task in enumerate(tasks)
    ]
    hollow: dict[str, Any] = {"color": MUTED, "marker": "o", "markersize": 4.6, "markerfacecolor": "white"}
    handles.append(Line2D([], [], label="what the others are compared with", linewidth=0, **hollow))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


@styled
def wording(record: Record) -> Drawing:
    """Draw the table "wording": how much naming a gender changes accuracy and recall, per data set and products."""
    table = record.table("wording")
    tasks = list(dict.fromkeys(table["task"]))
    pairs = list(dict.fromkeys(zip(table["dataset"], table["products"], strict=True)))
    figure = Drawing(figsize=(WIDTH, 0.9 + 0.36 * len(pairs) + 0.5), layout="constrained")
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False).ravel()
    for axes, task in zip(panels, tasks, strict=True):
        axes.axvline(0, **ZERO)
        for number, way in enumerate(WORDINGS):
            for row in table[(table["task"] == task) & (table["wording"] == way)].itertuples():
                y = pairs.index((row.dataset, row.products)) + 0.24 * (number - 0.5)
                axes.hlines(y, row.change_low, row.change_high, color=COLOURS[number], linewidth=1.4)
                axes.plot(row.change, y, color=COLOURS[number], marker=MARKERS[number], markersize=4.6)
        axes.set(title=task, xlabel="change against the neutral wording")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(pairs)), [f"{dataset}\n{products}" for dataset, products in pairs])
    panels[0].set_ylim(len(pairs) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=COLOURS[i], marker=MARKERS[i], markersize=4.6, label=f"asked by the {way}")
        for i, way in enumerate(WORDINGS)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


@styled
def class_sizes(record: Record) -> Drawing:
    """Draw the table "class_sizes": a panel per label, a dot per class, its accuracy over what it was trained on."""
    table = record.table("class_sizes")
    labels = list(dict.fromkeys(table["label"]))
    datasets = list(dict.fromkeys(table["dataset"]))
    figure = Drawing(figsize=(WIDTH, 2.9), layout="constrained")
    panels = figure.subplots(1, len(labels), sharey=True, squeeze=False).ravel()
    for axes, label in zip(panels, labels, strict=True):
        for number, dataset in enumerate(datasets):
            own = table[(table["label"] == label) & (table["dataset"] == dataset)]
            colour = COLOURS[number % len(COLOURS)]
            axes.vlines(own["trained_on"], own["low"], own["high"], color=colour, linewidth=0.7, alpha=0.45)
            axes.plot(own["trained_on"], own["accuracy"], "o", color=colour, markersize=3.6, label=dataset)
        sizes = table.loc[table["label"] == label, "trained_on"]
        axes.set(title=label, xlabel="products trained on", ylim=(-0.02, 1.02))
        if sizes.max() > 10 * sizes.min():
            axes.set_xscale("symlog")  # a class that is not trained on has a place, too
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
        axes.minorticks_off()
    panels[0].set_ylabel("accuracy of the class")
    if len(datasets) > 1:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure

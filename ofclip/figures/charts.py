"""Charts: drawn from a Record alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import seaborn
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ofclip.errors import SettingError, unknown
from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.metrics.metric import Metric
    from ofclip.records import Record

#: experiment -> the metrics that speak for it, the first one most of all
HEADLINES = {
    "03-zero-shot": ("accuracy@1",),
    "04-retrieval": (
        "text-to-image recall@10",
        "text-to-image recall@1",
        "image-to-text recall@10",
        "text-to-image MRR",
    ),
    "05-attributes": ("all recall@5", "all mAP"),
    "06-product-search": ("text-to-image Recall@10", "category-to-product P@10"),
    "07-probe": ("probe accuracy@1", "zero-shot accuracy@1", "probe minus zero-shot accuracy@1"),
    "08-grounding": ("average precision of product (occlusion)", "average precision of product (similarity)"),
    "09-composition": ("swapped colours accuracy", "word order accuracy", "colour denied accuracy"),
}

#: What a run is watched by and its curves show, before " SOURCE@SPLIT"; the log has all of what its tasks measure.
WATCHED = ("text-to-image recall@10", "accuracy@1")

VALUE: dict[str, Any] = {"marker": "o", "color": COLOURS[0], "markersize": 5.5}
CHANCE: dict[str, Any] = {"marker": "|", "color": COLOURS[1], "markersize": 10, "markeredgewidth": 1.6}
CEILING: dict[str, Any] = {"marker": "<", "color": MUTED, "markersize": 5, "markerfacecolor": "white"}


def headlines(record: Record) -> list[Metric]:
    """Return the metrics that speak for a Record's experiment, in its order of importance.

    A name may stand behind the label that was asked for, as in "type accuracy@1". What was measured on all products,
    those trained on among them, does not speak for it.
    """
    return [
        metric
        for name in HEADLINES.get(record.experiment, ())
        for metric in record.metrics
        if (metric.name == name or metric.name.endswith(f" {name}")) and metric.split != "all"
    ]


@styled
def curves(record: Record) -> Drawing:
    """Draw the table "log" over the samples seen: loss, validation, learning rate and logit scale."""
    log = record.table("log")
    watched = {column: column.rpartition(" ")[0] for column in log if "@" in column.rpartition(" ")[2]}
    validation = [column for column, name in watched.items() if name.endswith(WATCHED)]
    panels = {
        "Training loss": ["loss"],
        "Validation": validation,
        "Learning rate": ["learning_rate"],
        "Logit scale (1 / temperature)": ["logit_scale"],
    }
    panels = {title: columns for title, columns in panels.items() if columns}
    rows = math.ceil(len(panels) / 2)
    figure = Drawing(figsize=(WIDTH, 2.3 * rows), layout="constrained")
    for place, (title, columns) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, 2, place + 1, title=title)
        for column in columns:
            known = log[["samples", column]].dropna()
            marker = "o" if column in validation else None
            line: dict[str, Any] = {"marker": marker, "markersize": 3.5, "linewidth": 1.4}
            axes.plot(known["samples"], known[column], label=column, **line)
        if columns == validation:
            axes.legend(handlelength=1.2)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:g}k" if value else "0"))
        if place >= len(panels) - 2:
            axes.set_xlabel("samples seen")
    return figure


@styled
def intervals(record: Record, names: Sequence[str] | None = None) -> Drawing:
    """Draw metrics as dots with their 95 % intervals, chance as a tick, the ceiling as a triangle.

    `names` defaults to the headlines of the experiment. With several data sets each metric has a panel and
    each data set a row; with one, each metric has a row. Raises SettingError for a name that is not there.
    """
    if names is None:
        shown = headlines(record)
    else:
        for name in names:
            record[name]
        shown = [metric for name in names for metric in record.metrics if metric.name == name]
    if not shown:
        raise SettingError(f"no metric of {record.experiment}/{record.source} to draw: give their names")
    datasets = list(dict.fromkeys(metric.dataset for metric in shown))
    titles = list(dict.fromkeys(metric.name for metric in shown))
    if len(datasets) == 1:
        groups, rows = [("", shown)], titles
    else:
        groups, rows = [(title, [m for m in shown if m.name == title]) for title in titles], datasets
    columns = min(2, len(groups))
    lines = math.ceil(len(groups) / columns)
    figure = Drawing(figsize=(WIDTH, lines * (0.75 + 0.27 * len(rows)) + 0.3), layout="constrained")
    for place, (title, metrics) in enumerate(groups):
        axes = figure.add_subplot(lines, columns, place + 1, title=title)
        for metric in metrics:
            y = rows.index(metric.name if len(datasets) == 1 else metric.dataset)
            if metric.interval:
                axes.hlines(y, *metric.interval, color=COLOURS[0], linewidth=2)
            axes.plot(metric.value, y, **VALUE)
            if metric.chance is not None:
                axes.plot(metric.chance, y, **CHANCE)
            if metric.ceiling is not None:
                axes.plot(metric.ceiling, y, **CEILING)
        axes.set_yticks(range(len(rows)), rows if place % columns == 0 else [""] * len(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        if all(0 <= metric.value <= 1 for metric in metrics):
            axes.set_xlim(-0.02, 1.02)
    figure.legend(
        handles=[
            Line2D([], [], linewidth=2, label="value, 95 % interval", **VALUE),
            Line2D([], [], linewidth=0, label="chance", **CHANCE),
            Line2D([], [], linewidth=0, label="ceiling", **CEILING),
        ],
        loc="outside lower right",
        ncols=3,
    )
    return figure


@styled
def confusion(
    record: Record, dataset: str | None = None, label: str | None = None, classes: int = 25
) -> Drawing:
    """Draw the table "confusion" as a heatmap: of each true class (row), the share that got each answer.

    Without a `dataset` those of the Record are added up; `label` defaults to the first. Of more than
    `classes` the largest are shown and named in order of size. Raises SettingError for an unknown one.
    """
    table = record.table("confusion")
    label = label or table["label"].iloc[0]
    for column, wanted in {"label": label, "dataset": dataset}.items():
        if wanted is not None:
            if wanted not in set(table[column]):
                raise unknown(f"{column} of the confusion table", wanted, table[column].unique())
            table = table[table[column] == wanted]
    counts = table.pivot_table(index="true", columns="predicted", values="count", aggfunc="sum", fill_value=0)
    sizes = counts.sum(axis=1).sort_values(ascending=False, kind="stable")
    names = list(sizes.index[:classes])
    shares = counts.div(sizes, axis=0).reindex(index=names, columns=names, fill_value=0.0)
    side = 0.22 * len(names) + 1.6
    figure = Drawing(figsize=(min(WIDTH, side + 0.6), min(WIDTH, side)), layout="compressed")
    where = dataset or " + ".join(table["dataset"].unique())
    axes = figure.add_subplot(xlabel="answer", ylabel="true class", title=f"{label}: {where}")
    bar = {"shrink": 0.6, "aspect": 28, "label": "share of the true class"}
    seaborn.heatmap(
        shares, ax=axes, cmap="Blues", vmin=0, vmax=1, square=True, xticklabels=True, yticklabels=True, cbar_kws=bar
    )
    axes.set(xlabel="answer", ylabel="true class")
    axes.tick_params(length=0, labelsize=7.5)
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    return figure


@styled
def lengths(record: Record) -> Drawing:
    """Draw the table "lengths": per data set, the share of captions that have so many words."""
    table = record.table("lengths")
    names = list(dict.fromkeys(table["dataset"]))
    columns = min(4, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Drawing(figsize=(min(WIDTH, 1.2 + 2.4 * columns), 0.5 + 1.35 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        own = table[table["dataset"] == name]
        axes.bar(own["words"], own["count"] / own["count"].sum(), width=0.85, color=COLOURS[0])
        axes.set_title(name, fontsize=8.5)
        axes.grid(visible=False, axis="x")
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.tick_params(labelsize=7.5)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    figure.supxlabel("words in a caption", fontsize=9)
    return figure


@styled
def contradictions(record: Record) -> Drawing:
    """Draw the table "false_negatives": per data set, the share of a batch's samples that meet one, by batch size."""
    table = record.table("false_negatives").dropna(subset="rate")
    table = table[table["same"] == "caption"]
    figure = Drawing(figsize=(WIDTH, 2.8), layout="constrained")
    axes = figure.add_subplot()
    for name, own in table.groupby("dataset", sort=False):
        axes.plot(own["batch"], own["rate"].astype(float), marker="o", markersize=3.5, linewidth=1.4, label=name)
    axes.set_xscale("log", base=2)
    sizes = sorted(table["batch"].unique())
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.set_xlabel("batch size")
    axes.set_ylabel("samples with a false negative")
    axes.legend(handlelength=1.2)
    return figure


@styled
def ranks(record: Record) -> Drawing:
    """Draw the table "ranks": the share of queries whose own item is found up to a rank, against chance."""
    table = record.table("ranks")
    directions = list(dict.fromkeys(table["direction"]))
    figure = Drawing(figsize=(WIDTH, 3.0), layout="constrained")
    panels = figure.subplots(1, len(directions), sharey=True, squeeze=False).ravel()
    for axes, direction in zip(panels, directions, strict=True):
        items = table.loc[table["direction"] == direction].groupby("dataset")["highest"].max()
        for name, own in table[table["direction"] == direction].groupby("dataset", sort=False):
            found = own["queries"].cumsum() / own["queries"].sum()
            axes.plot(own["highest"], found, marker="o", markersize=3, linewidth=1.4, label=name)
        for highest in sorted(set(items)):
            rank = np.geomspace(1, highest, 100)
            axes.plot(rank, rank / highest, color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
        axes.set(title=direction, xscale="log", xlabel="rank", ylim=(-0.02, 1.02))
        axes.minorticks_off()
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rank, _: f"{rank:,.0f}"))
    panels[0].set_ylabel("share of queries found")
    chance = Line2D([], [], color=MUTED, linewidth=1, linestyle=(0, (3, 3)), label="chance")
    handles = [*panels[0].get_lines()[: table["dataset"].nunique()], chance]
    figure.legend(handles=handles, loc="outside lower center", ncols=5)
    return figure

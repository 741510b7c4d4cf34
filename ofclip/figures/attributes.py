"""Attribute recognition: how well each family is told apart, from a Record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from ofclip.errors import SettingError
from ofclip.figures.charts import CEILING, CHANCE
from ofclip.figures.style import COLOURS, MARKERS, PALE, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

#: What each panel shows, by what follows the family's name.
PANELS = {"recall@3": "Recall@3, per attribute", "mAP": "Mean average precision"}
#: Height of a row per data set in it.
STEP = 0.16


@styled
def families(record: Record) -> Drawing:
    """Draw recall@3 and mAP per family (row) and data set, with intervals, chance as a tick, ceilings as a triangle.

    A family with three values or fewer has no recall@3. Raises SettingError for a Record without such metrics.
    """
    found = {
        what: [(one, one.name.removesuffix(f" {what}")) for one in record.metrics if one.name.endswith(f" {what}")]
        for what in PANELS
    }
    rows = list(dict.fromkeys(family for pairs in found.values() for _, family in pairs))
    if not rows:
        raise SettingError(f"{record.experiment}/{record.source} has no metric {' or '.join(PANELS)} of a family")
    datasets = list(dict.fromkeys(metric.dataset for pairs in found.values() for metric, _ in pairs))
    colours = [COLOURS[i % len(COLOURS)] for i in (0, 2, 3, 4, 5, 6)]  # the second is chance's
    offsets = STEP * (np.arange(len(datasets)) - (len(datasets) - 1) / 2)
    height = 0.9 + len(rows) * (0.16 + 0.1 * len(datasets))
    figure = Drawing(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (what, title) in zip(panels, PANELS.items(), strict=True):
        for metric, family in found[what]:
            place = datasets.index(metric.dataset)
            y, colour = rows.index(family) + offsets[place], colours[place % len(colours)]
            if metric.interval:
                axes.hlines(y, *metric.interval, color=colour, linewidth=1.6)
            axes.plot(metric.value, y, marker=MARKERS[place % len(MARKERS)], color=colour, markersize=4)
            if metric.chance is not None:
                axes.plot(metric.chance, y, **{**CHANCE, "markersize": 6})
            if metric.ceiling is not None:
                axes.plot(metric.ceiling, y, **{**CEILING, "markersize": 3.5})
        axes.set(title=title, xlim=(-0.02, 1.03), ylim=(len(rows) - 0.5, -0.5))
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for edge in np.arange(0.5, len(rows) - 1):
            axes.axhline(edge, color=PALE, linewidth=0.8, zorder=0)
    handles = [
        Line2D([], [], color=colours[i % len(colours)], marker=MARKERS[i % len(MARKERS)], markersize=4, label=name)
        for i, name in enumerate(datasets)
    ]
    handles += [
        Line2D([], [], linewidth=0, label="chance", **{**CHANCE, "markersize": 6}),
        Line2D([], [], linewidth=0, label="ceiling", **{**CEILING, "markersize": 3.5}),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)))
    return figure

"""Your run against the book's, drawn from their Records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.figures.charts import headlines
from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.metrics.metric import Metric
    from ofclip.records import Record

ROWS = 24  # metrics at most: more do not fit a screen
YOURS: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "markersize": 5.5}
BOOK: dict[str, Any] = {"color": COLOURS[1], "marker": "s", "markersize": 5, "markerfacecolor": "white"}


@styled
def against(mine: Record, book: Record) -> Drawing:
    """Draw the metrics that two Records share as two dots each, with their 95 % intervals.

    Those that speak for the experiment, if there are any, else all that have an interval; shares first, and others, on
    another scale, in a panel of their own. At most 24, in the order of `mine`.
    """
    pairs = _chosen(mine, book)
    panels = [
        [pair for pair in pairs if all(0 <= metric.value <= 1 for metric in pair) is share] for share in (True, False)
    ]
    panels = [panel for panel in panels if panel]
    sizes = [len(panel) for panel in panels] or [1]
    figure = Drawing(figsize=(WIDTH, 1.1 + 0.3 * sum(sizes) + 0.4 * len(sizes)), layout="constrained")
    axes = figure.subplots(len(sizes), 1, squeeze=False, height_ratios=[size + 0.8 for size in sizes])[:, 0]
    if not panels:
        axes[0].text(0.5, 0.5, "The two runs have no metric in common.", ha="center", va="center", color=MUTED)
        axes[0].set_axis_off()
        return figure
    for place, panel in zip(axes, panels, strict=True):
        for y, pair in enumerate(panel):
            for metric, look, shift in zip(pair, (YOURS, BOOK), (-0.16, 0.16), strict=True):
                if metric.interval:
                    place.hlines(y + shift, *metric.interval, color=look["color"], linewidth=1.6)
                place.plot(metric.value, y + shift, **look)
        place.set_yticks(range(len(panel)), [_label(pair[0]) for pair in panel], fontsize=8)
        place.set_ylim(len(panel) - 0.5, -0.5)
        place.grid(visible=False, axis="y")
        place.tick_params(axis="y", length=0)
    figure.legend(
        handles=[Line2D([], [], label="your run", **YOURS), Line2D([], [], label="the book's run", **BOOK)],
        loc="outside lower right",
        ncols=2,
    )
    return figure


def _chosen(mine: Record, book: Record) -> list[tuple[Metric, Metric]]:
    theirs = {(metric.name, metric.dataset, metric.split): metric for metric in book.metrics}
    for shown in (headlines(mine), [metric for metric in mine.metrics if metric.interval], mine.metrics):
        keys = [(metric.name, metric.dataset, metric.split) for metric in shown]
        pairs = [(metric, theirs[key]) for metric, key in zip(shown, keys, strict=True) if key in theirs]
        if pairs:
            return pairs[:ROWS]
    return []


def _label(metric: Metric) -> str:
    return f"{metric.name} · {metric.dataset}"

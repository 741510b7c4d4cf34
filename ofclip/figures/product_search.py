"""Product search: how much of the first ten is right, per task and gallery."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.errors import SettingError
from ofclip.figures.charts import CEILING, CHANCE
from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.metrics.metric import Metric
    from ofclip.records import Record

#: What is drawn of each task, whichever it has.
SHOWN = ("Recall@10", "P@10")
START = " (start)"
#: Which gallery and model -> how it is drawn; the first that a data set has carries chance and ceiling.
SERIES: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("test", ""): ("test split", {"marker": "o", "color": COLOURS[0], "markersize": 5.5}),
    ("all", ""): ("all products, those trained on too", {"marker": "D", "color": COLOURS[2], "markersize": 4.5}),
    ("other", ""): ("all products", {"marker": "s", "color": COLOURS[3], "markersize": 4.5}),
    ("test", START): ("before training", {"marker": "x", "color": MUTED, "markersize": 5, "markeredgewidth": 1.4}),
    ("all", START): ("before training, all products", {"marker": "+", "color": MUTED, "markersize": 6}),
}


@styled
def product_search(record: Record) -> Drawing:
    """Draw Recall@10 or P@10 of each task, a panel per data set: values with intervals, chance and ceiling.

    Raises SettingError if the Record has none of these.
    """
    drawn = [metric for metric in record.metrics if metric.name.removesuffix(START).endswith(SHOWN)]
    if not drawn:
        raise SettingError(f"{record.experiment}/{record.source} has no {' or '.join(SHOWN)} to draw")
    datasets = list(dict.fromkeys(metric.dataset for metric in drawn))
    tasks = list(dict.fromkeys(metric.name.removesuffix(START) for metric in drawn))
    columns = min(2, len(datasets))
    lines = math.ceil(len(datasets) / columns)
    figure = Drawing(figsize=(WIDTH, lines * (0.6 + 0.34 * len(tasks)) + 0.5), layout="constrained")
    used = {}
    for place, dataset in enumerate(datasets):
        own = [metric for metric in drawn if metric.dataset == dataset]
        series = list(dict.fromkeys(sorted(map(_series, own), key=list(SERIES).index)))
        axes = figure.add_subplot(lines, columns, place + 1, title=dataset)
        for metric in own:
            number = series.index(_series(metric))
            y = tasks.index(metric.name.removesuffix(START)) + 0.2 * (number - (len(series) - 1) / 2)
            label, style = SERIES[_series(metric)]
            used[label] = style
            if metric.interval:
                axes.hlines(y, *metric.interval, color=style["color"], linewidth=1.6)
            axes.plot(metric.value, y, **style)
            if number == 0 and metric.chance is not None:
                axes.plot(metric.chance, y, **CHANCE)
            if number == 0 and metric.ceiling is not None:
                axes.plot(metric.ceiling, y, **CEILING)
        axes.set_yticks(range(len(tasks)), tasks if place % columns == 0 else [""] * len(tasks))
        axes.set_ylim(len(tasks) - 0.4, -0.6)
        axes.set_xlim(-0.03, 1.03)
        axes.grid(visible=False, axis="y")
    handles = [Line2D([], [], linestyle="", label=label, **style) for label, style in used.items()]
    handles += [
        Line2D([], [], linestyle="", label=label, **style)
        for label, style in (("chance", CHANCE), ("ceiling", CEILING))
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _series(metric: Metric) -> tuple[str, str]:
    split = metric.split if metric.split in ("test", "all") else "other"
    return split, START if metric.name.endswith(START) and split != "other" else ""

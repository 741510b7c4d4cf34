"""Reliability diagram: how often answers of one confidence are right, from a Record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D

from ofclip.errors import unknown
from ofclip.figures.style import COLOURS, MARKERS, MUTED, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record


@styled
def reliability(record: Record, label: str | None = None) -> Drawing:
    """Draw the table "reliability" of one label (the first by default): accuracy over confidence, per data set.

    Raises SettingError for a label that is not there.
    """
    table = record.table("reliability")
    label = label or table["label"].iloc[0]
    if label not in set(table["label"]):
        raise unknown("label of the reliability table", label, table["label"].unique())
    figure = Drawing(figsize=(5.4, 3.8), layout="compressed")
    axes = figure.add_subplot(title=label, xlabel="confidence of the answer", ylabel="share of right answers")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
    handles = []
    for place, (name, own) in enumerate(table[table["label"] == label].groupby("dataset", sort=False)):
        look: dict[str, Any] = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
        axes.plot(own["confidence"], own["accuracy"], markersize=4, linewidth=1.2, **look)
        handles.append(Line2D([], [], markersize=4, linewidth=1.2, label=name, **look))
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    figure.legend(handles=handles, loc="outside right upper")
    return figure

"""The curve of models between two others, drawn so that a page can mark any of its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ofclip.figures.forgetting import LINE
from ofclip.figures.style import INK, MUTED, PALE, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

SIZE = (5.6, 3.3)  # inches


@styled
def blending(record: Record) -> Drawing:
    """Draw the line of the table "interpolation" with the 95 % intervals of both axes, pale, and the chord."""
    line = record.table("interpolation")
    line = line[line["way"] == LINE].sort_values("alpha")
    figure = Drawing(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot(xlabel="recall@10, the target", ylabel="recall@10, the other domains")
    axes.hlines(line["others"], line["target_low"], line["target_high"], color=PALE, linewidth=1)
    axes.vlines(line["target"], line["others_low"], line["others_high"], color=PALE, linewidth=1)
    axes.plot(line["target"], line["others"], color=INK, marker="o", markersize=3, linewidth=1.2)
    ends = line.iloc[[0, -1]]
    axes.plot(ends["target"], ends["others"], color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
    axes.grid(visible=False)
    return figure


def places(figure: Drawing, points: np.ndarray) -> np.ndarray:
    """Return where data points (n, 2) lie in the SVG file of a figure's first axes, in its units, from the upper left.

    The figure must have been drawn, since its layout is decided then.
    """
    pixels = figure.axes[0].transData.transform(np.asarray(points, float))
    inches = pixels / figure.dpi
    return np.column_stack([inches[:, 0], figure.get_figheight() - inches[:, 1]]) * 72

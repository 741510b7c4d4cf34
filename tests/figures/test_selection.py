from __future__ import annotations

import numpy as np
import toyresults
from toybook import record

from ofclip.figures.selection import PANELS, selection
from ofclip.figures.style import COLOURS, MUTED
from ofclip.metrics.correlation import spearman
from ofclip.metrics.selection import regret


def test_a_row_per_criterion_a_colour_per_question_and_a_tick_for_chance():
    made = record("12-selection", toyresults.selection(np.random.default_rng(0), "atelier/street"))
    table = made.table("selection")
    assert set(PANELS) == {spearman.__name__, regret.__name__} <= set(table)
    axes = selection(made).axes
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["in-domain loss", "the domain itself"]
    for panel, column in zip(axes, PANELS, strict=True):
        dots = [line for line in panel.lines if line.get_marker() != "|"]
        assert [float(line.get_xdata()[0]) for line in dots] == table[column].tolist()
        assert [line.get_color() for line in dots] == [COLOURS[0]] * 2 + [COLOURS[1]] * 2
        chance = {float(line.get_xdata()[0]) for line in panel.lines if line.get_color() == MUTED}
        assert chance == ({0.0} if column == "spearman" else {0.12})
        spans = [tuple(path.vertices[:, 0]) for part in panel.collections for path in part.get_paths()]
        assert spans == list(zip(table[f"{column}_low"], table[f"{column}_high"], strict=True))

from __future__ import annotations

import pandas as pd
import pytest
from toybook import record

from ofclip.figures.effects import effects
from ofclip.figures.style import COLOURS
from ofclip.tasks.result import Result

COLUMNS = ["dataset", "measure", "factor", "way", "n", "value", "change", "low", "high", "gained", "lost"]
ROWS = [
    ("street", "accuracy", "as trained", "as trained", 9, 0.5, None, None, None, 0, 0),
    ("street", "accuracy", "activation", "QuickGELU", 9, 0.4, -0.1, -0.2, -0.05, 0, 1),
    ("street", "accuracy", "prompt", "no prompt", 9, 0.6, 0.1, 0.0, 0.2, 1, 0),
    ("street", "recall", "as trained", "as trained", 9, 0.3, None, None, None, 0, 0),
    ("street", "recall", "activation", "QuickGELU", 9, 0.3, 0.0, -0.1, 0.1, 1, 1),
    ("sketch", "accuracy", "as trained", "as trained", 9, 0.2, None, None, None, 0, 0),
    ("sketch", "accuracy", "prompt", "no prompt", 9, 0.25, 0.05, 0.01, 0.09, 1, 0),
]


@pytest.fixture
def drawn():
    table = pd.DataFrame(ROWS, columns=COLUMNS)
    return effects(record("15-activation", Result([], {"effects": table})))


def test_a_panel_per_measure_and_a_row_per_way(drawn):
    accuracy, recall = drawn.axes
    assert [axes.get_title("left") for axes in drawn.axes] == ["accuracy", "recall"]
    assert [text.get_text() for text in accuracy.get_yticklabels()] == ["activation: QuickGELU", "prompt: no prompt"]
    assert len(recall.lines) == 2


def test_each_data_set_has_its_change_and_interval_beside_the_others(drawn):
    zero, *points = drawn.axes[0].lines
    assert zero.get_xdata() == [0, 0]
    found = [(line.get_xdata()[0], round(line.get_ydata()[0]), line.get_color()) for line in points]
    assert found == [(-0.1, 0, COLOURS[0]), (0.1, 1, COLOURS[0]), (0.05, 1, COLOURS[1])]
    assert points[1].get_ydata()[0] < points[2].get_ydata()[0], "side by side, not one on another"
    spans = sorted(tuple(path.vertices[:, 0]) for part in drawn.axes[0].collections for path in part.get_paths())
    assert spans == [(-0.2, -0.05), (0.0, 0.2), (0.01, 0.09)]
    assert [text.get_text() for text in drawn.legends[0].texts] == ["street", "sketch", "as trained"]

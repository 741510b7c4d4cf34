from __future__ import annotations

import pandas as pd
import pytest
from toybook import record

from ofclip.figures.gradients import NOTHING, accumulation
from ofclip.tasks.result import Result

ROWS = [
    ("gradient caching", 0.0, 1, 0.0, 0.0, 1.0),
    ("gradient caching", 0.0, 4, 1e-15, 1e-15, 1.0),
    ("gradient caching", 0.5, 1, 0.0, 0.0, 1.0),
    ("gradient caching", 0.5, 4, 2e-15, 2e-15, 1.0),
    ("open_clip", 0.0, 1, 3e-15, 3e-15, 1.0),
    ("open_clip", 0.0, 4, 3.0, 4e-15, 4.0),
    ("open_clip", 0.5, 1, 5e-15, 5e-15, 1.0),
    ("open_clip", 0.5, 4, 2.9, 0.1, 3.9),
]


@pytest.fixture
def drawn():
    columns = ["method", "patch_dropout", "parts", "error", "others", "ratio"]
    table = pd.DataFrame(ROWS, columns=columns)
    return accumulation(record("02-gradient-caching", Result([], {"accumulation": table})))


def test_ratios_are_those_without_patch_dropout(drawn):
    ours, theirs, _ = drawn.axes[0].lines
    assert ours.get_ydata().tolist() == [1, 1] and theirs.get_ydata().tolist() == [1, 4]
    assert theirs.get_xdata().tolist() == [1, 4]
    assert [label.get_text() for label in drawn.axes[0].get_yticklabels()] == ["1", "4"]


def test_errors_have_a_line_each_and_nothing_is_drawn_at_the_bottom(drawn):
    lines = {line.get_label(): line.get_ydata().tolist() for line in drawn.axes[1].lines}
    assert lines == {
        "gradient caching, patch dropout 0": [NOTHING, 1e-15],
        "gradient caching, patch dropout 0.5": [NOTHING, 2e-15],
        "open_clip, patch dropout 0": [3e-15, 4e-15],
        "open_clip, patch dropout 0.5": [5e-15, 0.1],
    }
    assert [text.get_text() for text in drawn.legends[0].texts] == list(lines)

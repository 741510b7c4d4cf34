from __future__ import annotations

import pytest

from ofclip.errors import SettingError
from ofclip.figures.verdicts import KINDS, Line, forest


def test_a_row_per_number_photographs_first_with_what_it_has_to_beat():
    lines = [
        Line("by the centre", "drawings", 0.4, 0.3, 0.5, 0.7),
        Line("new classes", "photographs", 0.6, 0.5, 0.65, 0.1),
    ]
    axes = forest(lines).axes[0]
    assert [text.get_text() for text in axes.texts] == ["new classes", "by the centre"]
    spans = [tuple(path.vertices[:, 0]) for part in axes.collections for path in part.get_paths()]
    assert spans == [(0.5, 0.65), (0.3, 0.5)]
    points = [(line.get_xdata()[0], line.get_color()) for line in axes.lines]
    assert points[0] == (0.6, KINDS["photographs"][0]) and points[1][0] == 0.1
    assert points[2] == (0.4, KINDS["drawings"][0]) and points[3][0] == 0.7
    legend = [text.get_text() for text in axes.figure.legends[0].texts]
    assert legend == ["photographs", "drawings", "what it has to beat"]


def test_nothing_to_draw_is_an_error():
    with pytest.raises(SettingError, match="no number to draw"):
        forest([])

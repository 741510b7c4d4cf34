from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from toybook import record

from ofclip.figures.mixture import ROLES, mixture
from ofclip.figures.style import COLOURS
from ofclip.tasks import mixture as task
from ofclip.tasks.result import Result

ROWS = [
    ("a alone", "shop/a", "trained on", 0.6),
    ("a alone", "shop/b", "left out", 0.3),
    ("a alone", "street", "held out", 0.2),
    ("a alone", "trained on", "trained on", 0.6),
    ("a alone", "left out", "left out", 0.3),
    ("a alone", "held out", "held out", 0.2),
    ("all", "shop/a", "trained on", 0.5),
    ("all", "shop/b", "trained on", 0.7),
    ("all", "street", "held out", 0.4),
    ("all", "trained on", "trained on", 0.65),
    ("all", "held out", "held out", 0.4),
]


@pytest.fixture
def panels():
    rows = [(*row, row[-1] - 0.05, row[-1] + 0.1) for row in ROWS]
    columns = ["run", "data", "role", "recall", "recall_low", "recall_high"]
    return mixture(record("11-mixture", Result([], {"matrix": pd.DataFrame(rows, columns=columns)}))).axes


def test_the_roles_are_those_of_the_task():
    assert set(ROLES) == {task.OWN, task.LEFT_OUT, task.HELD_OUT} and task.ALL == "all"


def test_a_dot_per_run_and_role_with_its_interval(panels):
    axes = panels[0]
    dots = {
        (line.get_color(), round(float(line.get_ydata()[0]))): float(line.get_xdata()[0])
        for line in axes.lines
        if line.get_marker() in ("o", "D", "s")
    }
    blue, orange, green = COLOURS[:3]
    assert dots == {(blue, 0): 0.2, (green, 0): 0.3, (orange, 0): 0.6, (blue, 1): 0.4, (orange, 1): 0.65}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a alone", "all"]
    spans = {tuple(path.vertices[:, 0].round(2)) for part in axes.collections for path in part.get_paths()}
    assert (0.15, 0.3) in spans and (0.6, 0.75) in spans
    assert [line.get_xdata() for line in axes.lines if line.get_linestyle() == "--"] == [[0.4, 0.4]]


def test_cells_are_recalls_and_what_is_trained_on_is_framed(panels):
    axes = panels[1]
    assert np.asarray(axes.collections[0].get_array()).reshape(2, 3).tolist() == [[0.6, 0.3, 0.2], [0.5, 0.7, 0.4]]
    framed = {part.get_xy() for part in axes.patches if isinstance(part, Rectangle)}
    assert framed == {(0, 0), (0, 1), (1, 1)}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "street"]

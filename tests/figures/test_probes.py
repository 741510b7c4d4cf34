from __future__ import annotations

import pandas as pd
import pytest
from toybook import record

from ofclip.figures.probes import shots
from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result


@pytest.fixture
def drawn():
    table = pd.DataFrame({"k": [1, 2, 4], "accuracy": [0.2, 0.3, 0.4], "low": [0.1, 0.2, 0.3], "high": [0.3, 0.4, 0.5]})
    table = table.assign(dataset="kagl", features="model")
    values = {
        "type probe accuracy@1": 0.6,
        "type probe accuracy@1 (starting model)": 0.25,
        "type probe minus zero-shot accuracy@1": 0.05,
        "type zero-shot accuracy@1": 0.55,
    }
    metrics = [
        Metric(name, "", "higher", "kagl", "test", 9, value, (value - 0.1, value + 0.1), 0.125)
        for name, value in values.items()
    ]
    return shots(record("07-probe", Result(metrics, {"shots": table})))


def test_the_curve_zero_shot_chance_and_the_whole_training_set(drawn):
    [axes] = drawn.axes
    lines = [line.get_ydata() for line in axes.lines]
    assert [list(line) for line in lines if len(line) == 3] == [[0.2, 0.3, 0.4]]
    levels = {float(line[0]) for line in lines if len(line) == 2}
    assert levels == {0.55, 0.125}
    points = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axes.lines if len(line.get_xdata()) == 1
    }
    assert points == {(8, 0.6), (8, 0.25)}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4", "all"]
    assert axes.get_xscale() == "log"

from __future__ import annotations

import pandas as pd
import pytest
from toybook import record

from ofclip.figures.style import COLOURS
from ofclip.figures.sweep import FROZEN, GRID, LOSS, sweep
from ofclip.tasks import sweep as task
from ofclip.tasks.result import Result

REFERENCE = "rate 0.002, batch 64"
RUNS = [
    (GRID, REFERENCE, 2e-3, 64, REFERENCE, {"home": 0.5, "held out": 0.2}),
    (GRID, "rate 0.001, batch 64", 1e-3, 64, REFERENCE, {"home": 0.4, "held out": 0.1}),
    (GRID, "rate 0.002, batch 16", 2e-3, 16, REFERENCE, {"home": 0.6, "held out": 0.3}),
    (LOSS, "siglip", 2e-3, 64, REFERENCE, {"home": 0.3, "held out": 0.15}),
    (FROZEN, "before", None, None, None, {"home": 0.7, "held out": 0.4}),
    (FROZEN, "all trained", 2e-4, 16, "before", {"home": 0.8, "held out": 0.25}),
]


def drawn(runs):
    values = {name: own for _, name, *_, own in runs}
    settings = [(question, name, rate, batch) for question, name, rate, batch, *_ in runs]
    rows = []
    for _, name, _, _, against, own in runs:
        for data, value in own.items():
            change = None if against in (None, name) else value - values[against][data]
            bounds = (None, None) if change is None else (change - 0.01, change + 0.02)
            rows.append((name, data, value, value - 0.05, value + 0.05, against, change, *bounds))
    columns = ["run", "data", "recall", "low", "high", "against", "change", "change_low", "change_high"]
    tables = {
        "sweep": pd.DataFrame(settings, columns=["question", "run", "learning_rate", "batch"]),
        "measured": pd.DataFrame(rows, columns=columns),
    }
    return sweep(record("02-settings", Result([], tables)))


def segments(axes):
    return sorted(
        tuple(round(float(x), 3) for x in path.vertices[:, 0]) for part in axes.collections for path in part.get_paths()
    )


def test_the_questions_are_those_of_the_task():
    assert (GRID, LOSS, FROZEN) == (task.GRID, task.LOSS, task.FROZEN)


def test_a_line_per_batch_goes_through_the_held_out_values():
    axes = drawn(RUNS).axes[0]
    lines = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
    assert lines == {"batch 16": [0.3], "batch 64": [0.1, 0.2]}
    small, large = axes.lines[0].get_xdata()[0], axes.lines[1].get_xdata()[1]
    assert small < large and [small, large] == pytest.approx([2e-3] * 2, rel=0.02), "side by side"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.001", "0.002"]
    heights = sorted(tuple(p.vertices[:, 1].round(3)) for c in axes.collections for p in c.get_paths())
    assert heights == [(0.05, 0.15), (0.15, 0.25), (0.25, 0.35)]


def test_intervals_of_dots_are_those_of_the_change_from_the_dashed_line():
    _, losses, frozen = drawn(RUNS).axes
    dashed, dot = losses.lines
    assert dashed.get_xdata() == [0.2, 0.2] and dot.get_xdata() == [0.15]
    assert segments(losses) == [(0.14, 0.17)]
    assert [text.get_text() for text in losses.get_yticklabels()] == ["siglip"]
    assert segments(frozen) == [(0.24, 0.27), (0.79, 0.82)]
    held_out, home = (line for line in frozen.lines if line.get_marker() in ("o", "s"))
    assert held_out.get_color() == COLOURS[0] and held_out.get_xdata() == [0.25] and home.get_xdata() == [0.8]
    assert {tuple(line.get_xdata()) for line in frozen.lines} >= {(0.4, 0.4), (0.7, 0.7)}
    assert [text.get_text() for text in frozen.get_yticklabels()] == ["all trained"]


def test_a_question_without_runs_has_no_panel():
    figure = drawn(RUNS[:3])
    assert [axes.get_visible() for axes in figure.axes] == [True, False, False]
    assert [text.get_text() for text in figure.legends[0].texts] == ["held out", "what a run is compared with"]

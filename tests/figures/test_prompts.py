from __future__ import annotations

import numpy as np
import pytest
import toyresults
from toybook import record

from ofclip.figures.prompts import ASKED, KINDS, prompts
from ofclip.tasks import prompt_choice
from ofclip.tasks.prompt_training import WAYS
from ofclip.tasks.result import Result


@pytest.fixture
def made() -> Result:
    return toyresults.prompts(np.random.default_rng(0), "atelier/street")


def test_kinds_and_ways_are_those_of_the_tasks() -> None:
    names = ("NONE", "TEMPLATE", "VECTORS", "SCORES", "PHRASES")
    assert tuple(getattr(prompt_choice, name) for name in names) == KINDS
    assert tuple(ASKED) == WAYS


def test_a_panel_per_task_has_a_row_per_kind_and_a_dot_per_change(made: Result) -> None:
    figure = prompts(record("10-prompts", made))
    table = made.tables["prompts"]
    tasks = list(dict.fromkeys(table["task"]))
    for axes, task in zip(figure.axes, tasks, strict=False):
        own = table[(table["task"] == task)].dropna(subset="change")
        dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
        assert sorted(dots) == sorted(own["change"])
        kinds = [kind for kind in KINDS if kind in set(own["kind"])]
        assert [text.get_text() for text in axes.get_yticklabels()] == kinds


def test_without_training_there_are_no_panels_of_it(made: Result) -> None:
    whole = prompts(record("10-prompts", made))
    alone = prompts(record("10-prompts", Result([], {"prompts": made.tables["prompts"]})))
    titles = [axes.get_title("left") for axes in whole.axes]
    assert "trained otherwise: atelier/street" in titles and len(alone.axes) == len(whole.axes) - 1
    assert not any("asked by" in text.get_text() for text in alone.legends[0].texts)

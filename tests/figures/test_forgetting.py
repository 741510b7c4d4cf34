from __future__ import annotations

import numpy as np
import pytest
import toyresults
from toybook import record

from ofclip.figures.forgetting import BEFORE, LINE, forgetting
from ofclip.records import Table
from ofclip.tasks import forgetting as task


@pytest.fixture
def made():
    return record("14-forgetting", toyresults.forgetting(np.random.default_rng(0), "atelier/street"))


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_names_are_those_of_the_task():
    assert (LINE, BEFORE) == (task.LINE, task.BEFORE)


def test_the_curve_has_its_chord_its_knee_and_the_other_ways(made):
    axes = forgetting(made).axes[0]
    curve, chord, knee, other = axes.lines
    table = made.table("interpolation")
    assert curve.get_xdata().tolist() == table["target"].tolist()[:3]
    assert curve.get_ydata().tolist() == table["others"].tolist()[:3]
    assert chord.get_xdata().tolist() == table["target"].tolist()[0:3:2]
    assert float(knee.get_xdata()[0]) == table["target"][1]
    assert (float(other.get_xdata()[0]), float(other.get_ydata()[0])) == (0.6, 0.7)
    assert texts(axes) == ["before", "fine-tuned", "knee, alpha 0.5"]


def test_without_a_knee_none_is_marked(made):
    none = made.table("knee").assign(alpha=None)
    made = made.model_copy(update={"tables": {**made.tables, "knee": Table.of(none)}})
    assert texts(forgetting(made).axes[0]) == ["before", "fine-tuned"]


def test_changes_stand_by_domain_and_way(made):
    axes = forgetting(made).axes[1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["studio", "street"]
    ways = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert list(ways) == ["fine-tuned", "distillation", "at the knee"]
    assert all(line.get_xdata().tolist() == [-0.1, -0.1] for line in ways.values())
    colours = {line.get_color() for line in ways.values()}
    other = forgetting(made).axes[0].lines[-1]
    assert len(colours) == 3 and other.get_color() == ways["distillation"].get_color()

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import toyresults
from toybook import record

from ofclip.figures import biases
from ofclip.records import Record
from ofclip.tasks.biases.wording import OTHER, OWN
from ofclip.tasks.result import Result


@pytest.fixture
def made() -> Record:
    return record("13-biases", toyresults.biases(np.random.default_rng(0), "atelier/street"))


def test_wordings_are_those_of_the_task() -> None:
    assert biases.WORDINGS == (OWN, OTHER)


def test_lengths_have_two_lines_and_a_ceiling(made: Record) -> None:
    table, (axes,) = made.table("query_lengths"), biases.query_lengths(made).axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [
        table[name].tolist() for name in ("recall", "any_recall", "ceiling")
    ]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2", "3–7"]


def test_what_steps_are_compared_with_is_hollow(made: Record) -> None:
    panels = biases.scenes(made).axes
    assert [axes.get_title("left") for axes in panels] == ["ground", "size"]
    table = made.table("scenes")
    for axes in panels:
        own = table[table["probe"] == axes.get_title("left")]
        hollow = sorted(line.get_xdata()[0] for line in axes.lines if line.get_markerfacecolor() == "white")
        assert hollow == sorted(own.loc[own["change"].isna(), "value"])
        assert len(axes.lines) == len(own)


def test_changes_of_wording_stand_in_the_row_of_their_products(made: Record) -> None:
    table = made.table("wording")
    panels = biases.wording(made).axes
    for axes in panels:
        own = table[table["task"] == axes.get_title("left")].dropna(subset="change")
        dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() in biases.MARKERS]
        assert sorted(dots) == sorted(own["change"])
    assert [text.get_text() for text in panels[0].get_yticklabels()] == [
        "atelier/street\nwomen's", "atelier/street\nmen's"
    ]  # fmt: skip


def test_sizes_far_apart_are_on_a_logarithmic_axis() -> None:
    columns = ["dataset", "label", "class", "trained_on", "pictures", "accuracy", "low", "high"]

    def drawn(sizes: list[int]):
        rows = [("kagl", "type", f"class {i}", size, 9, 0.5, 0.4, 0.6) for i, size in enumerate(sizes)]
        table = pd.DataFrame(rows, columns=columns)
        return biases.class_sizes(record("13-biases", Result([], {"class_sizes": table}))).axes[0]

    assert drawn([0, 40, 900]).get_xscale() == "symlog" and drawn([260, 300, 360]).get_xscale() == "linear"
    assert drawn([0, 40]).lines[0].get_xdata().tolist() == [0, 40]

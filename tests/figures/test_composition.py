from __future__ import annotations

import pandas as pd
from toybook import record

from ofclip.figures.composition import chosen, improbable
from ofclip.tasks.result import Result


def test_rare_and_common_pairs_stand_in_one_row():
    row = {"dataset": "kagl", "model": "model", "kind": "colour", "measure": "pairs", "rare": "unseen"}
    row |= {"common": "frequent", "rare_value": 0.2, "rare_low": 0.1, "rare_high": 0.3}
    row |= {"common_value": 0.6, "common_low": 0.5, "common_high": 0.7}
    rows = [row, row | {"rare": "rare", "rare_value": 0.4}, row | {"model": "starting model"}]
    drawn = improbable(record("09-composition", Result([], {"combinations": pd.DataFrame(rows)})))
    [axes] = drawn.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["colour, unseen\npairs", "colour, rare\npairs"]
    assert [float(line.get_xdata()[0]) for line in axes.lines] == [0.2, 0.6, 0.4, 0.6]
    assert [text.get_text() for text in drawn.legends[0].texts] == ["unseen or rare pairs", "frequent pairs, matched"]


def test_each_question_has_a_row_and_each_data_set_a_colour():
    table = pd.DataFrame(
        [("a", "model", "order", 0.4, 0.3, 0.5), ("a", "model", "swap", 0.6, 0.5, 0.7)]
        + [("b", "model", "swap", 0.8, 0.7, 0.9), ("b", "start", "swap", 0.1, 0.0, 0.2)],
        columns=["dataset", "model", "choice", "accuracy", "low", "high"],
    )
    drawn = chosen(record("09-composition", Result([], {"choices": table})))
    [axes] = drawn.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["order", "swap"]
    first, second, half = axes.lines
    assert first.get_xdata().tolist() == [0.4, 0.6] and second.get_xdata().tolist() == [0.8]
    assert set(half.get_xdata()) == {0.5}
    assert first.get_color() != second.get_color()

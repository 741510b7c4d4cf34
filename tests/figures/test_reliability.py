from __future__ import annotations

import pandas as pd
import pytest
from toybook import record

from ofclip import figures
from ofclip.errors import SettingError
from ofclip.records import Record
from ofclip.tasks.result import Result


@pytest.fixture
def made() -> Record:
    rows = [("a", "type", 0.3, 0.2, 5), ("a", "type", 0.8, 0.5, 5), ("b", "type", 0.6, 0.6, 9), ("b", "cut", 0.9, 1, 9)]
    table = pd.DataFrame(rows, columns=["dataset", "label", "confidence", "accuracy", "pictures"])
    return record("03-zero-shot", Result([], {"reliability": table}))


def test_each_data_set_has_a_line_beside_the_diagonal(made: Record) -> None:
    axes = figures.reliability(made).axes[0]
    diagonal, first, second = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    assert first.get_xdata().tolist() == [0.3, 0.8] and first.get_ydata().tolist() == [0.2, 0.5]
    assert second.get_xdata().tolist() == [0.6] and axes.get_title("left") == "type"


def test_a_label_can_be_chosen(made: Record) -> None:
    assert figures.reliability(made, "cut").axes[0].lines[1].get_xdata().tolist() == [0.9]
    with pytest.raises(SettingError, match="unknown label of the reliability table 'typ': did you mean 'type'"):
        figures.reliability(made, "typ")

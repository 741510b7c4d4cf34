import pandas as pd
import pytest

from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result


def metric(name, value=0.5):
    return Metric(name, "a definition", "higher", "toy", "test", 9, value, (0.4, 0.6), 0.1, 1.0)


def test_results_join_and_append_tables_of_a_name():
    one = Result([metric("a")], {"t": pd.DataFrame({"x": [1]}), "u": pd.DataFrame({"y": [1]})})
    two = Result([metric("b", 0.7)], {"t": pd.DataFrame({"x": [2]})})
    both = one + two
    assert [m.name for m in both.metrics] == ["a", "b"] and both["b"].value == 0.7
    assert both.tables["t"]["x"].tolist() == [1, 2] and set(both.tables) == {"t", "u"}
    assert one.tables["t"]["x"].tolist() == [1]
    with pytest.raises(KeyError):
        both["c"]


def test_summary_has_a_row_per_metric():
    row = Result([metric("a")]).summary().iloc[0]
    assert (row["data"], row["low"], row["chance"], row["n"]) == ("toy@test", 0.4, 0.1, 9)
    assert "0.500" in Result([metric("a")])._repr_html_()

import numpy as np
import pandas as pd
import toyresults
from toybook import record

from ofclip import figures
from ofclip.tasks.result import Result


def test_the_marks_are_the_values_of_the_largest_k() -> None:
    columns = ["dataset", "direction", "relevant", "metric", "definition", "k", "value", "low", "high", "ceiling"]
    values = (("own", "diagonal", 0.1), ("own", "torchmetrics", 0.2), ("group", "torchmetrics", 0.3))
    rows = [
        ("kagl", "text-to-image", what, metric, definition, k, value + k / 100, 0.0, 1.0, 0.99)
        for metric in ("recall", "precision", "hits")
        for k in (1, 10)
        for what, definition, value in values
    ]
    made = record("04-retrieval", Result([], {"definitions": pd.DataFrame(rows, columns=columns)}))
    drawn = figures.definitions(made)
    assert [axes.get_title("left") for axes in drawn.axes] == ["text-to-image recall@10", "text-to-image precision@10"]
    for axes in drawn.axes:
        points = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() != "<"]
        np.testing.assert_allclose(points, [0.2, 0.4])  # the diagonal of the own item, torchmetrics of the group


def test_each_data_set_has_a_row() -> None:
    rng = np.random.default_rng(0)
    names = ["atelier/street", "atelier/flatlay"]
    drawn = figures.definitions(record("04-retrieval", *(toyresults.retrieval(rng, name) for name in names)))
    assert len(drawn.axes) == 4
    assert [label.get_text() for label in drawn.axes[0].get_yticklabels()] == names
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == [
        "diagonal",
        "any hit",
        "fraction of relevant",
        "ceiling",
    ]

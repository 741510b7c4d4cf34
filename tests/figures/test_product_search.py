from __future__ import annotations

import pytest
from toybook import record

from ofclip import figures
from ofclip.errors import SettingError
from ofclip.figures.style import COLOURS, MUTED
from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result


def metric(name: str, dataset: str, split: str, value: float) -> Metric:
    return Metric(name, "", "higher", dataset, split, 9, value, (value - 0.1, value + 0.1), 0.05, 0.9)


def test_each_gallery_and_model_has_a_mark_in_its_tasks_row() -> None:
    metrics = [
        metric("text-to-image Recall@1", "kagl", "all", 0.1),
        metric("text-to-image Recall@10", "kagl", "all", 0.2),
        metric("text-to-image Recall@10", "kagl", "test", 0.4),
        metric("color-to-product P@10", "kagl", "test", 0.6),
        metric("color-to-product P@10 (start)", "kagl", "test", 0.15),
        metric("text-to-image Recall@10", "other", "data", 0.3),
    ]
    drawn = figures.product_search(record("06-product-search", Result(metrics)))
    assert [axes.get_title("left") for axes in drawn.axes] == ["kagl", "other"]
    first, second = drawn.axes
    assert [label.get_text() for label in first.get_yticklabels()] == [
        "text-to-image Recall@10",
        "color-to-product P@10",
    ]
    marks = {(line.get_color(), line.get_xdata()[0]): line.get_ydata()[0] for line in first.lines}
    rows = {key: round(y) for key, y in marks.items()}
    assert rows[COLOURS[0], 0.4] == rows[COLOURS[2], 0.2] == 0 and rows[COLOURS[0], 0.6] == rows[MUTED, 0.15] == 1
    assert len({round(y, 3) for y in marks.values()}) == 4  # no two series lie upon each other
    assert not [key for key in marks if key[1] == 0.1]
    assert (COLOURS[3], 0.3) in {(line.get_color(), line.get_xdata()[0]) for line in second.lines}
    labels = [text.get_text() for text in drawn.legends[0].texts]
    assert "all products, those trained on too" in labels and "before training" in labels


def test_a_record_without_the_metrics_is_refused() -> None:
    with pytest.raises(SettingError, match="has no Recall@10 or P@10 to draw"):
        figures.product_search(record("06-product-search", Result([metric("text-to-image MRR", "kagl", "all", 0.1)])))

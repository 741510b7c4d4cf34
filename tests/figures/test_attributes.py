from __future__ import annotations

import numpy as np
import pytest
import toyresults
from toybook import record

from ofclip import figures
from ofclip.errors import SettingError
from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result


def metric(name: str, dataset: str, value: float) -> Metric:
    return Metric(name, "", "higher", dataset, "test", 9, value, (value - 0.1, value + 0.1), 0.05, 0.95)


def test_families_have_a_row_each_in_both_panels() -> None:
    values = {("colour recall@3", "street"): 0.5, ("colour recall@3", "grey"): 0.6, ("fit mAP", "street"): 0.3}
    metrics = [metric(*key, value) for key, value in values.items()] + [metric("fit recall@5", "street", 0.9)]
    recall, precision = figures.families(record("05-attributes", Result(metrics))).axes
    assert [label.get_text() for label in recall.get_yticklabels()] == ["colour", "fit"]
    drawn = [float(line.get_xdata()[0]) for line in recall.lines if line.get_marker() in ("o", "s")]
    assert drawn == [0.5, 0.6]
    heights = [float(line.get_ydata()[0]) for line in recall.lines if line.get_marker() in ("o", "s")]
    assert heights[0] < 0 < heights[1] and np.allclose(sum(heights), 0)
    assert [float(line.get_xdata()[0]) for line in precision.lines if line.get_marker() == "o"] == [0.3]


def test_a_record_without_families_is_refused() -> None:
    with pytest.raises(SettingError, match="has no metric recall@3 or mAP of a family"):
        figures.families(record("05-attributes", Result([metric("accuracy@1", "kagl", 0.5)])))


def test_the_headline_is_the_ranking_of_all_families() -> None:
    made = record("05-attributes", toyresults.attributes(np.random.default_rng(0), "kagl"))
    assert [one.name for one in figures.headlines(made)] == ["all recall@5", "all mAP"]

from __future__ import annotations

import pytest
from toybook import record

from ofclip.book import tables
from ofclip.metrics.metric import Metric
from ofclip.records import Table
from ofclip.tasks.result import Result


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (float("nan"), ""), (4381, "4,381"), (0, "0"), (0.45127, "0.451"), (1.0, "1.00"), (99.96, "100")]
    + [(1234.5, "1,234"), (0.00228, "0.00228"), (0.0000228, "2.28e-05"), (-0.5, "-0.500")],
)
def test_numbers_keep_three_digits(value: float | None, shown: str) -> None:
    assert tables.number(value) == shown


def test_cells_of_a_record_keep_their_kind() -> None:
    table = Table(columns=["id", "words_mean", "known"], rows=[["0012", 7.25, True], ["1.50", None, False]])
    frame = tables.plain(table)
    assert list(frame.columns) == ["id", "words mean", "known"]
    assert frame.to_numpy().tolist() == [["0012", "7.25", "yes"], ["1.50", "", "no"]]


def test_a_split_is_named_where_it_is_one() -> None:
    split = [Metric("MRR", "", "higher", "kagl", split, 10, 0.5) for split in ("test", "train+test")]
    frame = tables.metrics(record("04-retrieval", Result(split)), None)
    assert frame["data"].tolist() == ["kagl, test", "kagl"]
    assert list(frame.columns) == ["data", "metric", "value", "n"], "columns that nothing fills are left out"


def test_glance_shows_the_first_headline_on_each_data_set() -> None:
    def metric(name: str, dataset: str) -> Metric:
        return Metric(name, "", "higher", dataset, "test", 10, 0.5, (0.4, 0.6), 0.1)

    metrics = [metric("recall", "street"), metric("recall", "flat"), metric("MRR", "street")]
    frame = tables.glance([("drawings", metrics), ("photographs", [])])
    assert frame[["data", "metric", "95 % interval"]].to_numpy().tolist() == [
        ["street", "recall", "0.400 to 0.600"],
        ["flat", "recall", "0.400 to 0.600"],
    ]

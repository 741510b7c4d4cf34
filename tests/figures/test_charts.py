from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import toyresults
from toybook import record

from ofclip import figures
from ofclip.errors import SettingError
from ofclip.metrics.metric import Metric
from ofclip.records import Record, Table
from ofclip.tasks.result import Result


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_every_figure_of_the_book_is_drawn_from_a_record_alone(rng: np.random.Generator) -> None:
    for experiment, drawn in figures.FIGURES.items():
        results = [toyresults.RESULTS[experiment](rng, name) for name in ("atelier/street", "atelier/flatlay")]
        for _, draw, caption in drawn:
            assert draw(record(experiment, *results)).axes and caption.endswith(".")


def test_curves_draw_the_log(rng: np.random.Generator) -> None:
    made = record("02-training", toyresults.training(rng, "atelier"))
    loss, validation, *_ = figures.curves(made).axes
    log = made.table("log")
    assert loss.lines[0].get_ydata().tolist() == log["loss"].tolist()
    seen = log.dropna()
    assert validation.lines[0].get_xdata().tolist() == seen["samples"].tolist()
    assert validation.get_legend().texts[0].get_text() == "text-to-image recall@10 atelier/street@val"


def test_curves_without_validation_have_a_panel_less(rng: np.random.Generator) -> None:
    made = record("02-training", toyresults.training(rng, "atelier"))
    log = made.table("log").drop(columns="text-to-image recall@10 atelier/street@val")
    made = made.model_copy(update={"tables": {"log": Table.of(log)}})
    assert len(figures.curves(made).axes) == 3


def metric(name: str, dataset: str, value: float) -> Metric:
    return Metric(name, "", "higher", dataset, "test", 9, value, (value - 0.1, value + 0.1), 0.05, 0.9)


def test_intervals_draw_value_chance_and_ceiling_in_the_row_of_the_data_set() -> None:
    values = {("recall", "street"): 0.5, ("recall", "flat"): 0.6, ("MRR", "street"): 0.3, ("MRR", "flat"): 0.4}
    made = record("04-retrieval", Result([metric(*key, value) for key, value in values.items()]))
    drawn = figures.intervals(made, ["recall", "MRR"])
    assert [axes.get_title("left") for axes in drawn.axes] == ["recall", "MRR"]
    assert [label.get_text() for label in drawn.axes[0].get_yticklabels()] == ["street", "flat"]
    for axes, name in zip(drawn.axes, ("recall", "MRR"), strict=True):
        points = [tuple(float(line.get_data()[i][0]) for i in (0, 1)) for line in axes.lines]
        for row, dataset in enumerate(("street", "flat")):
            assert {(values[name, dataset], row), (0.05, row), (0.9, row)} <= set(points)


def test_intervals_of_one_data_set_have_a_row_per_metric() -> None:
    metrics = [metric("type accuracy@1", "kagl", 0.5), metric("colour accuracy@1", "kagl", 0.4)]
    axes = figures.intervals(record("03-zero-shot", Result(metrics))).axes
    assert len(axes) == 1
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["type accuracy@1", "colour accuracy@1"]


def test_intervals_refuse_an_unknown_name_and_a_record_without_headlines() -> None:
    made = record("04-retrieval", Result([metric("recall", "kagl", 0.5)]))
    with pytest.raises(SettingError, match="did you mean 'recall'"):
        figures.intervals(made, ["recal"])
    with pytest.raises(SettingError, match="give their names"):
        figures.intervals(made)


def test_headlines_are_found_behind_a_label_and_in_order() -> None:
    names = ["text-to-image recall@1", "text-to-image recall@10", "text-to-image recall@10, any of the same caption"]
    made = record("04-retrieval", Result([metric(name, "kagl", 0.5) for name in names]))
    assert [one.name for one in figures.headlines(made)] == [names[1], names[0]]
    made = record("03-zero-shot", Result([metric(name, "kagl", 0.5) for name in ("type accuracy@1", "weighted F1")]))
    assert [one.name for one in figures.headlines(made)] == ["type accuracy@1"]


def test_what_was_measured_on_trained_products_too_is_no_headline() -> None:
    both = [replace(metric("text-to-image Recall@10", "kagl", 0.5), split=split) for split in ("all", "test")]
    assert [one.split for one in figures.headlines(record("06-product-search", Result(both)))] == ["test"]


@pytest.fixture
def confused() -> Record:
    rows = [("a", "type", "x", "x", 3), ("a", "type", "x", "y", 1), ("b", "type", "y", "x", 2)]
    rows += [("b", "cut", "u", "u", 5)]
    table = pd.DataFrame(rows, columns=["dataset", "label", "true", "predicted", "count"])
    return record("03-zero-shot", Result([], {"confusion": table}))


def test_confusion_shows_shares_of_each_true_class(confused: Record) -> None:
    axes = figures.confusion(confused).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "y"]
    assert axes.collections[0].get_array().tolist() == [[0.75, 0.25], [1.0, 0.0]]
    assert axes.get_title("left") == "type: a + b"


def test_confusion_takes_one_data_set_and_the_largest_classes(confused: Record) -> None:
    assert figures.confusion(confused, dataset="a").axes[0].collections[0].get_array().tolist() == [[0.75]]
    assert figures.confusion(confused, classes=1).axes[0].collections[0].get_array().tolist() == [[0.75]]
    with pytest.raises(SettingError, match="unknown label of the confusion table 'typ': did you mean 'type'"):
        figures.confusion(confused, label="typ")
    with pytest.raises(SettingError, match="unknown dataset of the confusion table 'c'"):
        figures.confusion(confused, dataset="c")


def test_lengths_are_shares_per_data_set() -> None:
    table = pd.DataFrame({"dataset": ["a", "a", "b"], "words": [2, 5, 3], "count": [3, 1, 7]})
    first, second = figures.lengths(record("01-data", Result([], {"lengths": table}))).axes
    assert [bar.get_height() for bar in first.patches] == [0.75, 0.25]
    assert [bar.get_height() for bar in second.patches] == [1.0]


def test_ranks_are_cumulative_shares_against_chance() -> None:
    table = pd.DataFrame({"lowest": [1, 2, 6], "highest": [1, 5, 10], "queries": [5, 3, 2]})
    table = table.assign(dataset="kagl", direction="text-to-image")
    axes = figures.ranks(record("04-retrieval", Result([], {"ranks": table}))).axes[0]
    found, chance = axes.lines
    assert found.get_xdata().tolist() == [1, 5, 10] and found.get_ydata().tolist() == [0.5, 0.8, 1.0]
    assert np.allclose(chance.get_ydata(), chance.get_xdata() / 10)

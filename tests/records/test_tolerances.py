from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from records_helpers import make_metric, make_record
from scipy.stats import t

from ofclip.records import Table
from ofclip.records.tolerances import ROUNDING, TRAINER, effect, spread, spread_table, tolerance, tolerances, trains


def test_the_bound_is_students_for_a_difference_of_two_draws() -> None:
    values = [0.31, 0.35, 0.29, 0.34, 0.30]
    expected = t.ppf(0.995, 4) * np.sqrt(2) * np.std(values, ddof=1)
    assert tolerance(values, n=10**6) == pytest.approx(expected, rel=1e-12)


def test_it_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4000, 6))
    inside = [abs(mine - book) <= tolerance(seeds, n=10**9) for mine, book, *seeds in draws]
    assert 0.985 < np.mean(inside) < 0.995


def test_it_is_never_less_than_one_query_and_needs_two_runs() -> None:
    assert tolerance([0.5, 0.5, 0.5], n=40) == 1 / 40
    with pytest.raises(ValueError, match="at least two"):
        tolerance([0.5], n=40)


def test_the_effect_is_the_distance_from_chance_if_one_is_claimed() -> None:
    assert effect(make_metric(0.25, chance=0.025)) == pytest.approx(0.225)
    assert effect(make_metric(0.25, chance=0.25)) == math.inf  # chance inside of the interval
    assert effect(make_metric(0.25, chance=None)) == math.inf
    assert effect(make_metric(0.0, chance=0.5, interval=None)) == 0.5


def seeds(**rows: float):
    row = {"record": "04-retrieval/kagl", "dataset": "kagl", "split": "test"}
    frame = pd.DataFrame([{**row, "metric": name, "tolerance": value} for name, value in rows.items()])
    return make_record(experiment="seeds", tables={"spread": Table.of(frame)})


def test_a_tolerance_as_wide_as_the_effect_is_not_used() -> None:
    record = make_record()
    record.key.weights["model"] = "w"
    allowed = tolerances(spread([seeds(narrow=0.2, wide=0.23)]))(record)
    assert allowed(make_metric(name="narrow")) == 0.2
    assert allowed(make_metric(name="wide")) is None
    assert allowed(make_metric(name="not measured")) is None
    other = make_record(source="atelier")
    other.key.weights["model"] = "w"
    assert tolerances(spread([seeds(narrow=0.2)]))(other)(make_metric(name="narrow")) is None


def test_where_nothing_is_trained_only_rounding_is_allowed() -> None:
    record = make_record()
    allowed = tolerances(spread([seeds(narrow=0.2)]))(record)
    assert allowed(make_metric(0.25, name="narrow")) == ROUNDING
    assert allowed(make_metric(200.0)) == 200 * ROUNDING


def test_what_hangs_on_training() -> None:
    assert not trains(make_record())
    for kind, name in (("weights", "model"), ("records", "11-mixture/atelier"), ("code", TRAINER)):
        record = make_record()
        getattr(record.key, kind)[name] = "1"
        assert trains(record)


def test_the_spread_is_of_what_all_runs_have() -> None:
    def run(value: float, *more: str):
        metrics = [make_metric(value), make_metric(9.0 * value, "samples per second")]
        return [make_record(metrics=metrics + [make_metric(name=name) for name in more])]

    table = spread_table([run(0.25), run(0.27, "new"), run(0.29, "new")])
    [row] = table.to_dict("records")
    assert (row["record"], row["metric"], row["runs"], row["n"]) == ("04-retrieval/kagl", "recall@1", 3, 40)
    assert row["mean"] == pytest.approx(0.27) and row["sd"] == pytest.approx(0.02)
    assert (row["lowest"], row["highest"]) == (0.25, 0.29)
    assert row["tolerance"] == tolerance([0.25, 0.27, 0.29], 40)
    assert row["effect"] == pytest.approx(0.225)
    bare = [[make_record(metrics=[make_metric(value, chance=None)])] for value in (0.1, 0.2)]
    assert spread_table(bare)["effect"].isna().all()

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

from ofclip.errors import SettingError
from ofclip.tasks.false_negatives import false_negatives

CAPTIONS = ["red dress"] * 4 + ["blue jeans"] * 2 + ["hat", "bag", "", "", "red dress "]
GROUPS = ["a", "a", "b", "c", "d", "d", "a", "e", "f", "f", ""]


def value(table: pd.DataFrame, same: str, column: str = "rate") -> list[float]:
    return table.loc[table["same"] == same, column].tolist()


def others(same) -> np.ndarray:
    n = len(CAPTIONS)
    return np.array([sum(same(i, j) for j in range(n) if j != i) for i in range(n)])


def of_caption(i: int, j: int) -> bool:
    return CAPTIONS[i] == CAPTIONS[j] != ""


def of_group(i: int, j: int) -> bool:
    return GROUPS[i] == GROUPS[j] != ""


def of_either(i: int, j: int) -> bool:
    return of_caption(i, j) or of_group(i, j)


def test_rates_are_the_hypergeometric_ones():
    n, batches = len(CAPTIONS), [1, 2, 5, 8, 11]
    table = false_negatives(CAPTIONS, batches, GROUPS)
    assert list(table.columns) == ["source", "products", "batch", "same", "rate", "number"]
    for same, counts in (("caption", others(of_caption)), ("group", others(of_group)), ("either", others(of_either))):
        rates = [(1 - hypergeom.pmf(0, n - 1, counts, b - 1)).mean() for b in batches]
        assert value(table, same) == pytest.approx(rates, abs=1e-12)
        means = [sum(k * hypergeom.pmf(k, n - 1, counts, b - 1) for k in range(n)).mean() for b in batches]
        assert value(table, same, "number") == pytest.approx(means, abs=1e-12)
    assert value(table, "caption")[0] == 0.0 and value(table, "caption")[-1] == pytest.approx(6 / 11)


def test_rates_are_what_drawing_batches_gives():
    rng, n, batch = np.random.default_rng(0), len(CAPTIONS), 4
    hits, met, draws = 0, 0, 20_000
    for _ in range(draws):
        rows = rng.permutation(n)[:batch]
        found = np.array([sum(of_either(i, j) for j in rows if j != i) for i in rows])
        hits += (found > 0).sum()
        met += found.sum()
    table = false_negatives(CAPTIONS, [batch], GROUPS)
    assert value(table, "either") == pytest.approx([hits / draws / batch], abs=0.01)
    assert value(table, "either", "number") == pytest.approx([met / draws / batch], abs=0.01)


def test_small_rates_of_large_sources_are_exact():
    captions = [f"caption {i}" for i in range(1_000_000)]
    captions[1] = captions[0]
    assert value(false_negatives(captions, [2]), "caption") == pytest.approx([2e-6 / 999_999], rel=1e-9)


def test_sources_are_apart():
    table = false_negatives(["x", "x", "y", "x"], [2, 3], sources=["one", "two", "one", "two"])
    assert table[["source", "products", "batch"]].values.tolist() == [
        ["one", 2, 2], ["one", 2, 3], ["two", 2, 2], ["two", 2, 3],
    ]  # fmt: skip
    assert table["rate"].tolist()[0::2] == [0.0, 1.0]
    assert table["rate"].isna().tolist() == [False, True, False, True], "no batch is larger than its source"
    assert false_negatives(["x"], [1])["rate"].tolist() == [0.0]
    assert len(false_negatives([], [1])) == 0


def test_wrong_settings_are_named():
    with pytest.raises(SettingError, match="batch size 0: must be at least 1"):
        false_negatives(["x"], [2, 0])
    with pytest.raises(SettingError, match="2 captions, 1 group: must be as many"):
        false_negatives(["x", "y"], [2], ["a"])
    with pytest.raises(SettingError, match="2 captions, 3 sources: must be as many"):
        false_negatives(["x", "y"], [2], sources=["a", "b", "c"])

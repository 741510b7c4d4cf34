import numpy as np
import pandas as pd
import pytest
import torch

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.tasks import accumulation
from ofclip.tasks.accumulation import OURS, THEIRS, compare

BATCH = 8


@pytest.fixture(scope="module")
def catalog():
    rng = np.random.default_rng(0)
    rows = [(f"{i}", "train", f"{i}", (f"hat number {i}",)) for i in range(BATCH + 1)]
    pictures = rng.integers(0, 256, (len(rows), 64, 64, 3), dtype=np.uint8)
    return Catalog("toy", pd.DataFrame(rows, columns=["id", "split", "group", "texts"]), ArrayImages(pictures, "toy"))


@pytest.fixture(scope="module")
def table(catalog):
    table = compare(catalog, parts=(1, 4), batch=BATCH).tables["accumulation"]
    return table.set_index(["method", "patch_dropout", "parts"]).sort_index()


def test_one_row_per_method_dropout_and_number_of_parts(table):
    expected = pd.MultiIndex.from_product([[OURS, THEIRS], [0.0, 0.5], [1, 4]])
    assert list(table.index) == sorted(expected)


def test_ours_is_exact_with_and_without_patch_dropout(table):
    ours = table.loc[OURS]
    assert (ours["error"] < 1e-9).all() and (ours["others"] <= ours["error"]).all()
    assert ours["ratio"].to_numpy() == pytest.approx(1, rel=1e-9)


def test_open_clips_loop_counts_the_scale_once_per_part(table):
    still = table.loc[THEIRS, 0.0]
    assert still["ratio"].to_dict() == pytest.approx({1: 1.0, 4: 4.0}, rel=1e-9)
    assert still["error"].to_dict() == pytest.approx({1: 0.0, 4: 3.0}, abs=1e-9)
    assert (still["others"] < 1e-9).all()


def test_open_clips_loop_mixes_masks_under_patch_dropout(table):
    others = table.loc[THEIRS, 0.5]["others"]
    assert others[1] < 1e-9 and others[4] > 0.01


def test_metrics_say_the_worst_of_each_method(catalog):
    result = compare(catalog, parts=(1, 2), patch_dropout=(0.0,), batch=BATCH)
    assert [metric.name for metric in result.metrics] == [
        f"{what} ({method})" for method in (OURS, THEIRS) for what in ("gradient error", "logit_scale ratio")
    ]
    assert result["gradient error (open_clip)"].value == pytest.approx(1, rel=1e-9)
    assert result["logit_scale ratio (open_clip)"].value == pytest.approx(2, rel=1e-9)
    assert result["logit_scale ratio (gradient caching)"].value == pytest.approx(1, rel=1e-9)
    assert {(m.dataset, m.split, m.n, m.direction) for m in result.metrics} == {("toy", "train", BATCH, "lower")}


def test_an_error_of_ours_would_show(catalog, monkeypatch):
    exact = accumulation.backward

    def wrong(encode, objective, *rest, **more):
        return exact(encode, lambda features: objective({**features, "scale": 1.01 * features["scale"]}), *rest, **more)

    monkeypatch.setattr(accumulation, "backward", wrong)
    result = compare(catalog, parts=(2,), patch_dropout=(0.0,), batch=BATCH)
    assert result["gradient error (gradient caching)"].value > 1e-3


def test_the_callers_random_state_is_left_alone(catalog):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    compare(catalog, parts=(2,), patch_dropout=(0.5,), batch=BATCH)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 8, "parts": (3,)}, "batch 8 does not divide into 3"),
        ({"batch": 8, "parts": (0,)}, "does not divide into 0"),
        ({"batch": 16}, "toy has only 9 products"),
    ],
)
def test_batches_that_do_not_fit_are_refused(catalog, settings, message):
    with pytest.raises(SettingError, match=message):
        compare(catalog, **settings)

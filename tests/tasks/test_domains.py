import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ofclip.embeddings import embed
from ofclip.errors import SettingError
from ofclip.models import build_model
from ofclip.tasks.domains import Scores, change, common_batch, measure, together
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import classify

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402

TEMPLATE = "a photo of a {}"


def scores(name="a", found=(1, 0, 1, 1), right=(1, 0), ceiling=1.0, split="test"):
    found, right = np.array(found, dtype=bool), np.array(right, dtype=bool)
    return Scores(name, split, np.zeros(4), found, right, ceiling, classes=5)


@pytest.fixture(scope="module")
def model():
    return build_model("ofclip-RN-8-64", seed=1)


def test_it_is_what_the_tasks_of_their_own_find(model):
    catalog = squares(200)  # sixteen captions, so some are shared
    found = measure(model, [catalog], "colour", TEMPLATE, batch=8)[catalog.name]
    vectors = embed(model, catalog, TEMPLATE, cache=False)
    recall = retrieval(vectors)["text-to-image recall@10"]
    accuracy = classify(model, vectors, catalog, "colour", [TEMPLATE])["colour accuracy@1"]
    assert found.found.mean() == recall.value and found.ceiling == recall.ceiling < 1
    assert found.right.mean() == accuracy.value and found.classes == 4
    assert found.losses.shape == (200,) and (found.dataset, found.split) == (catalog.name, catalog.split)
    metric = together([found], "found", "colour", "squares", "(one)", "once")
    expected = (recall.value, recall.chance, recall.ceiling)
    assert (metric.value, metric.chance, metric.ceiling) == pytest.approx(expected)
    assert metric.name == "text-to-image recall@10 (one)" and "averaged" not in metric.definition


def test_unlabelled_pictures_are_left_out(model):
    catalog = squares(20)
    catalog.products["colour"] = [None] * 5 + catalog.products["colour"].tolist()[5:]
    assert measure(model, [catalog], "colour", TEMPLATE, batch=4)[catalog.name].right.shape == (15,)
    catalog.products["colour"] = None
    with pytest.raises(SettingError, match="no product of squares has a value in the column 'colour'"):
        measure(model, [catalog], "colour", TEMPLATE, batch=4)


def test_what_cannot_be_measured_is_refused(model):
    catalog = squares(6)
    with pytest.raises(SettingError, match="squares: is to be measured twice"):
        measure(model, [catalog, catalog], "colour", TEMPLATE, batch=4)
    with pytest.raises(SettingError, match="6 pairs are fewer than one batch of 8"):
        measure(model, [catalog], "colour", TEMPLATE, batch=8)
    assert common_batch([catalog, squares(9)]) == 6 and common_batch([replace(squares(70), name="big")]) == 48


def test_data_sets_count_alike():
    small, large = scores("a", (1, 0)), scores("b", (1,) * 20, ceiling=0.8, split="val")
    metric = together([small, large], "found", "type", "both", "(run)", "after a run")
    assert metric.value == 0.75 and metric.n == 22 and metric.split == "test+val" and metric.dataset == "both"
    assert metric.chance == pytest.approx((1 + 10 / 20) / 2), "among two, ten find all"
    assert metric.ceiling == pytest.approx(0.9) and metric.interval == (0.5, 1.0)
    named = together([small], "right", "type", "both", "(run)", "after a run")
    assert named.name == "type accuracy@1 (run)" and named.chance == 0.2 and named.ceiling == 1


def test_a_change_is_of_the_same_queries():
    before = {"a": scores("a", (1, 1, 0, 0)), "b": scores("b", (0, 0))}
    assert change([scores("a", (1, 0, 0, 0))], before, "found")[0] == -0.25
    mean, low, high = change([scores("a", (0, 0, 1, 1)), scores("b", (1, 1))], before, "found")
    assert mean == 0.5 and low < 0.5 < high
    assert change([before["a"]], before, "found") == (0, 0, 0)

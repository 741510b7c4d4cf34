import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.interpolation import interpolate
from ofclip.models import build_model, load_model
from ofclip.tasks import forgetting as module
from ofclip.tasks.domains import Scores, measure
from ofclip.tasks.forgetting import BEFORE, KNEE, LINE, OTHERS, TARGET, TUNED, forgetting, ways
from ofclip.training.settings import Training

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402

RUN = Training.make(
    sources={"a": 1.0}, samples=96_000, batch=256, learning_rate=2e-3, select_by="recall", evaluations=3
)
TEMPLATE = "a photo of a {}"


def test_ways_differ_in_what_holds_back():
    made = ways(RUN, "shop/new")
    base = RUN.but(sources={"shop/new": 1.0}, samples=2368, batch=64, learning_rate=5e-4, evaluations=0, select_by="")
    assert [way.name for way in made] == [TUNED, "distillation", "strong distillation"]
    assert made[0].settings == base and all(way.settings == base.but(**way.changed) for way in made)
    assert len({way.settings.distillation for way in made}) == 3
    assert [way.name for way in ways(RUN, "shop/new", samples=64, few=True)] == [TUNED, "distillation"]
    with pytest.raises(SettingError, match="fewer than one batch of 64"):
        ways(RUN, "shop/new", samples=10)


def catalog(name, n, seed):
    made = squares(n, seed=seed)
    made.products["texts"] = [(f"{text} number {i}",) for i, text in enumerate(made.captions)]
    return replace(made, name=name)


@pytest.fixture(scope="module")
def data():
    names = ("shop/new", "shop/b", "street")
    return {
        "catalog": catalog("shop/new", 32, 0),
        "validation": [catalog(name, 20, i) for i, name in enumerate(names, 1)],
        "tests": [catalog(name, 20, i) for i, name in enumerate(names, 11)],
    }


START = partial(build_model, "ofclip-RN-8-64", seed=1)


def run(data, out):
    made = ways(RUN.but(batch=64), "shop/new", samples=32, few=True)
    return forgetting(made, START, **data, label="colour", template=TEMPLATE, out=out)


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("forgetting")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ALPHAS", 3)
        patch.setattr(module, "knee", lambda gains, losses: 1)  # so short a run need not have one
        return out, run(data, out)


def test_the_line_is_of_interpolated_weights_on_validation_data(made, data):
    out, result = made
    table = result.tables["interpolation"]
    assert table["way"].tolist() == [LINE] * 3 + ["distillation"] and table["alpha"].tolist()[:3] == [0, 0.5, 1]
    tuned = load_model(out / TUNED / "weights.safetensors")
    scores = measure(interpolate(START(), tuned, 0.5), data["validation"], "colour", TEMPLATE, batch=20)
    row = table.iloc[1]
    assert row["target"] == scores["shop/new"].found.mean()
    assert row["others"] == pytest.approx(np.mean([scores[name].found.mean() for name in ("shop/b", "street")]))
    assert row["others_low"] <= row["others"] <= row["others_high"]


def test_what_is_reached_is_told_on_test_data(made, data):
    out, result = made
    tuned = measure(load_model(out / TUNED / "weights.safetensors"), data["tests"], "colour", TEMPLATE, batch=20)
    before = measure(START(), data["tests"], "colour", TEMPLATE, batch=20)
    rows = result.tables["ways"].set_index("way")
    assert rows.index.tolist() == [BEFORE, TUNED, "distillation", KNEE]
    assert rows.loc[TUNED, f"{TARGET} recall"] == tuned["shop/new"].found.mean()
    others = np.mean([tuned[name].right.mean() - before[name].right.mean() for name in ("shop/b", "street")])
    assert rows.loc[TUNED, f"{OTHERS} accuracy change"] == pytest.approx(others)
    assert np.isnan(rows.loc[BEFORE, f"{TARGET} recall change"])
    assert rows.loc["distillation", "changed"] == "distillation=1"
    lost = result.tables["forgotten"].set_index(["way", "data"]).loc[TUNED, "street"]
    assert lost["recall change"] == pytest.approx(tuned["street"].found.mean() - before["street"].found.mean())
    names = {(m.name, m.dataset) for m in result.metrics}
    assert len(names) == 4 * 4 and ("text-to-image recall@10 (at the knee)", OTHERS) in names


def test_domains_must_be_the_same_and_hold_the_target(data, tmp_path):
    for change in ({"tests": data["tests"][:2]}, {"catalog": catalog("elsewhere", 8, 0)}):
        with pytest.raises(SettingError, match="at least one other"):
            run({**data, **change}, tmp_path)


def line(target, others):
    def scores(name, share):
        found = np.arange(100) < round(100 * share)
        return Scores(name, "val", np.zeros(1), found, found, 1.0, 2)

    return [{"new": scores("new", a), "old": scores("old", b)} for a, b in zip(target, others, strict=True)]


def test_the_knee_of_a_clear_bend_is_found_in_every_draw():
    alphas = np.array([0, 0.25, 0.5, 1])
    place, table = module._knee(alphas, line([0.1, 0.3, 0.85, 0.9], [0.9, 0.88, 0.85, 0.2]), "new")
    row = table.iloc[0]
    assert place == 2 and row["alpha"] == row["low"] == row["high"] == 0.5
    assert row["height"] == pytest.approx(0.75 / 0.8 + 0.65 / 0.7 - 1) and row["draws_without_knee"] == 0


def test_where_nothing_is_lost_there_is_no_knee():
    place, table = module._knee(np.array([0, 0.5, 1]), line([0.1, 0.5, 0.9], [0.2, 0.5, 0.9]), "new")
    row = table.iloc[0]
    assert place is None and row["alpha"] is None and row["draws_without_knee"] == row["draws"]

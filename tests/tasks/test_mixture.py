import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.models import build_model, load_model
from ofclip.tasks.domains import measure
from ofclip.tasks.mixture import ALL, ALL_BUT_ONE, ALONE, HELD_OUT, LEFT_OUT, OWN, Run, mixture, plan
from ofclip.training.settings import Training

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402

RUN = Training.make(
    sources={"shop/a": 1.0, "shop/b": 2.0, "shop/c": 3.0}, samples=64_000, batch=64, learning_rate=2e-3,
    select_by="recall", evaluations=3,
)  # fmt: skip
TEMPLATE = "a photo of a {}"


def test_the_plan_is_each_alone_all_but_each_and_all():
    runs = plan(RUN)
    assert [(run.name, run.kind) for run in runs] == [
        ("a alone", ALONE), ("b alone", ALONE), ("c alone", ALONE),
        ("without a", ALL_BUT_ONE), ("without b", ALL_BUT_ONE), ("without c", ALL_BUT_ONE), (ALL, ALL),
    ]  # fmt: skip
    assert runs[1].settings.sources == {"shop/b": 1.0}
    assert runs[4].settings.sources == {"shop/a": 1.0, "shop/c": 3.0} and runs[6].settings.sources == RUN.sources
    base = RUN.but(samples=3200, batch=16, learning_rate=1e-3, evaluations=4, select_by="")
    assert all(run.settings.but(sources=RUN.sources) == base for run in runs), "they differ in nothing else"


def test_few_are_one_of_each_kind():
    assert [run.kind for run in plan(RUN, samples=64, few=True)] == [ALONE, ALL_BUT_ONE, ALL]
    assert plan(RUN, samples=64)[0].settings.samples == 64


def test_two_sources_are_no_mixture():
    with pytest.raises(SettingError, match="needs three sources or more, got a, b"):
        plan(RUN.but(sources={"a": 1.0, "b": 1.0}))
    with pytest.raises(SettingError, match="samples 10 are fewer than one batch of 16"):
        plan(RUN, samples=10)


def catalog(name, n, seed, split):
    made = squares(n, seed=seed)
    made.products["texts"] = [(f"{text} number {i}",) for i, text in enumerate(made.captions)]
    made.products["split"] = split
    return replace(made, name=name)


@pytest.fixture(scope="module")
def data():
    return {
        "catalogs": [catalog("shop/a", 32, 0, "train"), catalog("shop/b", 32, 1, "train")],
        "own": [catalog("shop/a", 16, 2, "val"), catalog("shop/b", 16, 3, "val")],
        "held_out": [catalog("street", 16, 4, "test"), catalog("flat", 16, 5, "test")],
        "proxies": [catalog("street", 16, 6, "val"), catalog("flat", 16, 7, "val")],
    }


TOY = Training.make(sources={"shop/a": 1.0, "shop/b": 1.0}, samples=32, batch=16, learning_rate=2e-3, evaluations=2)
RUNS = [Run("a alone", ALONE, TOY.but(sources={"shop/a": 1.0})), Run(ALL, ALL, TOY)]


def run(data, runs, out):
    return mixture(runs, partial(build_model, "ofclip-RN-8-64", seed=1), **data, label="colour", template=TEMPLATE,
                   out=out)  # fmt: skip


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("mixture")
    return out, run(data, RUNS, out)


def test_every_checkpoint_is_measured_on_everything(made, data):
    out, result = made
    table = result.tables["checkpoints"]
    assert len(table) == 2 * 2 * 6 and set(table["samples"]) == {16, 32} and set(table["batch"]) == {16}
    roles = {(row.run, row.data, row.split): row.role for row in table.itertuples()}
    assert roles["a alone", "shop/a", "val"] == OWN and roles["a alone", "shop/b", "val"] == LEFT_OUT
    assert roles[ALL, "shop/b", "val"] == OWN and roles[ALL, "flat", "test"] == roles[ALL, "flat", "val"] == HELD_OUT
    first = load_model(out / "a-alone" / "snapshot-1.safetensors")
    scores = measure(first, data["proxies"], "colour", TEMPLATE, batch=16)["flat"]
    row = table.set_index(["run", "samples", "data", "split"]).loc["a alone", 16, "flat", "val"]
    assert row["recall"] == scores.found.mean() and row["loss"] == pytest.approx(scores.losses.mean())
    assert row["accuracy"] == scores.right.mean()


def test_the_matrix_is_of_the_last_checkpoint_and_averages_domains_alike(made):
    result = made[1]
    matrix = result.tables["matrix"].set_index(["run", "data"])
    last = result.tables["checkpoints"].query("samples == 32")
    for row in last[(last["split"] == "test") | (last["role"] != HELD_OUT)].itertuples():
        assert matrix.loc[(row.run, row.data), "recall"] == row.recall
    both = matrix.loc[("a alone", ["street", "flat"]), "recall"].mean()
    assert matrix.loc[("a alone", HELD_OUT), "recall"] == pytest.approx(both)
    assert matrix.loc[("a alone", HELD_OUT), ["sets", "n"]].tolist() == [2, 32]
    assert matrix.loc[("a alone", LEFT_OUT), "recall"] == matrix.loc[("a alone", "shop/b"), "recall"]
    assert (ALL, LEFT_OUT) not in matrix.index, "nothing was left out"


def test_a_change_is_from_the_run_on_all(made):
    matrix = made[1].tables["matrix"].set_index(["run", "data"])
    for data in ("street", HELD_OUT, OWN):
        row = matrix.loc[("a alone", data)]
        reference = matrix.loc[(ALL, data if data != OWN else "shop/a"), "recall"]
        assert row["recall_change"] == pytest.approx(row["recall"] - reference)
        assert row["recall_change_low"] <= row["recall_change"] <= row["recall_change_high"]
    assert np.isnan(matrix.loc[(ALL, "street"), "recall_change"])


def test_metrics_say_what_they_are_of(made):
    result = made[1]
    names = {(m.name, m.dataset, m.split) for m in result.metrics}
    assert ("text-to-image recall@10 (a alone)", "domains held out", "test") in names
    assert ("colour accuracy@1 (all)", "domains trained on", "val") in names and len(names) == 10
    for metric in result.metrics:
        assert metric.interval and "after 32 samples of the run" in metric.definition
    assert result["text-to-image recall@10 (a alone)"].definition.endswith("trained on a")


def test_complete_runs_are_not_repeated_but_measured_again(made, data, monkeypatch):
    out, first = made
    monkeypatch.setattr("ofclip.training.loop.Learner.step", None)  # whoever trains would fail
    again = run(data, RUNS, out)
    assert again.tables["checkpoints"].equals(first.tables["checkpoints"]) and again.metrics == first.metrics


def test_a_reference_and_the_trained_domains_are_needed(data, tmp_path):
    with pytest.raises(SettingError, match="no run is called 'all'"):
        run(data, RUNS[:1], tmp_path)
    with pytest.raises(SettingError, match=r"measured are \['shop/a'\], but trained on"):
        run({**data, "own": data["own"][:1]}, RUNS, tmp_path)

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.models import build_model
from ofclip.tasks import sweep as module
from ofclip.tasks.sweep import BEFORE, FROZEN, GRID, LOSS, Trial, fine_tuning, from_scratch, sweep
from ofclip.training.settings import Training

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402

RUN = Training.make(sources={"a": 1.0, "b": 1.0}, samples=64_000, batch=128, learning_rate=2e-3)
TOY = Training.make(sources={"squares": 1.0}, samples=64, batch=16, learning_rate=2e-3, evaluations=0)


def test_the_grid_is_every_rate_with_every_batch_at_equal_samples():
    trials = [trial for trial in from_scratch(RUN, ["type", "colour"]) if trial.question == GRID]
    assert {(t.settings.learning_rate, t.settings.batch) for t in trials} == {
        (rate, batch) for rate in (2.5e-4, 5e-4, 1e-3) for batch in (16, 32)
    }
    assert len(trials) == 6 and {t.settings.samples for t in trials} == {2272}, "64,000 / 28, in whole batches of 32"
    assert {t.settings.steps * t.settings.batch for t in trials} == {2272}, "equal samples to the last one"
    assert {t.against for t in trials} == {trials[0].name}
    assert trials[0].settings == RUN.but(samples=2272, evaluations=0, batch=16, learning_rate=5e-4)


def test_losses_differ_in_nothing_but_the_loss():
    base = RUN.but(samples=800, evaluations=0, batch=16, learning_rate=5e-4)
    trials = [t for t in from_scratch(RUN, ["type", "colour"], samples=800) if t.question == LOSS]
    assert [t.settings.loss for t in trials] == ["siglip", "multi-positive", "fields"]
    assert trials[-1].settings.fields == {"text": 1.0, "type": 0.3, "colour": 0.3}
    for trial in trials:
        assert trial.settings.but(loss="clip", fields={}) == base and base == base.but(**trial.changed).but(
            loss="clip", fields={}
        )


def test_fine_tuning_is_low_and_short_and_on_one_domain():
    trials = fine_tuning(RUN, "b")
    assert {t.question for t in trials} == {FROZEN} and {t.against for t in trials} == {BEFORE}
    for trial in trials:
        settings = trial.settings
        assert settings.sources == {"b": 1.0} and settings.samples == 1136 and settings.batch == 16
        assert settings.learning_rate == pytest.approx(2e-4)
    parts = {t.name: (t.settings.image_blocks, t.settings.text_blocks) for t in trials}
    assert parts["all trained"] == (None, None) and parts["image tower locked"] == (0, None)
    assert parts["text tower locked"] == (None, 0) and parts["last blocks only"] == (1, 1)
    assert len({t.settings.model_dump_json() for t in trials}) == len(trials) == 6


def test_a_few_are_enough_to_try_it_out():
    trials = [*from_scratch(RUN, ["type"], few=True), *fine_tuning(RUN, "a", few=True)]
    assert [t.question for t in trials] == [GRID, GRID, LOSS, FROZEN, FROZEN]
    assert trials[0].name in {t.against for t in trials}


def test_a_run_shorter_than_a_batch_is_refused():
    with pytest.raises(SettingError, match="samples 10 are fewer than one batch of 16"):
        from_scratch(RUN, [], samples=10)


@pytest.fixture(scope="module")
def catalogs():
    tests = {}
    for data, seed in (("home", 1), ("held out", 2)):
        catalog = squares(30, seed=seed)
        catalog.products["texts"] = [(f"{text} number {i}",) for i, text in enumerate(catalog.captions)]
        tests[data] = replace(catalog, name=f"squares/{data}")
    return [squares(48)], tests


def run(catalogs, trials, out):
    training, tests = catalogs
    start = partial(build_model, "ofclip-RN-8-64", seed=1)
    return sweep(trials, start, training, tests, "colour", "a photo of a {}", out)


TRIALS = [
    Trial(GRID, "rate 0.002, batch 16", TOY, "rate 0.002, batch 16", {"learning_rate": 2e-3, "batch": 16}),
    Trial(GRID, "nothing learnt", TOY.but(learning_rate=1e-12), "rate 0.002, batch 16", {"learning_rate": 1e-12}),
    Trial(LOSS, "siglip", TOY.but(loss="siglip"), "rate 0.002, batch 16", {"loss": "siglip"}),
]


@pytest.fixture(scope="module")
def made(catalogs, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    return out, run(catalogs, TRIALS, out)


def test_a_row_per_run_says_what_was_set_reached_and_spent(made):
    table = made[1].tables["sweep"]
    assert table["run"].tolist() == [t.name for t in TRIALS] and table["steps"].tolist() == [4, 4, 4]
    assert table["changed"].tolist() == ["learning_rate=0.002, batch=16", "learning_rate=1e-12", "loss=siglip"]
    assert table["learning_rate"].tolist() == [2e-3, 1e-12, 2e-3]
    assert (table["samples_per_second"] > 0).all() and (table["memory_mib"] > 10).all()
    assert table["memory_mib"][0] == table["memory_mib"][1], "the rate changes no memory"
    assert np.isfinite(table["final_loss"]).all() and table["held out colour accuracy@1"].between(0, 1).all()


def test_a_change_is_the_difference_on_the_same_queries(made):
    result = made[1]
    rows = result.tables["measured"].set_index(["run", "data"])
    assert len(rows) == 6 and (rows["n"] == 30).all()
    own = rows.loc[(TRIALS[0].name, "home")]
    assert np.isnan(own["change"]) and own["low"] <= own["recall"] <= own["high"]
    for (name, data), row in rows.iloc[2:].iterrows():
        reference = rows.loc[(TRIALS[0].name, data), "recall"]
        assert row["change"] == pytest.approx(row["recall"] - reference), name
        assert row["change_low"] <= row["change"] <= row["change_high"]
    metric = result["text-to-image recall@10 (siglip)"]
    assert metric.dataset == "squares/home" and metric.value == rows.loc[("siglip", "home"), "recall"]
    assert metric.interval and metric.chance == pytest.approx(10 / 30) and "after 64 samples" in metric.definition


def test_a_sweep_that_was_killed_goes_on(made, catalogs, monkeypatch):
    out, first = made
    reused = []
    train = module.train
    monkeypatch.setattr(module, "train", lambda *a: reused.append(train(*a)) or reused[-1])
    (out / "siglip" / "finished.json").unlink()
    again = run(catalogs, TRIALS, out)
    assert [each.reused for each in reused] == [True, True, False]
    columns = ["run", "recall", "low", "high"]
    assert again.tables["measured"][columns].equals(first.tables["measured"][columns])


def test_what_fine_tuning_starts_from_is_measured_first(catalogs, tmp_path):
    locked = Trial(FROZEN, "locked", TOY.but(samples=16, image_blocks=0, learning_rate=1e-12), BEFORE, {})
    result = run(catalogs, [locked], tmp_path)
    before, after = result.tables["sweep"].to_dict("records")
    assert before["run"] == BEFORE and before["question"] == FROZEN and np.isnan(before["batch"])
    assert before["held out recall@10"] == after["held out recall@10"]
    rows = result.tables["measured"].set_index("run").loc["locked"]
    assert (rows[["change", "change_low", "change_high"]] == 0).all(axis=None), "nothing was changed, nothing differs"
    assert result["text-to-image recall@10 (before)"].definition.endswith("before fine-tuning")


def test_names_must_be_known_and_differ(catalogs, tmp_path):
    with pytest.raises(SettingError, match="'siglip': is given twice"):
        run(catalogs, [TRIALS[0], TRIALS[2], TRIALS[2]], tmp_path)
    with pytest.raises(SettingError, match="unknown trial to compare with 'rate 0.002, batch 16'"):
        run(catalogs, TRIALS[1:], tmp_path)

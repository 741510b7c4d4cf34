import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from ofclip import models
from ofclip.errors import DataError, SettingError, TrainingError
from ofclip.training import checkpoints, learner, loop
from ofclip.training.data import Batches
from ofclip.training.loop import train
from ofclip.training.losses import clip_loss
from ofclip.training.settings import Augmentation, Training

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from toys import squares  # noqa: E402

SMALL = "ofclip-RN-8-64"


def settings(**values):
    base = {"sources": {"squares": 1.0}, "samples": 160, "batch": 16, "evaluations": 0, "checkpoint_seconds": 0.0}
    return Training.make(**{**base, **values})


def same(a, b):
    a, b = a.clip.state_dict(), b.clip.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


class Killed(Exception):
    pass


@pytest.fixture
def killed_after(monkeypatch):
    """Make training die right after its n-th checkpoint."""

    def arrange(n):
        save, calls = checkpoints.save, []

        def dying(*arguments, **state):
            save(*arguments, **state)
            calls.append(1)
            if len(calls) == n:
                raise Killed

        monkeypatch.setattr(checkpoints, "save", dying)
        return lambda: monkeypatch.setattr(checkpoints, "save", save)

    return arrange


def test_training_learns_what_the_captions_say(tmp_path):
    still = Augmentation(flip=False, shift=1, ground=0, grey=0)  # mirrored, left would be right; colours are named
    plan = settings(
        samples=32 * 80, batch=32, checkpoint_seconds=60.0, template_share=0, first_caption_share=1, augmentation=still
    )
    trained = train(models.build_model(SMALL), [squares(96)], plan, tmp_path)
    fresh = squares(64, seed=9)
    captions = sorted(set(fresh.captions))
    scores = trained.model.encode_images(fresh.images.array) @ trained.model.encode_texts(captions).T
    right = np.mean(np.take(captions, scores.argmax(1)) == np.array(fresh.captions))
    assert len(captions) > 12 and right > 0.8, f"{right} of pictures never seen found their caption"
    assert trained.log["loss"].iloc[-1] < trained.log["loss"].iloc[0] - 0.5


def test_a_killed_run_resumed_is_bit_identical(tmp_path, killed_after):
    catalog = squares()
    straight = train(models.build_model(SMALL), [catalog], settings(), tmp_path / "straight")
    restore = killed_after(4)
    with pytest.raises(Killed):
        train(models.build_model(SMALL), [catalog], settings(), tmp_path / "killed")
    restore()
    resumed = train(models.build_model(SMALL), [catalog], settings(), tmp_path / "killed")
    assert not resumed.reused and same(straight.model, resumed.model)
    assert resumed.log["step"].is_monotonic_increasing
    assert resumed.log["samples"].iloc[-1] == straight.log["samples"].iloc[-1] == 160


def test_a_truncated_checkpoint_is_passed_over(tmp_path, killed_after):
    catalog = squares()
    straight = train(models.build_model(SMALL), [catalog], settings(), tmp_path / "straight")
    restore = killed_after(5)
    with pytest.raises(Killed):
        train(models.build_model(SMALL), [catalog], settings(), tmp_path / "killed")
    restore()
    kept = sorted((tmp_path / "killed" / "checkpoints").glob("*.safetensors"))
    assert [path.name for path in kept] == ["step-00000004.safetensors", "step-00000005.safetensors"]
    kept[-1].write_bytes(kept[-1].read_bytes()[:-5000])
    with pytest.warns(UserWarning, match="step-00000005.safetensors: damaged"):
        resumed = train(models.build_model(SMALL), [catalog], settings(), tmp_path / "killed")
    assert same(straight.model, resumed.model)



def test_kill_9_loses_at_most_the_work_since_the_last_checkpoint(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import torch; torch.set_num_threads(1)\n"
        "from test_loop import *\n"
        "train(models.build_model(SMALL), [squares()], settings(samples=16 * 4000), sys.argv[2])\n"
    )
    out = tmp_path / "run"
    child = subprocess.Popen([sys.executable, "-c", code, str(HERE), str(out)], env={**os.environ})
    deadline = time.monotonic() + 90
    while not list(out.glob("checkpoints/step-*3.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    run = loop.describe_run(models.build_model(SMALL), [squares()], settings(samples=16 * 4000))
    state = checkpoints.restore(out / "checkpoints", run)
    assert state.step >= 3 and state.extra["meters"][0]["seconds"] > 0
    assert not (out / "weights.safetensors").exists()


def test_a_complete_run_is_not_repeated_but_a_changed_one_is(tmp_path):
    catalog = squares()
    first = train(models.build_model(SMALL), [catalog], settings(samples=48), tmp_path)
    again = train(models.build_model(SMALL), [catalog], settings(samples=48), tmp_path)
    assert again.reused and same(first.model, again.model) and again.log.equals(first.log)
    changed = train(models.build_model(SMALL), [catalog], settings(samples=48, seed=1), tmp_path)
    assert not changed.reused and not same(first.model, changed.model)
    (tmp_path / "weights.safetensors").write_bytes(b"damaged")
    assert not train(models.build_model(SMALL), [catalog], settings(samples=48, seed=1), tmp_path).reused


def test_a_loss_that_is_not_a_number_stops_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    calls = []

    def failing(*arguments):
        calls.append(1)
        return clip_loss(*arguments) * (float("nan") if len(calls) == 4 else 1.0)

    monkeypatch.setattr(learner, "clip_loss", failing)
    with pytest.raises(TrainingError, match="step 3: the loss is nan; lower learning_rate"):
        train(models.build_model(SMALL), [squares()], settings(), tmp_path)
    assert (tmp_path / "checkpoints" / "step-00000003.safetensors").exists()
    assert not (tmp_path / "weights.safetensors").exists()



def test_validation_is_logged_at_its_steps(tmp_path):
    seen = []

    def validate(model):
        seen.append(model.clip.training)
        return {"val accuracy": len(seen) / 10}

    trained = train(models.build_model(SMALL), [squares()], settings(evaluations=2), tmp_path, validate)
    rows = trained.log.dropna(subset=["val accuracy"])
    assert rows["step"].tolist() == [5, 10] and rows["val accuracy"].tolist() == [0.1, 0.2]


def test_two_sources_are_mixed_by_weight(tmp_path):
    catalogs = [squares(32, "a"), squares(16, "b", seed=1)]
    mixed = settings(sources={"a": 3.0, "b": 1.0})
    assert train(models.build_model(SMALL), catalogs, mixed, tmp_path).weights.exists()
    with pytest.raises(SettingError, match="are not the sources"):
        train(models.build_model(SMALL), catalogs[:1], mixed, tmp_path)


def test_training_from_shards_resumes_bit_identically(tmp_path, killed_after):
    from ofclip.shards import load_shards, write_shards

    write_shards(squares(), tmp_path / "shards", samples=10)
    catalog = load_shards(tmp_path / "shards")
    assert len(catalog) == 64 and catalog.name == "squares"
    few = settings(window=2)
    straight = train(models.build_model(SMALL), [catalog], few, tmp_path / "straight")
    restore = killed_after(5)
    with pytest.raises(Killed):
        train(models.build_model(SMALL), [catalog], few, tmp_path / "killed")
    restore()
    resumed = train(models.build_model(SMALL), [catalog], few, tmp_path / "killed")
    assert not resumed.reused and same(straight.model, resumed.model)


def test_batches_from_shards_hold_the_pixels_of_the_cache_in_the_order_of_windows(tmp_path):
    from ofclip.shards import load_shards, write_shards

    write_shards(squares(), tmp_path / "shards", samples=10)
    model, whole = models.build_model(SMALL), squares()
    plain = Augmentation(flip=False, shift=0, ground=0, grey=0)
    few = settings(window=2, batch=8, augmentation=plain)
    batches = Batches([load_shards(tmp_path / "shards")], model, few)
    seen = []
    for step in range(8):
        rows = batches.mixture.batch(step)
        np.testing.assert_array_equal(batches.rows(step).pixels, whole.images.array[rows])
        seen += rows.tolist()
    assert sorted(seen) == list(range(64)) and seen[:16] != sorted(seen[:16])
    assert len({row // 10 for row in seen[:8]}) <= 2


def test_a_product_without_text_is_named_or_left_out(tmp_path):
    catalog = squares(32)
    catalog.products.at[5, "texts"] = ("",)
    with pytest.raises(DataError, match="squares: product 'squares-5' has no text"):
        train(models.build_model(SMALL), [catalog], settings(), tmp_path)
    train(models.build_model(SMALL), [catalog], settings(skip_bad=True), tmp_path)


def test_asking_for_a_gpu_where_there_is_none_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingError, match="no GPU found"):
        train(models.build_model(SMALL), [squares()], settings(accelerator="cuda"), tmp_path)


def test_the_learning_rate_rises_then_falls_to_zero():
    plan = settings(samples=16 * 100, learning_rate=1.0, warmup=0.1)
    rates = [loop.learning_rate(step, plan) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert all(a > b for a, b in zip(rates[10:], rates[11:], strict=False))
    assert rates[55] == pytest.approx(0.5, abs=0.01) and rates[-1] < 0.001

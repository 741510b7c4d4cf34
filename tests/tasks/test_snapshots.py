import sys
from pathlib import Path

import pytest

from ofclip.models import build_model, load_model
from ofclip.tasks import snapshots as module
from ofclip.tasks.snapshots import train_with_snapshots
from ofclip.training.settings import Training

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402

TOY = Training.make(sources={"squares": 1.0}, samples=64, batch=16, learning_rate=2e-3, evaluations=2)


def run(out):
    return train_with_snapshots(build_model("ofclip-RN-8-64", seed=1), [squares(48)], TOY, out)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    return out, run(out)


def fingerprints(found):
    return [load_model(each.weights).fingerprint for each in found]


def test_the_weights_on_the_way_are_kept_and_the_last_are_the_result(made):
    out, found = made
    assert [each.samples for each in found] == [32, 64]
    assert [each.weights.name for each in found] == ["snapshot-1.safetensors", "weights.safetensors"]
    half, end = fingerprints(found)
    assert half != end and half != build_model("ofclip-RN-8-64", seed=1).fingerprint


def test_a_complete_run_is_not_repeated_unless_weights_are_gone(made, monkeypatch):
    out, found = made
    before, train, reused = fingerprints(found), module.train, []

    def watched(*words):
        done = train(*words)
        reused.append(done.reused)
        return done

    monkeypatch.setattr(module, "train", watched)
    assert run(out) == found and reused == [True]
    found[0].weights.unlink()
    assert run(out) == found and reused == [True, True, False]
    assert fingerprints(found) == before


def test_a_run_that_goes_on_after_a_kill_counts_on(tmp_path, monkeypatch, made):
    stops = []

    def agreed(self, fabric):
        stops.append(1)
        return len(stops) == 3  # after the first weights were kept, before the last

    with monkeypatch.context() as patch:
        patch.setattr("ofclip.training.stopping.Stopping.agreed", agreed)
        with pytest.raises(SystemExit):
            run(tmp_path)
    assert [path.name for path in tmp_path.glob("snapshot-*")] == ["snapshot-1.safetensors"]
    assert fingerprints(run(tmp_path)) == fingerprints(made[1])

import json
import math
import sys
from pathlib import Path

import pytest
import torch

from ofclip import models
from ofclip.errors import CheckpointError, SettingError, TrainingError
from ofclip.training.selection import Best, direction

sys.path.insert(0, str(Path(__file__).parent))
from toys import squares  # noqa: E402

SMALL = "ofclip-RN-8-64"
METRIC = "text-to-image recall@10 atelier/street@val"


@pytest.fixture(scope="module")
def model():
    return models.build_model(SMALL)


def mark(model, number):
    """Give the weights a mark by which a file tells which of them it holds."""
    with torch.no_grad():
        model.clip.logit_scale.fill_(number)


def feed(best, model, values, first=1):
    for step, value in enumerate(values, first):
        mark(model, step / 100)
        best.add(step, {METRIC: value, "other": 0.0}, model)


def steps(best):
    return [row.step for row in best.kept]


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("values", "keep", "better", "expected"),
    [
        ([0.1, 0.3, 0.2], 1, "higher", [2]),
        ([0.1, 0.3, 0.2], 2, "higher", [2, 3]),
        ([0.1, 0.3, 0.2], 9, "higher", [2, 3, 1]),
        ([0.3, 0.1, 0.2], 2, "lower", [2, 3]),
        ([0.2, 0.2, 0.2], 2, "higher", [1, 2]),  # of equal values the earlier
        ([0.2, 0.1, 0.1], 1, "lower", [2]),
        ([math.nan, 0.1, math.inf, math.nan], 2, "higher", [2]),
        ([0.0, -0.5, -math.inf], 3, "higher", [1, 2]),
    ],
)
@pytest.mark.filterwarnings("ignore:step .* these weights are not selected")
def test_the_best_are_kept_the_earlier_of_equals_and_no_nan(tmp_path, model, values, keep, better, expected):
    best = Best(tmp_path, METRIC, keep, better)
    feed(best, model, values)
    assert steps(best) == expected
    assert files(tmp_path) == ["index.json", *sorted(f"step-{step:08d}.safetensors" for step in expected)]
    for row in best.kept:
        loaded = models.load_model(tmp_path / row.file)
        assert loaded.clip.logit_scale.item() == pytest.approx(row.step / 100)
        assert loaded.notes == {"step": row.step, "select_by": METRIC, "value": values[row.step - 1]}
    step, path, value = best.best()
    assert (step, path, value) == (expected[0], tmp_path / f"step-{step:08d}.safetensors", values[step - 1])


def test_add_tells_whether_weights_are_kept_and_warns_of_nan(tmp_path, model):
    best = Best(tmp_path, METRIC)
    assert best.add(1, {METRIC: 0.2}, model) and not best.add(2, {METRIC: 0.1}, model)
    with pytest.warns(UserWarning, match="step 3: .* is nan"):
        assert not best.add(3, {METRIC: math.nan}, model)


def test_a_run_whose_metric_was_never_a_number_has_no_best(tmp_path, model):
    best = Best(tmp_path, METRIC)
    with pytest.warns(UserWarning, match="is nan"):
        best.add(1, {METRIC: math.nan}, model)
    with pytest.raises(TrainingError, match="no validation gave a finite value"):
        best.best()
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("killed", [2, 5])
def test_a_resumed_run_ends_with_the_index_of_one_never_interrupted(tmp_path, model, killed):
    values = [0.3, 0.4, 0.1, 0.4, 0.35]
    straight = Best(tmp_path / "straight", METRIC, keep=2, run="r")
    feed(straight, model, values)
    for resumed_at in range(1, killed + 1):  # validations from there on are made again
        folder = tmp_path / f"killed-{resumed_at}"
        feed(Best(folder, METRIC, keep=2, run="r"), model, values[:killed])
        again = Best(folder, METRIC, keep=2, run="r")
        feed(again, model, values[resumed_at - 1 :], first=resumed_at)
        assert [(row.step, row.value) for row in again.kept] == [(row.step, row.value) for row in straight.kept]
        for row in again.kept:
            assert models.load_model(folder / row.file).clip.logit_scale.item() == pytest.approx(row.step / 100)
        assert files(folder) == files(tmp_path / "straight")


def test_a_validation_made_again_replaces_its_own_row(tmp_path, model):
    feed(Best(tmp_path, METRIC, keep=2), model, [0.5, 0.9])
    best = Best(tmp_path, METRIC, keep=2)
    mark(model, 7.0)
    best.add(2, {METRIC: 0.4}, model)
    assert [(row.step, row.value) for row in best.kept] == [(1, 0.5), (2, 0.4)]
    assert models.load_model(tmp_path / "step-00000002.safetensors").clip.logit_scale.item() == 7.0
    with pytest.warns(UserWarning, match="is nan"):
        best.add(2, {METRIC: math.nan}, model)
    assert steps(best) == [1] and files(tmp_path) == ["index.json", "step-00000001.safetensors"]


@pytest.mark.parametrize("other", [{"run": "b"}, {"metric": "other"}, {"better": "lower"}])
def test_the_index_of_another_run_or_metric_is_discarded_with_its_files(tmp_path, model, other):
    same = {"metric": METRIC, "run": "a", "better": "higher"}
    feed(Best(tmp_path, **same), model, [0.5])
    assert steps(Best(tmp_path, **same)) == [1]
    assert steps(Best(tmp_path, **{**same, **other})) == [] and files(tmp_path) == []


def test_keeping_fewer_than_before_drops_the_worst(tmp_path, model):
    feed(Best(tmp_path, METRIC, keep=3), model, [0.1, 0.3, 0.2])
    assert steps(Best(tmp_path, METRIC, keep=1)) == [2]
    assert files(tmp_path) == ["index.json", "step-00000002.safetensors"]


class Killed(Exception):
    pass


@pytest.mark.parametrize("where", ["weights", "index"])
def test_a_kill_between_weights_and_index_leaves_what_was_best_before(tmp_path, model, monkeypatch, where):
    best = Best(tmp_path, METRIC)
    feed(best, model, [0.1])
    if where == "weights":
        monkeypatch.setattr(Best, "_write", lambda self: die())
    else:
        monkeypatch.setattr(Best, "_clean", lambda self: die())

    def die():
        raise Killed

    with pytest.raises(Killed):
        best.add(2, {METRIC: 0.2}, model)
    monkeypatch.undo()
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    again = Best(tmp_path, METRIC)
    assert steps(again) == [1 if where == "weights" else 2]
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    feed(again, model, [0.2], first=2)
    assert steps(again) == [2]


def test_damaged_weights_are_told_and_the_next_best_is_used(tmp_path, model):
    feed(Best(tmp_path, METRIC, keep=3), model, [0.1, 0.3, 0.2])
    path = tmp_path / "step-00000002.safetensors"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    (tmp_path / "step-00000003.safetensors").unlink()
    with pytest.warns(UserWarning) as warned:
        best = Best(tmp_path, METRIC, keep=3)
    assert sorted(str(each.message).rpartition("/")[2] for each in warned) == [
        "step-00000002.safetensors: missing or damaged; the weights selected at step 2 are lost",
        "step-00000003.safetensors: missing or damaged; the weights selected at step 3 are lost",
    ]
    assert best.best()[0] == 1


@pytest.mark.parametrize("text", ["", "[1]", '{"rows": [{"step": 1}]}', "{}"])
def test_an_index_that_is_none_is_refused_and_nothing_is_removed(tmp_path, model, text):
    feed(Best(tmp_path, METRIC), model, [0.1])
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"index.json: not an index of selected weights"):
        Best(tmp_path, METRIC)
    assert (tmp_path / "step-00000001.safetensors").exists()


def test_a_full_disk_leaves_the_index_and_the_weights_before(tmp_path, model, monkeypatch):
    best = Best(tmp_path, METRIC)
    feed(best, model, [0.1])

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(Exception, match="disk full while writing .*step-00000002.safetensors"):
        best.add(2, {METRIC: 0.2}, model)
    assert steps(Best(tmp_path, METRIC)) == [1] and files(tmp_path) == ["index.json", "step-00000001.safetensors"]


def test_the_index_can_be_read_by_others(tmp_path, model):
    feed(Best(tmp_path, METRIC, run="abc"), model, [0.25])
    index = json.loads((tmp_path / "index.json").read_text())
    [row] = index.pop("rows")
    assert index == {"run": "abc", "metric": METRIC, "better": "higher"}
    assert (row["step"], row["value"], row["file"]) == (1, 0.25, "step-00000001.safetensors")


def test_names_are_checked_before_training_and_at_the_first_validation(tmp_path, model):
    known = {METRIC: "higher", "text-to-image median rank kagl@val": "lower"}
    assert direction(METRIC, known) == "higher"
    assert direction("text-to-image median rank kagl@val", known) == "lower"
    with pytest.raises(SettingError, match=f"select_by 'text-to-image recall@10 street': did you mean '{METRIC}'"):
        direction("text-to-image recall@10 street", known)
    with pytest.raises(SettingError, match=f"'text-to-image recall@11 atelier/street@val': did you mean '{METRIC}'"):
        Best(tmp_path, METRIC.replace("10", "11")).add(1, {METRIC: 0.1}, model)
    with pytest.raises(SettingError, match="nothing is validated"):
        direction(METRIC, {})


@pytest.mark.parametrize(
    ("metric", "better"),
    [("loss", "lower"), ("val_loss", "lower"), ("Loss kagl@val", "lower"), ("glossy accuracy@1", "higher")],
)
def test_without_known_directions_a_loss_is_better_lower_and_all_else_higher(metric, better):
    assert direction(metric) == better


def test_selecting_by_what_is_trained_on_is_warned_of(recwarn):
    known = dict.fromkeys([METRIC, "class accuracy@1 kagl@val"], "higher")
    direction(METRIC, known, trained=["kagl", "street", "atelier/studio"])
    assert not recwarn
    with pytest.warns(UserWarning, match="kagl is trained on, and FashionCLIP's model card says"):
        direction("class accuracy@1 kagl@val", known, trained=["kagl"])


@pytest.mark.parametrize(("values", "match"), [({"keep": 0}, "keep_best"), ({"better": "high"}, "you mean 'higher")])
def test_impossible_settings_are_named(tmp_path, values, match):
    with pytest.raises(SettingError, match=match):
        Best(tmp_path, METRIC, **values)


def test_a_run_that_is_spoilt_ends_with_the_weights_before(tmp_path):
    catalog = squares(24)
    model = models.build_model(SMALL)
    inputs, tokens = model.inputs(catalog.images.array), model.tokenizer(catalog.captions)
    optimizer = torch.optim.AdamW(model.clip.parameters(), lr=1e-3)

    def contrast(model):
        images, texts, scale = model.clip.train()(inputs, tokens)
        scores, own = scale * images @ texts.T, torch.arange(len(inputs))
        return torch.nn.functional.cross_entropy(scores, own)

    best, seen = Best(tmp_path, "loss", better=direction("loss")), {}
    for step in range(1, 13):
        if step == 10:  # a rate at which all is forgotten
            optimizer.param_groups[0]["lr"] = 1.0
        optimizer.zero_grad()
        contrast(model).backward()
        optimizer.step()
        if step % 3 == 0:
            with torch.no_grad():
                seen[step] = contrast(model).item()
            best.add(step, {"loss": seen[step]}, model)
    step, path, value = best.best()
    assert step == 9 and seen[3] > seen[9] + 0.1 and seen[12] > seen[9] + 0.5, seen
    with torch.no_grad():
        assert contrast(models.load_model(path)).item() == pytest.approx(value, rel=1e-4)

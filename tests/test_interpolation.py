from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ofclip import models
from ofclip.errors import SettingError
from ofclip.interpolation import interpolate

SMALL = "ofclip-RN-8-64"


@pytest.fixture(scope="module")
def start():
    return models.build_model(SMALL, seed=1)


@pytest.fixture(scope="module")
def end():
    """Other weights, other statistics, and counts that moved on."""
    model = models.build_model(SMALL, seed=2)
    model.clip.train()
    with torch.no_grad():
        model.clip.encode_image(model.inputs(np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)))
        model.clip.logit_scale.fill_(math.log(100))
        model.clip.visual.bn1.weight[0] = -0.0
    return replace(model, name="tuned", notes={"samples": 10})


def test_every_weight_lies_between_as_a_slow_loop_has_it(start, end):
    found = interpolate(start, end, 0.3).clip.state_dict()
    first, last = start.clip.state_dict(), end.clip.state_dict()
    moved = 0
    for name, value in found.items():
        if value.is_floating_point():
            a, b = first[name].double().numpy(), last[name].double().numpy()
            np.testing.assert_array_equal(value.numpy(), (0.7 * a + 0.3 * b).astype(np.float32), err_msg=name)
            moved += "running" in name and not torch.equal(value, first[name])
        else:
            assert name.endswith("num_batches_tracked") and value == last[name] == 1
    assert moved > 10, "running statistics are blended too"


def test_the_ends_are_the_models_to_the_bit(start, end):
    for alpha, expected in ((0, start), (1.0, end)):
        model = interpolate(start, end, alpha)
        assert model.fingerprint == expected.fingerprint
        for name, value in model.clip.state_dict().items():
            same = expected.clip.state_dict()[name]
            assert value.numpy().tobytes() == same.numpy().tobytes(), name


def test_the_temperature_is_blended_as_a_logarithm(start, end):
    factor = interpolate(start, end, 0.5).clip.logit_scale.exp().item()
    assert factor == pytest.approx(math.sqrt(start.clip.logit_scale.exp().item() * 100), rel=1e-6)


def test_the_inputs_stay_as_they_are(start, end):
    before = start.clip.state_dict()["visual.conv1.weight"].clone(), end.fingerprint
    model = interpolate(start, end, 0.5)
    assert torch.equal(start.clip.state_dict()["visual.conv1.weight"], before[0])
    assert models.Model(end.clip, end.architecture, end.preprocess).fingerprint == before[1]
    assert end.clip.training and not model.clip.training
    held = {p.data_ptr() for m in (start, end) for p in m.clip.parameters()}
    for alpha in (0, 0.5, 1):
        assert not held & {p.data_ptr() for p in interpolate(start, end, alpha).clip.parameters()}


def test_the_notes_say_what_it_is_made_of_and_survive_saving(start, end, tmp_path):
    model = interpolate(start, end, 0.4)
    assert model.notes["interpolation"] == {"alpha": 0.4, "start": start.fingerprint, "end": end.fingerprint}
    path = models.save_model(model, tmp_path / "between.safetensors")
    loaded = models.load_model(path)
    assert loaded.fingerprint == model.fingerprint and loaded.notes["interpolation"]["alpha"] == 0.4
    assert loaded.notes["samples"] == 10 and loaded.name == "untrained to tuned, alpha 0.4"


def test_it_embeds_pictures_as_a_model_does(start, end):
    pictures = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    vectors = interpolate(start, end, 0.5).encode_images(pictures)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_half_precision_is_rounded_once(start, end):
    halves = [replace(model, clip=copy.deepcopy(model.clip).half()) for model in (start, end)]
    found = interpolate(*halves, 0.3).clip.visual.conv1.weight
    a, b = (half.clip.visual.conv1.weight.detach().double() for half in halves)
    assert found.dtype == torch.float16 and torch.equal(found, (0.7 * a + 0.3 * b).half())


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_an_alpha_outside_is_refused(start, end, alpha):
    with pytest.raises(SettingError, match="alpha"):
        interpolate(start, end, alpha)


def test_models_that_differ_are_refused(start, end):
    with pytest.raises(SettingError, match="tuned a ofclip-RN-16-64: only weights of one architecture"):
        interpolate(start, replace(end, architecture="ofclip-RN-16-64"), 0.5)
    with pytest.raises(SettingError, match="differ in the levels of their pictures"):
        interpolate(start, replace(end, preprocess=replace(end.preprocess, levels="fixed")), 0.5)
    wider = copy.deepcopy(end.clip)
    wider.visual.bn1 = torch.nn.BatchNorm2d(9)
    with pytest.raises(SettingError, match=r"visual.bn1.bias is \(4,\) in untrained and \(9,\) in tuned"):
        interpolate(start, replace(end, clip=wider), 0.5)
    wider.visual.bn1 = torch.nn.Identity()
    with pytest.raises(SettingError, match=r"visual.bn1.bias is \(4,\) in untrained and missing in tuned"):
        interpolate(start, replace(end, clip=wider), 0.5)


def test_pictures_are_fitted_as_for_the_end(start, end):
    cropped = replace(end, preprocess=replace(end.preprocess, how="crop"))
    assert interpolate(start, cropped, 0.5).preprocess.how == "crop"

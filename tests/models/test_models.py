import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ofclip import models
from ofclip.errors import CheckpointError, SettingError

SMALL = "ofclip-RN-16-64"


@pytest.fixture(scope="module")
def model():
    return models.build_model(SMALL, seed=3)


def pictures(n, size=64):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_open_clip_builds_our_configuration_by_name(model):
    import open_clip

    models.register()
    clip = open_clip.create_model(SMALL)
    shapes = [{k: v.shape for k, v in each.state_dict().items()} for each in (clip, model.clip)]
    assert shapes[0] == shapes[1]


def test_the_seed_decides_the_weights(model):
    assert models.build_model(SMALL, seed=3).fingerprint == model.fingerprint
    assert models.build_model(SMALL, seed=4).fingerprint != model.fingerprint


def test_building_leaves_the_global_random_state_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    models.build_model(SMALL)
    assert torch.equal(torch.rand(3), expected)


def test_vectors_have_unit_length_and_do_not_depend_on_the_batch(model):
    pixels = pictures(5)
    together, apart = model.encode_images(pixels), model.encode_images(pixels, batch=2)
    assert together.shape == (5, 128) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, apart, atol=1e-5)
    texts = model.encode_texts(["red dress", "blue jeans", ""])
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)


def test_inputs_with_fixed_levels_equal_open_clips_own_normalisation(model):
    from open_clip.transform import image_transform
    from PIL import Image

    pixels = pictures(1)
    theirs = image_transform(64, is_train=False, mean=model.preprocess.mean, std=model.preprocess.std)
    made = models.normalise(torch.from_numpy(pixels), replace(model.preprocess, levels="fixed"))
    np.testing.assert_allclose(made[0], theirs(Image.fromarray(pixels[0])), atol=1e-5)


def test_own_levels_undo_exposure_and_contrast_and_leave_an_even_picture_even(model):
    assert model.preprocess.levels == "own"
    pixels = pictures(2) // 2 + 40
    inputs = model.inputs(pixels)
    for picture, made in zip(pixels.astype(float), inputs, strict=True):
        np.testing.assert_allclose(made, ((picture - picture.mean()) / picture.std()).transpose(2, 0, 1), atol=1e-5)
    np.testing.assert_allclose(model.inputs(pixels * 2 - 80), inputs, atol=1e-5)
    assert model.inputs(np.full((1, 64, 64, 3), 77, np.uint8)).abs().max() == 0


def test_clips_own_architectures_keep_fixed_levels():
    assert models.build_model("ViT-S-32-alt").preprocess.levels == "fixed"



def test_saved_and_loaded_is_the_same_model(model, tmp_path):
    path = models.save_model(model, tmp_path / "weights.safetensors", name="toy", step=7)
    loaded = models.load_model(path)
    assert loaded.fingerprint == model.fingerprint
    assert (loaded.architecture, loaded.preprocess, loaded.name) == (SMALL, model.preprocess, "toy")
    assert loaded.notes["step"] == 7
    np.testing.assert_array_equal(loaded.encode_images(pictures(3)), model.encode_images(pictures(3)))


def test_openfashionclips_key_is_understood(model, tmp_path):
    torch.save({"CLIP": model.clip.state_dict()}, tmp_path / "finetuned_clip.pt")
    loaded = models.load_model(tmp_path / "finetuned_clip.pt", architecture=SMALL)
    torch.testing.assert_close(loaded.clip.state_dict(), model.clip.state_dict())


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError, match="could run code"):
        models.load_model(tmp_path / "evil.pt", architecture=SMALL)
    assert not (tmp_path / "ran").exists()


def test_another_architecture_is_refused_by_name(model, tmp_path):
    path = models.save_model(model, tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match="weights.safetensors: holds ofclip-RN-16-64, not ViT-B-32"):
        models.load_model(path, architecture="ViT-B-32")
    torch.save(model.clip.state_dict(), tmp_path / "bare.pt")
    with pytest.raises(CheckpointError, match="does not say its architecture"):
        models.load_model(tmp_path / "bare.pt")
    wrong = {key: value for key, value in model.clip.state_dict().items() if "layer4" not in key}
    torch.save(wrong, tmp_path / "wrong.pt")
    with pytest.raises(CheckpointError, match="wrong.pt: not the weights of ofclip-RN-16-64"):
        models.load_model(tmp_path / "wrong.pt", architecture=SMALL)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_file_cut_short_is_named(model, tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save(model.clip.state_dict(), path)
    else:
        models.save_model(model, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=f"weights{suffix}: damaged"):
        models.load_model(path, architecture=SMALL)


def test_missing_weights_and_unknown_names():
    with pytest.raises(CheckpointError, match="nowhere.safetensors: no such weights file"):
        models.load_model("nowhere.safetensors")
    with pytest.raises(SettingError, match="did you mean 'ViT-B-32'"):
        models.build_model("ViT-B-33")
    with pytest.raises(SettingError, match="laion2b_s34b_b79k"):
        models.build_model("ViT-B-32", pretrained="laion2b_s34b_b79")


def test_published_weights_that_are_not_here_say_how_to_obtain_them():
    for name in ("ViT-B-32/laion2b_s34b_b79k", "hf-hub:Marqo/marqo-fashionCLIP", "patrickjohncyh/fashion-clip"):
        with pytest.raises(CheckpointError, match=f"{name}: cannot be loaded .* as `ofclip models` says"):
            models.load_model(name)
    with pytest.raises(SettingError, match="unknown architecture 'ViT-B-33': did you mean 'ViT-B-32'"):
        models.load_model("ViT-B-33/laion2b_s34b_b79k")
    with pytest.raises(CheckpointError, match="no such file, and not a name"):
        models.load_model("weights")


@pytest.mark.parametrize(
    ("preprocess", "how"),
    [
        ({}, "crop"),
        ({"resize_mode": "squash"}, "squash"),
        ({"resize_mode": "squash", "interpolation": "bilinear"}, "squash bilinear"),
    ],
)
def test_a_folder_in_open_clips_format_brings_its_own_preprocessing(model, tmp_path, preprocess, how):
    from safetensors.torch import save_file

    config = json.loads((models.CONFIGS / f"{SMALL}.json").read_text())
    levels = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.5], **preprocess}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": levels}))
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        models.load_model(tmp_path)
    save_file(model.clip.state_dict(), tmp_path / "open_clip_model.safetensors")
    loaded = models.load_model(tmp_path)
    torch.testing.assert_close(loaded.clip.state_dict(), model.clip.state_dict())
    assert loaded.preprocess == models.Preprocess(64, (0.5, 0.5, 0.5), (0.25, 0.5, 0.5), how)
    np.testing.assert_array_equal(loaded.encode_texts(["red dress"]), model.encode_texts(["red dress"]))


def test_a_resize_mode_that_is_not_here_must_be_replaced(model, tmp_path):
    config = json.loads((models.CONFIGS / f"{SMALL}.json").read_text())
    levels = {"resize_mode": "longest"}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": levels}))
    torch.save(model.clip.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(SettingError, match="resized by longest"):
        models.load_model(tmp_path)
    assert models.build_model(f"local-dir:{tmp_path}", how="pad").preprocess.how == "pad"


def test_configurations_are_plain_json():
    for path in models.CONFIGS.glob("*.json"):
        assert {"embed_dim", "vision_cfg", "text_cfg"} <= json.loads(path.read_text()).keys()

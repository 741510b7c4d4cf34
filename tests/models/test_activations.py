import warnings

import numpy as np
import pytest
import torch
from open_clip.transformer import QuickGELU

from ofclip.errors import SettingError
from ofclip.models import GELU, QUICK_GELU, build_model, load_model, save_model, with_activation
from ofclip.models.activations import activation, published, stated, variant

SMALL, RESNET = "ofclip-ViT-32-64", "ofclip-RN-8-64"
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    return build_model(SMALL, seed=3)


def test_names_of_activations_and_variants():
    assert [activation(name) for name in (SMALL, "RN50-quickgelu", "ViT-B-32")] == [GELU, QUICK_GELU, GELU]
    quick = variant(SMALL, QUICK_GELU)
    assert (quick, activation(quick), variant(quick, GELU)) == (f"{SMALL}-quickgelu", QUICK_GELU, SMALL)
    assert variant(SMALL, GELU) == SMALL
    with pytest.raises(SettingError, match="did you mean 'quick_gelu'"):
        variant(SMALL, "quickgelu")
    with pytest.raises(SettingError, match="open_clip has no such architecture"):
        variant("ViT-B-33", QUICK_GELU)


def slow(clip, wanted):
    """The same modules, each activation exchanged by hand."""
    for block in (*clip.visual.transformer.resblocks, *clip.transformer.resblocks):
        block.mlp.gelu = wanted()
    return clip


@pytest.mark.parametrize(("wanted", "module"), [(QUICK_GELU, QuickGELU), (GELU, torch.nn.GELU)])
def test_every_transformer_gets_the_activation_and_nothing_else_changes(model, wanted, module):
    found = with_activation(with_activation(model, QUICK_GELU), wanted)
    expected = slow(build_model(SMALL, seed=3).clip, module)
    torch.testing.assert_close(found.clip.state_dict(), model.clip.state_dict())
    assert found.preprocess == model.preprocess and found.notes["activation"] == wanted
    with torch.inference_mode():
        vectors = expected.eval().encode_image(model.inputs(PIXELS), normalize=True)
    np.testing.assert_array_equal(found.encode_images(PIXELS), vectors)


def test_the_other_activation_is_another_model(model):
    quick = with_activation(model, QUICK_GELU)
    assert quick.fingerprint != model.fingerprint
    assert np.abs(quick.encode_images(PIXELS) - model.encode_images(PIXELS)).max() > 1e-4
    assert np.abs(quick.encode_texts(["red dress"]) - model.encode_texts(["red dress"])).max() > 1e-4
    assert with_activation(model, GELU) is model


def test_convolutions_keep_what_they_have():
    model = build_model(RESNET)
    quick = with_activation(model, QUICK_GELU)
    np.testing.assert_array_equal(quick.encode_images(PIXELS), model.encode_images(PIXELS))
    assert np.abs(quick.encode_texts(["red dress"]) - model.encode_texts(["red dress"])).max() > 1e-5


def test_a_variant_is_saved_and_loaded(model, tmp_path):
    quick = with_activation(model, QUICK_GELU)
    loaded = load_model(save_model(quick, tmp_path / "quick.safetensors"))
    assert (loaded.fingerprint, loaded.preprocess) == (quick.fingerprint, quick.preprocess)


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ({}, None),
        ({"epoch": 3, "name": "my run"}, None),
        ({"model": "ViT-B-32-quickgelu"}, QUICK_GELU),
        ({"args": {"model": "ViT-B/32", "force_quick_gelu": False}}, GELU),
        ({"args": {"model": "ViT-B/32", "force_quick_gelu": True}}, QUICK_GELU),
        ({"notes": {"hidden_act": "gelu"}}, GELU),
        ({"config": {"quick_gelu": False}}, GELU),
        ({"activation": "relu"}, None),
        ({"input_resolution": 224, "context_length": 77, "vocab_size": 49408}, QUICK_GELU),
    ],
)
def test_what_a_checkpoint_says_of_itself(says, found):
    assert stated({"state_dict": {}, **says}) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai/clip-vit-base-patch32", QUICK_GELU),
        ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", GELU),
        ("/home/me/.cache/hub/models--patrickjohncyh--fashion-clip/snapshots/1", GELU),
        ("models/mine", None),
    ],
)
def test_hub_names_whose_activation_is_known(name, found):
    assert (published(name) or (None,))[0] == found


def quiet(*arguments, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_model(*arguments, **settings)


def test_a_file_whose_notes_say_otherwise_is_warned_of(model, tmp_path):
    path, quick = tmp_path / "notes.pt", variant(SMALL, QUICK_GELU)
    torch.save({"state_dict": model.clip.state_dict(), "args": {"model": quick}}, path)
    with pytest.warns(UserWarning, match=r"notes.pt: loaded with gelu, but quick_gelu .* the file says so"):
        loaded = load_model(path, architecture=SMALL)
    assert activation(loaded.architecture) == GELU
    assert activation(quiet(path, architecture=SMALL, activation=QUICK_GELU).architecture) == QUICK_GELU
    quiet(path, architecture=quick)


def test_openais_own_table_of_weights_is_known_by_its_entries(model, tmp_path):
    more = {"input_resolution": torch.tensor(64), "context_length": torch.tensor(24), "vocab_size": torch.tensor(49408)}
    torch.save({**model.clip.state_dict(), **more}, tmp_path / "openai.pt")
    with pytest.warns(UserWarning, match="loaded with gelu, but quick_gelu"):
        load_model(tmp_path / "openai.pt", architecture=SMALL)
    quiet(tmp_path / "openai.pt", architecture=variant(SMALL, QUICK_GELU))


def test_ours_are_loaded_without_a_warning_unless_another_activation_is_asked_for(model, tmp_path):
    path = save_model(model, tmp_path / "ours.safetensors")
    quiet(path)
    with pytest.warns(UserWarning, match="loaded with quick_gelu, but gelu"):
        assert load_model(path, activation=QUICK_GELU).fingerprint == with_activation(model, QUICK_GELU).fingerprint


@pytest.fixture
def fetched(monkeypatch):
    """Let open_clip build a small model under every name, as if a tag's weights had been fetched."""
    import open_clip

    create = open_clip.create_model
    monkeypatch.setattr(open_clip, "create_model", lambda name, **more: create(SMALL))


def test_openais_weights_under_gelu_and_laions_under_quickgelu_are_warned_of(fetched):
    with pytest.warns(UserWarning, match=r"RN50/openai: loaded with gelu, but quick_gelu .* activation='quick_gelu'"):
        load_model("RN50/openai")
    assert activation(quiet("RN50/openai", activation=QUICK_GELU).architecture) == QUICK_GELU
    quiet("RN50-quickgelu/openai")
    quiet("ViT-B-32/laion2b_s34b_b79k")
    with pytest.warns(UserWarning, match="b79k: loaded with quick_gelu, but gelu"):
        load_model("ViT-B-32/laion2b_s34b_b79k", activation=QUICK_GELU)

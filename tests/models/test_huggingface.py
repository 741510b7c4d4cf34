import json
import shutil
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from ofclip.errors import CheckpointError
from ofclip.images import fit
from ofclip.models import load_model, save_model

transformers = pytest.importorskip("transformers")

TEXTS = ["a photo of a red dress", "shoes", "", "a very long text " * 40]


def write(folder, act="quick_gelu", eps=1e-5, eos=49407, ratio=4, seed=0, **saving):
    """Write a randomly initialised CLIPModel as `transformers` saves it, and return it."""
    text = {"hidden_size": 64, "intermediate_size": 64 * ratio, "num_attention_heads": 2, "num_hidden_layers": 2,
            "max_position_embeddings": 24, "eos_token_id": eos}  # fmt: skip
    vision = {"hidden_size": 48, "intermediate_size": 48 * ratio, "num_attention_heads": 3, "num_hidden_layers": 2,
              "image_size": 32, "patch_size": 8}  # fmt: skip
    both = {"hidden_act": act, "layer_norm_eps": eps}
    config = transformers.CLIPConfig(text_config=text | both, vision_config=vision | both, projection_dim=40)
    torch.manual_seed(seed)
    model = transformers.CLIPModel(config).eval()
    for parameter in model.parameters():  # so that biases and norms, which start as 0 and 1, count
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder, **saving)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    transformers.CLIPImageProcessor(**size).save_pretrained(folder)
    return model


def theirs(model, pixels, tokens):
    """Unit vectors of pictures and texts by `transformers`, from the inputs that ours make."""
    with torch.inference_mode():
        images = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)
        mask = torch.arange(tokens.shape[1]) <= tokens.argmax(1, keepdim=True)
        texts = model.text_projection(model.text_model(input_ids=tokens, attention_mask=mask.long()).pooler_output)
    return [(vectors / vectors.norm(dim=-1, keepdim=True)).numpy() for vectors in (images, texts)]


def pictures(n=3, size=32):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def compare(model, loaded, atol=1e-5):
    pixels = pictures()
    images, texts = theirs(model, loaded.inputs(pixels), loaded.tokenizer(TEXTS))
    np.testing.assert_allclose(loaded.encode_images(pixels), images, atol=atol)
    np.testing.assert_allclose(loaded.encode_texts(TEXTS), texts, atol=atol)


@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("settings", [{}, {"eps": 1e-3, "eos": 2, "ratio": 3}])
def test_outputs_equal_those_of_transformers(tmp_path, act, settings):
    model = write(tmp_path, act, **settings)
    loaded = load_model(tmp_path)
    compare(model, loaded)
    assert loaded.notes["activation"] == act
    assert loaded.clip.logit_scale.item() == pytest.approx(model.logit_scale.item())
    other = load_model(write_again(tmp_path, model, act))
    assert np.abs(other.encode_images(pictures()) - loaded.encode_images(pictures())).max() > 1e-4


def write_again(folder, model, act):
    """Write the same weights under the other activation."""
    config = json.loads((folder / "config.json").read_text())
    for tower in ("text_config", "vision_config"):
        config[tower]["hidden_act"] = {"gelu": "quick_gelu", "quick_gelu": "gelu"}[act]
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_pooling_at_the_end_of_text_needs_no_attention_mask(tmp_path):
    model = write(tmp_path)
    tokens = load_model(tmp_path).tokenizer(TEXTS)
    with torch.inference_mode():
        masked, plain = (
            model.text_model(input_ids=tokens, attention_mask=mask).pooler_output
            for mask in ((tokens > 0).long(), torch.ones_like(tokens))
        )
    torch.testing.assert_close(masked, plain)


def test_every_form_that_weights_are_written_in_gives_the_same_model(tmp_path):
    model = write(tmp_path / "whole")
    whole = load_model(tmp_path / "whole")
    write(tmp_path / "sharded", max_shard_size="200KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 2
    shutil.copytree(tmp_path / "whole", tmp_path / "pickled")
    (tmp_path / "pickled/model.safetensors").unlink()
    positions = {"text_model.embeddings.position_ids": torch.arange(24)}  # as older versions wrote them
    torch.save(model.state_dict() | positions, tmp_path / "pickled/pytorch_model.bin")
    for form in ("sharded", "pickled"):
        assert load_model(tmp_path / form).fingerprint == whole.fingerprint
    shutil.copytree(tmp_path / "pickled", tmp_path / "halves")
    state = model.state_dict()
    halves = {f"pytorch_model-{i}.bin": dict(list(state.items())[i::2]) for i in range(2)}
    for file, half in halves.items():
        torch.save(half, tmp_path / "halves" / file)
    (tmp_path / "halves/pytorch_model.bin").unlink()
    index = {"weight_map": {key: file for file, half in halves.items() for key in half}}
    (tmp_path / "halves/pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert load_model(tmp_path / "halves").fingerprint == whole.fingerprint


def test_a_converted_model_is_saved_and_loaded_as_ours(tmp_path):
    model = write(tmp_path, "gelu", eps=1e-4)
    loaded = load_model(tmp_path)
    again = load_model(save_model(loaded, tmp_path / "ours.safetensors"))
    assert again.fingerprint == loaded.fingerprint and again.preprocess == loaded.preprocess
    compare(model, again)


def test_the_shape_of_a_known_architecture_gets_its_name():
    from ofclip.models.huggingface import describe

    assert describe("fashion-clip", {"projection_dim": 512}) == "ViT-B-32-quickgelu"
    gelu = {tower: {"hidden_act": "gelu"} for tower in ("text_config", "vision_config")}
    assert describe("laion", {"projection_dim": 512, **gelu}) == "ViT-B-32"


@pytest.mark.parametrize("shape", [(47, 32), (32, 35), (90, 60), (200, 33), (20, 30)])
def test_preprocessing_is_that_of_preprocessor_config(tmp_path, shape):
    write(tmp_path)
    model = load_model(tmp_path)
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    expected = processor(images=Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    made = model.inputs(fit(picture, model.preprocess.size, model.preprocess.how)[None])
    torch.testing.assert_close(made.contiguous(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        ({}, "crop-down"),
        ({"size": 32, "crop_size": 32, "resample": 2}, "crop-down bilinear"),
        ({"size": {"height": 32, "width": 32}, "do_center_crop": False}, "squash"),
        ({"size": {"height": 32, "width": 32}, "do_center_crop": None, "resample": 2}, "squash bilinear"),
    ],
)
def test_resize_rules_of_preprocessor_config(tmp_path, changes, how):
    write(tmp_path)
    change(tmp_path / "preprocessor_config.json", **changes)
    assert load_model(tmp_path).preprocess.how == how


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("config.json", {"model_type": "siglip"}, "describes a siglip, not a CLIP"),
        ("config.json", {"text_config": {"hidden_act": "relu"}}, "hidden_act is quick_gelu for pictures and relu"),
        ("config.json", {"text_config": {"hidden_act": "gelu"}}, "only gelu or quick_gelu for both"),
        ("config.json", {"text_config": {"eos_token_id": 7}}, "eos_token_id 7 are not those of CLIP's tokenizer"),
        ("config.json", {"vision_config": {"num_channels": 4, "image_size": 32}}, "num_channels is 4"),
        ("config.json", {"projection_dim": 41}, "not the weights of hf-"),
        ("preprocessor_config.json", {"size": {"shortest_edge": 36}}, "pictures that cannot be made here"),
        ("preprocessor_config.json", {"do_center_crop": False}, "pictures that cannot be made here"),
        ("preprocessor_config.json", {"do_resize": False}, "pictures that cannot be made here"),
        ("preprocessor_config.json", {"resample": 9}, "resample 9"),
    ],
)
def test_what_cannot_be_computed_alike_is_refused(tmp_path, file, changes, message):
    write(tmp_path)
    change(tmp_path / file, **changes)
    with pytest.raises(CheckpointError, match=message):
        load_model(tmp_path)


def test_missing_and_damaged_parts_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="has no config.json"):
        load_model(tmp_path)
    write(tmp_path, max_shard_size="200KB")
    shard = sorted(tmp_path.glob("model-*.safetensors"))[1]
    held = shard.read_bytes()
    shard.write_bytes(held[:-9])
    with pytest.raises(CheckpointError, match=f"{shard.name}: damaged"):
        load_model(tmp_path)
    shard.unlink()
    with pytest.raises(CheckpointError, match=f"index.json: lists {shard.name}, which is not there"):
        load_model(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    change(index, weight_map={"x": "../elsewhere.safetensors"})
    with pytest.raises(CheckpointError, match="lists ../elsewhere.safetensors"):
        load_model(tmp_path)
    index.unlink()
    with pytest.raises(CheckpointError, match="has none of model.safetensors, "):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="config.json: not JSON"):
        load_model(tmp_path)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({"x": Evil()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="could run code"):
        load_model(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_fashionclip_with_quickgelu_is_loaded_as_its_config_says_and_warned_of(tmp_path):
    folder = tmp_path / "patrickjohncyh" / "fashion-clip"
    model = write(folder)
    with pytest.warns(UserWarning, match="loaded with quick_gelu, but gelu is what it should have: FashionCLIP 2.0"):
        compare(model, load_model(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_model(folder, activation="quick_gelu").name == "fashion-clip"
    with pytest.warns(UserWarning, match="loaded with gelu, but quick_gelu .* config.json says so"):
        assert load_model(folder, activation="gelu").notes["activation"] == "gelu"


def test_a_checkpoint_that_names_its_origin_is_warned_of_by_that_name(tmp_path):
    write(tmp_path, "gelu")
    change(tmp_path / "config.json", _name_or_path="openai/clip-vit-base-patch32")
    with pytest.warns(UserWarning, match="loaded with gelu, but quick_gelu .* OpenAI's weights were trained with it"):
        load_model(tmp_path)


def test_a_hub_name_is_read_from_the_cache_and_else_says_how_to_obtain_it(tmp_path, monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError

    model = write(tmp_path / "cached")

    def fetch(name, file):
        assert name == "someone/clip"
        if not (tmp_path / "cached" / file).is_file():
            raise EntryNotFoundError(file)
        return str(tmp_path / "cached" / file)

    with pytest.raises(CheckpointError, match="someone/clip: cannot be loaded from here .* `ofclip models` says"):
        load_model("someone/clip")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    compare(model, load_model("someone/clip"))

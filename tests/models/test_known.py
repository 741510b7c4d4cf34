import open_clip
import pytest
from open_clip.pretrained import get_pretrained_cfg

from ofclip.models import GELU, QUICK_GELU, activation, build_model, save_model
from ofclip.models.activations import published
from ofclip.models.known import MODELS, here, ours


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_facts_agree_with_open_clips_own_list(model):
    assert model.architecture in open_clip.list_models()
    assert model.activation.removesuffix("?") in (GELU, QUICK_GELU)
    if not model.activation.endswith("?"):
        assert model.activation == activation(model.architecture)
    base, _, tag = model.load.rpartition("/")
    if tag in open_clip.list_pretrained_tags_by_model(base):
        config = get_pretrained_cfg(base, tag)
        assert bool(config.get("quick_gelu")) == (model.activation == QUICK_GELU)
        assert config["hf_hub"].strip("/") == model.repository


def test_only_fashionclip_2_is_loaded_with_another_activation_than_its_base_has():
    known = {name: published(model.repository) for name, model in MODELS.items() if model.repository}
    odd = {n for n, said in known.items() if said and said[0] != MODELS[n].activation.removesuffix("?")}
    assert odd <= {"fashionclip-2", "openai"} and known["laion2b"][0] == GELU


def test_a_model_is_here_once_its_weights_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    file, repository = MODELS["openfashionclip"], MODELS["marqo-fashionclip"]
    assert here(file, tmp_path) == here(repository, tmp_path) == here(MODELS["fashionclip-1"], tmp_path) == ""
    (tmp_path / file.file).touch()
    assert here(file, tmp_path) == str(tmp_path / "finetuned_clip.pt")
    folder = tmp_path / repository.repository
    folder.mkdir(parents=True)
    (folder / "README.md").touch()
    assert here(repository, tmp_path) == ""
    (folder / "open_clip_model.safetensors").touch()
    assert here(repository, tmp_path) == str(folder)


def test_a_model_in_the_hubs_cache_is_here(tmp_path, monkeypatch):
    import huggingface_hub

    path = tmp_path / "snapshot" / "model.safetensors"

    def cached(repository, name):
        return str(path) if (repository, name) == ("patrickjohncyh/fashion-clip", path.name) else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    assert here(MODELS["fashionclip-2"], tmp_path) == str(path.parent)
    assert here(MODELS["laion2b"], tmp_path) == ""


def test_our_own_are_listed_by_what_their_files_say(tmp_path):
    place = tmp_path / "work/laptop/02-training"
    save_model(build_model("ofclip-RN-8-64"), place / "atelier/weights.safetensors")
    (place / "kagl").mkdir()
    (place / "kagl/weights.safetensors").write_bytes(b"half")
    (model,) = ours(tmp_path)
    assert (model.name, model.architecture, model.activation) == ("laptop/atelier", "ofclip-RN-8-64", GELU)
    assert here(model, tmp_path) == str(tmp_path / model.load)

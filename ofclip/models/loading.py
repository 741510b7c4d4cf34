"""Weights on disk and on the hub: save ours, load ours and others'."""

from __future__ import annotations

import difflib
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from ofclip.errors import CheckpointError
from ofclip.files import atomic
from ofclip.models import activations, architectures, huggingface
from ofclip.models.building import PLACES, add_bias, build_model, trained_with
from ofclip.models.files import read_pt, read_safetensors
from ofclip.models.model import Model
from ofclip.models.preprocess import Preprocess
from ofclip.tensors import write_tensors

FILES = (".safetensors", ".pt", ".pth", ".bin")
#: What OpenFashionCLIP's release keeps beside nothing else: the weights of this architecture.
OPEN_FASHION_CLIP = ("CLIP", "ViT-B-32")
#: What OpenAI's tables of weights hold besides weights.
NO_WEIGHTS = ("input_resolution", "context_length", "vocab_size")


def save_model(model: Model, path: str | Path, **notes: Any) -> Path:
    """Write the weights as safetensors, whole or not at all; the header has architecture, preprocessing and notes."""
    header = {
        "architecture": model.architecture,
        "preprocess": json.dumps(vars(model.preprocess)),
        "notes": json.dumps({**model.notes, **notes}),
    }
    if not (architectures.shipped(model.architecture) or model.architecture.startswith(PLACES)):
        header["configuration"] = json.dumps(architectures.configuration(model.architecture))
    tensors = {key: value.detach().cpu().contiguous() for key, value in model.clip.state_dict().items()}
    with atomic(path) as temporary:
        write_tensors(tensors, temporary, header)
    return Path(path)


def load_model(
    weights: str | Path,
    architecture: str | None = None,
    device: str = "cpu",
    name: str | None = None,
    activation: str | None = None,
) -> Model:
    """Load a model from a file, a folder, or by name, from the hub's cache or over the network.

    - a `.safetensors` file of ours;
    - a `.pt`: OpenFashionCLIP's release (its weights are under the key "CLIP", and are a ViT-B-32), or another's,
      which needs `architecture`; it is read with `weights_only=True`, so it cannot run code;
    - a folder in Hugging Face's CLIP format (`config.json`, safetensors or `pytorch_model.bin`, whole or in shards)
      or in open_clip's (`open_clip_config.json`);
    - open_clip's name and tag ("ViT-B-32/laion2b_s34b_b79k"), a hub name in open_clip's format
      ("hf-hub:Marqo/marqo-fashionCLIP") or in Hugging Face's ("patrickjohncyh/fashion-clip").

    `activation`, "gelu" or "quick_gelu", is for weights whose file does not say it, or to try the other one. Warns if
    the weights were trained with another activation than they are loaded with, as far as file or name tell. Raises
    CheckpointError if the weights are missing, damaged or of another architecture.
    """
    path = Path(weights)
    if path.is_dir():
        model = _load_folder(path, activation)
    elif path.suffix in FILES or path.exists():
        model = _load_file(path, architecture, activation)
    else:
        model = _load_name(str(weights), activation)
    if activation is not None:
        model = activations.with_activation(model, activation)
    model.clip.to(device).eval()
    return replace(model, name=name or model.name)


def _load_name(name: str, activation: str | None) -> Model:
    import open_clip

    architectures.register()
    if name.startswith(PLACES):
        return build_model(name, how=None)
    base, _, tag = name.rpartition("/")
    if not base or name.startswith((".", "/", "~")):
        raise CheckpointError(f"{name}: no such file, and not a name like ViT-B-32/laion2b_s34b_b79k")
    if base in open_clip.list_models() or difflib.get_close_matches(base, open_clip.list_models(), 1, cutoff=0.75):
        with warnings.catch_warnings():
            if activation is not None:
                warnings.simplefilter("ignore")  # of the architecture's own activation, which is not the one asked for
            model = build_model(base, pretrained=tag, how=None)
        if activation is not None:
            reason = f"{tag}'s weights were trained with it"
            activations.warn_if_other(name, activation, trained_with(base, tag), reason, stacklevel=4)
        return model
    return _converted(huggingface.read_hub(name), name, activation)


def _load_folder(path: Path, activation: str | None) -> Model:
    if (path / "open_clip_config.json").is_file():
        return build_model(f"local-dir:{path}", how=None)
    return _converted(huggingface.read_folder(path), str(path), activation)


def _converted(found: huggingface.Checkpoint, name: str, activation: str | None) -> Model:
    """Return the model of a checkpoint in Hugging Face's format, under the activation that its config.json says."""
    computed = activations.activation(found.architecture)
    if activation is not None:
        activations.warn_if_other(name, activation, computed, "config.json says so", stacklevel=4)
    elif about := activations.published(name) or activations.published(found.origin):
        activations.warn_if_other(name, computed, *about, stacklevel=4)
    model = build_model(found.architecture)
    _fill(model, found.state, name)
    shown = Path(name).name if Path(name).is_dir() else name
    return Model(model.clip, found.architecture, found.preprocess, shown, {"activation": computed})


def _load_file(path: Path, architecture: str | None, activation: str | None) -> Model:
    header, checkpoint = _read(path)
    said = activations.stated(checkpoint)
    key, release = OPEN_FASHION_CLIP
    if key in checkpoint:
        checkpoint, architecture = checkpoint[key], architecture or release
    state = checkpoint.get("state_dict", checkpoint)
    said = said or activations.stated(state)
    found = header.get("architecture", architecture and activations.plain(architecture))
    if found is None:
        raise CheckpointError(f"{path}: does not say its architecture; name it, for example architecture='ViT-B-32'")
    if architecture and found != activations.plain(architecture):
        raise CheckpointError(f"{path}: holds {found}, not {architecture}; name the right weights or architecture")
    if "configuration" in header:
        architectures.add(found, json.loads(header["configuration"]))
    model = build_model(found, how="pad" if header else None)
    if header:
        said = activations.activation(found)
    computed = activation or activations.activation(found)
    activations.warn_if_other(str(path), computed, said, "the file says so", stacklevel=4)
    state = {key.removeprefix("module."): value for key, value in state.items() if key not in NO_WEIGHTS}
    _fill(model, state, str(path))
    preprocess = model.preprocess
    if "preprocess" in header:
        values = json.loads(header["preprocess"])
        preprocess = Preprocess(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})
    notes = json.loads(header.get("notes", "{}"))
    return Model(model.clip, found, preprocess, notes.get("name", path.stem), notes)


def _fill(model: Model, state: dict[str, Any], name: str) -> None:
    if "logit_bias" in state:
        add_bias(model.clip)
    try:
        model.clip.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise CheckpointError(f"{name}: not the weights of {model.architecture}: {reason}") from error


def _read(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the header of a file of weights, empty but for safetensors, and what it holds."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file; train one with `ofclip train`, or name another")
    if path.suffix != ".safetensors":
        return {}, read_pt(path)
    return read_safetensors(path)

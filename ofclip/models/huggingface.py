"""Checkpoints in Hugging Face's CLIP format, as FashionCLIP's is, under open_clip's names.

Names, defaults and rules are those of `transformers`, which the tests compare outputs with; it is not needed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ofclip.errors import CheckpointError
from ofclip.files import digest
from ofclip.models import activations, architectures
from ofclip.models.building import unreachable
from ofclip.models.files import read_pt, read_safetensors
from ofclip.models.preprocess import Preprocess

if TYPE_CHECKING:
    import torch

#: What config.json leaves out has these values; `transformers` writes only what differs from them.
TEXT = {
    "vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12,
    "num_attention_heads": 8, "max_position_embeddings": 77, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
    "eos_token_id": 49407,
}  # fmt: skip
VISION = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "num_channels": 3, "image_size": 224, "patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
}  # fmt: skip
PICTURES = {
    "do_resize": True, "size": {"shortest_edge": 224}, "resample": 3, "do_center_crop": True, "crop_size": 224,
    "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
}  # fmt: skip
#: Pillow's number of an interpolation -> its name here.
RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
#: CLIP's end of text: its number, and 2, which older files say by mistake and `transformers` reads as the highest.
END_OF_TEXT = (49407, 2)
#: Where weights lie, the first that is there: whole, or in shards that an index lists.
WEIGHTS = (
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
)  # fmt: skip

#: Names of the two towers' parts, in order: theirs, ours.
RENAMED = (
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.", "visual.conv1."),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm(\d)\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.self_attn\.([qkv])_proj\.", r".attn.\1."),
)


@dataclass(frozen=True)
class Checkpoint:
    """Weights under open_clip's names, the architecture that they fit, and the way their pictures are prepared.

    `origin` is what config.json calls the checkpoint, mostly the hub name of the one that it was made from.
    """

    origin: str
    architecture: str
    preprocess: Preprocess
    state: dict[str, torch.Tensor]


def read_hub(name: str) -> Checkpoint:
    """Read a checkpoint by its hub name, "owner/model", from the hub's cache or over the network.

    Raises CheckpointError if it is in neither, which says how to obtain it.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    def fetch(file: str) -> Path | None:
        try:
            return Path(hf_hub_download(name, file))
        except LocalEntryNotFoundError as error:
            if file == "config.json":
                raise unreachable(name, error) from error
            return None
        except EntryNotFoundError:
            return None
        except Exception as error:  # of the network, or a name that the hub does not have
            raise unreachable(name, error) from error

    return _read(name, fetch)


def read_folder(folder: Path) -> Checkpoint:
    """Read a checkpoint from a folder; raises CheckpointError that names the file which is missing or odd."""

    def fetch(file: str) -> Path | None:
        return folder / file if (folder / file).is_file() else None

    return _read(str(folder), fetch)


def _read(name: str, fetch: Callable[[str], Path | None]) -> Checkpoint:
    config = _json(name, fetch("config.json"))
    if config.get("model_type") != "clip":
        raise CheckpointError(
            f"{name}: config.json describes a {config.get('model_type') or 'model of no type'}, not a CLIP "
            "(model_type 'clip'); name another folder"
        )
    architecture = describe(name, config)
    pictures = fetch("preprocessor_config.json")
    side = {**VISION, **(config.get("vision_config") or {})}["image_size"]
    known = {"size": side, "crop_size": side} if pictures is None else _json(name, pictures)
    preprocess = prepare(name, known, side)
    return Checkpoint(config.get("_name_or_path") or "", architecture, preprocess, convert(_weights(name, fetch)))


def _json(name: str, path: Path | None) -> dict[str, Any]:
    if path is None:
        raise CheckpointError(f"{name}: has no config.json, so it is no checkpoint in Hugging Face's format")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: not JSON ({error}); fetch it again") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: holds a {type(found).__name__}, not a table; fetch it again")
    return found


def _weights(name: str, fetch: Callable[[str], Path | None]) -> dict[str, torch.Tensor]:
    for file in WEIGHTS:
        path = fetch(file)
        if path is None:
            continue
        if not file.endswith(".index.json"):
            return _tensors(path)
        state: dict[str, torch.Tensor] = {}
        shards = sorted(set(_json(name, path).get("weight_map", {}).values()))
        for shard in shards:
            found = fetch(shard) if Path(shard).name == shard else None
            if found is None:
                raise CheckpointError(f"{path}: lists {shard}, which is not there; fetch it too")
            state |= _tensors(found)
        return state
    raise CheckpointError(f"{name}: has none of {', '.join(WEIGHTS)}; fetch one of them")


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return read_safetensors(path)[1] if path.suffix == ".safetensors" else read_pt(path)


def describe(name: str, config: dict[str, Any]) -> str:
    """Return open_clip's name of the architecture that a config.json describes, making it known if it is new.

    Raises CheckpointError for what open_clip's CLIP cannot compute: towers of different or other activations, other
    than three channels, or a text tower for another vocabulary than CLIP's.
    """
    text = {**TEXT, **(config.get("text_config") or {}), **(config.get("text_config_dict") or {})}
    vision = {**VISION, **(config.get("vision_config") or {}), **(config.get("vision_config_dict") or {})}
    acts = {text["hidden_act"], vision["hidden_act"]}
    if len(acts) > 1 or acts - {activations.GELU, activations.QUICK_GELU}:
        raise CheckpointError(
            f"{name}: hidden_act is {vision['hidden_act']} for pictures and {text['hidden_act']} for texts; only "
            "gelu or quick_gelu for both can be loaded"
        )
    if text["eos_token_id"] not in END_OF_TEXT or text["vocab_size"] != TEXT["vocab_size"]:
        raise CheckpointError(
            f"{name}: vocab_size {text['vocab_size']} and eos_token_id {text['eos_token_id']} are not those of "
            "CLIP's tokenizer, the only one that can be loaded"
        )
    if vision["num_channels"] != 3:
        raise CheckpointError(f"{name}: num_channels is {vision['num_channels']}; pictures have 3")
    heads = vision["hidden_size"] // vision["num_attention_heads"]
    made = {
        "embed_dim": config.get("projection_dim") or 512,
        "vision_cfg": {
            "image_size": vision["image_size"],
            "layers": vision["num_hidden_layers"],
            "width": vision["hidden_size"],
            "patch_size": vision["patch_size"],
            **_rest(vision, {"head_width": heads} if heads != 64 else {}),
        },
        "text_cfg": {
            "context_length": text["max_position_embeddings"],
            "vocab_size": text["vocab_size"],
            "width": text["hidden_size"],
            "heads": text["num_attention_heads"],
            "layers": text["num_hidden_layers"],
            **_rest(text, {}),
        },
    }
    if activations.QUICK_GELU in acts:
        made["quick_gelu"] = True
    return _known(made) or architectures.add(f"hf-{digest(json.dumps(made, sort_keys=True))}", made)


def _rest(tower: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a tower that open_clip's configurations leave out where they are as usual."""
    if tower["intermediate_size"] != 4 * tower["hidden_size"]:
        more["mlp_ratio"] = tower["intermediate_size"] / tower["hidden_size"]
    if tower["layer_norm_eps"] != 1e-5:
        more["norm_kwargs"] = {"eps": tower["layer_norm_eps"]}
    return more


def _known(made: dict[str, Any]) -> str | None:
    import open_clip

    same = (name for name in open_clip.list_models() if open_clip.get_model_config(name) == made)
    return next((name for name in same if architectures.shipped(name)), None)


def prepare(name: str, config: dict[str, Any], side: int) -> Preprocess:
    """Return what a preprocessor_config.json says, for a model whose pictures have `side` pixels.

    Raises CheckpointError for pictures that do not come out square, or of another side.
    """
    known = {**PICTURES, **{key: value for key, value in config.items() if value is not None}}
    size, crop = (_sides(known[key]) for key in ("size", "crop_size"))
    known_filter = known["resample"] in RESAMPLE
    plain = known["do_resize"] and known["do_rescale"] and abs(known["rescale_factor"] * 255 - 1) < 1e-3
    if len(size) == 1 and known["do_center_crop"]:
        rule, made = "crop-down", (size[0], *crop)
    else:
        rule, made = "squash", size if len(size) == 2 else ()
    if not (plain and known_filter) or set(made) != {side}:
        raise CheckpointError(
            f"{name}: preprocessor_config.json asks for pictures that cannot be made here (resized to {size}, cropped "
            f"to {crop if known['do_center_crop'] else None}, resample {known['resample']}, for a model of {side} "
            "pixels); only resize and crop, or squash, to the model's own size"
        )
    levels = known if known["do_normalize"] else {"image_mean": (0.0,) * 3, "image_std": (1.0,) * 3}
    interpolation = RESAMPLE[known["resample"]]
    how = rule if interpolation == "bicubic" else f"{rule} {interpolation}"
    return Preprocess(side, tuple(levels["image_mean"]), tuple(levels["image_std"]), how)


def _sides(size: int | dict[str, int]) -> tuple[int, ...]:
    """Return the sides that a size in one of its forms names: the shorter one alone, or both."""
    if isinstance(size, int):
        return (size,)
    return tuple(size[key] for key in ("shortest_edge", "height", "width") if size.get(key) is not None)


def convert(theirs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights under open_clip's names.

    The three projections of attention become one, and those into the common space are transposed. Positions, which
    older files list as weights, are left out; any other name goes through as it is, and will be refused.
    """
    import torch

    state: dict[str, torch.Tensor] = {}
    for key, value in theirs.items():
        if key.endswith(".position_ids"):
            continue
        if key in ("visual_projection.weight", "text_projection.weight"):
            state["visual.proj" if key.startswith("visual") else "text_projection"] = value.T.contiguous()
            continue
        for pattern, replacement in RENAMED:
            key = re.sub(pattern, replacement, key)
        state[key] = value
    for key in [key for key in state if ".attn.q." in key]:
        parts = [key.replace(".attn.q.", f".attn.{part}.") for part in "qkv"]
        if all(part in state for part in parts):
            state[key.replace(".attn.q.", ".attn.in_proj_")] = torch.cat([state.pop(part) for part in parts])
    return state

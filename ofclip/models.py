"""open_clip models: build by name, load, save, encode."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ofclip.errors import CheckpointError, SettingError, unknown
from ofclip.files import atomic
from ofclip.tensors import write_tensors

if TYPE_CHECKING:
    import torch

CONFIGS = Path(__file__).parent / "model_configs"
#: Smallest deviation, in levels of 255, by which "own" levels divide: an even picture has no noise to blow up.
LEAST_CONTRAST = 8.0


@dataclass(frozen=True)
class Preprocess:
    """How a picture becomes an input: side in pixels, how it is fitted, and the mean and deviation of each channel.

    "pad" keeps the whole garment, which a centre crop ("crop", CLIP's own) would cut at neck and hem. With
    `levels="own"` each picture's own mean and deviation, over all its pixels and channels, are used in place of
    the fixed ones: photographs from elsewhere are darker than a shop's on white, and a small model that was
    trained on the one reads nothing else out of the other (our choice; CLIP's models have "fixed" levels).
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    how: str = "pad"
    levels: str = "fixed"


@dataclass(frozen=True)
class Model:
    """An open_clip model, its tokenizer and the way its pictures are prepared.

    `architecture` is the name under which open_clip builds it; `name` says which weights these are.
    """

    clip: torch.nn.Module
    architecture: str
    preprocess: Preprocess
    name: str = "untrained"
    notes: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def tokenizer(self):
        """The tokenizer that open_clip pairs with the architecture."""
        import open_clip

        register()
        return open_clip.get_tokenizer(self.architecture)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of architecture, preprocessing and every weight: equal only for models that compute the same."""
        total = hashlib.sha256(f"{self.architecture} {self.preprocess}".encode())
        for key, tensor in sorted(self.clip.state_dict().items()):
            total.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}".encode())
            total.update(np.ascontiguousarray(tensor.detach().cpu().contiguous().float().numpy()))
        return total.hexdigest()[:16]

    def encode_images(self, pixels: np.ndarray, batch: int = 256) -> np.ndarray:
        """Return unit vectors (n, d) float32 of pictures (n, size, size, 3) uint8."""
        return self._encode(pixels, batch, lambda part: self.clip.encode_image(self.inputs(part), normalize=True))

    def encode_texts(self, texts: Sequence[str], batch: int = 512) -> np.ndarray:
        """Return unit vectors (n, d) float32 of texts, each cut at the context length."""

        def encode(part):
            tokens = self.tokenizer(list(part)).to(next(self.clip.parameters()).device)
            return self.clip.encode_text(tokens, normalize=True)

        return self._encode(texts, batch, encode)

    def inputs(self, pixels: np.ndarray) -> torch.Tensor:
        """Return the model's input (n, 3, size, size) float32, channels last, of pictures (n, size, size, 3) uint8."""
        import torch

        device = next(self.clip.parameters()).device
        return normalise(torch.from_numpy(np.array(pixels)).to(device), self.preprocess)  # caches are read-only

    def _encode(self, items, batch, encode) -> np.ndarray:
        import torch

        modes = {module: module.training for module in self.clip.modules()}
        self.clip.eval()
        try:
            with torch.inference_mode():
                parts = [encode(items[i : i + batch]).float().cpu() for i in range(0, len(items), batch)]
        finally:
            for module, training in modes.items():
                module.training = training  # `train(True)` would wake norms that are to keep their statistics
        width = parts[0].shape[1] if parts else 0
        return torch.cat(parts).numpy() if parts else np.zeros((0, width), np.float32)


def normalise(pixels: torch.Tensor, preprocess: Preprocess) -> torch.Tensor:
    """Return float32 inputs (n, 3, h, w) in channels-last memory of pictures (n, h, w, 3) uint8."""
    if preprocess.levels == "own":
        values = pixels.to(_float32())
        mean = values.mean(dim=(1, 2, 3), keepdim=True)
        std = values.std(dim=(1, 2, 3), keepdim=True, correction=0).clamp_min(LEAST_CONTRAST)
        return ((values - mean) / std).permute(0, 3, 1, 2)
    mean = pixels.new_tensor(preprocess.mean, dtype=_float32()) * 255
    std = pixels.new_tensor(preprocess.std, dtype=_float32()) * 255
    # NHWC in, so a permuted view is channels-last already: the layout in which CPU convolutions are fastest
    return ((pixels - mean) / std).permute(0, 3, 1, 2)


def _float32():
    import torch

    return torch.float32


def register() -> None:
    """Make this package's configurations known to open_clip, so that `create_model` builds them by name."""
    import open_clip

    if not set(own_architectures()) <= set(open_clip.list_models()):
        open_clip.add_model_config(CONFIGS)


def own_architectures() -> list[str]:
    """Names of the configurations that this package adds to open_clip's."""
    return sorted(path.stem for path in CONFIGS.glob("*.json"))


def build_model(architecture: str, seed: int = 0, pretrained: str | None = None, how: str = "pad") -> Model:
    """Build an open_clip model by architecture name, with fresh weights drawn from `seed` or a `pretrained` tag.

    Raises SettingError with the nearest known name if open_clip has no such architecture or tag.

    >>> build_model("ofclip-RN-16-64").preprocess.size                     # doctest: +SKIP
    64
    """
    import open_clip
    import torch

    register()
    local = architecture.startswith(("local-dir:", "hf-hub:"))
    if not local and architecture not in open_clip.list_models():
        raise unknown("architecture", architecture, open_clip.list_models())
    tags = [] if local else open_clip.list_pretrained_tags_by_model(architecture)
    if pretrained and pretrained not in tags:
        raise unknown(f"pretrained tag of {architecture}", pretrained, tags or ["(none)"])
    if pretrained == "openai" and "quickgelu" not in architecture:
        warnings.warn(
            f"OpenAI's weights were trained with QuickGELU: {architecture} loads them but scores differently; "
            f"use {architecture}-quickgelu",
            stacklevel=2,
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        clip = open_clip.create_model(architecture, pretrained=pretrained)
    cfg = open_clip.get_model_preprocess_cfg(clip)
    size = cfg["size"] if isinstance(cfg["size"], int) else cfg["size"][0]
    levels = "own" if architecture in own_architectures() else "fixed"
    preprocess = Preprocess(size, tuple(cfg["mean"]), tuple(cfg["std"]), how, levels)
    return Model(clip, architecture, preprocess, f"{architecture}/{pretrained}" if pretrained else "untrained")


def add_bias(clip: torch.nn.Module) -> None:
    """Give a CLIP the bias of a sigmoid loss if it has none, and the start that goes with it: scale 10, bias -10.

    Those are SigLIP's (Zhai et al. 2023): nearly all pairs are negatives, and the first steps need not learn that.
    """
    import torch

    if getattr(clip, "logit_bias", None) is None:
        clip.logit_bias = torch.nn.Parameter(torch.tensor(-10.0))
        with torch.no_grad():
            clip.logit_scale.fill_(np.log(10))


def save_model(model: Model, path: str | Path, **notes: Any) -> Path:
    """Write the weights as safetensors, whole or not at all; the header has architecture, preprocessing and notes."""
    header = {
        "architecture": model.architecture,
        "preprocess": json.dumps(vars(model.preprocess)),
        "notes": json.dumps({**model.notes, **notes}),
    }
    tensors = {key: value.detach().cpu().contiguous() for key, value in model.clip.state_dict().items()}
    with atomic(path) as temporary:
        write_tensors(tensors, temporary, header)
    return Path(path)


def load_model(
    weights: str | Path, architecture: str | None = None, device: str = "cpu", name: str | None = None
) -> Model:
    """Load a model from a safetensors file of ours, from a .pt, or by open_clip name ("ViT-B-32/laion2b_s34b_b79k").

    A `.pt` is loaded with `weights_only=True`, so it cannot run code; OpenFashionCLIP's release keeps its
    weights under the key "CLIP" and is a ViT-B-32. Other files without our header need `architecture`.
    Raises CheckpointError if the file is missing, damaged or of another architecture.
    """
    path = Path(weights)
    if path.suffix in (".safetensors", ".pt", ".pth", ".bin") or path.exists():
        model = _load_file(path, architecture)
    else:
        base, _, tag = str(weights).rpartition("/") if "/" in str(weights) else (str(weights), "", "")
        if str(weights).startswith(("local-dir:", "hf-hub:")):
            base, tag = str(weights), ""
        elif not tag:
            raise CheckpointError(f"{weights}: no such file, and not a name like ViT-B-32/laion2b_s34b_b79k")
        model = build_model(base, pretrained=tag or None, how="crop")
    model.clip.to(device).eval()
    return Model(model.clip, model.architecture, model.preprocess, name or model.name, model.notes)


def _load_file(path: Path, architecture: str | None) -> Model:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file; train one with `ofclip train`, or name another")
    header: dict[str, str] = {}
    try:
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        else:
            state = _read_pt(path)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path}: damaged, or not a file of weights ({str(error).splitlines()[0]})") from error
    if "CLIP" in state:  # OpenFashionCLIP's release
        state, architecture = state["CLIP"], architecture or "ViT-B-32"
    state = state.get("state_dict", state)
    found = header.get("architecture", architecture)
    if found is None:
        raise CheckpointError(f"{path}: does not say its architecture; name it, for example architecture='ViT-B-32'")
    if architecture and found != architecture:
        raise CheckpointError(f"{path}: holds {found}, not {architecture}; name the right weights or architecture")
    model = build_model(found, how="crop" if not header else "pad")
    state = {key.removeprefix("module."): value for key, value in state.items()}
    if "logit_bias" in state:
        add_bias(model.clip)
    try:
        model.clip.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise CheckpointError(f"{path}: not the weights of {found}: {reason}") from error
    preprocess = model.preprocess
    if "preprocess" in header:
        values = json.loads(header["preprocess"])
        preprocess = Preprocess(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})
    notes = json.loads(header.get("notes", "{}"))
    return Model(model.clip, found, preprocess, notes.get("name", path.stem), notes)


def _read_pt(path: Path) -> dict[str, Any]:
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors, so loading it could run code; have it converted to safetensors"
        ) from error
    if not isinstance(state, dict):
        raise SettingError(f"{path}: holds {type(state).__name__}, not a table of weights")
    return state

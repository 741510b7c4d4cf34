"""Build open_clip models by name, with fresh or published weights."""

from __future__ import annotations

import warnings

import numpy as np

from ofclip.errors import CheckpointError, SettingError, unknown
from ofclip.models import activations, architectures
from ofclip.models.model import Clip, Model
from ofclip.models.preprocess import Preprocess

#: open_clip's ways of resizing -> ours, which give the same pixels.
RESIZES = {"shortest": "crop", "squash": "squash"}
#: What begins a name that open_clip looks up in a folder or on the hub.
PLACES = ("local-dir:", "hf-hub:")


def build_model(architecture: str, seed: int = 0, pretrained: str | None = None, how: str | None = "pad") -> Model:
    """Build an open_clip model by architecture name, with fresh weights drawn from `seed` or a `pretrained` tag.

    `how` is the rule by which its pictures are fitted, None for the one that open_clip pairs with the weights. Warns
    if the weights were trained with another activation. Raises SettingError with the nearest known name if open_clip
    has no such architecture or tag, and CheckpointError for weights that are neither here nor can be fetched.

    >>> build_model("ofclip-RN-16-64").preprocess.size                     # doctest: +SKIP
    64
    """
    import open_clip
    import torch

    architectures.register()
    elsewhere = architecture.startswith(PLACES)
    if not elsewhere and architecture not in open_clip.list_models():
        raise unknown("architecture", architecture, open_clip.list_models())
    tags = [] if elsewhere else open_clip.list_pretrained_tags_by_model(architecture)
    if pretrained and pretrained not in tags:
        raise unknown(f"pretrained tag of {architecture}", pretrained, tags or ["(none)"])
    name = f"{architecture}/{pretrained}" if pretrained else "untrained"
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="QuickGELU mismatch")  # ours says what to do
        torch.manual_seed(seed)
        try:
            # a name in a folder or on the hub stands for its weights: without them it would start from chance
            clip = open_clip.create_model(architecture, pretrained=pretrained, require_pretrained=elsewhere)
        except Exception as error:  # of the hub, of the file, of a library that a tokenizer or tower asks for
            if not (elsewhere or pretrained):
                raise
            raise unreachable(architecture if elsewhere else name, error) from error
    if pretrained:
        computed, trained = activations.activation(architecture), trained_with(architecture, pretrained)
        activations.warn_if_other(name, computed, trained, f"{pretrained}'s weights were trained with it")
    cfg = open_clip.get_model_preprocess_cfg(clip)
    size = cfg["size"] if isinstance(cfg["size"], int) else cfg["size"][0]
    levels = "own" if architecture in architectures.own_architectures() else "fixed"
    preprocess = Preprocess(size, tuple(cfg["mean"]), tuple(cfg["std"]), how or _rule(architecture, cfg), levels)
    return Model(clip, architecture, preprocess, architecture if elsewhere else name)


def _rule(architecture: str, cfg: dict[str, str]) -> str:
    mode, interpolation = cfg.get("resize_mode") or "shortest", cfg.get("interpolation") or "bicubic"
    if mode not in RESIZES or interpolation not in ("bicubic", "bilinear"):
        raise SettingError(f"{architecture}: pictures resized by {mode}, {interpolation}: choose a rule with how=...")
    return RESIZES[mode] + ("" if interpolation == "bicubic" else f" {interpolation}")


def trained_with(architecture: str, pretrained: str) -> str:
    """Return the activation that the weights of one of open_clip's tags were trained with, as open_clip lists it."""
    from open_clip.pretrained import get_pretrained_cfg

    quick = get_pretrained_cfg(architecture, pretrained).get("quick_gelu", False)
    return activations.QUICK_GELU if quick else activations.GELU


def unreachable(name: str, error: Exception) -> CheckpointError:
    """Return the error for published weights that are neither here nor can be fetched."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return CheckpointError(
        f"{name}: cannot be loaded from here or from the hub ({reason}); fetch it where there is a network, as "
        "`ofclip models` says, and name the file or folder, or copy the hub's cache ($HF_HOME) here"
    )


def add_bias(clip: Clip) -> None:
    """Give a CLIP the bias of a sigmoid loss if it has none, and the start that goes with it: scale 10, bias -10.

    Those are SigLIP's (Zhai et al. 2023): nearly all pairs are negatives, and the first steps need not learn that.
    """
    import torch

    if getattr(clip, "logit_bias", None) is None:
        clip.logit_bias = torch.nn.Parameter(torch.tensor(-10.0))
        with torch.no_grad():
            clip.logit_scale.fill_(np.log(10))

"""GELU or QuickGELU: which one a model computes, which one its weights were trained with, and the other one.

The weights do not say it: they load under either, and score differently under the wrong one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from ofclip.errors import SettingError, unknown
from ofclip.models import architectures
from ofclip.models.model import Model

GELU, QUICK_GELU = "gelu", "quick_gelu"
#: How open_clip's names of architectures with QuickGELU end.
SUFFIX = "-quickgelu"
#: Beginning of a hub name -> what its weights, or those that they were fine-tuned from, were trained with.
TRAINED_WITH = {
    "openai/clip-": (QUICK_GELU, "OpenAI's weights were trained with it"),
    "laion/CLIP-ViT-": (GELU, "LAION's weights were trained with it"),
    # the model card of version 2.0 names LAION-2B's ViT-B/32; that of version 1.0, OpenAI's
    "patrickjohncyh/fashion-clip": (GELU, "FashionCLIP 2.0 was fine-tuned from LAION-2B's weights, which have it"),
}
#: Where checkpoints keep what they say of themselves, beside their weights.
NOTES = ("notes", "args", "config", "hparams", "params")


def activation(architecture: str) -> str:
    """Return "gelu" or "quick_gelu": what the transformers of an architecture compute.

    >>> activation("ViT-B-32"), activation("ViT-B-32-quickgelu")
    ('gelu', 'quick_gelu')
    """
    config = architectures.configuration(architecture) or {}
    return QUICK_GELU if config.get("quick_gelu") else GELU


def variant(architecture: str, wanted: str) -> str:
    """Return the name of an architecture that differs in its activation alone; open_clip can build it then.

    Raises SettingError for another activation than "gelu" and "quick_gelu".

    >>> variant("ViT-B-32", "quick_gelu"), variant("ViT-B-32-quickgelu", "gelu")
    ('ViT-B-32-quickgelu', 'ViT-B-32')
    """
    if wanted not in (GELU, QUICK_GELU):
        raise unknown("activation", wanted, (GELU, QUICK_GELU))
    if activation(architecture) == wanted:
        return architecture
    name = architecture.rpartition(":")[2].rpartition("/")[2]
    name = name + SUFFIX if wanted == QUICK_GELU else name.removesuffix(SUFFIX)
    config = architectures.configuration(architecture)
    if config is None:
        raise SettingError(f"{architecture}: open_clip has no such architecture, so none with another activation")
    if wanted == GELU and name == architecture:
        name = f"{architecture}-gelu"
    return architectures.add(name, {**config, "quick_gelu": wanted == QUICK_GELU})


def with_activation(model: Model, wanted: str) -> Model:
    """Return the same weights under "gelu" or "quick_gelu" in every transformer; convolutions keep what they have.

    A copy, unless the model has that activation. Raises SettingError for any other name.
    """
    from ofclip.models.building import add_bias, build_model

    name = variant(model.architecture, wanted)
    if name == model.architecture:
        return model
    clip = build_model(name).clip.to(next(model.clip.parameters()).device)
    state = model.clip.state_dict()
    if "logit_bias" in state:
        add_bias(clip)
    clip.load_state_dict(state)
    return Model(clip.eval(), name, model.preprocess, model.name, {**model.notes, "activation": wanted})


def stated(checkpoint: Mapping[str, Any]) -> str | None:
    """Return the activation that a checkpoint says its weights were trained with, None if it says nothing.

    It may say so in a name ("model": "ViT-B-32-quickgelu") or a flag ("force_quick_gelu": True), as open_clip's
    settings have it, or as "activation" or "hidden_act", beside the weights or among its notes. OpenAI's own tables
    of weights have three entries more than others, by which they are known.
    """
    if {"input_resolution", "context_length", "vocab_size"} <= set(checkpoint):
        return QUICK_GELU
    for notes in (checkpoint, *(checkpoint[key] for key in NOTES if isinstance(checkpoint.get(key), Mapping))):
        for key in ("activation", "hidden_act"):
            if notes.get(key) in (GELU, QUICK_GELU):
                return notes[key]
        for key in ("quick_gelu", "force_quick_gelu"):
            if isinstance(notes.get(key), bool) and (notes[key] or key == "quick_gelu"):
                return QUICK_GELU if notes[key] else GELU
        for key in ("architecture", "model", "model_name"):
            if isinstance(notes.get(key), str) and architectures.configuration(plain(notes[key])) is not None:
                return activation(plain(notes[key]))
    return None


def plain(name: str) -> str:
    """Return open_clip's spelling of an architecture's name.

    >>> plain("ViT-B/32")
    'ViT-B-32'
    """
    return name.replace("/", "-")


def published(name: str) -> tuple[str, str] | None:
    """Return what the weights of a hub name, or of a path that ends with it, were trained with, and who says so."""
    found = str(name).replace("\\", "/").replace("models--", "").replace("--", "/")
    return next((value for start, value in TRAINED_WITH.items() if start in found), None)


def warn_if_other(name: str, computed: str, trained: str | None, reason: str, stacklevel: int = 3) -> None:
    """Warn that weights are loaded under another activation than they were trained with."""
    if trained is not None and trained != computed:
        warnings.warn(
            f"{name}: loaded with {computed}, but {trained} is what it should have: {reason}. The same weights score "
            f"differently; load_model(..., activation={trained!r}) takes the other",
            stacklevel=stacklevel,
        )

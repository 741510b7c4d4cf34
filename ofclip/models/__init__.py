"""Models: build, load, save and convert open_clip models, and encode pictures and texts with them."""

from ofclip.models.activations import GELU, QUICK_GELU, activation, with_activation
from ofclip.models.architectures import CONFIGS, own_architectures, register
from ofclip.models.building import add_bias, build_model
from ofclip.models.loading import load_model, save_model
from ofclip.models.model import Model
from ofclip.models.preprocess import Preprocess, normalise

__all__ = [
    "CONFIGS", "GELU", "QUICK_GELU", "Model", "Preprocess", "activation", "add_bias", "build_model", "load_model",
    "normalise", "own_architectures", "register", "save_model", "with_activation",
]  # fmt: skip

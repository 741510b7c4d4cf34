"""Model: an open_clip model with its tokenizer and preprocessing, which encodes pictures and texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ofclip.models.architectures import register
from ofclip.models.preprocess import Preprocess, normalise

if TYPE_CHECKING:
    import torch

#: An open_clip CLIP or CustomTextCLIP; torch's types do not know the parts of a module.
Clip = Any


@dataclass(frozen=True)
class Model:
    """An open_clip model, its tokenizer and the way its pictures are prepared.

    `architecture` is the name under which open_clip builds it; `name` says which weights these are.
    """

    clip: Clip
    architecture: str
    preprocess: Preprocess
    name: str = "untrained"
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer that open_clip pairs with the architecture; models of one architecture share it."""
        return _tokenizer(self.architecture)

    @property
    def scale(self) -> float:
        """What cosines are multiplied by before the softmax that the model was trained with: 1 / temperature."""
        return float(self.clip.logit_scale.detach().exp())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of architecture, preprocessing and every weight: equal only for models that compute the same."""
        total = hashlib.sha256(f"{self.architecture} {self.preprocess}".encode())
        for key, tensor in sorted(self.clip.state_dict().items()):
            total.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}".encode())
            total.update(np.ascontiguousarray(tensor.detach().cpu().contiguous().float().numpy()).data)
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


@lru_cache
def _tokenizer(architecture: str) -> Any:
    import open_clip

    register()
    return open_clip.get_tokenizer(architecture)

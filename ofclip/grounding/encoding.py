"""Unit vectors of many pictures, of a ViT's for less: what its last block makes of the patches is never used."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError
from ofclip.grounding.asking import evaluating
from ofclip.grounding.towers import kind
from ofclip.models import Model

#: Pictures at a time. What passes between two layers of a ViT-B/32 is then 10 MB at most, and stays in the cache.
BATCH, BATCH_OF_VIT = 64, 16


def encode(model: Model, pixels: np.ndarray) -> np.ndarray:
    """Return what `model.encode_images` does: unit vectors (n, d) float32 of pictures (n, s, s, 3) uint8.

    A CLIP ViT's vector is its class token's. In the last block this token looks at all others, but nobody looks at
    them again: only the class token passes through what follows there. With 12 blocks that saves one operation in 14.
    """
    if not _ends_in_class_token(model.clip.visual):
        return model.encode_images(pixels, batch=BATCH)
    import torch

    with torch.inference_mode(), evaluating(model.clip):
        parts = [_class_tokens(model, pixels[i : i + BATCH_OF_VIT]) for i in range(0, len(pixels), BATCH_OF_VIT)]
        return torch.nn.functional.normalize(torch.cat(parts), dim=-1).float().cpu().numpy()


def _ends_in_class_token(visual) -> bool:
    from open_clip.transformer import ResidualAttentionBlock

    try:
        return kind(visual) == "vit" and type(visual.transformer.resblocks[-1]) is ResidualAttentionBlock
    except SettingError:
        return False


def _class_tokens(model: Model, pixels: np.ndarray):
    """Return the projected class tokens (n, d) of pictures, as open_clip's `VisionTransformer.forward` does."""
    visual = model.clip.visual
    *blocks, last = visual.transformer.resblocks
    tokens = visual._embeds(model.inputs(pixels))
    for block in blocks:
        tokens = block(tokens)
    seen = last.ln_1(tokens)
    own = tokens[:, :1] + last.ls_1(last.attention(seen[:, :1], seen, seen))
    own = own + last.ls_2(last.mlp(last.ln_2(own)))
    return visual.ln_post(own[:, 0]) @ visual.proj

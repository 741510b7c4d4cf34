"""Patch-similarity maps: how near each place's own feature, projected as a whole picture's would be, is to a text.

Both towers are asked as MaskCLIP does (Zhou, Loy and Dai 2022, "Extract free dense labels from CLIP"), who keep the
weights as they are. A ResNet's attention pool is applied to one cell at a time: with all attention on that cell, its
value, projected, is the output. A ViT's patch tokens of the last block are normalised and projected as its class
token is; MaskCLIP takes the last block's values there instead, we its tokens (our choice: nothing is left out of
the model).
"""

from __future__ import annotations

import numpy as np

from ofclip.grounding.asking import asked, evaluating
from ofclip.grounding.towers import enlarge, kind
from ofclip.models import Model


def similarity_maps(
    model: Model, pixels: np.ndarray, vectors: np.ndarray, owner: np.ndarray, batch: int = 256
) -> np.ndarray:
    """Return cosine similarities (q, s, s) of each text vector with every place of its picture.

    Raises SettingError as `ofclip.grounding.asking.asked` does, and for a tower that is neither ResNet nor ViT.
    """
    pixels, vectors, owner = asked(model, pixels, vectors, owner)
    cells = np.concatenate([cell_vectors(model, pixels[i : i + batch]) for i in range(0, len(pixels), batch)])
    maps = np.einsum("qhwd,qd->qhw", cells[owner], vectors)
    return enlarge(maps, pixels.shape[1])


def cell_vectors(model: Model, pixels: np.ndarray) -> np.ndarray:
    """Return unit vectors (n, rows, columns, d) of the places of pictures (n, s, s, 3)."""
    import torch
    from torch.nn.functional import normalize

    visual = model.clip.visual
    with torch.inference_mode(), evaluating(model.clip):
        inputs = model.inputs(pixels)
        if kind(visual) == "resnet":
            found = visual.forward_intermediates(inputs, indices=1, intermediates_only=True)
            cells = found["image_intermediates"][0].permute(0, 2, 3, 1)
            pool = visual.attnpool
            places = pool.positional_embedding[1:].reshape(*cells.shape[1:3], -1)  # the first is the mean's
            cells = pool.c_proj(pool.v_proj(cells + places))
        else:
            found = visual.forward_intermediates(
                inputs, indices=1, normalize_intermediates=True, intermediates_only=True
            )
            cells = found["image_intermediates"][0].permute(0, 2, 3, 1) @ visual.proj
        return normalize(cells, dim=-1).float().cpu().numpy()

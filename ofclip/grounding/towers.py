"""The two kinds of image tower that can be looked into, and how their small maps become as large as the picture."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def kind(visual) -> str:
    """Return "resnet" or "vit" for an open_clip image tower; raises SettingError for any other."""
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.transformer import VisionTransformer

    if isinstance(visual, ModifiedResNet):
        return "resnet"
    if isinstance(visual, VisionTransformer) and visual.attn_pool is None and visual.pool_type == "tok":
        return "vit"
    raise SettingError(
        f"maps from inside a {type(visual).__name__} are not known, only from CLIP's ResNets and ViTs with a class "
        "token; occlusion maps work with every model"
    )


def enlarge(maps: np.ndarray, size: int) -> np.ndarray:
    """Return maps (q, h, w) as (q, size, size) float32: every pixel has the value of its cell.

    Nothing is interpolated (our choice; Grad-CAM's authors do): between four cells, as a small model has, the highest
    point would lie in a corner of the picture, which the model never said.
    """
    import torch
    from torch.nn.functional import interpolate

    small = torch.from_numpy(np.ascontiguousarray(maps, np.float32))[:, None]
    return interpolate(small, (size, size), mode="nearest-exact")[:, 0].numpy()

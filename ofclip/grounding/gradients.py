"""Grad-CAM: which places a picture's similarity to a text would change with (Selvaraju et al. 2017).

Each channel of a feature map is weighted by its mean gradient, the weighted channels are added up, and what is
negative is set to 0. The score is the cosine similarity of picture and text.
"""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError, unknown
from ofclip.grounding.asking import asked, evaluating
from ofclip.grounding.towers import enlarge, kind
from ofclip.models import Model

#: A ResNet's stages, coarse ones last.
STAGES = ("layer1", "layer2", "layer3", "layer4")


def gradient_maps(
    model: Model,
    pixels: np.ndarray,
    vectors: np.ndarray,
    owner: np.ndarray,
    layer: str | None = None,
    batch: int = 64,
) -> np.ndarray:
    """Return Grad-CAM's map (q, s, s) of each text vector on its picture.

    Of a ResNet the feature map is what the stage `layer` returns, by default the last. Of a ViT it is the patch
    tokens that enter the last block: those that leave it have no part in the class token, so no gradient. Raises
    SettingError as `ofclip.grounding.asking.asked` does, for another tower and for an unknown layer.
    """
    pixels, vectors, owner = asked(model, pixels, vectors, owner)
    tower = kind(model.clip.visual)
    if layer is not None and tower != "resnet":
        raise SettingError(f"layer {layer!r}: a ViT's maps come from its last block, leave the layer out")
    if layer is not None and layer not in STAGES:
        raise unknown("layer", layer, STAGES)
    parts = [
        _cams(model, tower, layer or STAGES[-1], pixels[owner[i : i + batch]], vectors[i : i + batch])
        for i in range(0, len(vectors), batch)
    ]
    return enlarge(np.concatenate(parts), pixels.shape[1])


def _cams(model: Model, tower: str, layer: str, pixels: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    import torch

    kept: list[torch.Tensor] = []

    def keep_input(_, inputs: tuple) -> tuple:
        kept.append(inputs[0])
        return inputs

    def keep_output(_, __, output: torch.Tensor) -> None:
        kept.append(output)

    visual = model.clip.visual
    if tower == "resnet":
        hook = getattr(visual, layer).register_forward_hook(keep_output)
    else:
        hook = visual.transformer.resblocks[-1].register_forward_pre_hook(keep_input)
    try:
        with torch.enable_grad(), evaluating(model.clip):
            inputs = model.inputs(pixels).requires_grad_()  # the weights may be frozen
            texts = torch.from_numpy(vectors).to(inputs.device)
            similarity = (model.clip.encode_image(inputs, normalize=True) * texts).sum()
            [gradient] = torch.autograd.grad(similarity, kept)
    finally:
        hook.remove()
    features = kept[0].detach()
    if tower == "vit":
        features, gradient = (_grid(tokens, visual.grid_size) for tokens in (features, gradient))
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * features).sum(dim=1).relu().float().cpu().numpy()


def _grid(tokens, grid: tuple[int, int]):
    """Return tokens (n, 1 + h w, d), class token first, as a feature map (n, d, h, w)."""
    return tokens[:, 1:].transpose(1, 2).unflatten(2, grid)

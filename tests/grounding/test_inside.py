"""Maps from inside the model: patch similarity and gradients, for both towers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

from ofclip.errors import SettingError
from ofclip.grounding import gradient_maps, similarity_maps
from ofclip.grounding.similarity import cell_vectors
from ofclip.grounding.towers import enlarge, kind
from ofclip.models import Model, build_model

NAMES = ("ofclip-RN-8-64", "ofclip-ViT-32-64")


@pytest.fixture(scope="module", params=NAMES)
def model(request) -> Model:
    made = build_model(request.param, seed=1)
    with torch.no_grad():
        for module in made.clip.visual.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.fill_(1.0)  # the last norm of a block starts at 0, so no stage would matter
    return made


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)


OWNER = np.array([2, 0, 2, 1])


def test_cells_of_a_resnet_are_the_attention_pool_with_all_attention_on_one(pixels) -> None:
    model = build_model("ofclip-RN-8-64", seed=1)
    visual, pool = model.clip.visual, model.clip.visual.attnpool
    model.clip.eval()
    with torch.inference_mode():
        x = visual.layer4(visual.layer3(visual.layer2(visual.layer1(visual.stem(model.inputs(pixels))))))
        tokens = x.flatten(2).permute(2, 0, 1)
        tokens = torch.cat([tokens.mean(dim=0, keepdim=True), tokens]) + pool.positional_embedding[:, None]
        for cell in range(4):
            hidden = torch.ones(len(pixels), 5, dtype=torch.bool)
            hidden[:, 1 + cell] = False
            pooled, _ = functional.multi_head_attention_forward(
                tokens[:1], tokens, tokens, tokens.shape[2], pool.num_heads, None,
                torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]), None, None, False, 0.0,
                pool.c_proj.weight, pool.c_proj.bias, training=False, key_padding_mask=hidden,
                use_separate_proj_weight=True, q_proj_weight=pool.q_proj.weight, k_proj_weight=pool.k_proj.weight,
                v_proj_weight=pool.v_proj.weight,
            )  # fmt: skip
            expected = functional.normalize(pooled[0], dim=-1).numpy()
            np.testing.assert_allclose(cell_vectors(model, pixels)[:, cell // 2, cell % 2], expected, atol=1e-5)


def test_cells_of_a_vit_are_its_tokens_projected_as_the_class_token_is(pixels) -> None:
    model = build_model("ofclip-ViT-32-64", seed=1)
    visual = model.clip.visual
    visual.output_tokens = True
    with torch.inference_mode():
        _, tokens = visual(model.inputs(pixels))
    expected = functional.normalize(tokens @ visual.proj, dim=-1).detach().numpy().reshape(3, 2, 2, 64)
    visual.output_tokens = False
    np.testing.assert_allclose(cell_vectors(model, pixels), expected, atol=1e-5)


def test_similarity_maps_are_cosines_of_the_pictures_cells(model, pixels, vectors) -> None:
    maps = similarity_maps(model, pixels, vectors * 5, OWNER, batch=2)
    cells = cell_vectors(model, pixels)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    small = np.stack([cells[picture] @ unit[query] for query, picture in enumerate(OWNER)])
    assert maps.shape == (4, 64, 64) and maps.dtype == np.float32
    np.testing.assert_allclose(maps[:, [0, 0, -1, -1], [0, -1, 0, -1]], small.reshape(4, 4), atol=1e-5)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), small.mean(axis=(1, 2)), atol=1e-5)


@pytest.mark.parametrize("layer", [None, "layer2"])
def test_gradient_maps_are_grad_cam(model, pixels, vectors, layer) -> None:
    """The weight of a channel is what a small step of the whole channel changes, divided by its places."""
    vit = kind(model.clip.visual) == "vit"
    if vit and layer:
        with pytest.raises(SettingError, match="a ViT's maps come from its last block"):
            gradient_maps(model, pixels, vectors, OWNER, layer)
        return
    visual = model.clip.visual
    unit = torch.from_numpy(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    model.clip.eval()
    with torch.no_grad():
        x = model.inputs(pixels[OWNER])
        if vit:
            feature = visual._embeds(x)
            for block in visual.transformer.resblocks[:-1]:
                feature = block(feature)
        else:
            feature = visual.stem(x)
            stages = (visual.layer1, visual.layer2, visual.layer3, visual.layer4)
            after = stages[2:] if layer else ()
            for stage in stages[: len(stages) - len(after)]:
                feature = stage(feature)

    def score(value: torch.Tensor) -> torch.Tensor:
        value = value.float()
        if vit:
            pooled = visual._pool(visual.transformer.resblocks[-1](value))[0] @ visual.proj
        else:
            for stage in after:
                value = stage(value)
            pooled = visual.attnpool(value)
        return (functional.normalize(pooled, dim=-1) * unit).sum(dim=1)

    feature = feature.requires_grad_()
    [gradient] = torch.autograd.grad(score(feature).sum(), feature)
    values = feature.detach()
    if vit:
        gradient, values = (t[:, 1:].transpose(1, 2).reshape(4, -1, 2, 2) for t in (gradient, values))
    cams = np.maximum(np.einsum("nc,nchw->nhw", gradient.mean(dim=(2, 3)).numpy(), values.numpy()), 0)
    assert cams.any()
    maps = gradient_maps(model, pixels, vectors, OWNER, layer, batch=3)
    np.testing.assert_allclose(maps, enlarge(cams, 64), atol=1e-4 * cams.max())


def test_maps_leave_the_model_as_it_was(model, pixels, vectors) -> None:
    clip = model.clip
    before = {name: value.clone() for name, value in clip.state_dict().items()}
    clip.train()
    clip.visual.requires_grad_(False)  # frozen weights must not hide the gradient
    first = gradient_maps(model, pixels, vectors, OWNER)
    similarity_maps(model, pixels, vectors, OWNER)
    assert all(module.training for module in clip.modules())
    clip.eval()
    clip.visual.requires_grad_(True)
    assert np.array_equal(gradient_maps(model, pixels, vectors, OWNER), first) and first.any()
    assert all(torch.equal(value, before[name]) for name, value in clip.state_dict().items())
    assert all(parameter.grad is None for parameter in clip.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in clip.visual.modules())


def test_what_cannot_be_looked_into_is_refused(pixels, vectors) -> None:
    vit, resnet = build_model("ofclip-ViT-32-64"), build_model("ofclip-RN-8-64")
    with pytest.raises(SettingError, match="a ViT's maps come from its last block"):
        gradient_maps(vit, pixels, vectors, OWNER, "layer2")
    with pytest.raises(SettingError, match="unknown layer 'layer5': did you mean 'layer"):
        gradient_maps(resnet, pixels, vectors, OWNER, "layer5")
    with pytest.raises(SettingError, match="from inside a SimpleNamespace are not known"):
        kind(SimpleNamespace())
    vit.clip.visual.pool_type = "avg"
    with pytest.raises(SettingError, match="from inside a VisionTransformer are not known"):
        similarity_maps(vit, pixels, vectors, OWNER)


def test_every_pixel_has_the_value_of_its_cell() -> None:
    maps = enlarge(np.array([[[0.0, 1.0], [2.0, 3.0]]]), 6)
    assert np.array_equal(maps[0], np.arange(4.0).reshape(2, 2).repeat(3, 0).repeat(3, 1))
    assert enlarge(np.eye(3)[None], 7).shape == (1, 7, 7)  # cells that no whole number of pixels fills

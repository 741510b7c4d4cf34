"""Vectors by way of the class token alone against the model's own."""

from __future__ import annotations

import numpy as np
import open_clip
import pytest

from ofclip.grounding import encoding
from ofclip.grounding.encoding import encode
from ofclip.models import build_model


@pytest.mark.parametrize("name", ["ofclip-ViT-32-64", "ofclip-RN-8-64"])
def test_vectors_are_the_models_own(name, monkeypatch) -> None:
    monkeypatch.setattr(encoding, "BATCH_OF_VIT", 4)
    model = build_model(name, seed=1)
    model.clip.train()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), dtype=np.uint8)
    found = encode(model, pixels)
    assert found.dtype == np.float32 and model.clip.visual.training
    np.testing.assert_allclose(found, model.encode_images(pixels), rtol=0, atol=1e-6)
    assert np.ptp(found, axis=0).max() > 1e-4  # the pictures differ


def test_only_the_class_token_passes_through_the_end_of_a_vit() -> None:
    model = build_model("ofclip-ViT-32-64", seed=1)
    blocks = model.clip.visual.transformer.resblocks
    lengths = []
    for block in blocks:
        block.mlp.register_forward_hook(lambda _, inputs, __: lengths.append(inputs[0].shape[1]))
    encode(model, np.zeros((2, 64, 64, 3), np.uint8))
    assert lengths == [5] * (len(blocks) - 1) + [1]


def test_a_vit_that_averages_its_patches_is_asked_as_it_is() -> None:
    vision = {"image_size": 64, "layers": 2, "width": 64, "patch_size": 32, "pool_type": "avg"}
    text = {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1}
    model = build_model("ofclip-ViT-32-64", seed=1)
    object.__setattr__(model, "clip", open_clip.CLIP(32, vision, text))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(encode(model, pixels), model.encode_images(pixels, batch=encoding.BATCH))

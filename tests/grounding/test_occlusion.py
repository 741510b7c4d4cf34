from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from PIL import Image

from ofclip.errors import SettingError
from ofclip.grounding import occlusion_maps
from ofclip.grounding.occlusion import bands, heat, occluded, occlusion, square
from ofclip.models import Preprocess, build_model, normalise

CLIP = Preprocess(224, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """fashion-clip's own module, with stand-ins for what it imports and a heat map does not use."""
    pytest.importorskip("fashion_clip")
    for name in ("annoy", "validators", "datasets", "fashion_clip.utils"):
        monkeypatch.setitem(sys.modules, name, MagicMock())
    monkeypatch.setattr(Image, "ANTIALIAS", Image.Resampling.LANCZOS, raising=False)  # gone since Pillow 10
    from fashion_clip import fashion_clip

    yield fashion_clip
    for name in [name for name in sys.modules if name.startswith("fashion_clip")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def encode():
    """A function of pictures (n, 224, 224, 3) that returns the unit vectors of a small random CLIP of transformers."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, patch_size=32,
        image_size=224, projection_dim=16, initializer_range=0.2,
    )  # fmt: skip
    clip = CLIPVisionModelWithProjection(config).eval()

    def run(pictures: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            pixels = normalise(torch.from_numpy(np.array(pictures)), CLIP)
            vectors = clip(pixel_values=pixels).image_embeds.numpy()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return run


def picture(size: tuple[int, int], seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize(("size", "pixel"), [((90, 120), 15), ((224, 224), 30), ((130, 61), 25)])
@pytest.mark.parametrize("sign", [1, -1])  # the whole picture's similarity is positive, and negative
def test_maps_are_those_of_fashion_clip(theirs, encode, tmp_path, size, pixel, sign) -> None:
    path = tmp_path / "picture.png"
    picture(size).save(path)
    text = np.random.default_rng(1).normal(size=16).astype(np.float32)
    text *= sign * np.sign(encode(square(Image.open(path))[None])[0] @ text)
    counted = []

    def images(pictures: list[Image.Image], batch_size: int) -> np.ndarray:
        counted.append(len(pictures))
        return np.concatenate([3 * encode(np.stack([np.asarray(one)])) for one in pictures])  # of any length

    own = SimpleNamespace(encode_images=images, encode_text=lambda texts, batch_size: text[None])
    expected, shown = theirs.FashionCLIP._get_heatmap(own, str(path), "a dress", pixel, 5)
    ours = square(Image.open(path))
    assert np.array_equal(ours, np.asarray(shown))
    [found] = occlusion(encode, ours, text[None] / np.linalg.norm(text), pixel)
    assert found.shape == (224, 224) and np.isfinite(expected).all() == found.any()  # where nothing is left: 0 / 0
    np.testing.assert_allclose(found[:, :, None].repeat(3, 2), np.nan_to_num(expected), rtol=0, atol=1e-4)
    assert counted == [1 + sum(map(len, bands(224, pixel)))]


def test_a_band_that_is_like_the_text_is_found_and_nothing_is_encoded_twice() -> None:
    """The text asks for red; rows 8 to 12 and columns 4 to 8 cross in a red square; the margin is grey."""
    red = np.full((16, 16, 3), 128, np.uint8)
    red[2:14, 2:14] = 10
    red[8:12, 4:8] = (250, 10, 10)
    calls = []

    def encode(pictures: np.ndarray) -> np.ndarray:
        calls.append(len(np.unique(pictures.reshape(len(pictures), -1), axis=0)))
        assert len(pictures) == calls[-1]
        redness = (pictures[..., 0] > 200).sum(axis=(1, 2)) / (1 + (pictures[..., 1] < 20).sum(axis=(1, 2)))
        return np.stack([redness, np.sqrt(1 - redness**2)], axis=1).astype(np.float32)

    found = occlusion(encode, red, np.array([[1.0, 0], [0, 1]], np.float32), 4)
    assert found.shape == (2, 16, 16) and len(calls) == 1 and calls[0] < 1 + sum(map(len, bands(16, 4)))
    assert found[0, 8:12, 4:8].min() == 1 and found[0, :8].max() < 1
    assert found[1, 8:12, 4:8].max() < found[1].max()


def test_masked_pictures_are_what_the_masks_leave() -> None:
    shown = np.random.default_rng(2).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    shown[:, :2] = 128
    rows, columns = bands(9, 2)
    pictures, which = occluded(shown, rows, columns)
    places = [(slice(None), slice(None))]
    places += [(slice(*band), slice(None)) for band in rows] + [(slice(None), slice(*band)) for band in columns]
    assert len(which) == len(places) and len(pictures) < len(places)
    for place, number in zip(places, which, strict=True):
        expected = np.full_like(shown, 128)
        expected[place] = shown[place]
        assert np.array_equal(pictures[number], expected)


def test_a_picture_of_nothing_but_grey_is_encoded_once_and_its_map_is_nothing() -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)
    found = occlusion(lambda pictures: np.ones((len(pictures), 1), np.float32), grey, np.ones((1, 1)), 2)
    assert not found.any() and len(occluded(grey, *bands(8, 2))[0]) == 1


def test_maps_are_what_sums_over_all_masks_give() -> None:
    rng = np.random.default_rng(3)
    rows, columns = bands(7, 2)
    similarities = rng.uniform(-0.3, 0.3, (1 + len(rows) + len(columns), 4))
    similarities[0] = (0.1, -0.1, 0.0, 0.25)
    masks = np.zeros((len(similarities), 7, 7))
    masks[0] = 1
    for k, (start, stop) in enumerate(rows, 1):
        masks[k, start:stop] = 1
    for k, (start, stop) in enumerate(columns, 1 + len(rows)):
        masks[k, :, start:stop] = 1
    for t, found in enumerate(heat(similarities, rows, columns, 7, iterations=1)):
        own = similarities[:, t, None, None]
        slow = np.clip(own * masks - own[0], 0, None).mean(axis=0)
        slow = np.clip(slow - slow.mean(), 0, None)
        np.testing.assert_allclose(found, (slow - slow.min()) / np.ptp(slow), atol=1e-12)


def test_maps_of_several_pictures_are_those_of_each_alone() -> None:
    model = build_model("ofclip-RN-8-64")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    vectors = np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
    maps = occlusion_maps(model, pixels, vectors, np.array([2, 0, 2]), cell=16)
    assert maps.shape == (3, 64, 64) and maps.dtype == np.float32
    alone = occlusion_maps(model, pixels[2:], vectors[[2]] * 9, np.array([0]), cell=16)
    np.testing.assert_allclose(maps[2], alone[0], atol=1e-3)


def test_wrong_input_is_refused() -> None:
    model = build_model("ofclip-RN-8-64")
    pixels, vectors = np.zeros((1, 64, 64, 3), np.uint8), np.ones((1, 64), np.float32)
    with pytest.raises(SettingError, match="cells of 40 pixels in a picture of 64"):
        occlusion_maps(model, pixels, vectors, np.array([0]), cell=40)
    with pytest.raises(SettingError, match="pictures must be uint8"):
        occlusion_maps(model, pixels[:, :32], vectors, np.array([0]))
    with pytest.raises(SettingError, match="owner has the shape"):
        occlusion_maps(model, pixels, vectors, np.array([0, 0]))
    with pytest.raises(SettingError, match="owner names picture 1, there are 1"):
        occlusion_maps(model, pixels, vectors, np.array([1]))
    with pytest.raises(SettingError, match="texts: row 0 has length 0"):
        occlusion_maps(model, pixels, vectors * 0, np.array([0]))

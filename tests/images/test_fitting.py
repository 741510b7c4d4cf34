from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from ofclip.errors import SettingError
from ofclip.images import fit
from ofclip.images.fitting import FILTERS, FITS, decoded_size, fit_all

BICUBIC = Image.Resampling.BICUBIC
RNG = np.random.default_rng(0)


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)


def once(image: Image.Image, shape: tuple[int, int]) -> Image.Image:
    return image.resize(shape, BICUBIC)


def resized(image: Image.Image, shape: tuple[int, int]) -> Image.Image:
    """One picture in another shape, rows first, then columns, each with a call of its own."""
    if (image.width >= 6 * shape[0] or image.height >= 6 * shape[1]):
        return image.resize(shape, BICUBIC, reducing_gap=3.0)
    return image.resize((shape[0], image.height), BICUBIC).resize(shape, BICUBIC)


def slow(picture: np.ndarray, size: int, how: str, resize=resized) -> np.ndarray:
    image = Image.fromarray(picture)
    if how == "squash":
        return np.array(once(image, (size, size)))
    if how.startswith("crop"):
        whole = once(image, tuple(int(size * side / min(image.size)) for side in image.size))
        halves = [(side - size) / 2 for side in whole.size]
        left, top = [math.floor(half) if how == "crop-down" else round(half) for half in halves]
        return np.array(whole.crop((left, top, left + size, top + size)))
    longer = max(image.size)
    inner = np.array(resize(image, tuple(max(1, round(side * (size / longer))) for side in image.size)))
    border = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    square = Image.new("RGB", (size, size), tuple(sorted(channel)[len(channel) // 2] for channel in border.T.tolist()))
    square.paste(Image.fromarray(inner), ((size - inner.shape[1]) // 2, (size - inner.shape[0]) // 2))
    return np.array(square)


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize(
    "shape",
    [(80, 60), (60, 80), (64, 64), (64, 48), (7, 5), (1, 1), (1, 90), (131, 64), (64, 131), (500, 40), (40, 400)],
)
def test_several_at_once_are_to_the_bit_what_each_is_alone(shape, how):
    pictures = noise(5, *shape)
    expected = np.stack([slow(picture, 64, how) for picture in pictures])
    np.testing.assert_array_equal(fit(pictures, 64, how), expected)
    np.testing.assert_array_equal(fit(Image.fromarray(pictures[2]), 64, how), expected[2])


@pytest.mark.parametrize("shape", [(80, 60), (60, 80), (112, 84), (40, 50)])
def test_padding_is_what_pillow_makes_in_one_call_but_for_rounding(shape):
    smooth = np.stack([np.asarray(Image.fromarray(p).resize(shape[::-1], BICUBIC)) for p in noise(4, 9, 9)])

    expected = np.stack([slow(picture, 64, "pad", once) for picture in smooth])
    assert np.abs(fit(smooth, 64, "pad").astype(int) - expected).max() <= 2


def test_pictures_of_many_shapes_keep_their_places():
    pictures = [noise(*shape) for shape in ((80, 60), (30, 90), (80, 60), (64, 64), (30, 90))]
    np.testing.assert_array_equal(fit_all(pictures, 24), [slow(picture, 24, "pad") for picture in pictures])
    assert fit_all([], 24).shape == (0, 24, 24, 3)


def test_pad_shows_the_whole_picture_on_its_border_colour():
    image = Image.new("RGB", (30, 40), (240, 230, 220))
    image.paste("black", (5, 5, 25, 35))
    square = fit(image, 80, "pad")
    assert square.shape == (80, 80, 3)
    assert (square[:, :10] == (240, 230, 220)).all() and (square[:, 70:] == (240, 230, 220)).all()
    dark = square[40, :, 0] < 120
    assert (np.flatnonzero(dark)[[0, -1]] == (20, 59)).all()


def test_crop_takes_the_centre_and_squash_everything():
    image = Image.new("RGB", (120, 40), "red")
    image.paste("lime", (40, 0, 80, 40))
    image.paste("blue", (80, 0, 120, 40))
    assert (fit(image, 20, "crop")[:, 2:-2] == (0, 255, 0)).all()
    squashed = fit(image, 30, "squash")
    assert [tuple(squashed[15, x]) for x in (2, 15, 27)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_shrinking_is_antialiased():
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    grey = fit(Image.fromarray(checks.astype(np.uint8)).convert("RGB"), 16)
    assert np.abs(grey.astype(int) - 127).max() < 8


def test_extreme_shapes_and_unknown_fits():
    assert fit(Image.new("RGB", (5000, 1)), 16).shape == (16, 16, 3)
    with pytest.raises(SettingError, match="did you mean 'squash'"):
        fit(Image.new("RGB", (4, 4)), 8, "squish")
    with pytest.raises(SettingError, match="did you mean 'bilinear'"):
        fit(Image.new("RGB", (4, 4)), 8, "crop bilinaer")


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("mode", ["shortest", "squash"])
@pytest.mark.parametrize("shape", [(80, 60), (64, 67), (70, 64), (67, 64), (500, 40), (40, 50), (301, 300)])
def test_crop_and_squash_are_open_clips_own_to_the_bit(shape, mode, interpolation):
    from open_clip.transform import image_transform

    theirs = image_transform(64, False, (0, 0, 0), (1, 1, 1), resize_mode=mode, interpolation=interpolation)
    picture = noise(*shape)
    expected = (theirs(Image.fromarray(picture)).permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
    how = "crop" if mode == "shortest" else "squash"
    np.testing.assert_array_equal(fit(picture, 64, f"{how} {interpolation}"), expected)


@pytest.mark.parametrize("interpolation", FILTERS)
def test_each_interpolation_is_pillows(interpolation):
    picture = noise(90, 120)
    expected = Image.fromarray(picture).resize((40, 40), Image.Resampling[interpolation.upper()])
    np.testing.assert_array_equal(fit(np.stack([picture] * 3), 40, f"squash {interpolation}")[1], expected)


def test_crop_down_cuts_a_pixel_earlier_where_the_rest_is_odd():
    ramp = np.repeat(np.arange(67, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    assert [int(fit(ramp, 64, how)[0, 0, 0]) for how in ("crop", "crop-down")] == [2, 1]


def test_only_a_padded_picture_may_be_reduced_while_it_is_decoded():
    assert [decoded_size(64, how) for how in FITS] == [64, None, None, None]
    assert decoded_size(64, "pad bilinear") == 64

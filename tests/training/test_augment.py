import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from ofclip.training.augment import FAR, NEAR, Plan, apply, augment, draw, relight, scenery, window
from ofclip.training.sampling import generator
from ofclip.training.settings import Augmentation

NOTHING = Augmentation(flip=False, shift=0, zoom=0, ground=0, grey=0, light=0)
EVERYTHING = Augmentation(flip=True, shift=4, zoom=0.2, ground=0.5, grey=0.3, light=0.2)
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def pictures(n=6, size=9):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def garments(n=24, size=32):
    """Noise on a plain ground with some noise of its own, so that ground, garment and what is between them occur."""
    rng = np.random.default_rng(1)
    out = rng.normal(rng.uniform(0, 255, (n, 1, 1, 3)), 9, (n, size, size, 3))
    out[:, 6:-6, 9:-9] = rng.uniform(0, 255, (n, size - 12, size - 18, 3))
    return out.clip(0, 255).astype(np.uint8)


def whole_plan(scale, offsets, size=9):
    return Plan(rows=window(scale, offsets[:, 0], size), columns=window(scale, offsets[:, 1], size))


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"flip": True}, "af12bbbca4a570b4"),
        ({"shift": 3.0}, "9799120af99fe06b"),
        ({"shift": 20.0}, "6763a3ad7731d8e1"),
        ({"flip": True, "shift": 4.0, "grey": 0.3}, "ddec79084a194dd5"),
        ({"zoom": 0.4, "shift": 2.0}, "030631f6d721986a"),
        ({"light": 0.5}, "0db99ebc8a0c987d"),
        ({"flip": True, "zoom": 0.2, "grey": 0.5, "light": 0.2}, "2da8a0f47b39becc"),
    ],
)
def test_pictures_are_the_same_as_ever(settings, expected):
    after = augment(pictures(24, 32), generator(7), NOTHING.but(**settings))
    assert hashlib.sha256(after.tobytes()).hexdigest()[:16] == expected


def painted_by_matrix_products(pixels, rng, share):
    """The obvious version: interpolation as matrix products, all in float64 but the grids; draws in the same order."""
    chosen = np.flatnonzero(rng.random(len(pixels)) < share)
    n, side = len(chosen), pixels.shape[1]
    ground = rng.uniform(20, 250, (n, 1, 1, 1)) + rng.normal(0, 18, (n, 1, 1, 3))
    for cells, strength in ((3, 60), (14, 45)):
        grey = rng.normal(0, 1, (n, cells, cells, 1)) + rng.normal(0, 0.4, (n, cells, cells, 3))
        patches = (grey * rng.uniform(0, strength, (n, 1, 1, 1))).astype(np.float32)
        place = np.linspace(0, cells - 1, side)
        spread = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(cells)[None]))
        ground = ground + np.einsum("hi,nijc,wj->nhwc", spread, patches, spread, optimize=True)
    found = pixels[chosen]
    edge = np.concatenate([found[:, 0], found[:, -1], found[:, :, 0], found[:, :, -1]], axis=1)
    colour = np.median(edge, axis=1).astype(int)[:, None, None]
    far = np.abs(found - colour).max(axis=-1, keepdims=True)
    paint = np.clip((FAR - far) / (FAR - NEAR), 0, 1)
    exact = pixels.astype(np.float64)
    exact[chosen] += paint * (ground.clip(0, 255) - found)
    return exact


def test_painted_grounds_equal_the_slow_obvious_version():
    before = garments(60)
    after = augment(before, generator(4), NOTHING.but(ground=0.7))
    exact = painted_by_matrix_products(before, generator(4), 0.7)
    assert (after != before).any(axis=(1, 2, 3)).mean() > 0.5
    # the fraction is cut off, so a rounding error of 1e-4 at a whole number is a level: rare, and never more
    np.testing.assert_array_less(np.abs(after + 0.5 - exact), 0.5 + 1e-3)
    assert (after != np.floor(exact)).mean() < 1e-3


@pytest.mark.parametrize(
    "how", [Augmentation(), EVERYTHING, NOTHING, NOTHING.but(ground=1.0, grey=0.5), Augmentation(shift=40)]
)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
def test_tensors_get_the_very_levels_that_arrays_get(how, device):
    before = garments()
    plan = draw(generator(3), len(before), 32, how)
    tensor = torch.from_numpy(before.copy()).to(device)
    after = apply(tensor, plan.map(lambda array: torch.from_numpy(array).to(device)))
    assert after.dtype == torch.uint8 and after.device == tensor.device
    np.testing.assert_array_equal(after.cpu().numpy(), apply(before, plan))
    np.testing.assert_array_equal(tensor.cpu().numpy(), before)


def test_pictures_need_not_be_square():
    before = garments()[:, 2:-5]
    plan = draw(generator(3), len(before), before.shape[1:3], EVERYTHING)
    after = apply(before, plan)
    np.testing.assert_array_equal(after, augment(before, generator(3), EVERYTHING))
    np.testing.assert_array_equal(apply(torch.from_numpy(before), plan.map(torch.from_numpy)).numpy(), after)


@pytest.mark.parametrize("rows", [slice(0, 12), slice(12, 24), slice(1, None, 2), slice(5, 6), slice(None)])
def test_some_pictures_get_what_they_would_get_among_all(rows):
    before = garments()
    plan = draw(generator(3), len(before), 32, EVERYTHING)
    np.testing.assert_array_equal(apply(before[rows], plan.take(rows, len(before))), apply(before, plan)[rows])


def test_drawing_leaves_the_generator_where_it_did():
    rng = generator(9)
    draw(rng, 10, 16, EVERYTHING)
    slow = generator(9)
    slow.random(10), slow.uniform(size=10), slow.uniform(size=(10, 2))
    n = int((slow.random(10) < EVERYTHING.ground).sum())
    slow.uniform(size=n), slow.normal(size=(n, 3))
    for cells in (3, 14):
        slow.normal(size=(n, cells, cells)), slow.normal(size=(n, cells, cells, 3)), slow.uniform(size=n)
    slow.random(10), slow.uniform(size=(2, 10))
    assert rng.random() == slow.random()


def test_about_half_of_the_pictures_are_mirrored_and_the_rest_kept():
    before = pictures(100)
    after = augment(before, generator(1), NOTHING.but(flip=True))
    mirrored = (after == before[:, :, ::-1]).all(axis=(1, 2, 3))
    assert 35 < mirrored.sum() < 65
    np.testing.assert_array_equal(after[~mirrored], before[~mirrored])


def test_a_window_of_scale_one_moves_by_whole_pixels_and_repeats_edges():
    before = pictures()
    offsets = np.array([[0, 0], [2, -1], [-3, 3], [1, 0], [0, -2], [3, 3]])
    moved = apply(before, whole_plan(np.ones(6), offsets))
    for picture, after, (down, right) in zip(before, moved, offsets, strict=True):
        padded = np.pad(picture, ((3, 3), (3, 3), (0, 0)), mode="edge")
        np.testing.assert_array_equal(after, padded[3 - down : 12 - down, 3 - right : 12 - right])


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 1.3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_window_equals_the_slow_obvious_version(factor, mirrored):
    before = pictures(3)
    offsets = np.array([[0.0, 0.0], [1.0, -2.0], [-7.0, 12.0]])
    plan = whole_plan(np.full(3, factor), offsets)
    after = apply(before, Plan(rows=plan.rows, columns=8 - plan.columns if mirrored else plan.columns))
    for i, (down, right) in enumerate(offsets):
        for y in range(9):
            for x in range(9):
                row = min(max(round((y - 4 - down) / factor + 4), 0), 8)
                column = min(max(round((x - 4 - right) / factor + 4), 0), 8)
                np.testing.assert_array_equal(after[i, y, x], before[i, row, 8 - column if mirrored else column])


def test_repainting_changes_the_ground_and_leaves_the_garment():
    picture = np.full((1, 8, 8, 3), 250, np.uint8)
    picture[:, 2:6, 2:6] = (200, 20, 40)  # the garment
    picture[:, 0, 0] = 250 - NEAR + 1  # a shade of the ground
    picture[:, 3, 3] = 250 - (NEAR + FAR) // 2  # an edge, blended
    black = Plan(painted=np.array([0]), patches=(np.zeros((1, 3, 3, 3), np.float32),))
    after = apply(picture, black)[0]
    assert not after[0].any() and not after[7].any() and not after[0, 0].any()
    assert (after[4, 4] == (200, 20, 40)).all()
    assert 0 < after[3, 3, 0] < 250 - (NEAR + FAR) // 2


def test_relighting_maps_levels_about_the_middle_grey():
    picture = np.array([0, 28, 128, 228, 255], np.uint8).repeat(3).reshape(1, 1, 5, 3)
    stretched = Plan(levels=relight(np.array([0.0]), np.array([0.5])))
    assert apply(picture, stretched)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]
    brightened = Plan(levels=relight(np.array([0.2]), np.array([0.0])))
    assert apply(picture, brightened)[0, 0, :, 0].tolist() == [51, 79, 179, 255, 255]


def test_scenery_is_in_range_and_varied():
    plan = Plan(painted=np.arange(40), patches=scenery(generator(1), 40))
    grounds = apply(np.full((40, 16, 12, 3), 250, np.uint8), plan)
    assert grounds.mean(axis=(1, 2, 3)).std() > 30
    assert grounds.std(axis=(1, 2)).mean() > 5


def test_augmentation_is_a_function_of_its_generator_and_leaves_the_input_alone():
    before = pictures(16, 32)
    kept = before.copy()
    for how in (Augmentation(), EVERYTHING, NOTHING.but(grey=0.5, light=0.5, ground=0.5)):
        once, again = (augment(before, generator(5), how) for _ in range(2))
        np.testing.assert_array_equal(once, again)
        np.testing.assert_array_equal(before, kept)
        assert not np.array_equal(once, before) and once.dtype == np.uint8
    np.testing.assert_array_equal(augment(before, generator(5), NOTHING), before)


@pytest.mark.parametrize(
    "only", [{"flip": True}, {"shift": 3.0}, {"zoom": 0.5}, {"ground": 1.0}, {"grey": 1.0}, {"light": 0.5}]
)
def test_each_setting_does_something_alone(only):
    picture = np.full((8, 16, 16, 3), 240, np.uint8)
    picture[:, 4:12, 3:9] = (10, 120, 60)
    assert not np.array_equal(augment(picture, generator(2), NOTHING.but(**only)), picture)


def test_a_picture_shown_in_grey_has_the_levels_that_pillow_gives_and_the_share_is_kept():
    before = pictures(400, 4)
    after = augment(before, generator(3), NOTHING.but(grey=0.25))
    greyed = (after == after[..., :1]).all(axis=(1, 2, 3))
    assert 0.15 < greyed.mean() < 0.35
    np.testing.assert_array_equal(after[~greyed], before[~greyed])
    for picture, grey in zip(before[greyed], after[greyed], strict=True):
        np.testing.assert_array_equal(np.asarray(Image.fromarray(picture).convert("L")), grey[..., 0])

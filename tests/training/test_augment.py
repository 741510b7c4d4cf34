import numpy as np
import pytest
from PIL import Image

from ofclip.training.augment import FAR, NEAR, augment, flip, relight, repaint, scenery, window
from ofclip.training.sampling import generator
from ofclip.training.settings import Augmentation

NOTHING = Augmentation(flip=False, shift=0, zoom=0, ground=0, grey=0, light=0)


def pictures(n=6, size=9):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_flip_mirrors_just_the_chosen():
    before = pictures(3)
    after = flip(before, np.array([True, False, True]))
    np.testing.assert_array_equal(after[0], before[0][:, ::-1])
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_array_equal(after[2], before[2][:, ::-1])


def test_a_window_of_scale_one_moves_by_whole_pixels_and_repeats_edges():
    before = pictures()
    offsets = np.array([[0, 0], [2, -1], [-3, 3], [1, 0], [0, -2], [3, 3]])
    for picture, moved, (down, right) in zip(before, window(before, np.ones(6), offsets), offsets, strict=True):
        padded = np.pad(picture, ((3, 3), (3, 3), (0, 0)), mode="edge")
        np.testing.assert_array_equal(moved, padded[3 - down : 12 - down, 3 - right : 12 - right])


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 1.3])
def test_a_window_equals_the_slow_obvious_version(factor):
    before = pictures(2)
    after = window(before, np.full(2, factor), np.array([[0.0, 0.0], [1.0, -2.0]]))
    for i, (down, right) in enumerate([(0.0, 0.0), (1.0, -2.0)]):
        for y in range(9):
            for x in range(9):
                row = min(max(round((y - 4 - down) / factor + 4), 0), 8)
                column = min(max(round((x - 4 - right) / factor + 4), 0), 8)
                np.testing.assert_array_equal(after[i, y, x], before[i, row, column])


def test_repaint_changes_the_ground_and_leaves_the_garment():
    picture = np.full((1, 8, 8, 3), 250, np.uint8)
    picture[:, 2:6, 2:6] = (200, 20, 40)  # the garment
    picture[:, 0, 0] = 250 - NEAR + 1  # a shade of the ground
    picture[:, 3, 3] = 250 - (NEAR + FAR) // 2  # an edge, blended
    paint = np.zeros((1, 8, 8, 3), np.float32)
    after = repaint(picture, paint)[0]
    assert not after[0].any() and not after[7].any() and not after[0, 0].any()
    assert (after[4, 4] == (200, 20, 40)).all()
    assert 0 < after[3, 3, 0] < 250 - (NEAR + FAR) // 2


def test_relight_maps_levels_about_the_middle_grey():
    picture = np.array([0, 28, 128, 228, 255], np.uint8).repeat(3).reshape(1, 1, 5, 3)
    assert relight(picture, np.array([0.0]), np.array([0.5]))[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert relight(picture, np.array([0.2]), np.array([0.0]))[0, 0, :, 0].tolist() == [51, 79, 179, 255, 255]


def test_scenery_is_in_range_and_varied():
    grounds = scenery(generator(1), 40, 16, 12)
    assert grounds.shape == (40, 16, 12, 3) and grounds.min() >= 0 and grounds.max() <= 255
    assert grounds.mean(axis=(1, 2, 3)).std() > 30


def test_augmentation_is_a_function_of_its_generator_and_leaves_the_input_alone():
    before = pictures(16, 32)
    kept = before.copy()
    once, again = (augment(before, generator(5), Augmentation()) for _ in range(2))
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

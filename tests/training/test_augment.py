import numpy as np

from ofclip.training.augment import augment, flip, shift
from ofclip.training.sampling import generator


def pictures(n=6, size=9):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def test_flip_mirrors_just_the_chosen():
    before = pictures(3)
    after = flip(before, np.array([True, False, True]))
    np.testing.assert_array_equal(after[0], before[0][:, ::-1])
    np.testing.assert_array_equal(after[1], before[1])
    np.testing.assert_array_equal(after[2], before[2][:, ::-1])


def test_shift_equals_padding_by_edges_and_cutting_out():
    before = pictures()
    offsets = np.array([[0, 0], [2, -1], [-3, 3], [1, 0], [0, -2], [3, 3]])
    for picture, moved, (down, right) in zip(before, shift(before, offsets), offsets, strict=True):
        padded = np.pad(picture, ((3, 3), (3, 3), (0, 0)), mode="edge")
        np.testing.assert_array_equal(moved, padded[3 - down : 12 - down, 3 - right : 12 - right])


def test_augmentation_is_a_function_of_its_generator_and_leaves_the_input_alone():
    before = pictures()
    kept = before.copy()
    once, again = (augment(before, generator(5), True, 3) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(before, kept)
    assert not np.array_equal(once, before)
    np.testing.assert_array_equal(augment(before, generator(5), False, 0), before)

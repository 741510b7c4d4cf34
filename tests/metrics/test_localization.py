from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from ofclip.errors import SettingError
from ofclip.metrics import localization

METRICS = (localization.pointing_game, localization.average_precision, localization.iou, localization.mass)


def one(values: list) -> np.ndarray:
    return np.array([values])


MASK = one([[0, 1, 1], [0, 1, 0], [0, 0, 0]])


def random(seed: int, levels: int | None = None, n: int = 20, side: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Return maps, of few levels where ties are wanted, and masks with at least one pixel."""
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(n, side, side)) if levels is None else rng.integers(-1, levels, (n, side, side))
    masks = rng.random((n, side, side)) < rng.uniform(0.02, 0.9, (n, 1, 1))
    masks[:, 0, 0] |= ~masks.any(axis=(1, 2))
    return maps, masks


def test_pointing_game_by_hand() -> None:
    hit, miss = one([[0, 2, 0], [1, 0, 0], [0, 0, 1]]), one([[0, 1, 0], [2, 0, 0], [0, 0, 1]])
    assert localization.pointing_game(hit, MASK).tolist() == [1.0]
    assert localization.pointing_game(miss, MASK).tolist() == [0.0]
    assert localization.pointing_game(miss, MASK, tolerance=1).tolist() == [1.0]
    corner = one([[0, 0, 0], [0, 0, 0], [1, 0, 0]])  # the middle is the square root of 2 away
    assert localization.pointing_game(corner, MASK, tolerance=1.4).tolist() == [0.0]
    assert localization.pointing_game(corner, MASK, tolerance=1.5).tolist() == [1.0]


def test_tied_highest_pixels_hit_by_their_share() -> None:
    assert localization.pointing_game(one([[5, 5, 0], [0, 5, 0], [0, 0, 5]]), MASK).tolist() == [0.5]


def test_iou_by_hand() -> None:
    maps = one([[0, 4, 1], [0, 3, 2], [0, 0, 1]])
    assert localization.iou(maps, MASK).tolist() == [2 / 4]  # 2, the threshold, is taken
    assert localization.iou(maps, MASK, threshold=1.0).tolist() == [1 / 3]
    assert localization.iou(maps * 7 - 100, MASK).tolist() == [2 / 4]


def test_mass_by_hand() -> None:
    maps = one([[0, 4, 1], [0, 3, 2], [0, 0, 0]])
    assert localization.mass(maps, MASK).tolist() == [0.8]
    assert localization.mass(maps - 5, MASK).tolist() == [0.8]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("levels", [None, 2, 5])
def test_average_precision_is_that_of_scikit_learn(seed: int, levels: int | None) -> None:
    maps, masks = random(seed, levels)
    theirs = [average_precision_score(mask.ravel(), own.ravel()) for own, mask in zip(maps, masks, strict=True)]
    np.testing.assert_allclose(localization.average_precision(maps, masks), theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("levels", [None, 3])
def test_all_are_what_a_loop_over_pixels_finds(levels: int | None) -> None:
    maps, masks = random(7, levels)
    for own, mask, hit, overlap, mass in zip(
        maps, masks, *(metric(maps, masks) for metric in (METRICS[0], METRICS[2], METRICS[3])), strict=True
    ):
        pixels = [(own[y, x], bool(mask[y, x])) for y in range(9) for x in range(9)]
        low, high = min(v for v, _ in pixels), max(v for v, _ in pixels)
        highest = [on for v, on in pixels if v == high]
        assert hit == pytest.approx(sum(highest) / len(highest))
        taken = [(v - low) >= (high - low) / 2 for v, _ in pixels]
        both = sum(t and on for t, (_, on) in zip(taken, pixels, strict=True))
        assert overlap == pytest.approx(both / sum(t or on for t, (_, on) in zip(taken, pixels, strict=True)))
        assert mass == pytest.approx(sum(v - low for v, on in pixels if on) / sum(v - low for v, _ in pixels))


@pytest.mark.parametrize("metric", METRICS)
def test_a_constant_map_gets_chance_and_the_mask_itself_gets_all(metric) -> None:
    _, masks = random(3)
    np.testing.assert_allclose(metric(np.full(masks.shape, -0.3), masks), localization.share(masks))
    np.testing.assert_allclose(metric(masks.astype(float), masks), 1)


@pytest.mark.parametrize("metric", METRICS)
def test_scale_and_shift_of_a_map_do_not_matter(metric) -> None:
    maps, masks = random(4, 6)
    np.testing.assert_allclose(metric(maps * 0.5 + 2, masks), metric(maps, masks))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("maps", "masks", "message"),
    [
        (np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), "mask 0 has no pixel"),
        (np.full((1, 2, 2), np.nan), np.ones((1, 2, 2)), "map 0 is not finite"),
        (np.zeros((1, 2, 2)), np.ones((1, 2, 3)), "must both be"),
        (np.zeros((2, 2)), np.ones((2, 2)), "must both be"),
        (np.zeros((0, 2, 2)), np.ones((0, 2, 2)), "must both be"),
    ],
)
def test_wrong_input_is_refused(metric, maps, masks, message) -> None:
    with pytest.raises(SettingError, match=message):
        metric(maps, masks)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(SettingError, match="threshold 0"):
        localization.iou(MASK, MASK, threshold=0)
    with pytest.raises(SettingError, match="tolerance -1"):
        localization.pointing_game(MASK, MASK, tolerance=-1)
    with pytest.raises(SettingError, match="mask 0 has no pixel"):
        localization.share(np.zeros((1, 3, 3)))


def test_share_with_tolerance_is_that_of_the_wider_mask() -> None:
    middle = one([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert localization.share(middle).tolist() == [1 / 9]
    assert localization.share(middle, 1).tolist() == [5 / 9]


def test_centre_map_is_highest_in_the_middle_and_nothing_in_the_corners() -> None:
    made = localization.centre_map(4, 6)
    assert made.shape == (4, 6)
    assert sorted(np.argwhere(made == made.max()).tolist()) == [[1, 2], [1, 3], [2, 2], [2, 3]]
    np.testing.assert_allclose(made[[0, 0, -1, -1], [0, -1, 0, -1]], 0, atol=1e-12)
    np.testing.assert_allclose(made, made[::-1, ::-1])
    assert localization.centre_map(1, 1).tolist() == [[1.0]]

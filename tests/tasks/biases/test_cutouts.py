import numpy as np
import pytest
from PIL import Image

from ofclip.errors import SettingError
from ofclip.sources.atelier import masks, product, render
from ofclip.tasks.biases.cutouts import GROUNDS, drawn, photographed, place, staged


def square(side=20, colour=(200, 30, 30)):
    return Image.fromarray(np.full((side, side, 3), colour, np.uint8)).convert("RGBA")


def box(picture, colour=(200, 30, 30)):
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_a_square_lands_where_it_is_put():
    white = GROUNDS["white"](np.random.default_rng(0), 64)
    assert box(place(square(), white, 0.5)) == (16, 48, 16, 48)
    assert box(place(square(), white, 0.25)) == (24, 40, 24, 40)
    assert box(place(square(), white, 0.5, (0.125, -0.25))) == (0, 32, 24, 56), "right by 8 pixels, up by 16"
    assert box(place(square(), white, 0.5, (0.5, 0.0))) == (16, 48, 48, 64), "what leaves the frame is lost"
    assert (white == 255).all(), "the ground that was given stays as it is"
    with pytest.raises(SettingError, match="share 1.5 of the frame"):
        place(square(), white, 1.5)


def test_a_drawn_product_is_exact():
    made = product(0, "phrases", 3)
    cut = drawn(made)
    alpha = np.asarray(cut)[:, :, 3]
    assert alpha[0].any() and alpha[-1].any() and alpha[:, 0].any() and alpha[:, -1].any(), "cropped to the product"
    on_white, on_grey = (place(cut, GROUNDS[ground](None, 64), 0.8).astype(int) for ground in ("white", "grey"))
    flat = Image.merge("RGBA", [cut.getchannel("A").point(lambda _: 255)] * 3 + [cut.getchannel("A")])
    solid = place(flat, np.zeros((64, 64, 3), np.uint8), 0.8)[:, :, 0]
    np.testing.assert_allclose(on_white[solid == 255], on_grey[solid == 255], atol=1)
    assert (on_white[solid == 0] == 255).all() and (on_grey[solid == 0] == 128).all()


def test_a_drawn_product_has_the_colours_of_its_picture():
    made = product(0, "studio", 11)
    whole = np.any(list(masks(made, "studio", 128).values()), axis=0)
    picture = np.asarray(render(made, "studio", 128))
    cut = np.asarray(drawn(made))
    mean = cut[cut[:, :, 3] > 250][:, :3].mean(axis=0)
    np.testing.assert_allclose(mean, picture[whole].mean(axis=0), atol=12)


def photograph(ground=(250, 250, 250)):
    picture = np.full((80, 60, 3), ground, np.uint8)
    picture[20:60, 15:45] = (30, 60, 120)
    picture[35:40, 25:30] = ground  # a white print inside is no ground
    return picture


def test_the_product_of_a_photograph_on_plain_ground_is_cut_out_with_its_inside():
    cut = photographed(photograph())
    assert cut.size == (30, 40)
    assert (np.asarray(cut)[:, :, 3] == 255).all()
    assert np.asarray(cut)[17, 12, :3].tolist() == [250] * 3


def test_a_ground_that_is_not_plain_is_left_alone():
    rng = np.random.default_rng(0)
    assert photographed(rng.integers(0, 256, (80, 60, 3), dtype=np.uint8)) is None
    half = photograph()
    half[:40] = np.minimum(half[:40], 120)
    assert photographed(half) is None, "two grounds"
    assert photographed(np.full((80, 60, 3), 255, np.uint8)) is None, "no product"


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_ground_is_the_same_each_time(ground):
    first, again = (GROUNDS[ground](np.random.default_rng(5), 64) for _ in range(2))
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8 and (first == again).all()


def test_stagings_differ_in_what_is_set_and_in_nothing_else():
    cuts = [square(), square(30, (20, 160, 40)), square(25, (10, 10, 200))]
    white, street = (staged(cuts, 64, ground, 0.5) for ground in ("white", "street"))
    for i, colour in enumerate([(200, 30, 30), (20, 160, 40), (10, 10, 200)]):
        own = (white[i] == colour).all(axis=2)
        assert (white[i][~own] == 255).all() and (street[i][own] == colour).all()
    near, far = (staged(cuts, 64, "white", 0.4, shift) for shift in (0.125, 0.25))
    for one, two in zip(near, far, strict=True):
        ink = [np.argwhere((picture != 255).any(axis=2)).mean(axis=0) - 31.5 for picture in (one, two)]
        np.testing.assert_allclose(2 * ink[0], ink[1], atol=1.01)
        assert np.abs(ink[0]).max() == pytest.approx(8, abs=0.6), "as far along the sides, whatever the direction"

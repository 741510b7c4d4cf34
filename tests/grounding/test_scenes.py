from __future__ import annotations

import numpy as np
import pytest
from fixtures import clothing_co_parsing as fixture

from ofclip.errors import SettingError
from ofclip.grounding.scenes import LEAST, UNNAMED, atelier_scenes, parsed_scenes
from ofclip.models import Preprocess
from ofclip.sources import atelier, load_catalog
from ofclip.sources.atelier.vocabulary import TYPES

SMALL = Preprocess(64, (0.5,) * 3, (0.5,) * 3)


@pytest.fixture(scope="module")
def catalog():
    return load_catalog("atelier/street", "test", n=120)


@pytest.fixture(scope="module")
def scenes(catalog):
    return atelier_scenes(catalog, SMALL)


def test_every_picture_is_asked_for_its_product_on_all_of_its_parts(catalog, scenes) -> None:
    product = scenes.of("product")
    assert list(product.questions["id"]) == list(catalog.products["id"])
    assert list(product.questions["text"]) == list(catalog.label("type"))
    assert set(product.questions["text"]) <= set(TYPES)
    for i in (0, len(product) - 1):
        made = atelier.product(0, "street", catalog.images.numbers[i])
        whole = np.any(list(atelier.masks(made, "street", 64).values()), axis=0)
        assert np.array_equal(product.masks[i], whole)
        drawn = np.asarray(atelier.render(made, "street", 64))
        assert np.array_equal(product.pixels[product.questions["picture"][i]], drawn)


def test_parts_and_attributes_have_the_mask_of_their_part(catalog, scenes) -> None:
    for kind in ("part", "attribute"):
        own = scenes.of(kind)
        for question, mask in list(zip(own.questions.to_dict("records"), own.masks, strict=True))[:30]:
            made = atelier.product(0, "street", catalog.images.numbers[question["picture"]])
            assert np.array_equal(mask, atelier.masks(made, "street", 64)[question["part"]])
    assert not set(scenes.of("part").questions["part"]) & set(UNNAMED)
    words = scenes.of("attribute").questions
    assert set(words["part"]) >= {"sleeve", "collar"} and not (words["text"] == words["part"]).any()
    assert words.loc[words["part"] == "sleeve", "text"].str.contains("sleeve").all()


def test_in_a_mosaic_one_of_four_products_is_asked_for(catalog, scenes) -> None:
    mosaic = scenes.of("product of four")
    assert len(mosaic) >= 4 * (len(catalog) // 4 - 4)
    for picture, own in mosaic.questions.groupby("picture"):
        assert picture >= len(catalog) and own["text"].nunique() == len(own) <= 4
    numbers = dict(zip(catalog.products["id"], catalog.images.numbers, strict=True))
    for j in range(8):
        question = mosaic.questions.iloc[j]
        made = atelier.product(0, "street", numbers[question["id"]])
        whole = np.any(list(atelier.masks(made, "street", 32).values()), axis=0)
        top, left = (32 * int(part) for part in divmod(j % 4, 2))
        assert np.array_equal(mosaic.masks[j][top : top + 32, left : left + 32], whole)
        assert mosaic.masks[j].sum() == whole.sum()
        quarter = mosaic.pixels[question["picture"]][top : top + 32, left : left + 32]
        assert np.array_equal(quarter, np.asarray(atelier.render(made, "street", 32)))


def test_what_cannot_be_seen_is_not_asked_for(scenes) -> None:
    assert scenes.masks.sum(axis=(1, 2)).min() >= LEAST and scenes.left_out > 0
    assert scenes.masks.shape == (len(scenes), 64, 64) and len(scenes.questions) == len(scenes)


def test_other_catalogues_and_questions_are_refused(scenes, tmp_path) -> None:
    fixture.write(tmp_path)
    with pytest.raises(SettingError, match="masks are known for the domains of atelier"):
        atelier_scenes(load_catalog("clothing-co-parsing", data=tmp_path), SMALL)
    with pytest.raises(SettingError, match="no question of the kind 'colour'"):
        scenes.of("colour")


def test_photographs_are_asked_for_the_clothes_that_are_labelled(tmp_path) -> None:
    fixture.write(tmp_path)
    catalog = load_catalog("clothing-co-parsing", "pixel-level", data=tmp_path)
    made = parsed_scenes(catalog, SMALL, tmp_path)
    assert list(zip(made.questions["id"], made.questions["text"], strict=True)) == [
        ("0001", "boots"), ("0001", "dress"), ("0002", "jeans"), ("0002", "shirt"),
    ]  # fmt: skip
    assert set(made.questions["kind"]) == {"product"} and made.pixels.shape == (3, 64, 64, 3)
    rows = np.flatnonzero(made.masks[1].any(axis=1))
    assert (rows[0], rows[-1]) == (32, 47) and made.masks[1][40].sum() == 48  # a stripe of 30 x 10 in 30 x 40
    with pytest.raises(SettingError, match="no picture shows anything"):
        parsed_scenes(catalog.take([2]), SMALL, tmp_path)

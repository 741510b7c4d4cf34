from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ofclip.errors import SettingError
from ofclip.grounding import similarity_maps
from ofclip.grounding.scenes import Scenes
from ofclip.metrics import localization
from ofclip.models import build_model
from ofclip.tasks.grounding import DEFINITIONS, grounding, make_maps


@pytest.fixture
def scenes() -> Scenes:
    """Two pictures of 64 pixels: the product of each fills a half; the second has a part in a corner."""
    masks = np.zeros((3, 64, 64), dtype=bool)
    masks[0, :, :32] = masks[1, :32] = masks[2, 48:, 48:] = True
    rows = [(0, "a", "product", "dress", "dress"), (1, "b", "product", "coat", "coat"), (1, "b", "part", "hem", "hem")]
    questions = pd.DataFrame(rows, columns=["picture", "id", "kind", "part", "text"])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    return Scenes("toy", "test", pixels, questions, masks, 5)


def test_scores_are_means_over_the_questions_of_a_kind(scenes: Scenes) -> None:
    maps = {"right": scenes.masks.astype(float), "left": np.tile(np.arange(64) < 32, (3, 64, 1)).astype(float)}
    result = grounding(scenes, maps)
    assert result["pointing game of product (right)"].value == 1
    left = result["IoU of product (left)"]
    assert left.value == pytest.approx((1 + 1 / 3) / 2) and left.n == 2 and left.direction == "higher"
    assert left.chance == 0.5 and left.ceiling == 1 and (left.dataset, left.split) == ("toy", "test")
    assert left.interval == pytest.approx((1 / 3, 1))
    part = result["average precision of part (left)"]
    assert part.chance == part.value == 1 / 16 and part.n == 1  # all pixels in the corner are tied with most others
    assert len(result.metrics) == 2 * 2 * len(DEFINITIONS)
    for metric in result.metrics:
        score = metric.name.partition(" of ")[0]
        assert metric.definition.startswith(DEFINITIONS[score])


def test_tables_have_every_map_question_and_part(scenes: Scenes) -> None:
    centre = np.broadcast_to(localization.centre_map(64, 64), scenes.masks.shape)
    result = grounding(scenes, {"flat": np.zeros(scenes.masks.shape), "centre": centre})
    table = result.tables["grounding"]
    assert len(table) == 2 * 2 * len(DEFINITIONS)
    own = table[(table["map"] == "flat") & (table["question"] == "product")].set_index("score")
    assert (own["value"] == own["chance"]).all()
    beside = table[(table["map"] == "centre") & (table["question"] == "product")].set_index("score")
    assert (own["centre"] == beside["value"]).all()
    parts = result.tables["parts"]
    assert list(parts.columns[:5]) == ["dataset", "question", "part", "map", "n"]
    assert set(parts["part"]) == {"dress", "coat", "hem"} and parts["n"].eq(1).all()
    assert result.tables["questions"].to_dict("records") == [
        {"dataset": "toy", "question": "product", "asked": 2, "pictures": 2, "left out of all": 5},
        {"dataset": "toy", "question": "part", "asked": 1, "pictures": 2, "left out of all": 5},
    ]


def test_maps_of_another_shape_or_that_are_not_finite_are_refused(scenes: Scenes) -> None:
    with pytest.raises(SettingError, match="flat: maps have the shape"):
        grounding(scenes, {"flat": np.zeros((3, 8, 8))})
    with pytest.raises(SettingError, match="map 0 is not finite"):
        grounding(scenes, {"flat": np.full(scenes.masks.shape, np.nan)})


@pytest.mark.parametrize("architecture", ["ofclip-RN-8-64", "ofclip-ViT-32-64"])
def test_all_kinds_of_map_are_made_and_scored(scenes: Scenes, architecture: str) -> None:
    model = build_model(architecture)
    maps = make_maps(model, scenes, "a photo of a {}")
    finer = ["gradient, finer"] if "RN" in architecture else []
    assert list(maps) == ["occlusion", "similarity", "gradient", *finer, "centre", "mask, as coarse"]
    vectors = model.encode_texts([f"a photo of a {text}" for text in ("dress", "coat", "hem")])
    np.testing.assert_allclose(maps["similarity"], similarity_maps(model, scenes.pixels, vectors, np.array([0, 1, 1])))
    result = grounding(scenes, maps)
    assert result["pointing game of product (mask, as coarse)"].value == 1
    assert result["IoU of product (mask, as coarse)"].value == 1  # halves are seen by two cells a side, corners not
    assert result["IoU of part (mask, as coarse)"].value < 1

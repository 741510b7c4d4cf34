from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toybook import record

from ofclip.errors import SettingError
from ofclip.figures import heat_maps, localization
from ofclip.grounding.scenes import Scenes
from ofclip.tasks.grounding import grounding


@pytest.fixture
def scenes() -> Scenes:
    masks = np.zeros((2, 8, 8), dtype=bool)
    masks[0, :, :4] = masks[1, 6:, 6:] = True
    rows = [(0, "a", "product", "dress", "dress"), (0, "a", "part", "hem", "hem")]
    questions = pd.DataFrame(rows, columns=["picture", "id", "kind", "part", "text"])
    return Scenes("atelier/street", "test", np.zeros((1, 8, 8, 3), np.uint8), questions, masks, 0)


def test_scores_stand_in_the_row_of_their_map_with_chance_beside_them(scenes: Scenes) -> None:
    maps = {"right": scenes.masks.astype(float), "flat": np.zeros((2, 8, 8))}
    drawn = localization(record("08-grounding", grounding(scenes, maps)))
    titles = [axes.get_title("left") for axes in drawn.axes]
    assert titles == ["pointing game", "average precision", "IoU", "mass"]
    assert [label.get_text() for label in drawn.axes[0].get_yticklabels()] == ["right", "flat"]
    for axes in drawn.axes:
        points = [line for line in axes.lines if line.get_marker() in "os"]
        dots = [(float(line.get_xdata()[0]), round(float(line.get_ydata()[0]))) for line in points]
        assert sorted(dots) == [(1 / 16, 1), (0.5, 1), (1.0, 0), (1.0, 0)]
        assert {float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "None"} == {0.5, 1 / 16}
    assert [text.get_text() for text in drawn.legends[0].texts] == ["product", "part", "chance, by colour"]


def test_drawings_stand_beside_their_maps(scenes: Scenes) -> None:
    drawn = heat_maps(scenes, {"right": scenes.masks.astype(float), "flat": np.zeros((2, 8, 8))})
    assert drawn.pictures and len(drawn.axes) == 6
    assert [drawn.axes[k].get_ylabel() for k in (0, 3)] == ["“dress”", "“hem”"]
    assert [axes.get_title("left") for axes in drawn.axes[:3]] == ["drawing", "right", "flat"]
    assert np.array_equal(drawn.axes[1].images[0].get_array(), scenes.masks[0])


def test_photographs_are_not_shown(scenes: Scenes) -> None:
    with pytest.raises(SettingError, match="photographs are not shown"):
        heat_maps(replace(scenes, dataset="clothing-co-parsing"), {})

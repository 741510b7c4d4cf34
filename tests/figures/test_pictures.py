from __future__ import annotations

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from toybook import record

from ofclip import figures
from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.figures.style import OWN
from ofclip.images import Images
from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result


class Grey(Images):
    """Pictures of one grey each: picture i has the value 10 i."""

    fingerprint = "grey"

    def __init__(self, values: list[int]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def name(self, i: int) -> str:
        return f"grey {i}"

    def open(self, i: int) -> Image.Image:
        return Image.new("RGB", (4, 4), (self.values[i],) * 3)

    def subset(self, rows: np.ndarray) -> Grey:
        return Grey([self.values[row] for row in rows])


def catalog(name: str, count: int = 9, text: str = "caption") -> Catalog:
    table = {"id": [f"p{i}" for i in range(count)], "split": "test", "group": [str(i) for i in range(count)]}
    table |= {"texts": [(f"{text} {i}",) if text else () for i in range(count)], "type": "shirt"}
    return Catalog(name, pd.DataFrame(table), Grey([10 * i for i in range(count)]))


def shown(axes: object) -> int:
    return int(np.asarray(axes.images[0].get_array())[0, 0, 0])


def test_samples_are_evenly_spaced_and_captioned() -> None:
    drawn = figures.samples([catalog("one"), catalog("two", 2)], columns=3)
    assert drawn.pictures
    assert [shown(axes) for axes in drawn.axes if axes.images] == [0, 40, 80, 0, 10]
    assert [axes.get_xlabel() for axes in drawn.axes[:3]] == ["caption 0", "caption 4", "caption 8"]
    assert drawn.axes[3].get_title("left") == "two"


def test_samples_without_captions_show_the_label() -> None:
    assert figures.samples([catalog("one", text="")], columns=1).axes[0].get_xlabel() == "shirt"


def test_samples_of_nothing_are_refused() -> None:
    with pytest.raises(SettingError, match="got 0 catalogues, 6 columns"):
        figures.samples([])


@pytest.fixture
def found() -> pd.DataFrame:
    rows = [("kagl", "blue", "p3", 2, "p1", "p3"), ("kagl", "red", "p4", 7, "p5", "p6")]
    return pd.DataFrame(rows, columns=["dataset", "query", "id", "rank", "retrieved 1", "retrieved 2"])


def test_retrieved_frames_the_own_product_where_it_is_found(found: pd.DataFrame) -> None:
    drawn = figures.retrieved(record("04-retrieval", Result([], {"queries": found})), [catalog("kagl")])
    assert [shown(axes) for axes in drawn.axes] == [30, 10, 30, 40, 50, 60]
    framed = [axes.spines["left"].get_visible() for axes in drawn.axes]
    assert framed == [False, False, True, False, False, False]
    assert drawn.axes[2].spines["left"].get_edgecolor() == matplotlib.colors.to_rgba(OWN)
    assert drawn.axes[3].get_title("left") == "kagl · rank 7" and drawn.axes[3].get_xlabel() == "“red”"


def test_retrieved_shows_as_many_queries_of_each_data_set(found: pd.DataFrame) -> None:
    both = pd.concat([found, found.assign(dataset="other")])
    made = record("04-retrieval", Result([], {"queries": both}))
    drawn = figures.retrieved(made, [catalog("kagl"), catalog("other")], rows=2)
    titles = [axes.get_title("left") for axes in drawn.axes[::3]]
    assert titles == ["kagl · rank 2", "other · rank 2"]


def test_retrieved_needs_the_catalogue_that_was_searched(found: pd.DataFrame) -> None:
    metric = Metric("MRR", "", "higher", "kagl", "test", 2, 0.5)
    made = record("04-retrieval", Result([metric], {"queries": found}))
    with pytest.raises(SettingError, match="unknown catalogue of the queries 'kagl'"):
        figures.retrieved(made, [catalog("kagle")])
    with pytest.raises(SettingError, match="kagl has no product 'p3': load the split that was searched"):
        figures.retrieved(made, [catalog("kagl", 3)])

import math

import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.images import AbsentImages, ArrayImages
from ofclip.tasks.describe import attributes_said, describe, entropy_given


def catalog():
    pictures = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.full((6, 8, 8, 3), 20, np.uint8)
    pictures[5] = pictures[0]  # identical across splits
    rows = [
        ("a", "train", ("red shirt", "a shirt"), "shirt"),
        ("b", "train", ("red shirt",), "shirt"),
        ("c", "val", ("long blue summer dress",), "dress"),
        ("d", "test", ("shoe",), "shoe"),
        ("e", "test", ("thing",), "hat"),
        ("f", "test", ("thing",), "bag"),
    ]
    table = pd.DataFrame(rows, columns=["id", "split", "texts", "type"]).assign(group=list("abcdef"))
    return Catalog("toy", table, ArrayImages(pictures, "toy"))


def test_tables_hold_hand_counted_values():
    result = describe([(catalog(), "photographs")], size=8)
    domains = result.tables["domains"].iloc[0].to_dict()
    assert domains == {"dataset": "toy", "role": "photographs", "products": 6, "train": 2, "val": 1, "test": 3}
    captions = result.tables["captions"].iloc[0]
    assert captions["captions"] == 7 and captions["vocabulary"] == 9
    assert captions["words_mean"] == pytest.approx((2 + 2 + 2 + 4 + 1 + 1 + 1) / 7)
    assert captions["attributes_mean"] == pytest.approx(4 / 6)  # shirt, shirt, dress, shoe
    assert captions["distinct_share"] == pytest.approx(4 / 6)
    duplicates = result.tables["duplicates"].iloc[0]
    assert (duplicates["sharing_caption"], duplicates["identical_pictures"]) == (4, 2)
    assert dict(zip(result.tables["lengths"]["words"], result.tables["lengths"]["count"], strict=True)) == {
        1: 3, 2: 3, 4: 1
    }  # fmt: skip
    assert result["shared captions"].value == pytest.approx(4 / 6)
    assert result.tables["labels"].iloc[0][["value", "count"]].tolist() == ["shirt", 2]


def test_splits_are_counted_by_their_own_names():
    splits = describe([(catalog(), "photographs")], size=8).tables["splits"]
    assert dict(zip(splits["split"], splits["products"], strict=True)) == {"train": 2, "val": 1, "test": 3}


def test_attributes_said_counts_values_in_the_caption_whole_words_only():
    table = catalog().products.assign(
        texts=[("Red Shirts, v-neck",), ("a redder shirt",), ("dress",), (), ("hats: red",), ("bag",)],
        colour=pd.array(["red", "red", "blue", "red", "red", None], dtype="string"),
        details=[("V Neck", "long"), (), (), ("x",), (), ("bags", "bag")],
    )
    whole = Catalog("toy", table.assign(type=["shirt", "shirt", "dress", "shoe", "hat", "bag"]), catalog().images)
    assert attributes_said(whole).tolist() == [3, 1, 1, 0, 2, 3]


def test_texts_alone_can_be_described():
    whole = catalog()
    texts = Catalog("toy", whole.products, AbsentImages(["a"] * 6))
    result = describe([(texts, "photographs")], size=8)
    assert pd.isna(result.tables["duplicates"].iloc[0]["identical_pictures"])
    assert result["words per caption"].value == describe([(whole, "photographs")], size=8)["words per caption"].value


def test_entropy_of_a_label_given_the_caption():
    assert entropy_given(["a", "b", "c"], ["x", "y", "z"]) == 0
    assert entropy_given(["a"] * 4, ["x", "y", "z", "w"]) == pytest.approx(2)
    assert entropy_given(["a", "a", "b", "b"], ["x", "y", "x", "x"]) == pytest.approx(0.5)
    assert entropy_given(["a", "a"], ["x", None]) == 0
    assert math.isnan(entropy_given(["a"], [None]))

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.errors import DataError, SettingError
from ofclip.images import ArrayImages


def table(**changes) -> pd.DataFrame:
    columns = {
        "id": ["a", "b", "c", "d"],
        "split": ["train", "train", "test", "test"],
        "group": ["1", "1", "2", "3"],
        "texts": [("red shirt", "shirt"), ("red shirt",), ("blue bag",), ()],
        "type": pd.array(["shirt", "shirt", "bag", pd.NA], dtype="string"),
        "colour": pd.array(["red", "red", "blue", "green"], dtype="string"),
    }
    return pd.DataFrame(columns | changes)


@pytest.fixture
def store() -> ArrayImages:
    return ArrayImages(np.arange(4 * 4, dtype=np.uint8).reshape(4, 2, 2), "grey")


def test_catalog_tells_what_it_holds(store):
    catalog = Catalog("shop", table(), store)
    assert len(catalog) == 4
    assert catalog.labels == ["type", "colour"]
    assert catalog.captions == ["red shirt", "red shirt", "blue bag", ""]
    assert catalog.split == "train+test"
    assert repr(catalog) == "Catalog('shop', 4 products: train 2, test 2; labels: type, colour)"


@pytest.mark.parametrize(
    ("products", "message"),
    [
        (table().drop(columns=["group", "texts"]), "shop: the product table lacks the columns group, texts"),
        (table().iloc[:3], "shop: 3 products but 4 pictures"),
        (table(id=["a", "b", "c", "b"]), "shop: id 'b' occurs more than once"),
    ],
)
def test_wrong_tables_are_refused(store, products, message):
    with pytest.raises(DataError, match=message):
        Catalog("shop", products, store)


def test_take_keeps_products_and_pictures_together(store):
    part = Catalog("shop", table(), store).take([2, 0])
    assert list(part.products["id"]) == ["c", "a"]
    assert list(part.products.index) == [0, 1]
    assert [part.images.name(i) for i in (0, 1)] == ["grey[2]", "grey[0]"]


def test_where_takes_one_value_or_several(store):
    catalog = Catalog("shop", table(), store, skipped=("row 9: why",))
    assert list(catalog.where(split="test").products["id"]) == ["c", "d"]
    assert list(catalog.where(type=["shirt", "bag"], colour="red").products["id"]) == ["a", "b"]
    assert catalog.where(split="test").skipped == ("row 9: why",)
    with pytest.raises(SettingError, match="did you mean 'colour'"):
        catalog.where(color="red")


def test_label_is_a_column_or_an_error_with_the_nearest_name(store):
    catalog = Catalog("shop", table(), store)
    assert catalog.label("type").isna().tolist() == [False, False, False, True]
    with pytest.raises(SettingError, match="unknown label of shop 'typ': did you mean 'type'"):
        catalog.label("typ")
    with pytest.raises(SettingError):
        catalog.label("split")


def test_fingerprint_follows_every_part(store):
    catalog = Catalog("shop", table(), store)
    assert Catalog("shop", table(), store).fingerprint == catalog.fingerprint
    others = [
        Catalog("market", table(), store),
        Catalog("shop", table(texts=[("red shirt", "top"), ("red shirt",), ("blue bag",), ()]), store),
        Catalog("shop", table(colour=["red", "red", "blue", "red"]), store),
        Catalog("shop", table().rename(columns={"colour": "hue"}), store),
        Catalog("shop", table(), ArrayImages(255 - store.array, "grey")),
        catalog.take([1, 0, 2, 3]),
    ]
    assert len({catalog.fingerprint, *(other.fingerprint for other in others)}) == 1 + len(others)

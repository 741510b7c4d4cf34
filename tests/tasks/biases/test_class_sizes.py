import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.tasks.biases.class_sizes import class_sizes

CLASSES = ["bag", "belt", "hat", "shoe"]
SIZES = {"bag": 40, "belt": 5, "hat": 20, "shoe": 10}
RIGHT = {"bag": 8, "belt": 1, "hat": 6, "shoe": 3}  # of eight


class Toy:
    def encode_texts(self, texts):
        return np.eye(4)[[CLASSES.index(text.removeprefix("a photo of a ")) for text in texts]]


def catalogue(values):
    n = len(values)
    table = {"id": [f"id{i}" for i in range(n)], "split": "test", "group": [f"group {i}" for i in range(n)]}
    products = pd.DataFrame(table | {"texts": [()] * n, "kind": values})
    return Catalog("toy", products, ArrayImages(np.zeros((n, 1, 1), np.uint8), "toy"))


def made(embeddings, each=8):
    labels, images = [], []
    for c, name in enumerate(CLASSES):
        for i in range(each):
            labels.append(name)
            images.append(np.eye(4)[c if i < RIGHT[name] else (c + 1) % 4])
    return embeddings(np.array(images), np.empty((0, 4)), owner=[]), catalogue(labels)


TRAINING = [catalogue([name for name, size in SIZES.items() for _ in range(size)]), catalogue(["scarf"] * 3)]


def test_accuracy_that_goes_with_size(embeddings):
    vectors, catalog = made(embeddings)
    result = class_sizes(Toy(), vectors, catalog, "kind", TRAINING)
    table = result.tables["class_sizes"]
    assert table["class"].tolist() == ["belt", "shoe", "hat", "bag"] and table["trained_on"].tolist() == [5, 10, 20, 40]
    assert table["accuracy"].tolist() == [1 / 8, 3 / 8, 6 / 8, 1] and table["pictures"].eq(8).all()
    assert (table["low"] <= table["accuracy"]).all() and (table["accuracy"] <= table["high"]).all()
    rank, gap = result["kind: class size and accuracy"], result["kind: accuracy of large minus small classes"]
    assert rank.value == pytest.approx(1) and rank.n == 4 and rank.interval[0] <= rank.interval[1] <= 1 + 1e-9
    assert gap.value == pytest.approx((6 / 8 + 1) / 2 - (1 / 8 + 3 / 8) / 2)
    assert gap.interval[0] < gap.value < gap.interval[1] and gap.direction == "nearer 0"


def test_classes_of_few_pictures_are_left_out_and_counted(embeddings):
    vectors, catalog = made(embeddings)
    catalog.products.loc[8:13, "kind"] = None  # two belts are left
    result = class_sizes(Toy(), vectors, catalog, "kind", TRAINING)
    assert result.tables["class_sizes"]["class"].tolist() == ["shoe", "hat", "bag"]
    assert "1 of 4 classes are left out, with fewer than 5 pictures" in result.metrics[0].definition


def test_a_class_that_is_not_trained_on_has_size_0(embeddings):
    vectors, catalog = made(embeddings)
    table = class_sizes(Toy(), vectors, catalog, "kind", [catalogue(["bag"])]).tables["class_sizes"]
    assert table.set_index("class")["trained_on"].to_dict() == {"belt": 0, "hat": 0, "shoe": 0, "bag": 1}


def test_what_cannot_be_compared_is_refused(embeddings):
    vectors, catalog = made(embeddings)
    with pytest.raises(SettingError, match="kind of toy: 0 classes have 9 pictures or more; lower least"):
        class_sizes(Toy(), vectors, catalog, "kind", TRAINING, least=9)
    with pytest.raises(SettingError, match="least must be at least 1"):
        class_sizes(Toy(), vectors, catalog, "kind", TRAINING, least=0)
    with pytest.raises(SettingError, match="unknown label of toy 'kinds'"):
        class_sizes(Toy(), vectors, catalog, "kinds", TRAINING)

import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.images import AbsentImages, ArrayImages
from ofclip.tasks.overlap import overlap, within


def pictures(*seeds):
    """Smooth pictures, equal for equal seeds."""
    coarse = np.stack([np.random.default_rng(seed).integers(0, 256, (4, 4, 3)) for seed in seeds]).astype(np.uint8)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


def catalog(name, split, seeds, captions, groups=None):
    ids = [f"{name}{i}" for i in range(len(seeds))]
    table = pd.DataFrame({"id": ids, "split": split, "group": groups or ids, "texts": [(c,) for c in captions]})
    return Catalog(name, table, ArrayImages(pictures(*seeds), name))


@pytest.fixture
def training():
    return [
        catalog("a", "train", [1, 2, 3], ["red hat", "blue hat", "coat"]),
        catalog("b", "train", [4, 5], ["bag", "Shoe "]),
    ]


def test_shares_are_those_counted_by_hand(training):
    benchmark = catalog("c", "test", [2, 9, 4, 8], ["RED hat", "sock", "shoe", "bag"])
    result = overlap(training, benchmark)
    assert result["shared pictures (exact)"].value == 2 / 4  # seeds 2 and 4
    assert result["shared pictures (near)"].value == 2 / 4
    assert result["shared captions"].value == 3 / 4
    assert result["shared captions"].n == 4
    leaks = result.tables["leaks"].set_index(["training", "kind"])["products"]
    assert leaks["a", "caption"] == 1 and leaks["b", "caption"] == 2
    assert leaks["a", "picture exact"] == leaks["b", "picture exact"] == 1


def test_a_near_picture_is_near_and_not_exact(training):
    near = pictures(3).astype(int)
    near[:, :8] += np.where(near[:, :8] < 128, 3, -3)
    images = ArrayImages(near.astype(np.uint8), "near")
    table = pd.DataFrame({"id": ["x"], "split": ["test"], "group": ["x"], "texts": [("parka",)]})
    result = overlap(training, Catalog("near", table, images))
    assert result["shared pictures (exact)"].value == 0
    assert result["shared pictures (near)"].value == 1


def test_texts_alone_are_compared_by_captions_alone(training):
    texts = Catalog("c", training[1].products, AbsentImages(["x", "y"]))
    result = overlap(training, texts)
    assert [metric.name for metric in result.metrics] == ["shared captions"]
    assert result["shared captions"].value == 1


def test_within_gives_the_duplicates_of_all_splits_and_the_false_negatives_of_training():
    one = catalog("a", "train", [1, 1, 2], ["hat", "hat", "bag"], ["g", "g", "h"])
    two = catalog("a", "test", [1], ["hat"])
    both = Catalog(
        "a",
        pd.concat([one.products, two.products.assign(id="t")], ignore_index=True),
        ArrayImages(pictures(1, 1, 2, 1), "a"),
    )
    tables = within(both, batches=(2,)).tables
    row = tables["duplicates"].query("split == 'test' and other_split == 'train'").iloc[0]
    assert (row["picture_exact"], row["caption_exact"]) == (1, 1)
    rates = tables["false_negatives"].set_index("same")["rate"]
    assert rates["caption"] == pytest.approx(2 / 3 / 2)  # two of three have one other among two
    assert set(tables["false_negatives"]["dataset"]) == {"a"}

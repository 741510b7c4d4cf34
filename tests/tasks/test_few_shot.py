import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.metrics.vectors import unit
from ofclip.models import Preprocess
from ofclip.tasks.few_shot import compare, few_shot, sampled


@pytest.fixture
def sides(embeddings):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 8))
    codes = np.array([0] * 40 + [1] * 30 + [2] * 3)
    answers = rng.integers(3, size=90)
    made = [unit("toy", centres[of] + 0.9 * rng.normal(size=(len(of), 8))) for of in (codes, answers)]
    train, test = (embeddings(vectors, np.zeros((0, 8)), owner=[]) for vectors in made)
    return train, test, [f"type {c}" for c in codes], [f"type {c}" for c in answers]


def test_one_shot_of_every_picture_is_a_plain_probe(sides):
    train, test, labels, answers = sides
    result = few_shot(train, test, labels, answers, ks=(40,), draws=2, strength=5.0)
    plain = LogisticRegression(C=5.0, max_iter=1000).fit(train.images, labels)
    metric = result["40-shot accuracy@1"]
    assert metric.value == pytest.approx(plain.score(test.images, answers), abs=0.012)  # rows come in the same order
    [row] = result.tables["shots"].to_dict("records")
    assert row["train"] == 73 and row["short"] == 2 and row["lowest"] == row["highest"] == metric.value


def test_small_classes_give_all_they_have_and_are_counted(sides):
    shots = few_shot(*sides, ks=(1, 2, 4, 8), draws=3).tables["shots"]
    assert shots["train"].tolist() == [3, 6, 11, 19]
    assert shots["short"].tolist() == [0, 0, 1, 1]
    assert (shots["low"] <= shots["accuracy"]).all() and (shots["accuracy"] <= shots["high"]).all()
    assert (shots["lowest"] <= shots["accuracy"]).all() and shots["highest"].iloc[-1] > 1 / 3


def test_draws_differ_and_are_the_same_again(sides):
    first, again, other = (few_shot(*sides, ks=(1, 2), draws=4, seed=seed).tables["shots"] for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert first["lowest"][0] < first["highest"][0] and not first.equals(other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ks": (0, 1)}, "must be 1 or more"),
        ({"draws": 0}, "must be 1 or more"),
        ({"ks": (1, 41)}, "no class of toy has 41 training pictures \\(the largest has 40\\): ask for fewer"),
    ],
)
def test_shots_that_are_not_there_are_refused(sides, settings, message):
    with pytest.raises(SettingError, match=message):
        few_shot(*sides, **settings)


class Painter:
    """A model whose picture vector is the mean colour, and whose text vector is the colour named in the text."""

    preprocess = Preprocess(8, (0.5,) * 3, (0.5,) * 3)
    colours = {"reds": (1.0, 0, 0), "greens": (0, 1.0, 0), "blues": (0, 0, 1.0)}

    def __init__(self, fingerprint, noise=0.0):
        self.fingerprint, self.noise = fingerprint, noise

    def encode_images(self, pixels):
        means = pixels.reshape(len(pixels), -1, 3).mean(axis=1) / 255
        return unit("", means + self.noise * np.random.default_rng(0).normal(size=means.shape))

    def encode_texts(self, texts):
        vectors = [next(vector for name, vector in self.colours.items() if name in text) for text in texts]
        return np.array(vectors, dtype=np.float32)


def shop(split, n, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=n)
    pixels = rng.integers(0, 150, (n, 8, 8, 3), dtype=np.uint8)
    pixels[np.arange(n), :, :, codes] += 100
    ids = [f"{split}{i}" for i in range(n)]
    kind = pd.array([["Reds", "Greens", "Blues"][code] for code in codes], dtype="string")
    products = {"id": ids, "split": split, "group": ids, "texts": [("a text",)] * n, "kind": kind}
    return Catalog("shop", pd.DataFrame(products), ArrayImages(pixels, split))


def test_probe_prompts_start_and_pixels_stand_beside_each_other():
    pool, test = shop("train", 90, 0), shop("test", 60, 1)
    result = compare(Painter("m"), Painter("s", noise=9.0), pool, test, "kind", ["a {}"], ks=(1, 4), draws=2)
    values = {metric.name: metric.value for metric in result.metrics}
    assert values["kind zero-shot accuracy@1"] == values["kind probe accuracy@1"] == 1
    assert values["kind probe minus zero-shot accuracy@1"] == 0
    assert values["kind probe accuracy@1 (starting model)"] < 0.7 < values["kind probe accuracy@1 (raw pixels)"]
    assert values["kind majority-class accuracy"] < 0.5 < values["kind 4-shot accuracy@1"]
    assert set(result.tables["strength"]["features"]) == {"model", "starting model", "raw pixels"}
    assert {metric.n for metric in result.metrics} == {60}


def test_a_class_is_asked_for_in_the_words_given():
    pool, test = shop("train", 60, 0), shop("test", 40, 1)
    words = {"Reds": ["greens"], "Greens": ["reds"]}
    result = compare(Painter("m"), Painter("s"), pool, test, "kind", ["a {}"], words, ks=(1,), draws=1)
    blue = np.mean(test.label("kind") == "Blues")
    assert result["kind zero-shot accuracy@1"].value == pytest.approx(blue)


def test_a_sample_is_drawn_once_for_all_and_keeps_the_order():
    catalog = shop("train", 50, 0)
    some = sampled(catalog, 20)
    assert len(some) == 20 and some.fingerprint == sampled(catalog, 20).fingerprint
    places = [int(name.removeprefix("train")) for name in some.products["id"]]
    assert places == sorted(places) and places != list(range(20))
    assert sampled(catalog, 50) is catalog
    with pytest.raises(SettingError, match="1 product or more, got 0"):
        sampled(catalog, 0)

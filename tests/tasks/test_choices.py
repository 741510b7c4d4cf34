import re

import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.metrics.vectors import unit
from ofclip.tasks.choices import choices, choose, shuffle

ROWS = [
    ("red", "dress", "striped", "blue", "sleeveless", "a red striped dress"),
    ("blue", "shirt", "plain", None, "long", "blue shirt"),
    ("green", "hat", "dotted", "red", None, "hat"),
    (None, "coat", "checked", "blue", "long", "checked coat with a hood"),
]


@pytest.fixture
def shop():
    columns = ["colour", "type", "pattern", "accent", "sleeve", "text"]
    table = pd.DataFrame(ROWS, columns=columns, dtype="string")
    ids = [f"id{i}" for i in range(len(table))]
    products = pd.DataFrame({"id": ids, "split": "test", "group": ids, "texts": [(text,) for text in table["text"]]})
    return Catalog("shop", products.join(table.drop(columns="text")), ArrayImages(np.zeros((4, 1, 1, 3), np.uint8), ""))


def asked(shop, name, **settings):
    [choice] = [choice for choice in choices(shop, "colour", "type", **settings) if choice.name == name]
    return [choice.captions(row) for _, row in shop.products.iterrows()]


def test_swapped_colours_use_the_same_words(shop):
    first, second, third, fourth = asked(shop, "swapped colours")
    assert first == ("red dress, striped pattern in blue", "blue dress, striped pattern in red")
    assert second is None and fourth is None  # no second colour; no first one
    assert third == ("green hat, dotted pattern in red", "red hat, dotted pattern in green")


def test_another_colour_and_accent_are_wrong(shop):
    assert asked(shop, "another accent")[0] == (
        "red dress, striped pattern in blue",
        "red dress, striped pattern in green",
    )
    right, wrong = asked(shop, "another colour")[1]
    assert right == "blue shirt" and wrong in ("red shirt", "green shirt")
    assert asked(shop, "another colour")[3] is None


def test_negation_is_asked_both_ways_by_the_same_pair_of_words(shop):
    assert asked(shop, "colour affirmed")[1] == ("shirt, blue", "shirt, not blue")
    right, wrong = asked(shop, "colour denied")[1]
    assert re.fullmatch("shirt, not (red|green)", right) and wrong == right.replace("not ", "")
    assert asked(shop, "sleeves denied") == [("dress without sleeves", "dress with sleeves"), None, None, None]
    affirmed = asked(shop, "sleeves affirmed")
    assert affirmed[1] == ("shirt with sleeves", "shirt without sleeves")
    assert affirmed[0] is None and affirmed[2] is None and affirmed[3] is not None


def test_shuffled_words_are_the_same_words_in_another_order(shop):
    pairs = asked(shop, "word order")
    assert pairs[2] is None  # one word has one order
    for pair in (pairs[0], pairs[1], pairs[3]):
        assert sorted(pair[0].split()) == sorted(pair[1].split()) and pair[0] != pair[1]
    assert pairs == asked(shop, "word order") and pairs[1] == ("blue shirt", "shirt blue")
    assert any(asked(shop, "word order", seed=seed)[3] != pairs[3] for seed in range(1, 4))


def test_what_is_drawn_depends_on_the_product_alone(shop):
    some = shop.take([1, 0])
    assert asked(some, "word order")[1] == asked(shop, "word order")[0]


def test_shuffle_leaves_no_order_as_it_was():
    rng = np.random.default_rng(0)
    assert shuffle("", rng) is None and shuffle("red red red", rng) is None
    assert {shuffle("red red hat", rng) for _ in range(50)} == {"red hat red", "hat red red"}


WORDS = "red blue green dress shirt hat coat striped dotted checked not with without sleeves pattern in a hood".split()


class Bag:
    """A model that knows which words a text holds and nothing of their order, as if "not" were one like others."""

    def encode_texts(self, texts):
        counts = [[re.findall(r"[a-z]+", text).count(word) for word in WORDS] for text in texts]
        return unit("texts", np.array(counts) + 1e-3)


def pictures(shop):
    """Vectors as a bag of words would have them: the words of each product's labels."""
    words = [" ".join(str(value) for value in row if value) for row in ROWS]
    return Bag().encode_texts(words)


def test_a_bag_of_words_knows_colours_and_neither_order_nor_negation(shop, embeddings):
    vectors = embeddings(pictures(shop), np.zeros((0, len(WORDS))), owner=[])
    result = choose(Bag(), vectors, shop, choices(shop, "colour", "type"), "{}")
    values = {metric.name.removesuffix(" accuracy"): metric.value for metric in result.metrics}
    assert values["another colour"] == values["another accent"] == 1
    assert values["swapped colours"] == values["word order"] == 0  # all tied, and a tie is a miss
    assert values["colour affirmed"] == 1
    table = result.tables["choices"].set_index("choice")
    assert table.loc["swapped colours", "ties"] == table.loc["swapped colours", "pictures"] == 2
    assert table.loc["word order", ["pictures", "not_asked", "ties"]].tolist() == [3, 1, 3]
    assert all(metric.chance == 0.5 and metric.ceiling == 1 for metric in result.metrics)


def test_hand_made_vectors_give_the_exact_share(shop, embeddings):
    class Model:
        def encode_texts(self, texts):
            return np.array([[1.0, 0.0] if "not" in text else [0.0, 1.0] for text in texts], dtype=np.float32)

    vectors = embeddings(np.array([[0, 1], [1, 0], [0, 1], [1, 1]]), np.zeros((0, 2)), owner=[])
    result = choose(Model(), vectors, shop, choices(shop, "colour", "type"), "{}", of="toy")
    assert result["colour affirmed accuracy (toy)"].value == 2 / 3
    assert result["colour denied accuracy (toy)"].value == 1 / 3
    assert result["another colour accuracy (toy)"].value == 0
    assert set(result.tables["choices"]["model"]) == {"toy"}


def test_questions_without_labels_are_left_out(shop, embeddings):
    poor = Catalog("poor", shop.products.drop(columns=["accent", "sleeve"]), shop.images)
    vectors = embeddings(pictures(shop), np.zeros((0, len(WORDS))), owner=[])
    names = choose(Bag(), vectors, poor, choices(poor, "colour", "type"), "{}").tables["choices"]["choice"].tolist()
    assert names == ["another colour", "word order", "colour affirmed", "colour denied"]
    bare = Catalog("bare", poor.products.assign(texts=[()] * 4, colour=pd.array([None] * 4, "string")), shop.images)
    with pytest.raises(SettingError, match="bare: no product has the labels"):
        choose(Bag(), vectors, bare, choices(bare, "colour", "type"), "{}")
    with pytest.raises(SettingError, match="did you mean 'colour'"):
        choices(shop, "color", "type")

import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.tasks.biases.wording import gendered_wording

#: Axes of the toy: shirt, shoe, women's, men's, red, blue.
AXES = dict(zip(["shirt", "shoe", "women's", " men's", "red", "blue"], np.eye(6), strict=True))
PRODUCTS = [
    (kind, gender, colour)
    for kind in ("Shirt", "Shoe") for gender in ("Women", "Men") for colour in ("Red", "Blue") for _ in range(3)
]  # fmt: skip


class Toy:
    """A text is the sum of what it names; naming a gender weighs as much as `loud` says."""

    def __init__(self, loud=0.0, neutral_women=0.0):
        self.loud, self.neutral_women = loud, neutral_women

    def encode_texts(self, texts):
        vectors = []
        for text in texts:
            named = [word for word in AXES if word in f" {text}" and not (word == " men's" and "women's" in text)]
            weights = {"women's": self.loud, " men's": self.loud}
            vector = sum(weights.get(word, 1.0) * AXES[word] for word in named)
            neutral = not {"women's", " men's"} & set(named)
            vectors.append(vector + (self.neutral_women * AXES["women's"] if neutral else 0) + 1e-6)
        return np.array(vectors)


def catalogue(products):
    n = len(products)
    table = pd.DataFrame(products, columns=["type", "gender", "colour"])
    table = table.assign(id=[f"id{i}" for i in range(n)], split="test", group=[f"group {i}" for i in range(n)])
    table["texts"] = [()] * n
    return Catalog("toy", table, ArrayImages(np.zeros((n, 1, 1), np.uint8), "toy"))


def vectors(embeddings, products, noise=0.01):
    rng = np.random.default_rng(0)
    gender = {"Women": "women's", "Men": " men's"}
    images = [AXES[k.lower()] + 0.5 * AXES[gender.get(g, "red")] + AXES[c.lower()] for k, g, c in products]
    images = np.array(images) + rng.normal(0, noise, (len(products), 6))
    return embeddings(images / np.linalg.norm(images, axis=1, keepdims=True), np.empty((0, 6)), owner=[])


def measured(embeddings, model, products=PRODUCTS):
    return gendered_wording(model, vectors(embeddings, products), catalogue(products), "type", "colour")


def test_products_of_other_genders_are_left_out_and_counted(embeddings):
    more = [*PRODUCTS, ("Shirt", "Unisex", "Red"), ("Shirt", None, "Red"), ("Shoe", "Boys", "Blue")]
    result = measured(embeddings, Toy(), more)
    assert result.tables["gender_rows"].to_dict("records") == [
        {"dataset": "toy", "women's": 12, "men's": 12, "other or unknown": 3}
    ]
    assert result.tables["wording"]["n"].eq(12).all()


def test_a_model_deaf_to_gender_answers_all_wordings_alike(embeddings):
    result = measured(embeddings, Toy())
    table = result.tables["wording"].set_index(["task", "products", "wording"]).sort_index()
    assert table["change"].dropna().eq(0).all() and len(table) == 2 * 2 * 3
    assert table.loc["type accuracy@1", "value"].eq(1).all()
    assert result["women's products first"].direction == "nearer 0"


def test_a_loud_gender_helps_its_own_and_hurts_the_other(embeddings):
    """Twelve products share colour and type with a query or gender with it; a loud gender decides which lead."""
    products = [("Shirt", g, "Red") for g in ("Women", "Men") for _ in range(10)] + [("Shoe", "Men", "Blue")] * 2
    table = measured(embeddings, Toy(loud=1.0), products).tables["wording"]
    table = table.set_index(["task", "products", "wording"]).sort_index()
    recall = table.loc["recall@10", "value"]
    assert recall["women's", "own gender"] == 1 and recall["men's", "own gender"] == 1
    assert recall["women's", "other gender"] == 0 and table.loc[("recall@10", "women's", "other gender"), "change"] <= 0


def test_whose_products_lead_a_neutral_query(embeddings):
    products = [("Shirt", g, "Red") for g in ["Women"] * 12 + ["Men"] * 12] + [("Shoe", "Men", "Blue")]
    result = measured(embeddings, Toy(neutral_women=0.3), products)
    shares = result.tables["gender_shares"]
    assert shares[["class", "products", "women_share"]].to_numpy().tolist() == [["shirt", 24, 0.5]]
    assert shares["top_share"].item() == 1 and shares["women_first"].item() == 1
    assert result["women's share of the first 10 over their base rate"].value == 0.5
    against = measured(embeddings, Toy(neutral_women=-0.3), products)
    assert against["women's products first"].value == -1
    assert against["women's share of the first 10 over their base rate"].value == -0.5


def test_without_a_class_of_both_genders_nobody_leads(embeddings):
    result = measured(embeddings, Toy(), [("Shirt", "Women", "Red"), ("Shoe", "Men", "Blue")])
    assert not len(result.tables["gender_shares"]) and not [m for m in result.metrics if "first" in m.name]


def test_what_cannot_be_compared_is_refused(embeddings):
    with pytest.raises(SettingError, match="products of both genders and of two classes are needed"):
        measured(embeddings, Toy(), [row for row in PRODUCTS if row[1] == "Men"])
    with pytest.raises(SettingError, match="unknown label of toy 'sex'"):
        gendered_wording(Toy(), vectors(embeddings, PRODUCTS), catalogue(PRODUCTS), "type", gender="sex")

import numpy as np
import pandas as pd
import pytest
from fixtures import deepfashion as deepfashion_fixture
from fixtures import imaterialist as imaterialist_fixture
from sklearn import metrics as sklearn

import ofclip
from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.sources import deepfashion, get, imaterialist
from ofclip.tasks.attributes import attributes, recognise

VALUES = ["red", "blue", "green", "black"]


class Oracle:
    """A model that gives each text an axis of its own, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def encode_texts(self, texts):
        self.asked += [text for text in texts if text not in self.asked]
        return np.eye(400, dtype=np.float32)[[self.asked.index(text) for text in texts]]


@pytest.fixture
def toy(embeddings):
    """Five pictures whose nearest axes, best first, are listed in the comments."""
    images = [
        [0.9, 0.3, 0.2, 0.1],  # red, blue, green, black
        [0.8, 0.9, 0.1, 0.2],  # blue, red, black, green
        [0.1, 0.2, 0.9, 0.8],  # green, black, blue, red
        [0.4, 0.1, 0.3, 0.2],  # red, green, black, blue
        [0.1, 0.2, 0.3, 0.9],  # black, green, blue, red
    ]
    return embeddings(images, np.empty((0, 4)), owner=[])


def test_one_value_per_picture_by_hand(toy):
    labels = ["red", "red", "black", None, "blue"]
    result = attributes(toy, labels, VALUES, np.eye(4), "colour", ks=(1, 2, 4), template="a {}")
    assert [metric.name for metric in result.metrics] == ["colour recall@1", "colour recall@2", "colour mAP"]
    one, two, precision = result.metrics
    assert one.value == pytest.approx((1 / 2 + 0 + 0) / 3) and two.value == pytest.approx((1 + 1 + 0) / 3)
    assert (one.chance, two.chance, one.ceiling, one.n) == (1 / 4, 2 / 4, 1.0, 4)
    # red: ranks 1 and 2 of 4; black: third of 4 (0.1, 0.2, 0.8, 0.9); blue: 0.3, 0.9, 0.2, 0.2 with two equal last
    assert precision.value == pytest.approx((1 + 1 / 2 + 1 / 4) / 3)
    assert "'a {}'" in one.definition and "of the 4 values of colour" in one.definition
    [size] = result.tables["families"].to_dict("records")
    assert (size["values"], size["pictures"], size["not known"]) == (4, 4, 1)
    assert size["blind recall@1"] == 1 / 2 and np.isnan(size["blind recall@4"])
    values = result.tables["attributes"].set_index("value")
    assert values["pictures"].tolist() == [2, 1, 0, 1]
    assert values.loc["red", ["recall@1", "recall@2"]].tolist() == [0.5, 1.0]
    assert values.loc["green", ["recall@1", "average precision", "chance"]].isna().all()


def test_several_values_per_picture_by_hand(toy):
    labels = [("red", "blue"), ("green",), {"green", "blue"}, (), None]
    result = attributes(toy, labels, VALUES, np.eye(4), "colour", ks=(2,))
    by_name = {metric.name: metric for metric in result.metrics}
    # found: red and blue; none; green; none
    assert by_name["colour recall@2"].value == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert by_name["colour recall@2, pooled"].value == pytest.approx(3 / 5)
    pictures = by_name["colour recall@2, per picture"]
    assert pictures.value == pytest.approx((1 + 0 + 1 / 2) / 3) and pictures.n == 3
    precision = by_name["colour precision@2"]
    assert precision.value == pytest.approx((1 + 0 + 1 / 2 + 0) / 4) and precision.n == 4
    assert precision.ceiling == pytest.approx((1 + 1 / 2 + 1 + 0) / 4) and precision.chance == 5 / 16
    assert by_name["colour recall@2, pooled"].ceiling == by_name["colour recall@2"].ceiling == 1


def test_against_sklearn_on_many_pictures(embeddings):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(16, 16)))[0][:9]
    truth = rng.random((300, 9)) < 0.25
    images = truth @ axes + 0.5 * rng.normal(size=(300, 16))
    names = [f"value {i}" for i in range(9)]
    labels = [tuple(np.array(names)[row]) for row in truth]
    result = attributes(embeddings(images, np.empty((0, 16)), owner=[]), labels, names, axes, "cut")
    scores = images.astype(np.float32) @ axes.T.astype(np.float32)
    expected = np.mean([sklearn.average_precision_score(truth[:, a], scores[:, a]) for a in range(9)])
    assert result["cut mAP"].value == pytest.approx(expected)
    top = np.zeros_like(truth)
    np.put_along_axis(top, np.argsort(-scores)[:, :3], True, axis=1)
    assert result["cut recall@3"].value == pytest.approx(sklearn.recall_score(truth, top, average="macro"))
    pooled = result["cut recall@3, pooled"]
    assert pooled.value == pytest.approx(sklearn.recall_score(truth, top, average="micro"))
    for metric in result.metrics:
        assert metric.chance < metric.interval[0] < metric.value < metric.interval[1]
        assert metric.value <= metric.ceiling <= 1


def test_views_of_one_product_widen_the_interval(embeddings):
    rng = np.random.default_rng(1)
    codes = np.repeat(rng.integers(0, 4, 40), 6)
    images = np.eye(4)[codes] + np.repeat(0.6 * rng.normal(size=(40, 4)), 6, axis=0)
    labels = np.array(VALUES)[codes].tolist()
    groups = [f"group {i // 6}" for i in range(240)]
    alone, grouped = (
        attributes(embeddings(images, np.empty((0, 4)), owner=[], groups=own), labels, VALUES, np.eye(4), ks=(1,))
        for own in (None, groups)
    )
    for one, many in zip(alone.metrics, grouped.metrics, strict=True):
        assert one.value == many.value and np.diff(many.interval) > 1.8 * np.diff(one.interval)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["red"] * 4}, "4 labels for 5 pictures"),
        ({"labels": ["red", "rad", None, "red", "red"]}, "unknown attribute 'rad': did you mean 'red'"),
        ({"labels": [None] * 5}, "no picture of toy has any"),
        ({"labels": [()] * 5}, "no picture of toy has any"),
        ({"values": ["red", "blue", "red", "black"]}, "'red' is given more than once"),
        ({"values": ["red"], "vectors": np.eye(4)[:1]}, "at least two"),
        ({"vectors": np.eye(5)}, "expected \\(4, 4\\)"),
        ({"vectors": np.eye(4) * np.nan}, "vectors of attributes: row 0 is not finite"),
        ({"ks": (0,)}, "ks must be positive"),
    ],
)
def test_what_does_not_fit_is_refused(toy, changes, message):
    settings = {"labels": ["red"] * 5, "values": VALUES, "vectors": np.eye(4), **changes}
    with pytest.raises(SettingError, match=message):
        attributes(toy, **settings)


def test_a_constant_model_is_no_better_than_nothing(toy):
    result = attributes(toy, ["red", "blue", "green", "black", "red"], VALUES, np.ones((4, 4)), ks=(1, 3))
    assert [metric.value for metric in result.metrics[:2]] == [0, 0]


def embedded(embeddings, catalog, columns, model, template="a photo of a {}"):
    """Vectors that lie on the axes of all a picture's values, as the oracle will be asked for them."""
    say = get(catalog.name).families
    images = np.zeros((len(catalog), 400))
    for column in columns:
        for i, label in enumerate(catalog.products[column]):
            values = label if isinstance(label, tuple) else () if pd.isna(label) else (label,)
            for value in values:
                images[i] += model.encode_texts([template.format(say[column](value))])[0]
    made = embeddings(images + 1e-3, np.empty((0, 400)), owner=[], groups=catalog.products["group"].to_numpy(str))
    return made.__class__(**{**vars(made), "dataset": catalog.name, "ids": catalog.products["id"].to_numpy(str)})


def test_atelier_asks_in_the_words_of_its_captions_and_reaches_the_ceiling(embeddings):
    catalog, model = ofclip.load_catalog("atelier/street", split="test", n=900), Oracle()
    columns = list(get("atelier").families)
    result = recognise(model, embedded(embeddings, catalog, columns, model), catalog, "a photo of a {}")
    said = {text.removeprefix("a photo of a ") for text in model.asked}
    assert {"short-sleeve", "crew neck", "knee-length", "regular fit", "polka dot"} <= said and "short" not in said
    names = [metric.name for metric in result.metrics]
    assert "colour recall@3" in names and "all recall@5, per picture" in names
    assert "all precision@3" in names and "colour precision@3" not in names  # one colour: it is recall / k
    for metric in result.metrics:
        if metric.name in ("all recall@3", "all recall@5"):  # the oracle does not know which values are rare
            assert metric.chance < metric.value <= metric.ceiling
        else:
            assert metric.value == pytest.approx(metric.ceiling) and metric.chance < 1
    assert result["all recall@5"].ceiling < 1 and result["colour recall@5"].ceiling == 1
    sizes = result.tables["families"].set_index("family")
    assert sizes.loc["colour", "not known"] == 0 < sizes.loc["sleeve", "not known"]
    assert sizes.loc["all", "values"] == sizes["values"].drop("all").sum()


def test_what_a_domain_does_not_show_is_not_asked_for(embeddings):
    catalog, model = ofclip.load_catalog("atelier/sketch", split="test", n=600), Oracle()
    made = embedded(embeddings, catalog, ["pattern"], model)
    result = recognise(model, made, catalog, "a photo of a {}")
    assert not {"colour", "fabric"} & set(result.tables["families"]["family"])
    assert result["pattern recall@3"].value == 1


@pytest.mark.parametrize("annotations", ["coarse", "fine"])
def test_deepfashions_types_are_families_of_several_values(embeddings, tmp_path, annotations):
    deepfashion_fixture.write(tmp_path)
    catalog, model = deepfashion.load(tmp_path, pictures=False, annotations=annotations), Oracle()
    columns = deepfashion.COARSE if annotations == "coarse" else tuple(deepfashion.FINE)
    result = recognise(model, embedded(embeddings, catalog, columns, model), catalog, "a photo of a {}")
    found = set(result.tables["families"]["family"])
    assert "all" in found and found <= {*columns, "all"} and "attributes" not in found
    sizes = result.tables["families"].set_index("family")
    assert (sizes["pictures"][sizes.index != "all"] == len(catalog)).all()  # a picture without any has none
    assert sizes.loc["all", "values per picture"] > 1
    assert result["all recall@3, pooled"].value == pytest.approx(result["all recall@3, pooled"].ceiling)
    assert ("a photo of a v-neck" if annotations == "coarse" else "a photo of a long sleeve") in model.asked


def test_imaterialists_tasks_are_said_as_its_captions_say_them(embeddings, tmp_path):
    imaterialist_fixture.write(tmp_path)
    catalog, model = imaterialist.load(tmp_path, split="train"), Oracle()
    columns = list(imaterialist.PLURALS.values())
    result = recognise(model, embedded(embeddings, catalog, columns, model), catalog, "a photo of a {}")
    assert {"a photo of a women's", "a photo of a v-neck"} & set(model.asked)
    assert "a photo of a Female" not in model.asked
    found = set(result.tables["families"]["family"])
    assert found <= {*columns, "all"} and "all" in found
    for name in ("all recall@3, per picture", "all recall@3, pooled", "all precision@3"):
        assert result[name].value == pytest.approx(result[name].ceiling)


def test_damaged_pictures_are_left_out(embeddings):
    labels = ["Summer", "Fall", "Summer", "Winter"]
    products = {"id": list("abcd"), "split": "test", "group": list("abcd"), "texts": [()] * 4, "season": labels}
    catalog = Catalog("kagl", pd.DataFrame(products), ArrayImages(np.zeros((4, 1, 1), np.uint8), "kagl"))
    model = Oracle()
    made = embedded(embeddings, catalog, ["season"], model)
    kept = {**vars(made), "ids": made.ids[1:], "images": made.images[1:], "groups": made.groups[1:]}
    result = recognise(model, made.__class__(**kept), catalog, "a photo of a {}", ks=(1,))
    assert result["season recall@1"].n == 3 and result["season recall@1"].value == 1


def test_a_source_without_families_is_refused(toy):
    products = {"id": toy.ids, "split": "test", "group": toy.groups, "texts": [()] * 5, "class": list("abcab")}
    catalog = Catalog("fashion-mnist", pd.DataFrame(products), ArrayImages(np.zeros((5, 1, 1), np.uint8), "toy"))
    with pytest.raises(SettingError, match="fashion-mnist has no attribute families"):
        recognise(Oracle(), toy, catalog, "a photo of a {}")


def test_a_catalogue_of_one_value_per_family_has_nothing_to_rank(embeddings):
    products = {"id": ["a", "b"], "split": "test", "group": ["a", "b"], "texts": [()] * 2, "season": ["Fall", "Fall"]}
    catalog = Catalog("kagl", pd.DataFrame(products), ArrayImages(np.zeros((2, 1, 1), np.uint8), "kagl"))
    made = embedded(embeddings, catalog, ["season"], Oracle())
    with pytest.raises(SettingError, match="no attribute of kagl takes two values"):
        recognise(Oracle(), made, catalog, "a photo of a {}")

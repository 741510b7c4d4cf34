import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics as sklearn
from torchmetrics.functional.classification import multiclass_calibration_error

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.zero_shot import classify, zero_shot

CLASSES = ["bag", "hat", "shoe"]


@pytest.fixture
def toy(embeddings):
    """Five pictures whose nearest axes are bag, hat, hat, shoe, bag."""
    images = np.array([[9, 1, 2], [1, 8, 2], [3, 5, 4], [0, 1, 7], [5, 1, 1]], dtype=float)
    return embeddings(images / np.linalg.norm(images, axis=1, keepdims=True), np.empty((0, 3)), owner=[])


def test_prompt_vectors_are_the_renormalised_mean_of_unit_vectors():
    spoken = {"a bag": [2.0, 0.0], "the bag": [0.0, 7.0], "a hat": [0.0, 1.0], "the hat": [0.0, 3.0]}
    asked = []

    def encode_text(texts):
        asked.extend(texts)
        return np.array([spoken[text] for text in texts])

    vectors = prompt_vectors(encode_text, ["bag", "hat"], ["a {}", "the {}"])
    np.testing.assert_allclose(vectors, [[np.sqrt(0.5), np.sqrt(0.5)], [0, 1]], rtol=1e-6)
    assert sorted(asked) == sorted(spoken)


def test_prompt_vectors_equal_the_slow_ensemble():
    rng = np.random.default_rng(0)
    memory = {}

    def encode_text(texts):
        return np.array([memory.setdefault(text, rng.normal(size=6)) for text in texts])

    templates, classes = ["a {}", "{}", "one {} of {}"], ["b", "h", "s", "t"]
    vectors = prompt_vectors(encode_text, classes, templates)
    for name, vector in zip(classes, vectors, strict=True):
        said = [memory[template.replace("{}", name)] for template in templates]
        mean = np.mean([one / np.linalg.norm(one) for one in said], axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=1e-5)


def test_a_class_of_several_names_is_the_mean_over_names_and_templates():
    spoken = {"a coat": [1.0, 0.0], "a jacket": [0.0, 2.0], "a hat": [0.0, 1.0]}
    classes = [("coat", "jacket"), "hat"]
    vectors = prompt_vectors(lambda texts: np.array([spoken[text] for text in texts]), classes, ["a {}"])
    np.testing.assert_allclose(vectors, [[np.sqrt(0.5), np.sqrt(0.5)], [0, 1]], rtol=1e-6)


def test_plain_words_are_asked_for_in_place_of_the_values_and_named(toy):
    class Model:
        def encode_texts(self, texts):
            return np.eye(3)[[["a bag", "a cap", "a shoe"].index(text) for text in texts]]

    labels = ["bag", "hat", "hat", "shoe", "bag"]
    products = {"id": list(toy.ids), "split": "test", "group": list(toy.ids), "texts": [()] * 5, "kind": labels}
    catalog = Catalog("toy", pd.DataFrame(products), ArrayImages(np.zeros((5, 1, 1), np.uint8), "toy"))
    result = classify(Model(), toy, catalog, "kind", ["a {}"], {"hat": ["cap"]})
    metric = result["kind accuracy@1 (plain words)"]
    assert metric.value == 1.0
    assert "bag: bag; hat: cap; shoe: shoe" in metric.definition


@pytest.mark.parametrize(
    ("classes", "templates", "message"),
    [
        ([()], ["a {}"], "class number 1 has no name"),
        (["bag"], ["a photo"], "has no {}"),
        ([], ["a {}"], "at least one class"),
        (["bag"], [], "one prompt template"),
        (["bag"], ["a {}"], "prompts: row 0 is not finite"),
    ],
)
def test_prompts_that_cannot_be_used_are_refused(classes, templates, message):
    with pytest.raises(SettingError, match=message):
        prompt_vectors(lambda texts: np.full((len(texts), 2), np.nan), classes, templates)


def test_hand_made_scores(toy):
    labels = ["bag", "hat", "shoe", "shoe", None]
    result = zero_shot(toy, labels, CLASSES, np.eye(3), ks=(1, 2), templates=["a {}"])
    assert result["accuracy@1"].value == 3 / 4
    assert result["accuracy@2"].value == 1
    assert result["weighted F1"].value == pytest.approx((1 + 2 / 3 + 2 * 2 / 3) / 4)
    assert result["mean per-class accuracy"].value == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert result["macro F1"].value == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert result["majority-class accuracy"].value == 1 / 2
    assert result["accuracy@1"].chance == 1 / 3 and result["accuracy@2"].chance == 2 / 3
    assert all(metric.n == 4 and metric.ceiling == 1 for metric in result.metrics)
    assert "'a {}'" in result["accuracy@1"].definition
    assert result.tables["rows"].to_dict("records") == [{"evaluated": 4, "without label": 1}]
    assert result.tables["confusion"].to_numpy().tolist() == [
        ["bag", "bag", 1],
        ["hat", "hat", 1],
        ["shoe", "hat", 1],
        ["shoe", "shoe", 1],
    ]
    classes = result.tables["classes"].set_index("class")
    assert classes.columns.tolist() == ["support", "precision", "recall", "f1"]
    assert classes.loc["hat"].tolist() == pytest.approx([1, 1 / 2, 1, 2 / 3])


def test_against_sklearn_with_missing_labels_and_classes(embeddings):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    names = np.array([f"type {i}" for i in range(12)])
    code = rng.choice(10, 400, p=np.arange(10, 0, -1) / 55)
    images = axes[code] + 0.35 * rng.normal(size=(400, 12))
    missing = rng.random(400) < 0.2
    labels = pd.Series(names[code]).mask(missing)
    result = zero_shot(embeddings(images, np.empty((0, 12)), owner=[]), labels, names, axes, ks=(1, 3))

    scores, true = (images @ axes.T)[~missing], code[~missing]
    predicted = scores.argmax(axis=1)
    assert 0.4 < result["accuracy@1"].value < 0.95
    assert result["accuracy@1"].value == pytest.approx(sklearn.accuracy_score(true, predicted))
    top3 = sklearn.top_k_accuracy_score(true, scores, k=3, labels=range(12))
    assert result["accuracy@3"].value == pytest.approx(top3)
    weighted = sklearn.f1_score(true, predicted, average="weighted")
    assert result["weighted F1"].value == pytest.approx(weighted)
    assert result.tables["confusion"]["count"].sum() == (~missing).sum() == result["accuracy@1"].n
    macro = sklearn.f1_score(true, predicted, average="macro", labels=np.unique(true))
    assert result["macro F1"].value == pytest.approx(macro)
    for name in ("accuracy@1", "accuracy@3", "weighted F1", "macro F1", "mean per-class accuracy"):
        metric = result[name]
        assert metric.chance < metric.interval[0] < metric.value < metric.interval[1] < metric.ceiling


def test_a_class_that_ties_with_another_is_not_a_hit(toy):
    same = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]])
    result = zero_shot(toy, ["bag", "bag", "hat", "shoe", "bag"], CLASSES, same)
    assert result["accuracy@1"].value == 1 / 5


@pytest.mark.parametrize(
    ("labels", "classes", "vectors", "message"),
    [
        (["bag"] * 4, CLASSES, np.eye(3), "4 labels for 5 pictures"),
        (["bag", "hats", None, "bag", "bag"], CLASSES, np.eye(3), "unknown class 'hats': did you mean 'hat'"),
        ([None] * 5, CLASSES, np.eye(3), "no picture of toy has a label"),
        (["bag"] * 5, ["bag", "hat", "bag"], np.eye(3), "class 'bag' is given more than once"),
        (["bag"] * 5, CLASSES, np.eye(4), "expected \\(3, 3\\)"),
        (["bag"] * 5, CLASSES, np.eye(3) * np.nan, "class vectors: row 0 is not finite"),
    ],
)
def test_what_does_not_fit_is_refused(toy, labels, classes, vectors, message):
    with pytest.raises(SettingError, match=message):
        zero_shot(toy, labels, classes, vectors)


def test_k_of_zero_is_refused(toy):
    with pytest.raises(SettingError, match="ks must be positive"):
        zero_shot(toy, ["bag"] * 5, CLASSES, np.eye(3), ks=(0,))


def test_calibration_is_that_of_the_softmax_at_the_given_scale(embeddings):
    rng = np.random.default_rng(0)
    code = rng.integers(0, 3, 500)
    images = np.eye(3)[code] + 0.6 * rng.normal(size=(500, 3))
    made = embeddings(images, np.empty((0, 3)), owner=[])
    labels = np.array(CLASSES)[code].tolist()
    assert "reliability" not in zero_shot(made, labels, CLASSES, np.eye(3)).tables
    found = {}
    for scale in (1.0, 4.0, 100.0):
        result = zero_shot(made, labels, CLASSES, np.eye(3), scale=scale)
        theirs = multiclass_calibration_error(
            torch.softmax(torch.tensor(images.astype(np.float32)) * scale, dim=1), torch.tensor(code), 3, n_bins=15
        )
        metric = result["calibration error"]
        # where one tool closes the other end of the bins, certainty itself falls into another one
        assert metric.value == pytest.approx(float(theirs), abs=1e-5)
        assert metric.direction == "lower" and metric.chance is None and metric.interval[0] < metric.value
        assert 0 < metric.ceiling < 0.1
        assert "own scale" in metric.definition and str(scale) not in metric.definition
        mass = result["calibration error, equal mass"]
        assert mass.value == pytest.approx(metric.value, abs=0.05) and "equal mass" in mass.definition
        found[scale] = metric.value
        table = result.tables["reliability"]
        assert table["pictures"].sum() == 500 and table["confidence"].is_monotonic_increasing
        gaps = (table["pictures"] * (table["confidence"] - table["accuracy"]).abs()).sum() / 500
        assert mass.value == pytest.approx(gaps)
        assert result.metrics[-1].name == "majority-class accuracy"
    assert found[4.0] < found[1.0] and found[4.0] < found[100.0]  # too unsure, about right, too sure


def test_views_of_one_product_widen_every_interval(embeddings):
    rng = np.random.default_rng(1)
    code = np.repeat(rng.integers(0, 3, 60), 8)
    images = np.eye(3)[code] + np.repeat(0.7 * rng.normal(size=(60, 3)), 8, axis=0)
    groups = [f"group {i // 8}" for i in range(480)]
    labels = np.array(CLASSES)[code].tolist()
    alone, grouped = (
        zero_shot(embeddings(images, np.empty((0, 3)), owner=[], groups=own), labels, CLASSES, np.eye(3), scale=4.0)
        for own in (None, groups)
    )
    for one, many in zip(alone.metrics[:-1], grouped.metrics[:-1], strict=True):
        assert one.value == many.value and np.diff(many.interval) > 1.5 * np.diff(one.interval), one.name

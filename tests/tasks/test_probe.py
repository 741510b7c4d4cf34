import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold, cross_val_score

from ofclip.errors import SettingError
from ofclip.metrics.vectors import unit
from ofclip.tasks.probe import GRID, cross_validate, fit, linear_probe, prepare, score


@pytest.fixture
def sides(embeddings):
    """Return a function that makes training and test Embeddings around class centres, with labels."""

    def make(n=240, t=120, classes=4, noise=0.5, seed=0, views=1):
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(classes, 16))
        made = []
        for count in (n, t):
            codes = rng.integers(classes, size=count)
            vectors = unit("toy", centres[codes] + noise * 4 * rng.normal(size=(count, 16)))
            groups = [f"{count} {row // views}" for row in range(count)]
            made += [embeddings(vectors, np.zeros((0, 16)), owner=[], groups=groups), [f"type {c}" for c in codes]]
        train, train_labels, test, test_labels = made
        return train, test, train_labels, test_labels

    return make


def test_with_the_grid_fixed_it_is_scikit_learn_called_plainly(sides):
    train, test, labels, answers = sides()
    result = linear_probe(train, test, labels, answers, grid=[3.0])
    plain = LogisticRegression(C=3.0, max_iter=1000).fit(train.images, labels)
    predicted = plain.predict(test.images)
    assert 0.4 < result["probe accuracy@1"].value == np.mean(predicted == np.array(answers)) < 0.99
    weighted = f1_score(answers, predicted, average="weighted")
    assert result["probe weighted F1"].value == pytest.approx(weighted)
    codes = np.unique(labels, return_inverse=True)[1]
    np.testing.assert_array_equal(fit(train.images, codes, 3.0).coef_, plain.coef_)


def test_two_classes_have_one_column_of_scores_and_are_scored_alike(sides):
    train, test, labels, answers = sides(classes=2, noise=0.8)
    plain = LogisticRegression(C=1.0, max_iter=1000).fit(train.images, labels)
    value = linear_probe(train, test, labels, answers, grid=[1.0])["probe accuracy@1"].value
    assert value == plain.score(test.images, answers) < 1


def test_cross_validation_is_scikit_learn_s_over_whole_products(sides):
    train, _, labels, _ = sides(views=3)
    codes = np.unique(labels, return_inverse=True)[1]
    rng = np.random.default_rng(0)
    codes = np.repeat(rng.integers(4, size=80), 3)  # all views of a product are of one class
    found = cross_validate(train.images, codes, train.groups, GRID, folds=4, patience=99)
    assert found["C"].tolist() == list(GRID)
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(4, shuffle=True, random_state=0)
    for C, accuracy in found.to_numpy():
        model = LogisticRegression(C=C, max_iter=1000)
        scores = cross_val_score(model, train.images, codes, groups=train.groups, cv=folds)
        sizes = [len(held_out) for _, held_out in folds.split(train.images, codes, train.groups)]
        assert accuracy == pytest.approx(np.average(scores, weights=sizes), abs=0.01)


def test_views_of_one_product_do_not_help_to_guess_its_class(embeddings):
    """Labels are drawn by product: only a fold that parts a product's equal views could know them."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(unit("toy", rng.normal(size=(60, 64))), 4, axis=0)
    codes, groups = np.repeat(rng.integers(2, size=60), 4), np.repeat(np.arange(60), 4)
    held_together = cross_validate(vectors, codes, groups, [1e4])["accuracy"][0]
    parted = cross_validate(vectors, codes, np.arange(240), [1e4])["accuracy"][0]
    assert held_together < 0.65 < 0.99 < parted
    assert all(len(set(groups[a]) & set(groups[b])) == 0 for a, b in GroupKFold(3).split(vectors, codes, groups))


def test_the_grid_is_left_after_two_worse_in_a_row(sides):
    train, _, labels, _ = sides(n=150, noise=1.5)
    codes = np.unique(labels, return_inverse=True)[1]
    whole = cross_validate(train.images, codes, train.groups, patience=99)["accuracy"].to_numpy()
    left = cross_validate(train.images, codes, train.groups)["accuracy"].to_numpy()
    assert whole[: len(left)] == pytest.approx(left)
    assert len(left) == left.argmax() + 3 < len(whole)


def test_the_strength_is_the_best_and_of_equals_the_strongest(sides):
    train, test, labels, answers = sides(noise=0.05)  # every strength is right on every picture
    table = linear_probe(train, test, labels, answers, grid=[0.1, 1.0, 10.0, 100.0]).tables["strength"]
    assert table.loc[table["chosen"], "C"].tolist() == [0.1]
    assert (table["accuracy"] == 1).all() and len(table) == 3


def test_a_class_without_training_pictures_can_only_be_missed_and_is_counted(sides):
    train, test, labels, answers = sides(noise=0.05)
    answers[:30] = ["unheard of"] * 30
    result = linear_probe(train, test, labels, answers, grid=[10.0])
    metric = result["probe accuracy@1"]
    assert metric.value == metric.ceiling == 0.75 and metric.n == 120
    assert metric.chance == 1 / 4
    [row] = result.tables["rows"].to_dict("records")
    assert row["test of a class without training pictures"] == 30 and row["classes"] == 4
    weighted = f1_score(answers, ["no class"] * 30 + answers[30:], average="weighted", zero_division=0)
    assert result["probe weighted F1"].value < weighted  # its pictures were taken for other classes


def test_missing_labels_are_left_out_and_shared_groups_are_counted(sides):
    train, test, labels, answers = sides()
    labels[:40], answers[:20] = [None] * 40, [None] * 20
    train.groups[100] = test.groups[50]
    [row] = linear_probe(train, test, labels, answers, grid=[1.0]).tables["rows"].to_dict("records")
    assert (row["train"], row["train without label"]) == (200, 40)
    assert (row["test"], row["test without label"]) == (100, 20)
    assert row["test of a group among the training pictures"] == 1


def test_the_difference_to_another_method_is_paired(sides):
    train, test, labels, answers = sides()
    answers[0] = None
    alone = linear_probe(train, test, labels, answers, grid=[3.0])
    value = alone["probe accuracy@1"].value
    codes = np.unique(labels, return_inverse=True)[1]
    data = prepare(train, test, labels, answers)
    hits, _ = score(fit(train.images, codes, 3.0), data)
    assert hits.mean() == value
    same = np.append([True], hits)  # row 0 has no label: what it holds must not matter
    result = linear_probe(train, test, labels, answers, grid=[3.0], against={"itself": same, "nothing": same * 0})
    none = result["probe minus itself accuracy@1"]
    assert none.value == 0 and none.interval == (0, 0)
    whole = result["probe minus nothing accuracy@1"]
    assert whole.value == value and whole.interval == alone["probe accuracy@1"].interval


def test_a_tie_between_classes_is_a_miss():
    class Tied:
        classes_ = np.array([0, 1, 2])

        def decision_function(self, vectors):
            return np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])

    class Data:
        test, test_labels, classes = None, np.array([0, 1]), ("a", "b", "c")

    hits, given = score(Tied(), Data())
    assert hits.tolist() == [False, True] and given.tolist() == [1, 1]


def test_what_cannot_be_probed_is_refused(sides):
    train, test, labels, answers = sides()
    with pytest.raises(SettingError, match="all 240 labelled training pictures of toy are 'bag': a probe needs two"):
        linear_probe(train, test, ["bag"] * 240, answers)
    with pytest.raises(SettingError, match="3 labels for 240 pictures"):
        linear_probe(train, test, labels[:3], answers)
    with pytest.raises(SettingError, match="no picture of toy@test has a label"):
        linear_probe(train, test, labels, [None] * 120)
    with pytest.raises(SettingError, match="3 folds of 1 products"):
        linear_probe(type(train)(**{**vars(train), "groups": np.array(["a"] * 240)}), test, labels, answers)
    with pytest.raises(SettingError, match="3 folds of classes of 2 pictures at most"):
        linear_probe(train, test, [f"type {row // 2}" for row in range(240)], answers)
    with pytest.raises(SettingError, match="grid must be positive and ascending"):
        linear_probe(train, test, labels, answers, grid=[1.0, 0.1])
    with pytest.raises(SettingError, match="of a fold are of one class"):
        linear_probe(train, test, ["a"] + ["b"] * 239, answers, folds=2)
    other = type(train)(**{**vars(train), "weights_fingerprint": "other"})
    with pytest.raises(SettingError, match="embedded by different models"):
        linear_probe(other, test, labels, answers)
    bad = type(train)(**{**vars(train), "images": train.images * np.nan})
    with pytest.raises(SettingError, match="row 0 is not finite"):
        linear_probe(bad, test, labels, answers)


def test_labels_of_pandas_with_missing_values_are_taken(sides):
    train, test, labels, answers = sides()
    labels = pd.Series(labels, dtype="string").mask(np.arange(240) < 5)
    assert linear_probe(train, test, labels, answers, grid=[1.0]).tables["rows"]["train"].tolist() == [235]

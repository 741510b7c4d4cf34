from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.errors import DataError, SettingError
from ofclip.experiments import ROOT
from ofclip.images import ArrayImages
from ofclip.sources.ground_truth import PICTURE, GroundTruth, Task, read
from ofclip.tasks.product_search import (
    CUT,
    ask,
    best_recall,
    galleries,
    gallery,
    product_search,
    product_vectors,
    variants,
)
from ofclip.tree import Tree

TEXT = Task("text-to-image", "text", PICTURE)
CATEGORY = Task("category-to-product", "category1")
PLAIN = "{}"


def truth(task: Task, **answers: str) -> GroundTruth:
    return GroundTruth("frozen toy", task, tuple(answers), tuple(tuple(ids.split()) for ids in answers.values()))


@pytest.fixture
def line(embeddings):
    """Twelve pictures on a quarter circle: a query along the first axis finds id0 first, then id1 ..."""
    angles = np.linspace(0, np.pi / 2, 12)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return embeddings(circle, circle[::-1])


def values(result) -> dict[str, float]:
    return {metric.name.partition(" ")[2]: metric.value for metric in result.metrics}


def test_hand_made_recall(line):
    queries = np.array([[1.0, 0], [0, 1], [1, 0]])
    found = truth(TEXT, first="id0 id9 id10 id11", last="id0", gone="other")
    result = product_search(line, found, queries, PLAIN)
    assert values(result) == {"Recall@1": 1 / 8, "Recall@10": 2 / 8, "AvgRecall": 3 / 16, "MRR": 1 / 2}
    assert {metric.name.partition(" ")[2]: metric.ceiling for metric in result.metrics} == {
        "Recall@1": 5 / 8,
        "Recall@10": 1,
        "AvgRecall": 13 / 16,
        "MRR": 1,
    }
    assert result["text-to-image Recall@10"].chance == pytest.approx(10 / 12)
    assert all(metric.n == 2 and metric.dataset == "toy" for metric in result.metrics)
    assert "the gallery is 12 products; queries in the template '{}', from frozen toy" in result.metrics[0].definition
    row = result.tables["ground truth"].iloc[0]
    assert row[["queries", "queries left out", "products named", "named but not in the gallery"]].tolist() == [
        2,
        1,
        5,
        1,
    ]


def test_hand_made_precision(line):
    queries = np.array([[1.0, 0], [0, 1]])
    found = truth(CATEGORY, bags="id0 id3", shoes="id0 id1")
    result = product_search(line, found, queries, "a photo of a {}", weights=(1.0, 0.0))
    assert values(result) == {"P@1": 1 / 2, "P@10": 1 / 10, "AvgP": 3 / 10, "MRR": 1 / 2}
    assert result["category-to-product P@10"].ceiling == 2 / 10
    assert result["category-to-product P@10"].chance == pytest.approx(2 / 12)
    assert result.tables["asked"][["query", "relevant", "P@10"]].values.tolist() == [
        ["bags", 2, 0.2],
        ["shoes", 2, 0.0],
    ]
    assert result.tables["asked"]["first rank"].tolist() == [1, 11]


def test_categories_that_ask_for_pictures_alone_have_precision_and_no_weights(line):
    task = Task("category-to-image", "category", PICTURE)
    result = product_search(line, truth(task, bags="id0"), np.array([[1.0, 0]]), PLAIN, weights=(0.0, 1.0))
    assert values(result) == {"P@1": 1, "P@10": 1 / 10, "AvgP": 11 / 20, "MRR": 1}


def test_products_are_weighed_after_each_part_has_length_one(embeddings):
    made = embeddings([[3.0, 0], [0, 5.0], [2, 0]], [[0, 8.0], [7, 7]], owner=[0, 0])
    vectors = product_vectors(made, (0.9, 0.1))
    length = np.hypot(0.9, 0.1)
    np.testing.assert_allclose(vectors, [[0.9 / length, 0.1 / length], [0, 1], [1, 0]], rtol=1e-6)
    np.testing.assert_allclose(product_vectors(made, (1.0, 0.0)), [[1, 0], [0, 1], [1, 0]])
    np.testing.assert_allclose(product_vectors(made, (0.0, 1.0))[0], [0, 1])


def test_the_text_decides_where_pictures_do_not(line, embeddings):
    same = embeddings(np.tile([1.0, 0], (12, 1)), line.texts)
    asked = truth(CATEGORY, shoe="id0")
    query = line.texts[:1]
    assert product_search(same, asked, query, PLAIN)["category-to-product P@1"].value == 1
    pictures = product_search(same, asked, query, PLAIN, weights=(1.0, 0.0))["category-to-product MRR"]
    assert pictures.value == 0  # all tie, and ties count against it


def marqo(images, texts, queries, found: GroundTruth, ids, weights) -> tuple[dict[str, dict[str, float]], float]:
    """The published loop, step by step: cosine of one query with all products, the ten best, then a walk down them."""
    unit = [vector / np.linalg.norm(vector) for vector in images]
    words = [vector / np.linalg.norm(vector) for vector in texts]
    products = [weights[0] * picture + weights[1] * word for picture, word in zip(unit, words, strict=True)]
    products = [product / np.linalg.norm(product) for product in products]
    run, total = {}, 0.0
    for query, vector, relevant in zip(found.queries, queries, found.relevant, strict=True):
        vector = vector / np.linalg.norm(vector)
        scores = [float(vector @ product) for product in products]
        best = sorted(range(len(scores)), key=lambda row: -scores[row])[:10]
        run[query] = {ids[row]: scores[row] for row in best}
        for rank, identity in enumerate(run[query], start=1):
            if identity in relevant:
                total += 1 / rank
                break
    return run, total / len(run)


@pytest.mark.parametrize("task", [TEXT, CATEGORY])
def test_it_is_what_marqos_loop_and_trec_eval_give(embeddings, task):
    import ir_measures
    from ir_measures import P, R

    rng = np.random.default_rng(3)
    made = embeddings(rng.normal(size=(90, 8)), rng.normal(size=(90, 8)))
    ids = made.ids.tolist()
    answers = {f"query {i}": " ".join(rng.choice(ids, size, replace=False)) for i, size in enumerate([1, 2, 5, 30] * 6)}
    found, queries = truth(task, **answers), rng.normal(size=(24, 8)).astype(np.float32)
    weights = (1.0, 0.0) if task is TEXT else (0.9, 0.1)
    result = product_search(made, found, queries, PLAIN)

    run, mrr = marqo(made.images, made.texts, queries, found, ids, weights)
    qrels = {query: dict.fromkeys(ids, 1) for query, ids in zip(found.queries, found.relevant, strict=True)}
    one, ten = (R @ 1, R @ 10) if task is TEXT else (P @ 1, P @ 10)
    theirs = ir_measures.calc_aggregate([one, ten], qrels, run)
    short = "Recall" if task is TEXT else "P"
    ours = values(result)
    assert ours[f"{short}@1"] == pytest.approx(theirs[one]) and ours[f"{short}@10"] == pytest.approx(theirs[ten])
    assert ours[f"Avg{short}"] == pytest.approx((theirs[one] + theirs[ten]) / 2)
    assert ours["MRR"] == pytest.approx(mrr)
    for metric in result.metrics:
        assert metric.interval[0] <= metric.value <= metric.interval[1] <= metric.ceiling + 1e-9


def test_a_part_of_the_gallery_is_what_was_embedded_alone(embeddings):
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(30), 2)[:50]
    whole = embeddings(rng.normal(size=(30, 4)), rng.normal(size=(50, 4)), owner=owner)
    keep = rng.random(30) < 0.6
    part = gallery(whole, keep, "test")
    assert part.split == "test" and part.ids.tolist() == whole.ids[keep].tolist()
    np.testing.assert_array_equal(product_vectors(part), product_vectors(whole)[keep])
    assert [whole.ids[whole.owner[whole.captions.index(text)]] for text in part.captions] == part.ids[
        part.owner
    ].tolist()
    queries = rng.normal(size=(1, 4))
    named = truth(TEXT, all=" ".join(whole.ids))
    result = product_search(part, named, queries, PLAIN)
    assert result["text-to-image Recall@10"].value == pytest.approx(10 / keep.sum())
    assert result.tables["ground truth"]["named but not in the gallery"].tolist() == [(~keep).sum()]


def test_best_recall_is_of_the_ground_truth_alone():
    metric = best_recall(truth(TEXT, a="1 2 3 4", b="9", c=""), "kagl")
    assert metric.value == (1 / 4 + 1) / 2 and metric.n == 2 and metric.split == "ground truth"


class Axes:
    """A model that knows which axis each text is."""

    def __init__(self, **axes: int) -> None:
        self.axes = {text.replace("_", " "): axis for text, axis in axes.items()}

    def encode_texts(self, texts):
        return np.eye(2)[[self.axes[text] for text in texts]]


def test_every_task_is_asked_in_the_template(line):
    model = Axes(a_bag=0, a_hat=1)
    result = ask(model, line, [truth(TEXT, bag="id0", hat="id11"), truth(CATEGORY, hat="id0")], "a {}")
    assert result["text-to-image Recall@1"].value == 1 and result["category-to-product P@1"].value == 0
    assert "template 'a {}'" in result["text-to-image Recall@1"].definition
    assert result.tables["ground truth"]["task"].tolist() == ["text-to-image", "category-to-product"]


def test_the_test_split_is_a_gallery_of_its_own_where_there_are_others(line):
    split = ["train"] * 2 + ["test"] * 10
    products = {"id": line.ids, "split": split, "group": line.ids, "texts": [()] * 12}
    catalog = Catalog("toy", pd.DataFrame(products), ArrayImages(np.zeros((12, 1, 1), np.uint8), "toy"))
    whole, test = galleries(line, catalog)
    assert whole.images is line.images and whole.split == "all"
    assert test.ids.tolist() == line.ids[2:].tolist() and test.split == "test"
    part = catalog.where(split="test")
    assert galleries(test, part) == [test]
    assert len(galleries(line, replace(catalog, products=catalog.products.assign(split="data")))) == 1


def test_variants_hold_each_template_and_pair_of_weights(line):
    found, model = truth(CATEGORY, bag="id0"), Axes(bag=0, a_bag=1)
    table = variants(model, line, found, ["{}", "a {}"])
    assert len(table) == 2 * 3 * 2 and set(table["metric"]) == {"category-to-product AvgP", "category-to-product MRR"}
    mrr = table[table["metric"].str.endswith("MRR")].set_index(["query", "picture"])["value"]
    assert mrr["{}", 1.0] == 1 and mrr["a {}", 1.0] == 0
    assert len(variants(model, line, truth(TEXT, bag="id0"), ["{}", "a {}"])) == 2 * 1 * 2


def test_what_does_not_fit_is_refused(line, embeddings):
    found = truth(TEXT, a="id0")
    with pytest.raises(SettingError, match="2 vectors for 1 queries"):
        product_search(line, found, np.eye(2), PLAIN)
    with pytest.raises(SettingError, match="have 3 numbers each and items 2"):
        product_search(line, found, np.eye(3)[:1], PLAIN)
    with pytest.raises(SettingError, match="queries of text-to-image: row 0 is not finite"):
        product_search(line, found, np.array([[np.nan, 1]]), PLAIN)
    with pytest.raises(SettingError, match="queries of text-to-image: row 0 has length 0"):
        product_search(line, found, np.zeros((1, 2)), PLAIN)
    with pytest.raises(DataError, match="holds no product of the ground truth frozen toy"):
        product_search(line, truth(TEXT, a="of another set"), np.eye(2)[:1], PLAIN)
    with pytest.raises(SettingError, match=f"9 products, but the first {CUT} are asked for"):
        product_search(gallery(line, np.arange(12) < 9, "test"), found, np.eye(2)[:1], PLAIN)
    line.ids[1] = "id0"
    with pytest.raises(SettingError, match="an id is there more than once"):
        product_search(line, found, np.eye(2)[:1], PLAIN)
    with pytest.raises(SettingError, match="give numbers from 0"):
        product_vectors(line, (-0.1, 1.0))
    with pytest.raises(SettingError, match="products of toy: row 0 has length 0"):
        product_vectors(embeddings([[1.0, 0]], [[-1.0, 0]]), (0.5, 0.5))


@pytest.mark.real("marqo-kagl/ground_truth.zip")
def test_the_best_recall_of_kagl_is_the_one_reported(real_data):
    frozen = read(Tree(real_data / "marqo-kagl" / "ground_truth.zip"), TEXT.file, TEXT, "frozen KAGL")
    reported = pd.read_csv(ROOT / "results" / "reported" / "marqo_best_recall.csv").set_index("dataset")
    assert best_recall(frozen, "kagl").value == pytest.approx(reported.loc["KAGL", "value"], abs=0.0005)

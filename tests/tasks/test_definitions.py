from dataclasses import replace

import numpy as np
import pytest
from peers import torchmetrics, trec

from ofclip.errors import SettingError
from ofclip.metrics.ranking import TIES
from ofclip.metrics.vectors import unit
from ofclip.tasks.definitions import definitions
from ofclip.tasks.retrieval import pairs_of, retrieval


@pytest.fixture
def shop(embeddings):
    """Sixty products; the captions of the last twenty say "bag" and nothing else, and they come in groups of three."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(60, 6))
    captions = [f"product {i}" if i < 40 else "bag" for i in range(60)]
    texts = images + rng.normal(size=(60, 6))
    texts[40:] = texts[40]
    images, texts = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (images, texts))
    return embeddings(images, texts, captions, groups=np.arange(60) // 3)


def rows(result, **wanted):
    table = result.tables["definitions"]
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def test_the_diagonal_is_what_the_task_of_retrieval_reports(shop):
    found, plain = definitions(shop), retrieval(shop)
    for direction in ("text-to-image", "image-to-text"):
        for k in (1, 5, 10):
            at = {"direction": direction, "metric": "recall", "k": k}
            (row,) = rows(found, relevant="own", definition="diagonal", **at).to_dict("records")
            metric = plain[f"{direction} recall@{k}"]
            assert (row["value"], (row["low"], row["high"])) == (metric.value, metric.interval)
            assert (row["chance"], row["ceiling"], row["n"]) == pytest.approx((metric.chance, metric.ceiling, 60))
            (row,) = rows(found, relevant="caption", definition="any hit", **at).to_dict("records")
            metric = plain[f"{direction} recall@{k}, any of the same caption"]
            assert (row["value"], row["ceiling"]) == (metric.value, metric.ceiling)


@pytest.fixture(scope="module")
def atelier():
    """Vectors of drawings and their captions, from a model with fresh weights.

    It gives all of them nearly the same vector. Without what they share, scores lie so far apart that processors which
    round sums in another order still rank them alike.
    """
    from ofclip.embeddings import embed
    from ofclip.models import build_model
    from ofclip.sources import load_catalog

    catalog = load_catalog("atelier/sketch", split="test", n=2000, seed=0)
    made = embed(build_model("ofclip-RN-8-64", seed=0), catalog)
    own = {name: getattr(made, name) for name in ("images", "texts")}
    return replace(made, **{name: unit(name, one - one.mean(axis=0)).astype(np.float32) for name, one in own.items()})


@pytest.mark.parametrize(("made", "what"), [("shop", "group"), ("atelier", "caption")])
def test_each_definition_is_that_of_its_tool(request, made, what):
    import ir_measures
    from torchmetrics.functional import retrieval as theirs

    vectors = request.getfixturevalue(made)
    found = definitions(vectors, ks=(5,))
    pairs = pairs_of(vectors)
    labels = pairs.shared[what]
    right = labels[:, None] == labels
    scores = pairs.texts @ pairs.images.T
    assert len(np.unique(pairs.images, axis=0)) == len(labels)  # pictures all differ, so there are no ties
    group = {"direction": "text-to-image", "relevant": what}

    def value(metric, definition, k=None):
        table = rows(found, metric=metric, definition=definition, **group)
        return table[table["k"].isna() if k is None else table["k"] == k]["value"].item()

    assert value("recall", "fraction of relevant", 5) == pytest.approx(trec(ir_measures.R @ 5, scores, right).mean())
    assert value("precision", "fraction of relevant", 5) == pytest.approx(trec(ir_measures.P @ 5, scores, right).mean())
    assert value("recall", "any hit", 5) == pytest.approx(trec(ir_measures.Success @ 5, scores, right).mean())
    assert value("hits", "any hit", 5) == value("recall", "any hit", 5)
    assert value("precision", "any hit", 5) == pytest.approx(value("recall", "any hit", 5) / 5)
    assert value("MRR", "first relevant item") == pytest.approx(trec(ir_measures.RR, scores, right).mean())
    assert value("mAP", "all relevant") == pytest.approx(trec(ir_measures.AP, scores, right).mean())
    assert value("mAP", "all relevant", 5) == pytest.approx(trec(ir_measures.AP @ 5, scores, right).mean())
    assert value("nDCG", "binary gains", 5) == pytest.approx(trec(ir_measures.nDCG @ 5, scores, right).mean())
    for metric, function, k in (
        ("recall", theirs.retrieval_recall, 5),
        ("precision", theirs.retrieval_precision, 5),
        ("MRR", theirs.retrieval_reciprocal_rank, None),
        ("mAP", theirs.retrieval_average_precision, None),
    ):
        expected = torchmetrics(function, scores, right, top_k=k).mean()
        assert value(metric, "torchmetrics", k) == pytest.approx(expected, rel=1e-5)


def test_values_lie_between_their_bounds(shop):
    table = definitions(shop).tables["definitions"]
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    upward = table[table["metric"] != "median rank"]
    assert (upward["value"] <= upward["ceiling"] + 1e-12).all() and (upward["chance"] <= upward["ceiling"]).all()
    median = table[table["metric"] == "median rank"]
    assert (median["value"] >= median["ceiling"]).all() and (median["ceiling"] <= median["chance"]).all()
    assert (table["n"] == 60).all()
    key = ["direction", "relevant", "metric", "definition", "k"]
    assert not table.duplicated(key).any()
    assert set(table["relevant"]) == {"own", "caption", "group"} and set(table["k"].dropna()) == {1, 5, 10}


def test_ties_change_what_shared_captions_make_equal(shop):
    """Twenty equal texts: from a picture the own one is last, first or in between; from a text pictures all differ."""
    ties = definitions(shop, ks=(1, 10)).tables["ties"].set_index(["direction", "rule"])
    assert ties["tied_queries"].to_dict() == {
        (direction, rule): number
        for direction, number in (("text-to-image", 0), ("image-to-text", 20))
        for rule in TIES
    }
    back = ties.loc["image-to-text"]
    low, high, index = (back.loc[rule] for rule in ("pessimistic", "optimistic", "by index"))
    assert low["recall@10"] < index["recall@10"] < high["recall@10"] and low["MRR"] < index["MRR"] < high["MRR"]
    assert low["median_rank"] >= index["median_rank"] >= high["median_rank"]
    assert ties.loc["text-to-image"].drop(columns=["dataset", "split"]).nunique().eq(1).all()


def test_duplicates_are_counted(shop):
    (row,) = definitions(shop).tables["duplicates"].to_dict("records")
    assert (row["products"], row["captions"], row["sharing_a_caption"], row["largest_caption"]) == (60, 41, 20, 20)
    assert (row["groups"], row["text_vectors"], row["picture_vectors"], row["without_text"]) == (20, 41, 60, 0)


def test_without_shared_captions_only_the_own_item_is_right(embeddings):
    vectors = np.eye(5)
    result = definitions(embeddings(vectors, vectors), ks=(2, 9))
    assert set(result.tables["definitions"]["relevant"]) == {"own"}
    assert rows(result, metric="recall")["value"].tolist() == [1.0] * 8  # k beyond the gallery: all of it


def test_wrong_settings_are_refused(embeddings):
    vectors = np.eye(3)
    with pytest.raises(SettingError, match="ks must be positive"):
        definitions(embeddings(vectors, vectors), ks=())
    with pytest.raises(SettingError, match="text of product 'id1' of toy has a vector of zeros .1 in all."):
        definitions(embeddings(vectors, vectors * [[1], [0], [1]]))
    with pytest.raises(SettingError, match="queries have 2 numbers each and items 3"):
        definitions(embeddings(vectors, vectors[:, :2] + 1))

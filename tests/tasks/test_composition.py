import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.sources.atelier import held_out_combinations
from ofclip.tasks.composition import (
    FOUND,
    NAMED,
    contrast,
    frequencies,
    frequency,
    improbable,
    outcomes,
    pairs,
    reserved,
)

PAIRS = [("red", "hat"), ("red", "bag"), ("blue", "hat"), ("blue", "bag")]


class Speaker:
    """A model that knows the vectors of a few texts."""

    def __init__(self, said):
        self.said = said

    def encode_texts(self, texts):
        return np.array([self.said[text] for text in texts], dtype=np.float32)


def shop(values, types, captions=None, split="test"):
    n = len(values)
    ids = [f"id{i}" for i in range(n)]
    texts = [(caption,) if caption else () for caption in captions or [f"caption {i}" for i in range(n)]]
    products = pd.DataFrame({"id": ids, "split": split, "group": ids, "texts": texts})
    labels = {"colour": pd.array(values, dtype="string"), "type": pd.array(types, dtype="string")}
    return Catalog("toy", products.assign(**labels), ArrayImages(np.zeros((n, 1, 1, 3), np.uint8), "toy"))


@pytest.fixture
def speaker():
    vectors = dict(zip((f"a {colour} {name}" for colour, name in PAIRS), np.eye(4), strict=True))
    return Speaker(vectors)


def test_a_picture_is_named_by_its_own_pair_and_found_by_its_own_caption(embeddings, speaker):
    catalog = shop(["red", "red", "blue", None], ["hat", "bag", "bag", "hat"])
    images = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 0]])
    vectors = embeddings(images, np.eye(4)[[0, 1, 3, 2]])
    rows = outcomes(speaker, vectors, catalog, "colour", "type", PAIRS, "a {}")
    assert rows[NAMED].tolist() == [True, False, False]  # the third is as near to "blue hat": a tie
    assert rows["value"].tolist() == ["red", "red", "blue"]
    assert rows[f"{NAMED} chance"].tolist() == [1 / 4] * 3
    assert rows[FOUND].tolist() == [True] * 3 and rows[f"{FOUND} chance"].tolist() == [1.0] * 3  # of four, ten


def test_found_is_the_recall_of_the_retrieval_task(embeddings):
    from ofclip.tasks.retrieval import retrieval

    rng = np.random.default_rng(0)
    n = 60
    colours, types = rng.choice(["red", "blue"], n), rng.choice(["hat", "bag"], n)
    images = rng.normal(size=(n, 4))
    captions = [f"caption {i // 2}" for i in range(n)]
    texts = np.repeat((images + 2 * rng.normal(size=(n, 4)))[::2], 2, axis=0)
    vectors = embeddings(images, texts, captions)
    speaker = Speaker(dict(zip((f"a {colour} {name}" for colour, name in PAIRS), np.eye(4), strict=True)))
    rows = outcomes(speaker, vectors, shop(colours, types, captions), "colour", "type", PAIRS, "a {}")
    whole = retrieval(vectors)["text-to-image recall@10"]
    assert rows[FOUND].mean() == pytest.approx(whole.value) and 0 < whole.value < 1
    assert rows[f"{FOUND} chance"].mean() == pytest.approx(whole.chance)
    assert rows[f"{FOUND} ceiling"].mean() == pytest.approx(whole.ceiling)


def test_products_without_text_take_no_part(embeddings, speaker):
    catalog = shop(["red", "blue"], ["hat", "bag"], ["", "blue bag"])
    vectors = embeddings(np.eye(4)[[0, 3]], np.eye(4)[[3]], ["blue bag"], owner=[1])
    assert outcomes(speaker, vectors, catalog, "colour", "type", PAIRS, "a {}")["value"].tolist() == ["blue"]


def test_what_cannot_be_asked_is_refused(embeddings, speaker):
    vectors = embeddings(np.eye(4)[:2], np.eye(4)[:2])
    with pytest.raises(SettingError, match="pairs: lack green hat, which toy shows"):
        outcomes(speaker, vectors, shop(["red", "green"], ["hat", "hat"]), "colour", "type", PAIRS, "a {}")
    with pytest.raises(SettingError, match="no picture of toy shows both"):
        outcomes(speaker, vectors, shop([None, None], ["hat", "hat"]), "colour", "type", PAIRS, "a {}")
    with pytest.raises(SettingError, match="unknown label"):
        outcomes(speaker, vectors, shop(["red", "red"], ["hat", "hat"]), "color", "type", PAIRS, "a {}")


def test_reserved_pairs_are_atelier_s_own():
    triples = sorted(held_out_combinations())
    rows = pd.DataFrame([(value, name) for kind, value, name in triples if kind == "colour"], columns=["value", "type"])
    assert reserved(rows, "colour").all()
    taken = set(zip(rows["value"], rows["type"], strict=True))
    free = [("black", name) for name in rows["type"] if ("black", name) not in taken]
    assert not reserved(pd.DataFrame(free, columns=["value", "type"]), "colour").any()


def test_frequency_counts_products_of_the_pool():
    pool = shop(["red", "red", "blue", None], ["hat", "hat", "bag", "bag"])
    rows = pd.DataFrame({"value": ["red", "blue", "blue"], "type": ["hat", "bag", "hat"]})
    assert frequency(rows, pool, "colour", "type").tolist() == [2, 1, 0]


def table(values, types, hits, groups=None):
    n = len(values)
    rows = pd.DataFrame({"dataset": "toy", "group": groups or [str(i) for i in range(n)], "value": values})
    rows["type"] = types
    for measure in (NAMED, FOUND):
        rows[measure], rows[f"{measure} chance"], rows[f"{measure} ceiling"] = hits, 0.25, 1.0
    return rows


def test_common_pairs_are_weighted_to_the_types_of_the_rare_ones():
    """Bags are hard and hats easy, whatever the colour; the rare pairs are mostly bags. Raw means differ, matched
    ones do not."""
    types = ["bag"] * 30 + ["hat"] * 10 + ["bag"] * 20 + ["hat"] * 180
    hits = np.array([kind == "hat" for kind in types])
    rare = np.arange(240) < 40
    rows = table(["red", "blue"] * 120, types, hits)
    result = contrast(rows, rare, ~rare, "colour", ("rare", "common"), "toy", "test")
    assert result[f"colour {NAMED}, rare"].value == result[f"colour {NAMED}, rare"].value == 10 / 40
    assert result[f"colour {NAMED}, common"].value == pytest.approx(10 / 40)
    difference = result[f"colour {NAMED}, rare minus common"]
    assert difference.value == pytest.approx(0, abs=1e-6)
    assert difference.interval[0] < 0 < difference.interval[1]
    row = result.tables["combinations"].iloc[0]
    assert row["unmatched_value"] == 180 / 200 and row["worst_share_off"] < 1e-5
    assert row["common_n"] == 200 and 20 < row["effective_n"] < 60


def test_a_real_effect_stands_out():
    rng = np.random.default_rng(0)
    rare = np.arange(600) < 200
    hits = rng.random(600) < np.where(rare, 0.2, 0.6)
    rows = table(rng.choice(["red", "blue"], 600), rng.choice(["hat", "bag"], 600), hits)
    difference = contrast(rows, rare, ~rare, "colour", ("rare", "common"), "toy", "test")
    low, high = difference[f"colour {FOUND}, rare minus common"].interval
    assert low < -0.4 < high < -0.25


def test_what_has_no_match_is_left_out_and_counted():
    rows = table(["red", "green", "red", "blue"], ["hat", "hat", "hat", "bag"], [1, 0, 1, 0])
    rare = np.array([True, True, False, False])
    result = contrast(rows, rare, ~rare, "colour", ("rare", "common"), "toy", "test")
    row = result.tables["combinations"].iloc[0]
    assert (row["rare_n"], row["left_out"], row["common_n"]) == (1, 1, 1)  # no green, and then no bag


def test_nothing_to_compare_is_refused():
    rows = table(["red", "blue"], ["hat", "bag"], [1, 0])
    rare = np.array([True, False])
    with pytest.raises(SettingError, match="of 1 pictures of rare colour pairs none has"):
        contrast(rows, rare, ~rare, "colour", ("rare", "common"), "toy", "test")


def test_pairs_are_all_that_can_be_made_or_with_a_pool_all_that_are_shown():
    catalog, pool = shop(["red", "blue"], ["hat", "bag"]), shop(["red", None], ["bag", "coat"])
    assert pairs(catalog, "colour", "type") == [("blue", "bag"), ("blue", "hat"), ("red", "bag"), ("red", "hat")]
    assert pairs(catalog, "colour", "type", pool) == [("blue", "bag"), ("red", "bag"), ("red", "hat")]


def test_scores_by_how_often_training_shows_a_pair():
    rows = table(["red", "red", "blue", "blue", "red"], ["hat", "hat", "hat", "bag", "bag"], [1, 0, 1, 1, 0])
    found = frequencies(rows, np.array([0, 0, 9, 10, 100]), "colour")
    assert found[["least", "most", "pairs", "pictures", NAMED]].to_numpy().tolist() == [
        [0, 0, 1, 2, 0.5],
        [1, 9, 1, 1, 1.0],
        [10, 99, 1, 1, 1.0],
        [100, 999, 1, 1, 0.0],
    ]


def test_rare_pairs_are_those_of_the_pool_and_unseen_ones_with_too_few_matches_are_not_compared():
    pool = shop(["red"] * 12 + ["blue"] * 3 + ["blue"] * 12 + ["red"] * 2, ["hat"] * 15 + ["bag"] * 14)
    rows = table(["red", "blue", "blue", "red", "green"], ["hat", "hat", "bag", "bag", "hat"], [1, 0, 1, 0, 0])
    result = improbable(rows, "colour", "type", "toy", pool)
    combinations = result.tables["combinations"]
    assert set(combinations["rare"]) == {"rare"}  # green is unseen, and no common pair is green
    assert combinations["left_out"].tolist() == [1, 1] and combinations["rare_n"].tolist() == [2, 2]
    assert result[f"colour {NAMED}, rare minus common"].value == -1
    assert result.tables["frequencies"]["least"].tolist() == [0, 1, 10]


def test_atelier_s_pairs_are_held_out_or_seen():
    colours = [(value, name) for kind, value, name in held_out_combinations() if kind == "colour"][:20]
    values, types = (list(side) for side in zip(*colours, strict=True))
    taken = {(value, name) for kind, value, name in held_out_combinations() if kind == "colour"}
    free = [(value, name) for value in values for name in types if (value, name) not in taken]
    rows = table([*values, *(a for a, _ in free)], [*types, *(b for _, b in free)], [0] * 20 + [1] * len(free))
    result = improbable(rows, "colour", "type", "atelier", of="start")
    assert result[f"colour {FOUND}, held out (start)"].value == 0
    assert result[f"colour {FOUND}, seen (start)"].value == pytest.approx(1)  # a weighted mean
    assert result.tables["combinations"]["model"].tolist() == ["start", "start"]

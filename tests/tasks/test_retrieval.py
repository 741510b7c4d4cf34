import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.tasks.retrieval import retrieval


def angle(*degrees):
    """Return unit vectors in the plane."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def random_vectors(n, noise, d=16, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, d))
    texts = images + noise * rng.normal(size=(n, d))
    return [vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (images, texts)]


def test_hand_made_ranks_in_both_directions(embeddings):
    # Pictures at 0, 40, 90 degrees; texts at 10, 80, 50: ranks 1, 2, 2 from text and 1, 2, 2 from image.
    result = retrieval(embeddings(angle(0, 40, 90), angle(10, 80, 50)), ks=(1, 2))
    assert result["text-to-image recall@1"].value == pytest.approx(1 / 3)
    assert result["text-to-image recall@2"].value == 1
    assert result["text-to-image median rank"].value == 2
    assert result["text-to-image MRR"].value == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    # From pictures: 0 finds 10; 40 finds 50 before 10 before 80, so 3; 90 finds 80 before 50.
    assert result["image-to-text median rank"].value == 2
    assert result["image-to-text MRR"].value == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)
    assert [metric.name for metric in result.metrics if "any" in metric.name] == []


def test_every_metric_says_what_it_is(embeddings):
    images, texts = random_vectors(60, 0.7)
    captions = [f"bag {max(i, 10)}" for i in range(60)]
    result = retrieval(embeddings(images, texts, captions, groups=np.arange(60) // 3))
    assert len({metric.name for metric in result.metrics}) == len(result.metrics) == 2 * (3 + 2 + 3 + 3)
    for metric in result.metrics:
        assert metric.n == 60 and (metric.dataset, metric.split) == ("toy", "test")
        assert "pessimistic ties" in metric.definition
        low, high = metric.interval
        assert low <= metric.value <= high
        if metric.direction == "higher":
            assert metric.chance < metric.value <= metric.ceiling <= 1
        else:
            assert metric.chance > metric.value >= metric.ceiling >= 1


def test_vectors_that_say_nothing_score_as_chance(embeddings):
    images, texts = random_vectors(400, 0.7)
    result = retrieval(embeddings(images, np.roll(texts, 1, axis=0)), ks=(1, 40))
    for name in ("text-to-image recall@40", "image-to-text recall@40", "text-to-image MRR"):
        low, high = result[name].interval
        assert low <= result[name].chance <= high


def test_shared_captions_reach_their_ceiling_and_the_any_hit_reading(embeddings):
    """Text equals picture: only products with one caption stand in each other's way."""
    images = angle(0, 30, 60, 90)
    captions = ["hat", "bag", "bag", "bag"]
    texts = images[[0, 2, 2, 2]]
    # The last two are rounded otherwise, as happens in another batch: one caption is one text all the same.
    texts[2:] += 1e-6
    result = retrieval(embeddings(images, texts, captions), ks=(1, 2))
    assert result["text-to-image recall@1"].ceiling == 2 / 4
    assert result["text-to-image recall@2"].ceiling == 3 / 4
    assert result["text-to-image recall@1"].value == 2 / 4
    assert result["text-to-image recall@1, any of the same caption"].value == 1
    assert result["text-to-image recall@1, any of the same caption"].ceiling == 1
    assert result["text-to-image recall@1, any of the same caption"].chance == pytest.approx((1 + 9) / 16)
    # All three bags tie, so each of them ranks third, or fourth where the hat is nearer.
    assert result["image-to-text recall@2"].value == result["image-to-text recall@2"].ceiling == 1 / 4
    assert result["image-to-text median rank"].ceiling == 3
    assert result["image-to-text recall@1, any of the same caption"].ceiling == 1


def test_groups_make_another_any_hit_reading(embeddings):
    images = angle(0, 30, 60, 90)
    result = retrieval(embeddings(images, images[[1, 0, 2, 3]], groups=["a", "a", "b", "c"]), ks=(1,))
    assert result["text-to-image recall@1"].value == 1 / 2
    assert result["text-to-image recall@1, any of the same group"].value == 1
    assert "text-to-image recall@1, any of the same caption" not in {metric.name for metric in result.metrics}


def test_only_the_first_text_counts_and_products_without_one_take_no_part(embeddings):
    images, texts = random_vectors(6, 0.5)
    plain = retrieval(embeddings(images[[0, 2, 5]], texts[[0, 2, 5]]), ks=(1,))
    more = np.concatenate([texts[[0, 2, 5]], np.zeros((1, 16))])[[0, 3, 1, 2]]
    with_others = retrieval(embeddings(images, more, owner=[0, 0, 2, 5]), ks=(1,))
    for one, other in zip(plain.metrics, with_others.metrics, strict=True):
        assert (one.n, one.value) == (other.n, other.value) == (3, one.value)
    assert with_others.tables["queries"]["id"].tolist() == ["id0", "id2", "id5"]


def test_block_size_changes_nothing(embeddings):
    images, texts = random_vectors(100, 1.0)
    captions = [f"caption {i // 4}" for i in range(100)]
    made = embeddings(images, texts, captions)
    assert retrieval(made, block=7).metrics == retrieval(made).metrics


def test_rank_table_counts_every_query(embeddings):
    images, texts = random_vectors(130, 1.0)
    result = retrieval(embeddings(images, texts), ks=(1, 10))
    table = result.tables["ranks"]
    for direction, part in table.groupby("direction"):
        assert part["lowest"].tolist() == [1, 2, 3, 6, 11, 21, 51, 101]
        assert part["highest"].tolist() == [1, 2, 5, 10, 20, 50, 100, 130]
        assert part["queries"].sum() == 130
        share = part.loc[part["highest"] <= 10, "queries"].sum() / 130
        assert share == pytest.approx(result[f"{direction} recall@10"].value)
    assert set(table["direction"]) == {"text-to-image", "image-to-text"}


def test_query_table_shows_what_was_found(embeddings):
    images, texts = random_vectors(50, 0.3)
    table = retrieval(embeddings(images, texts), examples=4).tables["queries"]
    assert table["id"].tolist() == ["id0", "id16", "id32", "id49"]
    assert table["query"].tolist() == ["caption 0", "caption 16", "caption 32", "caption 49"]
    retrieved = table[[f"retrieved {place}" for place in range(1, 6)]]
    for (_, row), product, found in zip(table.iterrows(), (0, 16, 32, 49), retrieved.to_numpy(), strict=True):
        order = np.argsort(-(images @ texts[product]))
        assert found.tolist() == [f"id{i}" for i in order[:5]]
        assert row["rank"] == 1 + order.tolist().index(product)


def test_wrong_settings_and_vectors_are_refused(embeddings):
    images, texts = random_vectors(5, 0.3)
    with pytest.raises(SettingError, match="ks must be positive"):
        retrieval(embeddings(images, texts), ks=(0, 1))
    with pytest.raises(SettingError, match="examples must be at least 1"):
        retrieval(embeddings(images, texts), examples=0)
    with pytest.raises(SettingError, match="no product of toy has a text"):
        retrieval(embeddings(images, texts[:0], owner=np.arange(0)))
    texts[3] = np.nan
    with pytest.raises(SettingError, match="texts of toy: row 3 is not finite"):
        retrieval(embeddings(images, texts))


def test_queries_that_share_a_caption_or_a_group_are_drawn_together(embeddings):
    images, texts = random_vectors(60, 0.7)
    alone = retrieval(embeddings(images, texts))["text-to-image recall@1"]
    texts = texts[np.maximum(np.arange(60), 40)]
    captions = [f"bag {max(i, 40)}" for i in range(60)]
    shared = retrieval(embeddings(images, texts, captions))["text-to-image recall@1"]
    # forty-one of the sixty queries are one observation, which may be drawn several times or not at all
    assert shared.interval[1] - shared.interval[0] > 1.3 * (alone.interval[1] - alone.interval[0])
    grouped = retrieval(embeddings(images, texts, captions, groups=np.arange(60) // 30))["text-to-image recall@1"]
    assert grouped.interval != shared.interval

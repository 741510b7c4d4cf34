import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.tasks.biases.queries import query_length


def shop(embeddings, n=40):
    """Each product has a short text that points nowhere and a long one that points at its own picture."""
    axes = np.eye(n, dtype=np.float32)
    captions, texts, owner = [], [], []
    for i in range(n):
        captions += [f"dress{i}", f"long red dress with number {i}"]
        texts += [-axes[i], axes[i]]  # the short one scores its own picture below all others
        owner += [i, i]
    return embeddings(axes, np.array(texts), captions, owner)


def test_long_queries_that_alone_find_their_picture(embeddings):
    result = query_length(shop(embeddings), bins=2)
    table = result.tables["query_lengths"]
    assert table[["words_from", "words_to", "queries"]].to_numpy().tolist() == [[1, 1, 40], [6, 6, 40]]
    assert table["recall"].tolist() == [0, 1] and table["chance"].tolist() == pytest.approx([10 / 40] * 2)
    assert result["recall@10, queries by length: part 1"].value == 0
    assert "texts of 6 words, part 2 of 2" in result["recall@10, queries by length: part 2"].definition
    assert result["length and success of queries (own picture)"].value == pytest.approx(1)
    metric = result["recall@10, longest minus shortest text (own picture)"]
    assert (metric.value, metric.interval, metric.n, metric.direction) == (1, (1, 1), 40, "nearer 0")


def test_a_shared_text_has_a_ceiling_and_any_of_its_products_is_a_hit(embeddings):
    n = 30
    images = np.eye(n, 2 * n, dtype=np.float32) + 0.01 * np.arange(n)[:, None] * np.eye(1, 2 * n, n)
    captions = [text for i in range(n) for text in ("dress", f"a dress of number {i}")]
    texts = [v for i in range(n) for v in (np.eye(1, 2 * n, n)[0], np.eye(1, 2 * n, i)[0])]
    made = embeddings(images, np.array(texts), captions, np.repeat(np.arange(n), 2))
    short, long = query_length(made, bins=2).tables["query_lengths"].to_dict("records")
    assert short["recall"] == pytest.approx(10 / 30) == short["ceiling"], "ten of thirty can be among the first ten"
    assert short["any_recall"] == 1 == short["any_chance"]
    assert long["recall"] == long["ceiling"] == 1 and long["any_chance"] == pytest.approx(10 / 30)


def test_lengths_are_never_parted(embeddings):
    lengths = [1, 1, 1, 1, 1, 2, 3, 3, 9, 9]
    captions = [" ".join([f"w{i}"] * words) for i, words in enumerate(lengths)]
    made = embeddings(np.eye(10), np.eye(10), captions)
    table = query_length(made, bins=5).tables["query_lengths"]
    assert table["queries"].sum() == 10 and table["words_from"].tolist() == [1, 2, 3, 9]
    assert table["words_to"].tolist() == [1, 2, 3, 9] and table["queries"].tolist() == [5, 1, 2, 2]


def test_products_of_one_text_are_not_asked_twice(embeddings):
    made = embeddings(np.eye(4), np.eye(4), ["a", "b c", "d e f", "g"])
    assert not [m for m in query_length(made, bins=2).metrics if "longest" in m.name]


def test_what_has_no_lengths_is_refused(embeddings):
    with pytest.raises(SettingError, match="all texts of toy are 2 words long"):
        query_length(embeddings(np.eye(3), np.eye(3)))
    with pytest.raises(SettingError, match="no product of toy has a text"):
        query_length(embeddings(np.eye(3), np.empty((0, 3)), owner=np.array([], int)))
    with pytest.raises(SettingError, match="bins must be at least 2"):
        query_length(embeddings(np.eye(3), np.eye(3)), bins=1)
    with pytest.raises(SettingError, match="not finite"):
        query_length(embeddings(np.eye(3), np.full((3, 3), np.nan), ["a", "b c", "d"]))

import numpy as np
import pandas as pd
import pytest

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import ArrayImages
from ofclip.tasks.prompt_choice import (
    NONE,
    PHRASES,
    SCORES,
    SINGLE,
    TEMPLATE,
    VECTORS,
    class_prompts,
    encode,
    extract,
    query_prompts,
    sought,
)

SAID = {
    "bag": [1, 0], "hat": [0, 1],
    "a photo of a bag": [0, 1], "a photo of a hat": [1, 0],  # the prompt turns the answer round
    "the bag": [1, 0], "the hat": [0.1, 1],
}  # fmt: skip


class Toy:
    """A model of spoken vectors; any other text gets one of its own."""

    scale = 1.0

    def __init__(self, said):
        self.said, self.asked, self.rng = dict(said), [], np.random.default_rng(0)

    def encode_texts(self, texts):
        self.asked += texts
        width = len(next(iter(self.said.values())))
        return np.array([self.said.setdefault(text, self.rng.normal(size=width)) for text in texts], dtype=float)


def catalogue(labels, texts=None):
    n = len(labels)
    texts = texts or [()] * n
    ids = [f"id{i}" for i in range(n)]
    table = {"id": ids, "split": "test", "group": [f"group {i}" for i in range(n)], "texts": texts, "kind": labels}
    return Catalog("toy", pd.DataFrame(table), ArrayImages(np.zeros((n, 1, 1), np.uint8), "toy"))


def by_prompt(result):
    return result.tables["prompts"].set_index("prompt")


def test_every_way_to_name_a_class_has_its_hand_made_accuracy(embeddings):
    made = embeddings([[1, 0], [0, 1], [0.9, 0.1], [1, 0]], np.empty((0, 2)), owner=[])
    catalog = catalogue(["bag", "hat", "bag", None])
    result = class_prompts(Toy(SAID), made, catalog, "kind", "a photo of a {}", ["a photo of a {}", "the {}"])
    table = by_prompt(result)
    assert table["n"].eq(3).all()
    assert table.loc[NONE, "value"] == 1 and table.loc[SINGLE, "value"] == 0 and table.loc["the {}", "value"] == 1
    assert table.loc["the {}", "kind"] == TEMPLATE and table.loc[NONE, "change"] == 1
    assert table.loc[VECTORS, "value"] == 0, "the template's hat leans to the right, so the mean's does, too"
    metric = result["kind accuracy@1 (no prompt)"]
    assert metric.value == 1 and metric.chance == 1 / 2 and metric.ceiling == 1
    assert {m.name for m in result.metrics} == {f"kind accuracy@1 ({way})" for way in (NONE, SINGLE, VECTORS, SCORES)}


def test_the_ensembles_are_those_of_the_slow_way(embeddings):
    rng = np.random.default_rng(3)
    classes, templates = ["bag", "hat", "shoe"], ["a {}", "one {} here", "{} again"]
    said = {t.replace("{}", c): rng.normal(size=5) for t in ["{}", *templates] for c in classes}
    images = rng.normal(size=(60, 5))
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    true = rng.integers(0, 3, 60)
    model = Toy(said)
    model.scale = 7.0
    made = embeddings(images, np.empty((0, 5)), owner=[])
    table = by_prompt(class_prompts(model, made, catalogue([classes[i] for i in true]), "kind", "a {}", templates))

    of_vectors, of_scores = np.zeros((60, 3)), np.zeros((60, 3))
    for c, name in enumerate(classes):
        each = [said[t.replace("{}", name)] / np.linalg.norm(said[t.replace("{}", name)]) for t in templates]
        mean = np.mean(each, axis=0)
        of_vectors[:, c] = images @ (mean / np.linalg.norm(mean))
    for t in templates:
        spoken = np.array([said[t.replace("{}", name)] for name in classes])
        powers = np.exp(7 * images @ (spoken / np.linalg.norm(spoken, axis=1, keepdims=True)).T)
        of_scores += powers / powers.sum(axis=1, keepdims=True) / 3
    assert table.loc[VECTORS, "value"] == pytest.approx(np.mean(of_vectors.argmax(1) == true))
    assert table.loc[SCORES, "value"] == pytest.approx(np.mean(of_scores.argmax(1) == true))
    differ = (of_vectors.argmax(1) == true).astype(int) - (
        (images @ np.array([said[f"a {c}"] / np.linalg.norm(said[f"a {c}"]) for c in classes]).T).argmax(1) == true
    )
    assert table.loc[VECTORS, "change"] == pytest.approx(differ.mean())


def test_a_tie_between_classes_is_no_hit(embeddings):
    made = embeddings([[1, 0], [0, 1]], np.empty((0, 2)), owner=[])
    same = {text: [1, 1] for text in SAID}
    result = class_prompts(Toy(same), made, catalogue(["bag", "hat"]), "kind", "a photo of a {}", ["the {}"])
    assert by_prompt(result)["value"].eq(0).all()


def test_one_class_is_refused(embeddings):
    made = embeddings([[1, 0], [0, 1]], np.empty((0, 2)), owner=[])
    with pytest.raises(SettingError, match="kind has 1 class in toy"):
        class_prompts(Toy(SAID), made, catalogue(["bag", "bag"]), "kind")
    with pytest.raises(SettingError, match="unknown label of toy 'kinds': did you mean 'kind'"):
        class_prompts(Toy(SAID), made, catalogue(["bag", "hat"]), "kinds")


def queried(embeddings, n=25):
    """Each caption alone points at its own picture; in a prompt it points at the next one."""
    axes = np.eye(n)
    captions = [f"red dress{'es' * (i % 2)} number{i}" for i in range(n)]
    said = {caption: axes[i] for i, caption in enumerate(captions)}
    said |= {f"a photo of a {caption}": axes[(i + 1) % n] + 1e-3 * axes[i] for i, caption in enumerate(captions)}
    said |= {f"a photo of a {extract(caption)}": axes[i] for i, caption in enumerate(captions)}
    images = axes + 1e-4 * np.arange(n)[:, None]  # so that no two scores of far ones are equal
    return Toy(said), embeddings(images, axes, captions)


def test_queries_are_asked_in_every_way(embeddings):
    model, made = queried(embeddings)
    result = query_prompts(model, made, "a photo of a {}", ["a photo of a {}", "the {}"])
    table = by_prompt(result)
    assert table.loc[NONE, "value"] == 1 and table.loc[PHRASES, "value"] == 1
    assert table.index.tolist() == [NONE, SINGLE, "the {}", VECTORS, PHRASES]
    assert table["n"].eq(25).all() and table.loc[PHRASES, "against"] == SINGLE
    metric = result["text-to-image recall@10 (extracted phrases)"]
    assert metric.chance == pytest.approx(10 / 25) and "'a photo of a {}'" in metric.definition


def test_extraction_that_makes_captions_alike_lowers_their_ceiling(embeddings):
    n = 24
    captions = [f"{a} red dress {b}" for a in ("the", "a") for b in ("!", ".") for _ in range(6)]
    made = embeddings(np.eye(n), np.eye(n), captions)
    result = query_prompts(Toy({"x": np.ones(n)}), made, templates=["the {}"])
    assert {extract(caption) for caption in captions} == {"red dress"}
    assert result["text-to-image recall@10 (no prompt)"].ceiling == 1
    assert result["text-to-image recall@10 (extracted phrases)"].ceiling == pytest.approx(10 / 24)


def test_queries_are_evenly_spaced_and_equal_texts_encoded_once(embeddings):
    made = embeddings(np.eye(7), np.eye(7), ["red"] * 7)
    assert sought(made, 3)[0].tolist() == [0, 3, 6] and len(sought(made, 99)[0]) == 7
    model = Toy({"x": [1, 2]})
    assert np.ptp(encode(model, ["red"] * 4), axis=0).tolist() == [0, 0] and model.asked == ["red"]


def test_what_cannot_be_asked_is_refused(embeddings):
    made = embeddings(np.eye(3), np.eye(3))
    with pytest.raises(SettingError, match="queries must be at least 1"):
        query_prompts(Toy({"x": [1, 2, 3]}), made, queries=0)
    with pytest.raises(SettingError, match="at least one prompt template"):
        query_prompts(Toy({"x": [1, 2, 3]}), made, templates=[])
    with pytest.raises(SettingError, match="no product of toy has a text"):
        query_prompts(Toy({"x": [1, 2, 3]}), embeddings(np.eye(3), np.empty((0, 3)), owner=[]))


def test_phrases_of_a_caption_without_any_are_the_caption():
    assert extract("Red dresses with pockets") == "red dress, pocket" and extract("12") == "12"

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ofclip.catalog import Catalog
from ofclip.images import ArrayImages
from ofclip.metrics.comparisons import holm
from ofclip.tasks.ensembles import ensemble_gain
from ofclip.tasks.zero_shot import classify

AXES = np.eye(4)
#: The single prompt is off by some; the other one makes up for it.
SPOKEN = {
    "a bag": AXES[0] + 3 * AXES[1], "one bag": AXES[0] - 3 * AXES[1], "a hat": AXES[1], "one hat": AXES[1],
    "a red": AXES[2], "one red": AXES[2], "a tan": AXES[3], "one tan": AXES[3],
}  # fmt: skip


class Model:
    def encode_texts(self, texts):
        return np.array([SPOKEN[text] for text in texts])


@pytest.fixture
def toy(embeddings):
    rng = np.random.default_rng(0)
    kinds, colours = rng.integers(0, 2, (2, 200))
    images = AXES[kinds] + AXES[2 + colours] + 0.5 * rng.normal(size=(200, 4))
    products = {
        "split": "test", "group": "g", "texts": [()] * 200, "kind": np.array(["bag", "hat"])[kinds],
        "colour": np.array(["red", "tan"])[colours],
    }  # fmt: skip
    made = embeddings(images, np.empty((0, 4)), owner=[])
    frame = pd.DataFrame({"id": made.ids, **products})
    return made, Catalog("toy", frame, ArrayImages(np.zeros((200, 1, 1), np.uint8), "toy"))


def test_the_gain_is_the_difference_of_the_accuracies_and_its_p_that_of_mcnemar(toy):
    made, catalog = toy
    result = ensemble_gain(Model(), made, catalog, ["kind", "colour"], "a {}", ["a {}", "one {}"])
    table = result.tables["ensembles"].set_index("label")
    for label in ("kind", "colour"):
        one = classify(Model(), made, catalog, label, ["a {}"])[f"{label} accuracy@1"].value
        many = classify(Model(), made, catalog, label, ["a {}", "one {}"])
        many = many[f"{label} accuracy@1 (ensemble of 2)"].value
        gain = result[f"{label} accuracy@1 gain of an ensemble"]
        assert gain.value == pytest.approx(many - one) == table.loc[label, "difference"]
        assert gain.ceiling == pytest.approx(1 - one) and gain.chance == 0
    assert table.loc["kind", "low"] > 0.02 and table.loc["kind", "p"] < 0.01
    assert table.loc["colour", ["difference", "low", "high", "p"]].tolist() == [0, 0, 0, 1]
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    kinds = [made.images @ np.array(pair).T for pair in (
        [SPOKEN["a bag"] / np.linalg.norm(SPOKEN["a bag"]), SPOKEN["a hat"]], [AXES[0], AXES[1]],
    )]  # fmt: skip
    right = [scores.argmax(axis=1) == (catalog.label("kind") == "hat") for scores in kinds]
    better, worse = (right[1] & ~right[0]).sum(), (right[0] & ~right[1]).sum()
    assert table.loc["kind", "p"] == pytest.approx(stats.binomtest(int(better), int(better + worse)).pvalue)

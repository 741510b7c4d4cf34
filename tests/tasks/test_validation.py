import sys
from pathlib import Path

import numpy as np
import pytest

from ofclip import models
from ofclip.embeddings import embed
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.validation import validator
from ofclip.tasks.zero_shot import classify
from ofclip.text.templates import TEST

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402


@pytest.fixture(scope="module")
def model():
    return models.build_model("ofclip-RN-8-64", seed=1)


def distinct(n):
    catalog = squares(n)
    catalog.products["texts"] = [(f"{text} number {i}",) for i, text in enumerate(catalog.captions)]
    return catalog


def test_quick_numbers_equal_those_of_the_tasks(model):
    catalog = distinct(40)
    found = validator([(catalog, "colour")], TEST)(model)
    vectors = embed(model, catalog, TEST)
    assert found["val squares recall@10"] == pytest.approx(retrieval(vectors)["text-to-image recall@10"].value)
    slow = classify(model, vectors, catalog, "colour", [TEST])
    assert found["val squares colour accuracy"] == pytest.approx(slow["colour accuracy@1"].value)


def test_class_names_as_captions_are_not_retrieved_by(model):
    assert list(validator([(squares(40), "colour")], TEST)(model)) == ["val squares colour accuracy"]


def test_a_label_that_is_missing_somewhere_is_left_out(model):
    catalog = distinct(30)
    catalog.products.loc[:9, "colour"] = None
    found = validator([(catalog, "colour")], TEST)(model)
    assert np.isfinite(found["val squares colour accuracy"])

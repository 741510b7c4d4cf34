import sys
from pathlib import Path

import numpy as np
import pytest

import ofclip
from ofclip import models
from ofclip.errors import SettingError

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402


@pytest.fixture(scope="module")
def model():
    return models.build_model("ofclip-RN-8-64", seed=1)


def test_hits_are_the_nearest_pictures_best_first(model):
    catalog = squares(30)
    hits = ofclip.search(model, catalog, "red square", k=5)
    scores = model.encode_images(catalog.images.array) @ model.encode_texts(["red square"])[0]
    assert len(hits) == 5 and hits.table["score"].is_monotonic_decreasing
    np.testing.assert_allclose(hits.table["score"], np.sort(scores)[::-1][:5], atol=1e-3)
    captions = dict(zip(catalog.products["id"], catalog.captions, strict=True))
    assert [captions[i] for i in hits.table["id"]] == hits.table["caption"].tolist()


def test_a_notebook_shows_pictures_and_escapes_text(model):
    catalog = squares(4)
    catalog.products["texts"] = [("<b>bold</b>",)] * 4
    shown = ofclip.search(model, catalog, "a <i>query</i>", k=9)._repr_html_()
    assert shown.count("data:image/jpeg;base64") == 4
    assert "<b>bold" not in shown and "<i>query" not in shown


def test_drawings_are_called_drawings(model):
    hits = ofclip.search(model, ofclip.load_catalog("atelier/street", n=3), "dress")
    assert "drawings, not photographs" in hits._repr_html_()
    assert "drawings, not photographs" not in ofclip.search(model, squares(3), "dress")._repr_html_()


def test_one_cache_serves_evaluation_and_search(model, monkeypatch):
    catalog = squares(12)
    ofclip.embed(model, catalog, "a photo of a {}")
    monkeypatch.setattr(type(model), "encode_images", None)  # not called again
    assert len(ofclip.search(model, catalog, "square", k=3, template="a photo of a {}")) == 3


@pytest.mark.parametrize(("query", "k"), [("  ", 3), ("dress", 0)])
def test_impossible_searches_are_refused(model, query, k):
    with pytest.raises(SettingError, match="search needs"):
        ofclip.search(model, squares(4), query, k=k)


def test_a_template_must_have_a_place_for_the_query(model):
    with pytest.raises(SettingError, match="must contain {} exactly once"):
        ofclip.search(model, squares(4), "dress", template="a photo")

import sys
from pathlib import Path

import numpy as np
import pytest

from ofclip import models
from ofclip.embeddings import embed
from ofclip.errors import DataError
from ofclip.text.templates import TEST, fill

sys.path.insert(0, str(Path(__file__).parent / "training"))
from toys import squares  # noqa: E402


@pytest.fixture
def model():
    return models.build_model("ofclip-RN-8-64", seed=1)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path))
    return tmp_path


def test_rows_are_the_models_own_vectors(model):
    catalog = squares(20)
    made = embed(model, catalog, TEST)
    np.testing.assert_allclose(made.images, model.encode_images(catalog.images.array), atol=1e-5)
    assert made.owner.tolist() == np.repeat(np.arange(20), 2).tolist()
    assert made.captions == tuple(text for texts in catalog.products["texts"] for text in texts)
    np.testing.assert_allclose(made.texts, model.encode_texts(fill(TEST, made.captions)), atol=1e-5)
    assert (made.dataset, made.split, made.ids[3]) == ("squares", "train", "squares-3")


def test_they_are_computed_once(model, monkeypatch):
    first = embed(model, squares(20))
    monkeypatch.setattr(models.Model, "encode_images", None)
    again = embed(model, squares(20))
    for name in ("ids", "groups", "images", "texts", "owner"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert first.captions == again.captions and first.weights_fingerprint == again.weights_fingerprint


def test_other_weights_data_or_template_are_never_served_from_the_cache(model):
    before = embed(model, squares(20))
    assert not np.array_equal(embed(models.build_model("ofclip-RN-8-64", seed=2), squares(20)).images, before.images)
    assert not np.array_equal(embed(model, squares(20, seed=1)).images, before.images)
    assert not np.array_equal(embed(model, squares(20), TEST).texts, before.texts)
    changed = squares(20)
    changed.products.at[0, "texts"] = ("another text",)
    assert embed(model, changed).captions[0] == "another text"


def test_a_damaged_cache_is_made_anew(model, cache):
    before = embed(model, squares(20))
    for path in (cache / "embeddings").iterdir():
        path.write_bytes(path.read_bytes()[:-50])
    np.testing.assert_array_equal(embed(model, squares(20)).images, before.images)


def test_damaged_pictures_are_named_or_left_out(model, tmp_path, jpeg):
    from dataclasses import replace

    from ofclip.tree import Tree

    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(6):
        (folder / f"{i}.jpg").write_bytes(jpeg(i) if i != 2 else b"\xff\xd8 not a picture")
    catalog = replace(squares(6), images=Tree(folder).images(f"{i}.jpg" for i in range(6)))
    with pytest.raises(DataError, match="2.jpg"):
        embed(model, catalog)
    made = embed(model, catalog, skip_bad=True)
    assert made.ids.tolist() == [f"squares-{i}" for i in (0, 1, 3, 4, 5)] and len(made.texts) == 10

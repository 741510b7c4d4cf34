from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from ofclip import models
from ofclip.errors import SettingError
from ofclip.training.data import Batches
from ofclip.training.settings import Augmentation, Training

sys.path.insert(0, str(Path(__file__).parent))
from toys import squares  # noqa: E402

MODEL = models.build_model("ofclip-ViT-32-64")
STILL = Augmentation(flip=False, shift=0, ground=0, grey=0)


def batches(catalogs, **values):
    sources = {catalog.name: 1.0 for catalog in catalogs}
    base = {"sources": sources, "samples": 320, "batch": 16, "augmentation": STILL, "template_share": 0.0}
    return Batches(catalogs, MODEL, Training.make(**{**base, **values}))


@pytest.mark.parametrize("mixing", ["sample", "batch"])
@pytest.mark.parametrize("names", [("a",), ("a", "b", "c")])
def test_pixels_are_those_of_the_rows_whichever_sources_they_come_from(names, mixing):
    catalogs = [squares(20, name, seed) for seed, name in enumerate(names)]
    whole = np.concatenate([catalog.images.array for catalog in catalogs])
    made = batches(catalogs, mixing=mixing)
    for step in range(5):
        rows = made.mixture.batch(step)
        np.testing.assert_array_equal(made.rows(step).pixels, whole[rows])
        np.testing.assert_array_equal(made.rows(step, slice(4, 9)).pixels, whole[rows[4:9]])


def test_shares_of_processes_are_the_batch_cut_in_pieces():
    made = batches([squares(40)], augmentation=Augmentation(), template_share=0.5)
    whole = made.rows(3)
    parts = [made.rows(3, slice(start, start + 4)) for start in range(0, 16, 4)]
    for name in ("pixels", "tokens"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))
    for name in ("keys", "groups", "present"):
        assert all(np.array_equal(getattr(part, name), getattr(whole, name)) for part in parts)


def test_equal_texts_have_equal_keys_and_views_of_a_product_equal_groups():
    catalog = squares(60)
    made = batches([catalog], first_caption_share=1.0)
    rows, batch = made.mixture.batch(0), made.rows(0)
    texts, groups = catalog.products["texts"].str[0].to_numpy()[rows], catalog.products["group"].to_numpy()[rows]
    for found, expected in ((batch.keys[:, 0], texts), (batch.groups, groups)):
        np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)


def test_fields_are_captions_and_labels_and_say_which_are_there():
    catalog = squares(60)
    catalog.products["colour"] = catalog.products["colour"].astype("string").mask(np.arange(60) % 3 == 0)
    made = batches([catalog], loss="fields", fields={"colour": 0.5, "text": 1.0}, first_caption_share=1.0)
    rows, batch = made.mixture.batch(0), made.rows(0)
    assert batch.tokens.shape[:2] == (16, 2)
    np.testing.assert_array_equal(batch.present, np.stack([rows % 3 != 0, np.ones(16, bool)], axis=1))
    known = np.flatnonzero(batch.present[:, 0])
    colours = catalog.products["colour"].to_numpy()[rows[known]]
    decoded = [MODEL.tokenizer.decode(batch.tokens[i, 0]) for i in known]
    assert all(colour in text for colour, text in zip(colours, decoded, strict=True))
    np.testing.assert_array_equal(batch.keys[known, 0][:, None] == batch.keys[known, 0], colours[:, None] == colours)
    with pytest.raises(SettingError, match="colour"):
        batches([catalog], loss="fields", fields={"color": 1.0})

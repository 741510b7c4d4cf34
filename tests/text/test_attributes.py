from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ofclip.text.attributes import caption, prepare, serialisations, serialise, singular

DRESS = {
    "category": ["casual dress"],
    "neckline": ["v-neck"],
    "gender": ["women's"],
    "style": ["summer"],
    "sleeve": ["short sleeve"],
    "color": ["red"],
    "material": ["silk"],
    "pattern": ["floral"],
}
#: Labels without commas, so that a text can be taken apart again.
labels = st.text(st.characters(categories=("L", "N"), include_characters=" -&'"), max_size=12)
attributes = st.dictionaries(
    st.sampled_from(["gender", "color", "pattern", "sleeve", "category", "fit"]), st.lists(labels, max_size=4)
)


def said(values: dict[str, list[str]]) -> set[str]:
    return {" ".join(label.split()) for several in values.values() for label in several} - {""}


def test_the_caption_says_all_in_natural_order():
    assert caption(DRESS) == "women's red floral silk short sleeve v-neck summer casual dress"


def test_several_labels_of_a_task():
    many = {"category": ["shirt", "skirt"], "colour": ["red", "black", "red"], "material": ["silk", "lace"]}
    assert caption(many) == "red and black silk lace shirt and skirt"


def test_an_unknown_task_stands_before_the_noun_and_nothing_is_said_twice():
    assert caption({"category": ["dress"], "fit": ["loose", "red"], "color": ["red"]}) == "red loose dress"


def test_a_single_string_is_one_label_and_spaces_are_tidied():
    assert caption({"category": " casual \n dress", "color": ["", " "]}) == "casual dress"


@pytest.mark.parametrize("nothing", [{}, {"color": []}, {"color": ["", "  "]}])
def test_no_label_no_text(nothing):
    assert caption(nothing) == "" and serialise(nothing, np.random.default_rng(0)) == ""
    assert serialisations(nothing, "1") == ()


def test_texts_of_a_key_are_these_forever():
    # written down: another NumPy, Python or machine must give the same, or runs could not be compared
    assert serialisations(DRESS, "train/7", 3) == (
        "women's red floral silk short sleeve v-neck summer casual dress",
        "women's, silk, short sleeve, summer, floral, casual dress",
        "red, floral, v-neck, women's",
    )


def test_texts_do_not_depend_on_the_process():
    code = "from ofclip.text.attributes import serialisations; print(serialisations({'a': ['x', 'y', 'z']}, 'k'))"
    out = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert out == {f"{serialisations({'a': ['x', 'y', 'z']}, 'k')}\n"}


def test_count_bounds_the_texts_and_few_labels_give_fewer():
    assert len(serialisations(DRESS, "1", 6)) == 6
    assert serialisations(DRESS, "1", 1) == (caption(DRESS),) and serialisations(DRESS, "1", 0) == ()
    assert serialisations({"color": ["red"]}, "1") == ("red",)


def test_what_is_prepared_gives_the_same():
    assert serialisations(prepare(DRESS), "9") == serialisations(DRESS, "9")


def test_numbers_and_orders_are_equally_likely():
    rng = np.random.default_rng(0)
    drawn = [serialise({"color": ["a", "b", "c"]}, rng).split(", ") for _ in range(3000)]
    numbers = Counter(map(len, drawn))
    assert all(900 < numbers[number] < 1100 for number in (1, 2, 3))
    orders = Counter("".join(each) for each in drawn if len(each) == 3)
    assert len(orders) == 6 and all(120 < count < 215 for count in orders.values())
    keyed = Counter(len(serialisations({"color": ["a", "b", "c"]}, str(key), 2)[1].split(", ")) for key in range(3000))
    assert all(900 < keyed[number] < 1100 for number in (1, 2, 3))


@given(attributes, st.integers(0, 2**32))
def test_a_text_holds_known_labels_once_and_is_never_empty(values, seed):
    text = serialise(values, np.random.default_rng(seed))
    assert bool(text) == bool(said(values))
    if text:
        parts = text.split(", ")
        assert len(parts) == len(set(parts)) and set(parts) <= said(values)
    assert text == serialise(values, np.random.default_rng(seed))


@given(attributes, st.text(max_size=8), st.integers(1, 6))
def test_texts_differ_and_are_determined_by_the_key(values, key, count):
    texts = serialisations(values, key, count)
    assert texts == serialisations(values, key, count)
    assert len(texts) == len(set(texts)) <= count and all(texts)
    assert bool(texts) == bool(said(values))
    if texts:
        assert texts[0] == caption(values)
        assert set(texts[0].split()) >= {word for label in said(values) for word in label.split()}


@given(attributes.filter(said))
def test_every_label_appears_in_time(values):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(400):
        seen.update(serialise(values, rng).split(", "))
    assert seen == said(values)
    keyed = {part for key in range(150) for text in serialisations(values, str(key))[1:] for part in text.split(", ")}
    assert len(said(values)) == 1 or keyed == said(values)


@pytest.mark.parametrize(
    ("label", "one"),
    [
        ("casual dresses", "casual dress"),
        ("blouses", "blouse"),
        ("jerseys", "jersey"),
        ("skinny jeans", "skinny jeans"),
        ("hiking boots", "hiking boots"),
        ("shoe accessories", "shoe accessories"),
        ("tutus", "tutu"),
        ("bodies", "body"),
        ("watches", "watch"),
        ("suits & blazers", "suits & blazers"),
        ("hosiery, stockings, tights", "hosiery, stockings, tights"),
        ("thermal underwear", "thermal underwear"),
        ("dress", "dress"),
        ("", ""),
    ],
)
def test_singular(label, one):
    assert singular(label) == one

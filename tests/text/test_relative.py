from __future__ import annotations

import json
import re
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ofclip.text import words
from ofclip.text.phrases import KINDS
from ofclip.text.relative import describe_target, target_phrases

TABLE = [
    ("is solid red with no sleeves", "solid red, no sleeve"),
    ("is green with thin straps", "green, thin strap"),
    ("Has longer sleeves", "long sleeve"),
    ("has shorter sleeves and a higher neckline", "short sleeve, high neckline"),
    ("is longer", ""),
    ("is darker in color", ""),
    ("is lighter colored", ""),
    ("is a brighter color", ""),
    ("is much shorter and tighter", ""),
    ("is darker blue", "dark blue"),
    ("is a lighter pink", "light pink"),
    ("is bluer", "blue"),
    ("has a longer skirt and smaller print", "long skirt, small print"),
    ("is longer-sleeved", "long-sleeved"),
    ("is shinier and has sleeves", "sleeve"),
    ("is more colorful", ""),
    ("is more revealing and sexy", ""),
    ("is more floral", "floral"),
    ("is more red", "red"),
    ("has more buttons and fewer stripes", "button"),
    ("has more lace and less detail", "lace"),
    ("is more casual and sleeveless", "sleeveless"),
    ("is more fitted and has a belt", "belt"),
    ("has a more rounded collar", "rounded collar"),
    ("more formal and black", "black"),
    ("is more red colored", "red colored"),
    ("is less revealing", ""),
    ("has less sleeves", ""),
    ("is less fitted and green", ""),
    ("is less colorful and has a hood", "hood"),
    ("is black rather than blue", "black"),
    ("is yellow instead of green and has short sleeves", "yellow, short sleeve"),
    ("has straps instead of sleeves", "strap"),
    ("is longer than the other one", ""),
    ("is shorter than the first and has pockets", "pocket"),
    ("is a blouse unlike the other dress", "blouse"),
    ("is sleeveless compared to the other. it has a white bottom.", "sleeveless, white bottom"),
    ("is not as long", ""),
    ("is not as bright and has a collar", "collar"),
    ("the same length but purple", "purple"),
    ("has the same style but in grey", "grey"),
    ("is identical", ""),
    ("has a different graphic", "graphic"),
    ("is a different color", ""),
    ("is similar but has polka dots", "polka dot"),
    ("the provided product is a skirt.", ""),
    ("has no collar or buttons", "no collar, no button"),
    ("without pockets", "without pocket"),
    ("does not have a belt", "no belt"),
    ("doesn't have stripes and is pink", "no stripe, pink"),
    ("is not striped", "not striped"),
    ("is not as dark and not sleeveless", "not sleeveless"),
    ("has no longer sleeves", ""),
    ("is blue in color", "blue"),
    ("has a white color", "white"),
    ("is white at the bottom", "white"),
    ("has lace on the sleeves", "lace"),
    ("has buttons down the front", "button"),
    ("is black with a bow on front of waist", "black, bow"),
    ("The shirt is navy and has a round neck.", "shirt, navy, round neck"),
    ("I am looking for a black dress that is less formal", "black dress"),
    ("Desired item is a purple tank top", "purple tank top"),
    ("is black and white striped", "black and white striped"),
    ("is red, white and dark blue", "red, white and dark blue"),
    ("is a grey t shirt with v neck", "grey t-shirt, v-neck"),
    ("is an a line dress", "a-line dress"),
    ("is off the shoulder", "off-the-shoulder"),
    ("is a button up", "button-up"),
    ("has 3/4 sleeves", "3/4 sleeve"),
    ("is brigher and has brigher colors", ""),
    ("has a picture of a darth vader mask", "picture, darth vader mask"),
    ('says "hello" on it', "hello"),
    ("has more than one color", ""),
    ("has more than two pockets", "pocket"),
    ("is more of a tunic", "tunic"),
    ("is less of a dress", ""),
    ("is too short", "short"),
    ("is a cat wearing a hat", "cat, hat"),
    ("has a tan top w/ black skirt", "tan top, black skirt"),
    ("is tighter fitting", ""),
    ("is just plain white", "plain white"),
    ("", ""),
    ("n/a", ""),
    ("is color", ""),
]
LISTED = sorted(set(KINDS) | words.PRESENT | words.EMPTY | words.RELATIONS | words.PLACES)
FASHION = st.lists(
    st.sampled_from([*LISTED, "sleeves", "longer", "darker", "shinier", "bluer", "brigher", ",", ".", "/", "50%"]),
    max_size=14,
).map(" ".join)


@pytest.mark.parametrize("caption, expected", TABLE)
def test_table(caption, expected):
    assert describe_target(caption) == expected


def test_several_captions_are_one_text_without_phrases_that_others_hold():
    assert describe_target("is black", "is a solid black dress", "has sleeves") == "solid black dress, sleeve"
    assert describe_target("has sleeves", "has no sleeves") == "sleeve, no sleeve"
    assert describe_target("is longer", "is darker") == describe_target() == ""


@settings(deadline=None)
@given(st.lists(st.text() | FASHION, max_size=3))
def test_any_text_gives_plain_phrases_once(captions):
    found = describe_target(*captions)
    phrases = found.split(", ") if found else []
    assert len(set(phrases)) == len(phrases)
    for phrase in phrases:
        assert phrase.split()[0] not in words.ARTICLES
        assert all(part.isalnum() for part in re.split("[ '/-]", phrase))


@settings(deadline=None)
@given(FASHION)
def test_nothing_relative_is_left(caption):
    for phrase in target_phrases(caption):
        said = set(phrase.split())
        assert said.isdisjoint({"longer", "darker", "shinier", "more", "less", "than", "different", "same"})
        assert not said <= words.EMPTY


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(set(LISTED) - words.DEGREES)), max_size=8).map(" ".join))
def test_a_description_describes_itself(caption):
    found = describe_target(caption)
    assert describe_target(found) == found


@pytest.mark.real("fashion-iq")
def test_most_real_captions_say_something(real_data):
    captions = []
    with zipfile.ZipFile(real_data / "fashion-iq" / "captions.zip") as archive:
        for category in ("dress", "shirt", "toptee"):
            rows = json.loads(archive.read(f"captions/cap.{category}.train.json"))
            captions += [row["captions"] for row in rows]
    assert len(captions) == 18_000
    single = [describe_target(caption) for pair in captions for caption in pair]
    silent = sum(not text for text in single)
    assert 0.14 < silent / len(single) < 0.18
    assert sum(not describe_target(*pair) for pair in captions) < 0.04 * len(captions)
    assert sum(map(len, single)) / (len(single) - silent) > 10  # characters

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ofclip.text import words
from ofclip.text.lemmas import lemma, positive
from ofclip.text.phrases import KINDS, phrases, tokens

TABLE = [
    ("A long red dress with short sleeves", ["long red dress", "short sleeve"]),
    ("The striped T-shirts", ["striped t-shirt"]),
    ("black and white dress", ["black and white dress"]),
    ("navy blue and dark green plaid shirt", ["navy blue and dark green plaid shirt"]),
    ("red, white and blue flag print", ["red", "white and blue flag print"]),
    ("Grey/black checked scarf", ["grey and black checked scarf"]),
    ("black/ white scarf", ["black and white scarf"]),
    ("white & gold sandals", ["white and gold sandal"]),
    ("shirt and tie", ["shirt", "tie"]),
    ("3/4 sleeves", ["3/4 sleeve"]),
    ("a 3/4-sleeve blouse", ["3/4-sleeve blouse"]),
    ("v neck, V-necked or Vneck", ["v-neck", "v-necked"]),
    ("button up shirts and zip-up hoodies", ["button-up shirt", "zip-up hoodie"]),
    ("off the shoulder top", ["off-the-shoulder top"]),
    ("a see through blouse", ["see-through blouse"]),
    ("an A line skirt", ["a-line skirt"]),
    ("a line of buttons", ["line", "button"]),
    ("A-line dresses", ["a-line dress"]),
    ("a quilted down jacket", ["quilted down jacket"]),
    ("ruffles down the front", ["ruffle", "front"]),
    ("two-toned leggings, skinny jeans and khaki pants", ["two-toned leggings", "skinny jeans", "khaki pants"]),
    ("women's high-rise jean shorts", ["women's high-rise jean shorts"]),
    ("no sleeves", ["no sleeve"]),
    ("without any buttons", ["without button"]),
    ("It doesn't have sleeves or straps.", ["no sleeve", "no strap"]),
    ("no stripes and dots", ["no stripe", "dot"]),
    ("is not a dress", ["not dress"]),
    ("lacks pockets", ["no pocket"]),
    ("sleeveless dotted dresses", ["sleeveless dotted dress"]),
    ("fitted, pleated & buttoned", ["fitted", "pleated", "buttoned"]),
    ("leaves, feathers and flowers", ["leaf", "feather", "flower"]),
    ("scarves for men", ["scarf", "man"]),
    ("more colorful patterns", ["more colorful pattern"]),
    ("longer sleeves", ["long sleeve"]),
    ("shorter-sleeved polka-dots", ["short-sleeved polka-dot"]),
    ("very light blue", ["light blue"]),
    ("lace-trimmed silk-chiffon gown", ["lace-trimmed silk-chiffon gown"]),
    ('"quoted" (bracketed) words!', ["quoted", "bracketed", "word"]),
    ("white.Red;blue", ["white", "red", "blue"]),
    ("the the the", []),
    ("", []),
    ("... -- '", []),
    ("N/A", []),
    ("2 5 b", []),
    ("50% wool coat, blue lining", ["blue lining"]),
    ("price $20 dress, red belt", ["red belt"]),
    ("a dress that shows the knees", ["dress", "knee"]),
    ("CAFÉ-coloured cotton", ["café-coloured cotton"]),
    ("men’s glasses", ["men's glasses"]),
    ("polka dots", ["polka dot"]),
    ("black, Black, BLACK", ["black"]),
]
LISTED = sorted(set(KINDS) | words.PRESENT | words.PROTECTED | words.EMPTY | words.RELATIONS | {*words.VARIANTS})
FASHION = st.lists(
    st.sampled_from([*LISTED, "sleeves", "dresses", "longer", "shinier", "brigher", ",", ".", "(", "/", "50%"]),
    max_size=12,
).map(" ".join)
#: What no phrase holds: anything but letters, digits, spaces, and hyphens, apostrophes and fraction strokes inside.
PLAIN = re.compile(r"(?:(?:\d/\d(?:-[^\W_]+)*|[^\W_]+(?:['-][^\W_]+)*)(?: (?!$)|$))+")


def origins(caption: str) -> set[str]:
    """Every word that a phrase of this caption may hold."""
    found = set(re.findall(r"\d/\d|[^\W_]+", caption.lower().replace("’", "'")))
    found |= set(re.findall(r"[^\W_]+(?:['-][^\W_]+)*", caption.lower().replace("’", "'")))
    found |= {words.VARIANTS[word] for word in found if word in words.VARIANTS}
    found |= {lemma(word) for word in found} | {part for word in found for part in word.split("-")}
    if any(mark in caption for mark in "/&+"):
        found.add("and")
    if not found.isdisjoint(words.NEGATIONS) or "n't" in caption:
        found |= {"no", "not"}
    return found


@pytest.mark.parametrize("caption, expected", TABLE)
def test_table(caption, expected):
    assert phrases(caption) == expected


@settings(deadline=None)
@given(st.text() | FASHION)
def test_any_text_gives_plain_phrases_once(caption):
    found = phrases(caption)
    assert len(set(found)) == len(found)
    for phrase in found:
        assert PLAIN.fullmatch(phrase), phrase
        assert phrase.split()[0] not in words.ARTICLES
        assert phrase == phrase.lower()


@settings(deadline=None)
@given(FASHION | st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz -'"), max_size=30).map("".join))
def test_words_come_from_the_caption(caption):
    known = origins(caption)
    for phrase in phrases(caption):
        for word in phrase.split():
            parts = {word, lemma(word)} & known or set(word.split("-")) - known - {""}
            assert parts <= known, (word, caption)


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(set(LISTED) - words.DEGREES - {"mor"})), max_size=8).map(" ".join))
def test_phrases_of_phrases_are_the_same(caption):
    found = phrases(caption)
    assert phrases(", ".join(found)) == found


def test_lemmas_change_plurals_and_comparatives_only():
    same = "pants jeans shorts leggings glasses dress sleeveless striped dotted revealing canvas v-neck 3/4 left café"
    assert [lemma(word) for word in same.split()] == same.split()
    pairs = {"dresses": "dress", "polka-dots": "polka-dot", "women": "woman", "bigger": "big", "shiniest": "shiny"}
    assert {word: lemma(word) for word in pairs} == pairs
    assert all(lemma(lemma(word)) == lemma(word) for word in LISTED)


def test_positive_knows_comparatives_from_nouns():
    found = {word: positive(word) for word in ("longer", "zipper", "halter", "flower", "brigher", "dress", "forest")}
    assert found == {
        "longer": "long", "zipper": None, "halter": None, "flower": None, "brigher": "", "dress": None, "forest": None,
    }  # fmt: skip


def test_word_lists_do_not_contradict_each_other():
    closed = [
        words.ARTICLES, words.PRONOUNS, words.PREPOSITIONS, words.CONJUNCTIONS, words.CLAUSES, words.VERBS,
        words.DEGREES, words.MORE, words.LESS, words.NEGATIONS,
    ]  # fmt: skip
    assert sum(map(len, closed)) == len(KINDS), sorted(
        word for word in KINDS if sum(word in listed for listed in closed) > 1
    )
    content = words.PRESENT | words.EMPTY | words.PLACES
    assert not content & (set(KINDS) - words.PARTICLES)
    assert words.PARTICLES | words.LOCATIVES <= words.PREPOSITIONS
    assert not set(words.VARIANTS) & (set(KINDS) | content)


def test_tokens_keep_their_order_and_kinds():
    found = [(token.word, token.lemma, token.kind) for token in tokens("A T shirt, isn't longer")]
    assert found == [
        ("a", "a", "article"), ("t-shirt", "t-shirt", "open"), (",", ",", "mark"), ("not", "not", "negation"),
        ("longer", "long", "open"),
    ]  # fmt: skip


def test_the_word_list_loads_when_first_needed_only():
    code = "import sys, ofclip.text.relative; assert 'simplemma' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

from __future__ import annotations

import re

import pytest

from ofclip.sources.atelier import DOMAINS, candidate, captions, product
from ofclip.sources.atelier.captions import differences
from ofclip.sources.atelier.vocabulary import COLOURS, LENGTHS, SLEEVES, TYPES
from ofclip.sources.atelier.words import BROAD_WORDS, COLOUR_WORDS, PATTERN_WORDS
from ofclip.sources.atelier.world import luma

N = 1500


def named(text: str, words: dict[str, tuple[str, ...]]) -> str | None:
    """Return the key whose word occurs in a text; the longest word wins."""
    found = [(len(word), key) for key, several in words.items() for word in several
             if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]
    return max(found)[1] if found else None


def test_no_word_has_two_meanings():
    for words in (COLOUR_WORDS, PATTERN_WORDS, {name: kind.words for name, kind in TYPES.items()}):
        every = [word for several in words.values() for word in several]
        assert len(set(every)) == len(every)
    assert set(COLOUR_WORDS) == set(COLOURS)


@pytest.mark.parametrize("domain", ["phrases", "tags", "flatlay"])
def test_text_says_what_is_drawn(domain):
    types = {name: (name, *kind.words) for name, kind in TYPES.items()}
    for p in (product(0, domain, i) for i in range(N)):
        for text in captions(p):
            text = text.lower().replace(f"{p.brand.lower()} ", "").replace(f" - {p.brand.lower()}", "")
            assert named(text, COLOUR_WORDS) == p.colour, (text, p)
            said = {name for name, words in types.items() if any(word in text for word in words)}
            assert p.type in said or text.endswith(BROAD_WORDS[p.category]), (text, p)
            pattern = named(text, PATTERN_WORDS)
            assert pattern in (p.pattern, None), (text, p)


@pytest.mark.parametrize("domain", ["grey", "sketch"])
def test_colourless_pictures_have_colourless_text(domain):
    for p in (product(0, domain, i) for i in range(N)):
        assert all(named(text, COLOUR_WORDS) is None for text in captions(p))


def true_of(statement: str, target, other) -> bool | None:
    """Check one relative statement against the attributes; None if it makes no comparison known here."""
    order = {name: k for k, name in enumerate(SLEEVES)} | {"bell": SLEEVES.index("long")}
    heels = {"flat": 0, "platform": 1, "kitten": 1, "block": 2, "wedge": 2, "stiletto": 3}
    fits = ("skinny", "slim", "fitted", "straight", "regular", "a-line", "loose", "wide")
    match statement:
        case "is darker in colour":
            return luma(target.colour) < luma(other.colour) - 40
        case "is lighter in colour":
            return luma(target.colour) > luma(other.colour) + 40
        case "has no pattern":
            return target.pattern == "plain" != other.pattern
        case "has more pattern":
            return target.pattern != "plain" == other.pattern
        case "has longer sleeves":
            return order[target.sleeve] > order[other.sleeve]
        case "has shorter sleeves":
            return order[target.sleeve] < order[other.sleeve]
        case "has no sleeves":
            return target.sleeve == "sleeveless" != other.sleeve
        case "is longer":
            return LENGTHS.index(target.length) > LENGTHS.index(other.length)
        case "is shorter":
            return LENGTHS.index(target.length) < LENGTHS.index(other.length)
        case "is looser":
            return fits.index(target.fit) > fits.index(other.fit)
        case "is tighter":
            return fits.index(target.fit) < fits.index(other.fit)
        case "has a higher heel":
            return heels[target.heel] > heels[other.heel]
        case "has a lower heel":
            return heels[target.heel] < heels[other.heel]
    if match := re.fullmatch(r"is (.+) rather than (.+)", statement):
        mine, theirs = (named(words, COLOUR_WORDS) for words in match.groups())
        return (mine, theirs) == (target.colour, other.colour)
    if match := re.fullmatch(r"is plain, not (.+)", statement):
        return target.pattern == "plain" and match[1] in PATTERN_WORDS[other.pattern]
    if match := re.fullmatch(r"has (short|long|bell|three-quarter) sleeves", statement):
        return match[1] == target.sleeve != other.sleeve
    if match := re.fullmatch(r"has a (.+) (heel|sole)", statement):
        return match[1] == target.heel != other.heel
    return None


def test_relative_captions_are_true():
    checked = set()
    for p in (product(0, "pairs", i) for i in range(N)):
        other = candidate(p)
        changed = {name for name in ("colour", "pattern", *TYPES[p.type].attributes)
                   if getattr(p, name) != getattr(other, name)}
        assert 1 <= len(changed) <= 3 and other.type == p.type
        said = differences(p, other, p.rng("text"))
        assert set(said) == changed
        for name, statement in said.items():
            verdict = true_of(statement, p, other)
            if verdict is None and name in ("colour", "pattern"):
                words = {"colour": COLOUR_WORDS, "pattern": PATTERN_WORDS}[name]
                verdict = named(statement.partition(" instead of ")[0], words) == getattr(p, name)
            assert verdict is not False, (statement, p, other)
            if verdict:
                checked.add(statement)
    assert {"is darker in colour", "has longer sleeves", "has no pattern", "is looser", "is longer",
            "has a higher heel"} <= checked


def test_pairs_name_the_target_truly():
    for p in (product(0, "pairs", i) for i in range(N)):
        for text in captions(p):
            said = re.split(r", (?!not)| and ", text)
            assert all(words.split()[0] in ("is", "has", "closes") for words in said), text
            for words in said:
                if words.endswith(tuple(TYPES[p.type].words)) and " rather than " not in words:
                    assert named(words, COLOUR_WORDS) == p.colour, text


def test_shops_repeat_themselves():
    texts = {domain: [captions(product(0, domain, i)) for i in range(N)] for domain in DOMAINS}
    for domain in ("phrases", "street", "grey", "sketch"):
        assert all(2 <= len(several) <= 4 for several in texts[domain])
    first = [several[0] for several in texts["phrases"]]
    assert len(set(first)) < len(first), "some products share a caption"
    words = {domain: sum(len(t[0].split()) for t in several) / N for domain, several in texts.items()}
    assert words["studio"] > 15 and 3 < words["phrases"] < 8 and words["grey"] < words["phrases"]

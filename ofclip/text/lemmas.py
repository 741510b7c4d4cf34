"""Lemmas of the words of captions: plurals become singular and comparatives positive, all else stays as it is.

simplemma's word list of English is in its package, so nothing is downloaded. It knows no parts of speech and would
turn "striped" into "stripe" and "revealing" into "reveal"; in captions such words are adjectives, whose lemma is the
word itself. So its answer counts for plurals and comparatives only (our choice).
"""

from __future__ import annotations

from functools import lru_cache

from ofclip.text.words import LEMMAS, PROTECTED

#: Endings of comparatives and superlatives.
COMPARED = ("er", "est")


@lru_cache(maxsize=1 << 17)
def lemma(word: str) -> str:
    """Return the lemma of a word in small letters.

    >>> [lemma(word) for word in ("sleeves", "dresses", "longer", "pants", "striped", "leaves")]
    ['sleeve', 'dress', 'long', 'pants', 'striped', 'leaf']
    """
    if word in PROTECTED:
        return word
    if word in LEMMAS:
        return LEMMAS[word]
    if "-" in word:  # the last part may be a plural, and the first a comparative: "polka-dots", "longer-sleeved"
        first, *middle, last = word.split("-")
        return "-".join([lemma(first) if first.endswith(COMPARED) else first, *middle, lemma(last)])
    if not word.isascii() or len(word) < 4 or "'" in word:
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) or word.endswith(COMPARED):
        found = _look_up(word)
        # a lemma that is no shorter form of the word belongs to another part of speech ("does": "do")
        return found if found[:2] == word[:2] and found.isalpha() and len(found) > 1 else word
    return word


@lru_cache(maxsize=1 << 15)
def positive(word: str) -> str | None:
    """Return the positive of a comparative or superlative, "" for what looks like a misspelt one, None for others.

    >>> positive("darker"), positive("brigher"), positive("zipper")
    ('dark', '', None)
    """
    if not word.endswith(COMPARED) or word in PROTECTED or not word.isascii() or "-" in word or "'" in word:
        return None
    found = lemma(word)
    if found != word:
        return found
    return None if _known(word) else ""


def _look_up(word: str) -> str:
    from simplemma import lemmatize

    return lemmatize(word, lang="en").lower()


def _known(word: str) -> bool:
    from simplemma import is_known

    return is_known(word, lang="en")

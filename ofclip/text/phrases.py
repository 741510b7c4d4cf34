"""Captions as lists of lemmatised noun phrases.

The recipe is that of Multimodal Garment Designer, by the authors of OpenFashionCLIP: lemmatise, take the noun chunks,
drop leading articles and chunks with special characters, and drop what repeats. A tagger needs a model that no package
carries, so ours is a chunker of closed word classes (our choice): what joins or qualifies phrases is listed in
`ofclip.text.words`, and a run of any other words is a phrase. So adjectives that stand alone are phrases too: in
captions of clothes they are the colours and the patterns.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ofclip.text import words
from ofclip.text.lemmas import lemma

#: A word: letters and digits, with hyphens and apostrophes inside; or a fraction, as in "3/4 sleeve".
WORD = re.compile(r"\d/\d(?:-[^\W_]+)*|[^\W_]+(?:['-][^\W_]+)*")
#: What may stand at the edge of a word, or between words without a space. All else is a special character.
EDGE = ".,;:!?()[]{}\"'`|-/\\&+~_"
#: Marks that mean "and".
JOINING = ("/", "&", "+")
BETWEEN = re.compile(rf"([{re.escape(EDGE)}]+)")


class Token(NamedTuple):
    """A word in small letters, its lemma, and its kind: one of the names below."""

    word: str
    lemma: str
    kind: str


#: Kinds of tokens: OPEN words make up phrases, DEGREE words are left out, SPECIAL ones spoil a phrase; others end it.
OPEN, SPECIAL, MARK = "open", "special", "mark"
ARTICLE, PRONOUN, PREPOSITION, CONJUNCTION, CLAUSE = "article", "pronoun", "preposition", "conjunction", "clause"
VERB, DEGREE, MORE, LESS, NEGATION = "verb", "degree", "more", "less", "negation"
KINDS = {
    word: kind
    for kind, listed in (
        (ARTICLE, words.ARTICLES), (PRONOUN, words.PRONOUNS), (PREPOSITION, words.PREPOSITIONS),
        (CONJUNCTION, words.CONJUNCTIONS), (CLAUSE, words.CLAUSES), (VERB, words.VERBS), (DEGREE, words.DEGREES),
        (MORE, words.MORE), (LESS, words.LESS), (NEGATION, words.NEGATIONS),
    )
    for word in listed
}  # fmt: skip
#: Kinds that stay at the head of a phrase.
HEADS = (NEGATION, MORE, LESS)
NO, NOT = Token("no", "no", NEGATION), Token("not", "not", NEGATION)
AND, COMMA = Token("and", "and", CONJUNCTION), Token(",", ",", MARK)
FIRSTS = frozenset(compound[0] for compound in words.COMPOUNDS)
#: Tokens that depend on those around them.
DEPENDENT = FIRSTS | words.PARTICLES | words.NEGATIONS - {"no", "without"}


def phrases(caption: str) -> list[str]:
    """Return the noun phrases of a caption, lemmatised and in small letters, in their order and without repeats.

    A negation or a comparison stays with what it is about, and colours joined by "and" are one phrase (our choices).
    Never raises: a text without words has no phrases.

    >>> phrases("A Black dress with 3/4 sleeves, two pockets and no buttons")
    ['black dress', '3/4 sleeve', 'two pocket', 'no button']
    """
    found: dict[str, None] = {}
    chunk: list[str] = []
    head, spoilt = "", False
    read = [*tokens(caption), COMMA]
    for place, (word, stem, kind) in enumerate(read):
        if kind == OPEN:
            chunk.append(stem)
        elif kind == DEGREE or (head and not chunk and kind in (ARTICLE, VERB)):
            continue
        elif kind == SPECIAL:
            spoilt = True
        elif kind == CONJUNCTION and chunk and joins_colours(chunk[-1], read, place):
            chunk.append("and")
        else:
            if chunk and not spoilt and speaks(chunk):
                found[" ".join([head, *chunk] if head else chunk)] = None
            if kind in HEADS:
                head = word
            elif not (word in ("or", "nor") and chunk and KINDS.get(head) == NEGATION):  # "no sleeves or buttons"
                head = ""
            chunk, spoilt = [], False
    return list(found)


def speaks(chunk: Sequence[str]) -> bool:
    """Whether a phrase holds more than numbers and single letters."""
    return any(len(word) > 1 and not word[0].isdigit() for word in chunk)


def joins_colours(before: str, read: Sequence[Token], place: int) -> bool:
    """Whether the conjunction at `place` stands between two colours, which may be shaded: "red and dark blue"."""
    if before not in words.COLOURS or read[place].word != "and":
        return False
    after = place + 1
    while after < len(read) - 1 and read[after].lemma in words.SHADES and read[after + 1].kind == OPEN:
        after += 1
    return after < len(read) and read[after].kind == OPEN and read[after].lemma in words.COLOURS


def tokens(caption: str) -> list[Token]:
    """Return the words of a caption and the marks between them, compounds joined and negations in one form.

    >>> [token.word for token in tokens("It doesn't have sleeves; V neck.")]
    ['it', 'no', 'sleeves', ';', 'v-neck', '.']
    """
    read: list[Token] = []
    for piece in caption.split():
        read += _piece(piece)
    if any(token.word in DEPENDENT for token in read):
        read = _in_context(read)
    return read


@lru_cache(maxsize=1 << 16)
def _piece(piece: str) -> tuple[Token, ...]:
    """The tokens of what stands between two spaces."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", piece).lower())
    text = text.replace("’", "'").replace("‘", "'").replace("‐", "-").replace("‑", "-")
    if text in JOINING:
        return (AND,)
    if text == "w/o":
        return (_word("without"),)
    if WORD.fullmatch(text):
        return (_word(text),)
    read: list[Token] = []
    core = text.strip(EDGE)
    if not core:
        return (COMMA,)
    before, _, after = text.partition(core)
    if before:
        read.append(AND if before in JOINING else Token(before, before, MARK))
    if WORD.fullmatch(core):
        read.append(_word(core))
    else:
        for part in BETWEEN.split(core):
            if WORD.fullmatch(part):
                read.append(_word(part))
            elif part in JOINING:
                read.append(AND)
            elif part:
                read.append(Token(part, part, MARK if BETWEEN.fullmatch(part) else SPECIAL))
    if after:
        read.append(AND if after in JOINING else Token(after, after, MARK))
    return tuple(read)


def _word(word: str) -> Token:
    word = words.VARIANTS.get(word, word)
    kind = KINDS.get(word, OPEN)
    if kind == NEGATION and word not in ("no", "without"):
        return NO if word in ("non", "lack", "lacks", "lacking") else NOT
    stem = lemma(word) if kind == OPEN else word
    return Token(word, word if stem in KINDS and kind == OPEN else stem, kind)


def _in_context(read: list[Token]) -> list[Token]:
    """Join compounds, make "not have" a "no", and take particles between two words of a phrase as part of it."""
    done: list[Token] = []
    place = 0
    while place < len(read):
        token = read[place]
        place += 1
        if token.word in FIRSTS:
            for length in (3, 2):
                row = read[place - 1 : place - 1 + length]
                if (*(part.word for part in row[:-1]), row[-1].lemma) in words.COMPOUNDS:
                    token = _word("-".join(part.word for part in row))
                    place += length - 1
                    break
        if token is NOT and place < len(read) and read[place].word in words.HAVING:
            token = NO
            place += 1
        elif (
            token.word in words.PARTICLES and done and done[-1].kind == OPEN and place < len(read)
            and read[place].kind == OPEN
        ):  # fmt: skip
            token = Token(token.word, token.word, OPEN)
        done.append(token)
    return done

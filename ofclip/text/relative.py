"""What a relative caption says of its target alone.

Fashion IQ's captions tell how a target picture differs from a reference: "is solid black with no sleeves", but also
"is longer" and "more colorful than the other". A caption of one picture may keep the first kind only. The paper gives
no rule; these are our choices, over the tokens of `ofclip.text.phrases`:

- A comparative alone says nothing of the target ("is longer", "is darker in color") and is dropped. Before a noun it
  becomes its positive, as the recipe's lemmas make it: what has "longer sleeves" than another mostly has long ones.
- "more" is dropped with its adjective, but for what a garment has or has not: "more floral" is floral, "more red" red.
  "less" is always dropped: "less sleeves" may be some or none.
- What follows "than", "instead of", "unlike", "compared to" or "not as" is about the reference; "same", "similar" and
  "different" are relations, too, and go.
- A negation stays: "no sleeve", "without button" and "not striped" tell what the target looks like.
- Words that say nothing on their own ("color", "style") go, and so do bare places ("at the neck").
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ofclip.text import phrases as read
from ofclip.text import words
from ofclip.text.lemmas import positive
from ofclip.text.phrases import COMMA, Token, joins_colours, speaks, tokens

#: Heads of a phrase besides negations, "more" and "less": of a denied comparison, and of what follows "more ... and".
DENIED, GOES_ON = "not as", "and more"
#: Words that cannot make up a phrase.
IDLE = words.EMPTY | words.PARTICLES | {"and"}
#: How far a remark on the reference goes.
CLAUSE, SENTENCE = "clause", "sentence"


def describe_target(*captions: str) -> str:
    """Return what one or several relative captions say of their target, joined by commas; "" if nothing.

    A phrase is left out if another one has all its words. Never raises.

    >>> describe_target("is solid black with no sleeves", "is black and longer")
    'solid black, no sleeve'
    """
    found = list(dict.fromkeys(phrase for caption in captions for phrase in _read(caption)))
    if len(found) > 1:
        bags = [set(phrase.split()) for phrase in found]
        wide = [bag for bag in bags if len(bag) > 1 and bag.isdisjoint(words.NEGATIONS)]
        found = [phrase for phrase, bag in zip(found, bags, strict=True) if not any(bag < other for other in wide)]
    return ", ".join(found)


def target_phrases(caption: str) -> list[str]:
    """Return what a relative caption says of its target, as phrases in their order and without repeats.

    >>> target_phrases("has longer sleeves, is more revealing and has stripes instead of dots")
    ['long sleeve', 'stripe']
    """
    return list(_read(caption))


@lru_cache(maxsize=1 << 12)
def _read(caption: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    row = [*tokens(caption), COMMA]
    chunk: list[Token] = []
    head = mute = ""
    placed = False  # whether a preposition of place leads to the chunk
    skip = -1
    for place, token in enumerate(row):
        word, _, kind = token
        after = row[place + 1] if place + 1 < len(row) else COMMA
        if mute and not _resumes(mute, token, after) or place == skip:
            continue
        mute = ""
        if kind == read.OPEN or kind == read.SPECIAL:
            chunk.append(token)
            continue
        aside = kind == read.DEGREE and after.word in ("of", "than") and word in ("instead", "rather")
        if kind == read.DEGREE and not aside:
            continue
        if kind == read.CONJUNCTION and chunk and joins_colours(chunk[-1].lemma, row, place):
            chunk.append(token)
            continue
        reference = word == "the" and after.word in words.REFERENCES
        if not chunk and not reference and kind in (read.ARTICLE, read.VERB):
            if kind == read.VERB:
                head, placed = head if head in words.NEGATIONS else "", False
            continue

        phrase = _evaluate(chunk, head, placed)
        if phrase:
            found[phrase] = None
        if word == "than" and head == read.MORE and not chunk:
            skip = place + 1  # "more than one": the number is no description
        elif aside or word == "than" or (word == "as" and _compares(chunk, head)):
            mute = CLAUSE
        elif reference or word in words.WHILE:
            mute = SENTENCE
        placed = word in words.LOCATIVES or (word == "of" and placed and not phrase)
        head = _head(token, chunk, head)
        chunk = []
    return tuple(found)


def _head(token: Token, chunk: Sequence[Token], head: str) -> str:
    """Return what the phrase after `token` starts with, given the phrase before it and what that one started with."""
    if token.kind == read.NEGATION:
        return token.word
    if token.kind in (read.MORE, read.LESS):
        return DENIED if head in words.NEGATIONS and not chunk else token.kind
    if token.kind == read.CONJUNCTION and chunk:
        if head == read.MORE:
            return GOES_ON
        if head in (read.LESS, DENIED, GOES_ON) or (token.word in ("or", "nor") and head in words.NEGATIONS):
            return head
    if token.word == "of" and head == read.LESS and not chunk:
        return head
    return ""


def _compares(chunk: Sequence[Token], head: str) -> bool:
    """Whether "as" compares: "not as long", "same length as"."""
    if not chunk:
        return head in words.NEGATIONS
    return any(token.word in ("same", "similar", "similer") for token in chunk)


def _resumes(mute: str, token: Token, after: Token) -> bool:
    """Whether what is said of the reference ends before this token: at a mark, or where a new clause begins."""
    if token.kind == read.MARK:
        return mute == CLAUSE or token.word[0] in ".;!?"
    if mute == CLAUSE and token.kind == read.CONJUNCTION:
        return token.word in ("but", "yet") or after.kind in (read.VERB, read.PRONOUN, *read.HEADS)
    return False


def _evaluate(chunk: Sequence[Token], head: str, placed: bool) -> str:
    """Return what a run of open words says of the target, given what it starts with; "" if nothing."""
    if not chunk or head in (read.LESS, DENIED):
        return ""
    said: list[tuple[str, bool]] = []  # word, and whether it is compared
    for place, (word, stem, kind) in enumerate(chunk):
        if kind == read.SPECIAL:
            return ""
        if word in words.RELATIONS:
            continue
        base = None if word in words.PRESENT else positive(word)
        if base is None or base in words.COLOURS or (not base and place):
            said.append((stem, False))
        else:
            said.append((base, True))
    while said and (said[-1][1] or said[-1][0] in words.PARTICLES):  # "the skirt longer"
        said.pop()
    while said and said[0][0] in words.PARTICLES:
        del said[0]
    compared = any(plus for _, plus in said)
    texts = [word for word, _ in said if word]
    full = [word for word, plus in said if not plus and word not in IDLE]
    if not full or not speaks(texts):
        return ""
    if len(said) < len(chunk) or not said[0][0]:
        while texts[0] in IDLE:  # "different color text"
            del texts[0]
    if texts[-1] in words.COLOUR_WORDS and len(texts) > 1 and texts[-2] in words.COLOURS:
        texts.pop()  # "black color"
    if head in words.NEGATIONS:
        return "" if compared else " ".join([head, *texts])
    if head == read.MORE or (head == GOES_ON and len(texts) == 1):
        if full[-1].rpartition("-")[2] not in words.PRESENT:
            return ""
    if placed and words.PLACES.issuperset(texts):
        return ""
    return " ".join(texts)

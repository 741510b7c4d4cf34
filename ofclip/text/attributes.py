"""Captions from sets of attribute labels: one in natural order, others in random order and number.

OpenFashionCLIP trains on attribute sets too and prints no rule for how they become text. Our choice: a
caption drawn for training holds a random number of the labels in random order, so that no order and no
length is learnt; the first caption, the one that retrieval asks for, says all of them as a catalogue would.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

#: Tasks in the order in which English puts their words; others follow, and the category, the noun, is last.
ORDER = ("gender", "color", "colour", "pattern", "material", "sleeve", "neckline", "style")
NOUN = "category"
RANK = {task: place for place, task in enumerate(ORDER)} | {NOUN: len(ORDER) + 1}
#: Tasks whose labels are alternatives or parts of one whole, so that "and" joins them.
JOINED = ("gender", "color", "colour", NOUN)
#: Words that name pairs, or that English has in the plural only: a caption keeps them so.
PLURAL = frozenset(
    "accessories boots cleats flats glasses gloves heels highs inserts jeans leggings loafers mules overalls pajamas "
    "pants pasties pumps sandals shoelaces shoes shorts slippers sneakers socks stilettos stockings straps sweatpants "
    "tights trousers trunks wedges".split()
)


def caption(attributes: Mapping[str, Sequence[str]]) -> str:
    """Return the labels of all tasks as one phrase in natural order; "" if there are none.

    >>> caption({"category": ["dress"], "color": ["red", "black"], "gender": ["women's"], "sleeve": ["short sleeve"]})
    "women's red and black short sleeve dress"
    """
    return prepare(attributes).caption


def serialise(attributes: Mapping[str, Sequence[str]], rng: np.random.Generator) -> str:
    """Return a random number (at least one) of the labels in random order, with commas; "" if there are none.

    Every number from one to all is equally likely, and so is every order.

    >>> serialise({"color": ["red"]}, np.random.default_rng(0))
    'red'
    """
    labels = prepare(attributes).labels
    return _draw(labels, rng.integers(0, 2**32, len(labels) + 1).tolist())


class Prepared(NamedTuple):
    """What `serialisations` needs of one attribute set, so that products that share one share the work."""

    caption: str
    labels: tuple[str, ...]


def prepare(attributes: Mapping[str, Sequence[str]]) -> Prepared:
    """Return the caption of an attribute set and its different labels in natural order."""
    said: dict[str, None] = {}
    parts = []
    for task in sorted(attributes, key=_rank):
        labels = attributes[task]
        new = []
        for label in [labels] if isinstance(labels, str) else labels:
            tidy = " ".join(label.split())
            if tidy and tidy not in said:
                said[tidy] = None
                new.append(tidy)
        if new:
            parts.append((" and " if task in JOINED else " ").join(new))
    return Prepared(" ".join(parts), tuple(said))


def serialisations(attributes: Mapping[str, Sequence[str]] | Prepared, key: str, count: int = 4) -> tuple[str, ...]:
    """Return up to `count` different texts: `caption`, then what `serialise` says with numbers drawn from `key`.

    The same key gives the same texts on every machine and with every version of NumPy, whose generators may
    change: the numbers come from a hash. There are fewer texts where few labels allow no more, none without labels.

    >>> serialisations({"color": ["red"], "category": ["dress"]}, "42")
    ('red dress', 'dress, red', 'red, dress', 'dress')
    """
    first, labels = attributes if isinstance(attributes, Prepared) else prepare(attributes)
    if not labels or count < 1:
        return ()
    texts = {first: None}
    draws, size = 2 * (count - 1), len(labels) + 1  # twice as many as wanted, since some repeat
    seeded = hashlib.shake_128(key.encode("utf-8", "surrogatepass"))
    noise = struct.unpack(f"<{draws * size}I", seeded.digest(4 * draws * size))
    for start in range(0, len(noise), size):
        if len(texts) == count:
            break
        texts[_draw(labels, noise[start : start + size])] = None
    return tuple(texts)


def singular(label: str) -> str:
    """Return the name of a kind of garment in the singular, as captions name one: only its last word changes.

    What English has in the plural stays as it is, and so does a label that names several kinds.

    >>> [singular(label) for label in ("casual dresses", "blouses", "skinny jeans", "suits & blazers")]
    ['casual dress', 'blouse', 'skinny jeans', 'suits & blazers']
    """
    words = label.split()
    if not words or words[-1].lower() in PLURAL or any(mark in label for mark in "&,"):
        return label
    last = words[-1]
    if last.endswith(("sses", "xes", "ches", "shes")):
        last = last[:-2]
    elif last.endswith("ies") and not last.endswith("oodies"):
        last = last[:-3] + "y"
    elif last.endswith("s") and not last.endswith("ss"):
        last = last[:-1]
    return " ".join([*words[:-1], last])


def _draw(labels: Sequence[str], noise: Sequence[int]) -> str:
    """The first numbers of `noise`, all below 2**32, rank the labels; the last one says how many to take."""
    number = 1 + (noise[-1] * len(labels) >> 32)
    order = sorted(range(len(labels)), key=noise.__getitem__)
    return ", ".join([labels[at] for at in order[:number]])


def _rank(task: str) -> int:
    return RANK.get(task, len(ORDER))

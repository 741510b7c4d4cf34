"""Scenes: pictures, what is asked about each, and the exact mask of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.grounding.masks import fit_mask
from ofclip.images import pixels
from ofclip.models import Preprocess
from ofclip.sources import atelier, ccp
from ofclip.sources.atelier.words import NECKLINE_WORDS, SLEEVE_WORDS

#: A mask of fewer pixels than that of the model's picture is not asked for: no map is that fine (our choice).
LEAST = 16
#: The kinds of question.
PRODUCT, MOSAIC, ATTRIBUTE, PART = "product", "product of four", "attribute", "part"
#: Parts that shops have no word for, or whose word means something else in a picture of a person.
UNNAMED = ("body", "crown", "finger", "lining", "loop", "shaft", "tail", "tongue", "upper")
#: How a product closes -> the part that shows it, and a shop's word.
CLOSURES = {
    "belt": ("belt", "belted"), "buckle": ("buckle", "buckled"), "buttons": ("placket", "button-front"),
    "drawstring": ("cord", "drawstring"), "lace-up": ("lace", "lace-up"), "zip": ("zip", "zip-up"),
}  # fmt: skip


class Question(NamedTuple):
    """A text that is asked for in the picture of a row number, and the mask (s, s) of what it names."""

    picture: int
    id: str
    kind: str
    part: str
    text: str
    mask: np.ndarray


@dataclass(frozen=True)
class Scenes:
    """Pictures (n, s, s, 3) uint8 and questions about them: row j of `questions` has the mask j, (q, s, s) bool.

    `questions` has the columns picture (row number), id, kind ("product", "product of four", "attribute" or
    "part"), part (whose mask it is) and text. `left_out` is the number of questions whose answer is hidden or too
    small to be found.
    """

    dataset: str
    split: str
    pixels: np.ndarray
    questions: pd.DataFrame
    masks: np.ndarray
    left_out: int

    def __len__(self) -> int:
        return len(self.questions)

    def of(self, kind: str) -> Scenes:
        """Return the scenes with the questions of one kind alone; raises SettingError if there is none."""
        rows = np.flatnonzero(self.questions["kind"] == kind)
        if not len(rows):
            raise SettingError(f"{self.dataset}: no question of the kind {kind!r}")
        return replace(self, questions=self.questions.iloc[rows].reset_index(drop=True), masks=self.masks[rows])


def atelier_scenes(catalog: Catalog, preprocess: Preprocess) -> Scenes:
    """Return what can be asked about drawings of Atelier, each with one product, in their exact masks.

    Asked for are the product by the name of its type, on all of its parts; its attributes that a part shows, in a
    shop's words ("short-sleeve", on the sleeves); and its parts by their own names. Then the same drawings at half
    the size, four of different types to a picture, which is asked for each of the four: in such a mosaic the middle
    of the picture says nothing (our choice). Raises SettingError for another catalogue.
    """
    images, size = catalog.images, preprocess.size
    if not isinstance(images, atelier.AtelierImages):
        raise SettingError(f"{catalog.name}: masks are known for the domains of atelier")
    products = [atelier.product(images.seed, images.domain, number) for number in images.numbers]
    names = list(catalog.products["id"])
    whole = np.asarray(pixels(images, size, preprocess.how).array)
    groups = _fours([made.type for made in products])
    mosaics = np.zeros((len(groups), *whole.shape[1:]), np.uint8)

    def questions() -> Iterator[Question]:
        for i, (name, made) in enumerate(zip(names, products, strict=True)):
            parts = atelier.masks(made, images.domain, size)
            yield Question(i, name, PRODUCT, made.type, made.type, _union(parts, size))
            for part, text in _attributes(made):
                if part in parts:
                    yield Question(i, name, ATTRIBUTE, part, text, parts[part])
            for part, mask in parts.items():
                if part not in UNNAMED:
                    yield Question(i, name, PART, part, part, mask)
        for k, group in enumerate(groups):
            for quarter, i in enumerate(group):
                made, half = products[i], size // 2
                place = tuple(slice(half * at, half * (at + 1)) for at in divmod(quarter, 2))
                mosaics[k][place] = np.asarray(atelier.render(made, images.domain, half))
                mask = np.zeros((size, size), dtype=bool)
                mask[place] = _union(atelier.masks(made, images.domain, half), half)
                yield Question(len(names) + k, names[i], MOSAIC, made.type, made.type, mask)

    return _scenes(catalog, questions(), whole, mosaics)


def parsed_scenes(catalog: Catalog, preprocess: Preprocess, data: str | Path | None = None) -> Scenes:
    """Return what can be asked about parsed street photographs (CCP): every article of clothing, by its label.

    All are of the kind "product". `data` is the data root.
    """

    def questions() -> Iterator[Question]:
        for i, (number, labels) in enumerate(zip(catalog.products["id"], ccp.masks(catalog, data), strict=True)):
            for label in np.unique(labels):
                name = ccp.LABELS[label]
                if name not in ccp.NO_CLOTHES:
                    mask = fit_mask(labels == label, preprocess.size, preprocess.how)
                    yield Question(i, number, PRODUCT, name, name, mask)

    return _scenes(catalog, questions(), np.asarray(pixels(catalog.images, preprocess.size, preprocess.how).array))


def _attributes(made: atelier.Product) -> list[tuple[str, str]]:
    """Return (part, shop's word) of the attributes of a product that a part of it shows."""
    found = []
    if made.sleeve:
        found.append(("sleeve", SLEEVE_WORDS[made.sleeve][0]))
    if made.neckline:
        found.append(("hood" if made.neckline == "hood" else "collar", NECKLINE_WORDS[made.neckline][0]))
    if made.closure in CLOSURES:
        found.append(CLOSURES[made.closure])
    return found


def _union(parts: dict[str, np.ndarray], size: int) -> np.ndarray:
    return np.any([np.zeros((size, size), dtype=bool), *parts.values()], axis=0)


def _fours(types: Sequence[str]) -> list[list[int]]:
    """Return rows in groups of four of different types, early ones first; what finds no company is left out.

    >>> _fours(["a", "a", "b", "c", "d", "d", "b", "e"])
    [[0, 2, 3, 4], [1, 5, 6, 7]]
    """
    groups: list[list[int]] = []
    for i, name in enumerate(types):
        free = (group for group in groups if len(group) < 4 and name not in {types[j] for j in group})
        group = next(free, None)
        if group is None:
            groups.append([i])
        else:
            group.append(i)
    return [group for group in groups if len(group) == 4]


def _scenes(catalog: Catalog, asked: Iterable[Question], *pictures: np.ndarray) -> Scenes:
    questions = list(asked)
    kept = [question for question in questions if question.mask.sum() >= LEAST]
    if not kept:
        raise SettingError(f"{catalog.name}: no picture shows anything that can be asked for")
    table = pd.DataFrame([question[:-1] for question in kept], columns=Question._fields[:-1])
    masks = np.stack([question.mask for question in kept])
    left_out = len(questions) - len(kept)
    return Scenes(catalog.name, catalog.split, np.concatenate(pictures), table, masks, left_out)

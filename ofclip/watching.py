"""Watching a model while it trains: any task on any source, asked for in words, as a few dozen numbers.

A watch is written TASK:SOURCE@SPLIT or TASK:SOURCE@SPLIT:LABEL, as in "retrieval:atelier/street@val" and
"zero-shot:clothing-dataset-small@validation:class". Each number is named METRIC SOURCE@SPLIT after the task's own
metric, as in "text-to-image recall@10 atelier/street@val": a name says what was measured on what, does not depend on
what else is watched, and no two are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings, embed
from ofclip.errors import SettingError, unknown
from ofclip.files import digest
from ofclip.metrics.metric import Metric
from ofclip.models import Model
from ofclip.sources import SHARDS, get, load_catalog
from ofclip.tasks import TASKS, evaluate
from ofclip.tasks.zero_shot import classify
from ofclip.text.templates import TEST

LIMIT = 1000  # products per source and split: three CPU seconds of a small model, so that five validations stay cheap
#: Metrics of a task that no model changes, so there is nothing to watch.
CONSTANT = "majority-class accuracy"
FORM = "write TASK:SOURCE@SPLIT or TASK:SOURCE@SPLIT:LABEL, as in retrieval:atelier/street@val"


class Load(Protocol):
    """Returns the Catalog of a source's split, as `load_catalog` does."""

    def __call__(self, source: str, split: str, /) -> Catalog: ...


@dataclass(frozen=True)
class Wish:
    """One watch as it was asked for: task, source, split, and the label that zero-shot classifies by, else None."""

    task: str
    source: str
    split: str
    label: str | None = None

    @classmethod
    def parse(cls, words: str) -> Wish:
        """Read a wish; without LABEL, zero-shot takes the source's first. SettingError names what is wrong.

        >>> Wish.parse("zero-shot:kagl@val:baseColour")
        Wish(task='zero-shot', source='kagl', split='val', label='baseColour')
        """
        task, _, rest = words.partition(":")
        where, _, last = rest.rpartition("@")  # a folder of shards may hold colons and at signs itself
        split, colon, label = last.partition(":")
        if not all((task, where, split)) or colon and not label:
            raise SettingError(f"watch {words!r}: {FORM}")
        if task not in TASKS:
            raise unknown("task", task, TASKS)
        if label and task != "zero-shot":
            raise SettingError(f"watch {words!r}: {task} takes no label; leave :{label} out")
        if not where.startswith(SHARDS):
            source = get(where)
            if split not in source.splits:
                raise unknown(f"split of {source.name}", split, source.splits)
            if task == "zero-shot" and not label and source.labels:
                label = source.labels[0]
        if task == "zero-shot" and not label:
            raise SettingError(f"watch {words!r}: name the label to classify by, as in {words}:LABEL")
        return cls(task, where, split, label or None)

    @property
    def place(self) -> str:
        """What is watched, "SOURCE@SPLIT"."""
        return f"{self.source}@{self.split}"


class Watch:
    """Model -> the numbers of all that is watched; made by `watch`.

    `catalogs` are the data as they were loaded, before the limit. `directions` maps each name to "higher" or
    "lower", whichever is better. The model may be in the midst of training: each of its modules is left in
    the mode it was in, no gradient is recorded, and nothing is kept in the cache of embeddings.
    """

    def __init__(
        self, wishes: Sequence[Wish], catalogs: dict[str, Catalog], template: str, limit: int, skip_bad: bool
    ) -> None:
        self.wishes, self.catalogs = tuple(wishes), tuple(catalogs.values())
        self._shown = {place: some(catalog, limit) for place, catalog in catalogs.items()}
        self._template, self._skip_bad = template, skip_bad
        # Trying all tasks on random vectors gives the names, and finds what cannot work before training starts.
        self.directions = {name: metric.direction for name, metric in self._results(_Untaught(), random_embeddings)}

    def __call__(self, model: Model) -> dict[str, float]:
        """Return the value of each name in `directions`."""
        with modes_kept(model.clip):
            made = partial(embed, model, template=self._template, skip_bad=self._skip_bad, cache=False)
            return {name: metric.value for name, metric in self._results(model, made)}

    def _results(self, model: Any, embedded: Callable[[Catalog], Embeddings]) -> Iterator[tuple[str, Metric]]:
        vectors: dict[str, Embeddings] = {}
        for wish in self.wishes:
            catalog = self._shown[wish.place]
            if wish.place not in vectors:  # several tasks on the same data embed it once
                vectors[wish.place] = embedded(catalog)
            if wish.task == "zero-shot":
                assert wish.label is not None
                result = classify(model, vectors[wish.place], catalog, wish.label, [self._template])
            else:
                result = evaluate(wish.task, vectors[wish.place])
            for metric in result.metrics:
                if not metric.name.endswith(CONSTANT):
                    yield f"{metric.name} {wish.place}", metric


def watch(
    *words: str, load: Load = load_catalog, template: str = TEST, limit: int = LIMIT, skip_bad: bool = False
) -> Watch:
    """Return a function that gives a model's numbers for each of the watches, to be called while it trains.

    Catalogs are loaded once, by `load`. Of each at most `limit` products take part, chosen by a hash of their ids:
    the same ones in every run, whatever the order of the files (recall@k is among these, not among the whole split).
    Texts and class names are put into `template`; with `skip_bad` damaged pictures are left out. Raises
    SettingError for an unknown task, source, part, split or label, with the nearest known, and for a watch that is
    given twice or that the data cannot answer (no texts, no labels); DataError for data that are missing.

    >>> watched = watch("retrieval:atelier/street@val", "zero-shot:atelier/street@val:colour", limit=20)
    >>> watched.directions["colour accuracy@1 atelier/street@val"]
    'higher'
    """
    if not words:
        raise SettingError(f"nothing to watch: {FORM}")
    if limit < 2:
        raise SettingError(f"limit {limit}: at least two products are needed to tell one from the other")
    wishes = [Wish.parse(each) for each in words]
    for i, wish in enumerate(wishes):
        if wish in wishes[:i]:
            raise SettingError(f"watch {words[i]!r}: is given twice")
    catalogs: dict[str, Catalog] = {}
    for wish in wishes:
        if wish.place not in catalogs:
            catalogs[wish.place] = load(wish.source, wish.split)
        if wish.label:
            catalogs[wish.place].label(wish.label)
    return Watch(wishes, catalogs, template, limit, skip_bad)


def some(catalog: Catalog, limit: int) -> Catalog:
    """Return at most `limit` products in their order: those whose ids have the smallest hashes.

    A smaller limit takes a part of what a larger one takes.
    """
    if len(catalog) <= limit:
        return catalog
    order = np.argsort([digest(each) for each in catalog.products["id"]])
    return catalog.take(np.sort(order[:limit]))


@contextmanager
def modes_kept(module) -> Iterator[None]:
    """Put each submodule back into the mode, training or evaluation, that it was in.

    `module.train()` would put all of them into training, frozen norm layers and locked towers too.
    """
    before = [(each, each.training) for each in module.modules()]
    try:
        yield
    finally:
        for each, training in before:
            each.training = training


class _Untaught:
    """Stands in for a model that has learnt nothing: random text vectors."""

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        return _random(len(texts), seed=0)


def random_embeddings(catalog: Catalog) -> Embeddings:
    """Return random vectors for a catalogue, without a look at its pictures."""
    products = catalog.products
    captions = tuple(text for texts in products["texts"] for text in texts)
    return Embeddings(
        dataset=catalog.name,
        split=catalog.split,
        ids=products["id"].to_numpy(dtype=str),
        groups=products["group"].to_numpy(dtype=str),
        images=_random(len(catalog), seed=1),
        texts=_random(len(captions), seed=2),
        captions=captions,
        owner=np.repeat(np.arange(len(catalog)), [len(texts) for texts in products["texts"]]),
        catalog_fingerprint="",
        weights_fingerprint="",
    )


def _random(n: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

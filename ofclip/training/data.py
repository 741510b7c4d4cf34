"""Batches: pixels from the cache or from shards, and tokens computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import pixels
from ofclip.models import Model
from ofclip.shards import ShardImages, ShardPixels
from ofclip.text import templates
from ofclip.text.tokens import Prompter, TokenTable
from ofclip.training.augment import draw
from ofclip.training.feeding import Batch
from ofclip.training.sampling import Mixture, draw_captions, generator
from ofclip.training.settings import Training

IN_MEMORY = 4 * 2**30  # bytes of pixels per source that are read into memory; more stays in the memory map

AHEAD = 16  # steps ahead of which shards are opened: object storage answers in less than that
#: The one of `Training.fields` that is the caption; the others are label columns.
CAPTION = "text"
#: Pixels of one source: in memory, in the memory map of the cache, or in shards.
Store = np.ndarray | ShardPixels


class Batches:
    """Step number -> Batch, a pure function of settings and step, whatever the number of processes.

    In a Batch, `keys` number the texts, so that equal texts have equal keys, `groups` the products of which there
    are several views, and `present` says which of the fields a product has.
    """

    def __init__(self, catalogs: Sequence[Catalog], model: Model, settings: Training) -> None:
        prepared = [_usable(catalog, model, settings) for catalog in catalogs]
        catalogs = [catalog for catalog, _ in prepared]
        self.pixels = [store for _, store in prepared]
        texts = [texts for catalog in catalogs for texts in catalog.products["texts"]]
        self.counts = np.asarray([len(each) for each in texts])
        self.first = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        words = [text for each in texts for text in each]
        self.fields = [name for name in settings.fields if name != CAPTION]
        self.values = np.full((len(texts), len(self.fields)), -1)  # place of each product's value among the words
        for column, name in enumerate(self.fields):
            values = pd.concat([_field(catalog, name) for catalog in catalogs], ignore_index=True)
            codes, unique = pd.factorize(values)
            self.values[:, column] = np.where(codes < 0, -1, codes + len(words))
            words += [str(value) for value in unique]
        tokenizer = model.tokenizer
        self.table = TokenTable(words, tokenizer.encode)
        self.numbers = pd.factorize(np.asarray(words, dtype=object))[0]  # equal texts have equal numbers
        self.groups = pd.factorize(
            np.concatenate([f"{catalog.name}/" + catalog.products["group"].astype(str) for catalog in catalogs])
        )[0]
        self.prompter = Prompter(
            (templates.PLAIN, *templates.TRAINING),
            tokenizer.encode,
            tokenizer.sot_token_id,
            tokenizer.eot_token_id,
            tokenizer.context_length,
        )
        sizes = {catalog.name: len(catalog) for catalog in catalogs}
        orders = {
            catalog.name: store.order(settings.seed) for catalog, store in prepared if isinstance(store, ShardPixels)
        }
        self.mixture = Mixture(sizes, settings.sources, settings.batch, settings.seed, settings.mixing, orders)
        self.settings = settings
        self.size = model.preprocess.size

    def rows(self, step: int, rank: slice = slice(None)) -> Batch:
        """Return the batch of a step, with pictures, tokens and plan of the rows `rank` alone."""
        settings = self.settings
        rng = generator(settings.seed, 2, step)
        rows = self.mixture.batch(step)
        captions = self.first[rows] + draw_captions(self.counts[rows], settings.first_caption_share, rng)
        drawn = rng.integers(1, 1 + len(templates.TRAINING), len(rows))
        chosen = np.where(rng.random(len(rows)) < settings.template_share, drawn, 0)
        plan = draw(rng, len(rows), self.size, settings.augmentation)
        words = self._words(rows, captions)
        present = words >= 0
        tokens = [self.prompter.rows(self.table, np.maximum(column, 0)[rank], chosen[rank]) for column in words.T]
        keys = np.where(present, self.numbers[words], -1)
        pixels = self._gather(rows[rank])
        self._prefetch(step + AHEAD, rank)
        return Batch(pixels, np.stack(tokens, axis=1), keys, self.groups[rows], present, plan.take(rank, len(rows)))

    def _words(self, rows: np.ndarray, captions: np.ndarray) -> np.ndarray:
        """Places (n, f) in the table of the texts that are asked for, the caption or fields; -1 where there is none."""
        columns = {name: self.values[rows, column] for column, name in enumerate(self.fields)} | {CAPTION: captions}
        return np.stack([columns[name] for name in self.settings.fields or (CAPTION,)], axis=1)

    def _gather(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        for store, here, own in self._by_store(rows):
            if isinstance(store, ShardPixels):
                out[here] = store.gather(own)
            elif len(own) == len(rows):  # all of one source: straight to its place, which large pictures gain from
                np.take(store, own, axis=0, out=out, mode="clip")  # "raise" would go through one more buffer
            else:
                out[here] = store[own]
        return out

    def _by_store(self, rows: np.ndarray) -> Iterator[tuple[Store, np.ndarray, np.ndarray]]:
        """Yield each store that holds some of the rows, where in the batch they are, and their numbers in the store."""
        source = np.searchsorted(self.mixture.starts, rows, side="right") - 1
        for number in np.unique(source):
            here = np.flatnonzero(source == number)
            yield self.pixels[number], here, rows[here] - self.mixture.starts[number]

    def _prefetch(self, step: int, rank: slice) -> None:
        """Start to open the shards that a step will need."""
        if any(isinstance(store, ShardPixels) for store in self.pixels):
            for store, _, own in self._by_store(self.mixture.batch(step)[rank]):
                if isinstance(store, ShardPixels):
                    store.prefetch(own)


def _field(catalog: Catalog, name: str) -> pd.Series:
    values = catalog.label(name).astype("string").str.strip()
    return values.mask(values == "")


def _usable(catalog: Catalog, model: Model, settings: Training) -> tuple[Catalog, Store]:
    """Return the products that have a text and a sound picture, and their pixels.

    Shards are read as they come, since what is written as shards would not fit into a cache; their pictures
    were decoded when they were written.
    """
    empty = [i for i, texts in enumerate(catalog.products["texts"]) if not any(text.strip() for text in texts)]
    if empty and not settings.skip_bad:
        raise DataError(
            f"{catalog.name}: product {catalog.products['id'][empty[0]]!r} has no text; set skip_bad to leave such out"
        )
    catalog = catalog.take(np.setdiff1d(np.arange(len(catalog)), empty)) if empty else catalog
    size, how = model.preprocess.size, model.preprocess.how
    if isinstance(catalog.images, ShardImages):
        return catalog, ShardPixels(catalog.images, size, how, settings.window)
    cached = pixels(catalog.images, size, how, skip_bad=settings.skip_bad)
    array = cached.array
    if array.nbytes < IN_MEMORY:
        array = np.array(array)  # read once from front to back: random access to a cold file is many times slower
    if cached.bad:
        sound = np.setdiff1d(np.arange(len(catalog)), [row for row, _ in cached.bad])
        catalog, array = catalog.take(sound), array[sound]
    if not len(catalog):
        raise DataError(f"{catalog.name}: no product with a text and a sound picture is left to train on")
    return catalog, array

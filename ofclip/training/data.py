"""Batches: pixels from the cache and tokens computed once, made ready one step ahead of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.images import pixels
from ofclip.models import Model
from ofclip.shards import ShardImages, ShardPixels
from ofclip.text import templates
from ofclip.text.tokens import Prompter, TokenTable
from ofclip.training.augment import augment
from ofclip.training.sampling import Mixture, draw_captions, generator
from ofclip.training.settings import Training

IN_MEMORY = 4 * 2**30  # bytes of pixels per source that are read into memory; more stays in the memory map

AHEAD = 16  # steps ahead of which shards are opened: object storage answers in less than that
#: Pixels of one source: in memory, in the memory map of the cache, or in shards.
Store = np.ndarray | ShardPixels


class Batches:
    """Step number -> (pixels (n, s, s, 3) uint8, tokens (n, context) int64), a pure function of settings and step."""

    def __init__(self, catalogs: Sequence[Catalog], model: Model, settings: Training) -> None:
        prepared = [_usable(catalog, model, settings) for catalog in catalogs]
        self.pixels = [store for _, store in prepared]
        texts = [texts for catalog, _ in prepared for texts in catalog.products["texts"]]
        self.counts = np.asarray([len(each) for each in texts])
        self.first = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        tokenizer = model.tokenizer
        self.table = TokenTable([text for each in texts for text in each], tokenizer.encode)
        self.prompter = Prompter(
            (templates.PLAIN, *templates.TRAINING),
            tokenizer.encode,
            tokenizer.sot_token_id,
            tokenizer.eot_token_id,
            tokenizer.context_length,
        )
        sizes = {catalog.name: len(catalog) for catalog, _ in prepared}
        orders = {
            catalog.name: store.order(settings.seed) for catalog, store in prepared if isinstance(store, ShardPixels)
        }
        self.mixture = Mixture(sizes, settings.sources, settings.batch, settings.seed, settings.mixing, orders)
        self.settings = settings
        self.size = model.preprocess.size

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        settings = self.settings
        rng = generator(settings.seed, 2, step)
        rows = self.mixture.batch(step)
        captions = self.first[rows] + draw_captions(self.counts[rows], settings.first_caption_share, rng)
        drawn = rng.integers(1, 1 + len(templates.TRAINING), len(rows))
        chosen = np.where(rng.random(len(rows)) < settings.template_share, drawn, 0)
        tokens = self.prompter.rows(self.table, captions, chosen)
        return augment(self._gather(rows), rng, settings.augmentation), tokens

    def _gather(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        for store, here, own in self._by_store(rows):
            out[here] = store.gather(own) if isinstance(store, ShardPixels) else store[own]
        return out

    def _by_store(self, rows: np.ndarray) -> Iterator[tuple[Store, np.ndarray, np.ndarray]]:
        """Yield each store that holds some of the rows, where in the batch they are, and their numbers in the store."""
        source = np.searchsorted(self.mixture.starts, rows, side="right") - 1
        for number in np.unique(source):
            here = np.flatnonzero(source == number)
            yield self.pixels[number], here, rows[here] - self.mixture.starts[number]

    def prefetch(self, step: int) -> None:
        """Start to open the shards that a step will need."""
        if any(isinstance(store, ShardPixels) for store in self.pixels):
            for store, _, own in self._by_store(self.mixture.batch(step)):
                if isinstance(store, ShardPixels):
                    store.prefetch(own)

    def ahead(self, start: int, stop: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield (step, pixels, tokens) from `start` to `stop`, each made in a thread while the one before is used."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            pending = pool.submit(self.__getitem__, start) if start < stop else None
            for step in range(start, stop):
                ready = pending.result()
                pending = pool.submit(self.__getitem__, step + 1) if step + 1 < stop else None
                self.prefetch(step + AHEAD)
                yield step, *ready


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

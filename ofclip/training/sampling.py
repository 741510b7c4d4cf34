"""Which product and which caption comes at which step: a pure function of the seed and the step.

Since nothing is remembered between steps, resuming at any step continues the very same sequence, and it
is the same however many processes share a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from ofclip.errors import SettingError
from ofclip.shards.order import ShardOrder

GOLDEN = (5**0.5 - 1) / 2


class Mixture:
    """A weighted mixture of sources, drawn without replacement inside each source.

    With `mixing="sample"` every batch holds each source in proportion to its weight, to within two samples;
    with "batch" all of a batch comes from one source, and the batches are shared out by weight, to within
    three. The j-th sample of a source is entry j of its endless row of shuffled epochs. Raises SettingError
    for a weight so small that a batch mixed by sample would hold fewer than two of its samples. `orders` gives
    the order of the sources that are not shuffled as a whole, because they lie in shards.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        weights: Mapping[str, float],
        batch: int,
        seed: int,
        mixing: str = "sample",
        orders: Mapping[str, ShardOrder] | None = None,
    ) -> None:
        shares = np.asarray([weights[name] for name in sizes], dtype=np.float64)
        shares /= shares.sum()
        for name, share in zip(sizes, shares, strict=True):
            if mixing == "sample" and share * batch < 2:
                raise SettingError(
                    f"source {name}: weight {weights[name]:g} is {share * batch:.2f} samples in a batch of {batch}; "
                    "give it more weight, the batch more samples, or set mixing=batch"
                )
        self.sizes = list(sizes.values())
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.edges = np.concatenate([[0.0], np.cumsum(shares)])
        self.edges[-1] = 1.0
        self.size = batch
        self.mixing = mixing
        self.orders = [(orders or {}).get(name) for name in sizes]
        self.seed = seed

    def before(self, step: int) -> np.ndarray:
        """Return how many samples of each source come before step `step`; they add up to step x batch."""
        if self.mixing == "batch":
            # multiples of the golden ratio fill the unit interval evenly from the first step on
            places = np.arange(step) * GOLDEN % 1
            return self.size * np.histogram(places, bins=self.edges)[0]
        return np.diff(np.floor(self.edges * (step * self.size) + 1e-6).astype(np.int64))

    def batch(self, step: int) -> np.ndarray:
        """Return the rows (batch,) of step `step`, numbered through all sources in their order."""
        rows = []
        for source, (first, last) in enumerate(zip(self.before(step), self.before(step + 1), strict=True)):
            rows += [self.starts[source] + self._entry(source, j) for j in range(first, last)]
        # a step's order is shuffled too, so that each process of many sees every source
        return generator(self.seed, 1, step).permutation(np.asarray(rows, dtype=np.int64))

    def _entry(self, source: int, j: int) -> int:
        epoch, place = divmod(j, self.sizes[source])
        order = self.orders[source]
        if order is not None:
            return order.row(epoch, place)
        return self._epoch(source, epoch)[place]

    @lru_cache(maxsize=64)  # noqa: B019 - one Mixture lives as long as its run
    def _epoch(self, source: int, epoch: int) -> np.ndarray:
        return generator(self.seed, 0, source, epoch).permutation(self.sizes[source])


def generator(*key: int) -> np.random.Generator:
    """Return a random generator that depends on the key alone."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def draw_captions(counts: np.ndarray, first_share: float, rng: np.random.Generator) -> np.ndarray:
    """Return one caption number (n,) per product of `counts` captions: the first by `first_share`, else any other."""
    others = np.maximum(counts - 1, 1)
    other = 1 + np.minimum((rng.random(len(counts)) * others).astype(np.int64), others - 1)
    return np.where((counts == 1) | (rng.random(len(counts)) < first_share), 0, other)

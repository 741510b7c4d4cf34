"""Average precision, full and cut: the precision at the rank of each relevant item, averaged. Its mean is the mAP."""

from __future__ import annotations

import numpy as np

from ofclip.metrics.ranking import Ranked


def average_precision(found: Ranked, k: int | None = None, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) the mean over all its relevant items of the precision at their ranks, 0 beyond rank k.

    The mean is over all relevant items also when cut, as trec_eval's map and map_cut: fewer than all among the first
    k never give 1.

    >>> from ofclip.metrics.ranking import ranked
    >>> from ofclip.metrics.relevance import of_sets
    >>> found = ranked(np.array([[1.0]]), np.array([[3.0], [2.0], [1.0]]), of_sets([[0, 2]], items=3))
    >>> average_precision(found).round(3).tolist(), average_precision(found, k=2).tolist()
    ([0.833], [0.5])
    """
    return found.add(_terms(found, k, ties)) / found.sizes


def positive_scores(found: Ranked, k: int | None = None, ties: str = "pessimistic") -> np.ndarray:
    """Return torchmetrics' average precision (q,): relevant items with a score of 0 or less are dropped.

    The mean is over those found among the first k, not over all relevant ones.
    """
    positive = found.scores > 0
    counted = positive if k is None else positive & found.within(k, ties)
    return found.add(_terms(found, k, ties) * positive) / np.maximum(found.add(counted.astype(np.int64)), 1)


def chance(items: int, relevant: int | np.ndarray = 1, k: int | None = None) -> float:
    """Return the expected average precision of a random order without ties, averaged over queries.

    With r of m items relevant, rank t holds one with the probability r/m, and then (t - 1)(r - 1)/(m - 1) of those
    before it are relevant too: (1/m) times the sum over t of 1/t + (1 - 1/t)(r - 1)/(m - 1).
    """
    ranks = np.arange(1, min(k or items, items) + 1)
    harmonic = (1 / ranks).sum()
    others = (np.asarray(relevant) - 1) / max(items - 1, 1)
    return float(np.mean(harmonic + (len(ranks) - harmonic) * others)) / items


def _terms(found: Ranked, k: int | None, ties: str) -> np.ndarray:
    terms = found.places / found.ranks(ties)
    return terms if k is None else terms * found.within(k, ties)

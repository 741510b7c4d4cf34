"""Recall@k in the four meanings that tools give it: per query, what its first k items hold of the relevant ones.

A k larger than the gallery takes the whole gallery.
"""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.ranking import Ranked


def diagonal(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) whether its own, single item is among the first k, as open_clip's training log.

    Raises SettingError if a query has another number of relevant items than one.
    """
    one_each(found)
    return found.within(k, ties)


def any_hit(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) whether any relevant item is among the first k, as CLIP_benchmark.

    >>> from ofclip.metrics.ranking import ranked
    >>> from ofclip.metrics.relevance import of_sets
    >>> found = ranked(np.array([[1.0]]), np.array([[3.0], [2.0], [1.0]]), of_sets([[1, 2]], items=3))
    >>> any_hit(found, 2).tolist(), fraction(found, 2).tolist()
    ([True], [0.5])
    """
    found.within(k, ties)
    return found.first(ties) <= k


def fraction(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) the share of its relevant items that is among the first k, as trec_eval and BEIR."""
    return found.add(found.within(k, ties).astype(np.int64)) / found.sizes


def positive_scores(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return as `fraction`, but a relevant item with a score of 0 or less is never found: torchmetrics' recall."""
    return found.add((found.within(k, ties) & (found.scores > 0)).astype(np.int64)) / found.sizes


#: Each definition's name and function.
DEFINITIONS = {
    "diagonal": diagonal,
    "any hit": any_hit,
    "fraction of relevant": fraction,
    "torchmetrics": positive_scores,
}


def chance_any_hit(items: int, k: int, relevant: int | np.ndarray = 1) -> float:
    """Return the expected recall@k, any hit or diagonal, of a random order without ties, averaged over queries.

    `relevant` is how many of the items are right for a query: one number or one per query. No hit among
    k drawn without replacement has the probability (1 - r/m)(1 - r/(m-1)) ...; so k/m for a single one.
    """
    sizes, share = np.unique(np.atleast_1d(relevant), return_counts=True)
    drawn = np.arange(min(k, items))
    misses = np.clip(1 - sizes[:, None] / (items - drawn), 0, 1)
    return float((1 - misses.prod(axis=1)) @ share / share.sum())


def chance_fraction(items: int, k: int, relevant: int | np.ndarray = 1) -> float:
    """Return the expected fraction of relevant items among the first k of a random order: k / items.

    However many are `relevant`, it is the same. It is torchmetrics' too where at least k items of each query score
    above 0, and an upper bound elsewhere.
    """
    return min(k, items) / items


def one_each(found: Ranked) -> None:
    """Raise SettingError if a query has another number of relevant items than one."""
    if (found.sizes != 1).any():
        row = int((found.sizes != 1).argmax())
        raise SettingError(
            f"the diagonal reading needs one relevant item per query; query {found.queries[row]} has "
            f"{found.sizes[row]}: choose another definition"
        )

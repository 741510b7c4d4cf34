"""Precision@k in the four meanings of recall@k: per query, the share of its first k items that count as right.

It is divided by k, also where the gallery holds fewer items: the rule of trec_eval and of torchmetrics by default.
"""

from __future__ import annotations

import numpy as np

from ofclip.metrics import recall
from ofclip.metrics.ranking import Ranked


def diagonal(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) 1/k if its own, single item is among the first k, else 0; errors as recall's."""
    return recall.diagonal(found, k, ties) / k


def any_hit(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) 1/k if any relevant item is among the first k, else 0: only the first hit counts."""
    return recall.any_hit(found, k, ties) / k


def fraction(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) the share of the first k items that is relevant, as trec_eval and BEIR."""
    return found.add(found.within(k, ties).astype(np.int64)) / k


def positive_scores(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return as `fraction`, but an item with a score of 0 or less is never right: torchmetrics' precision."""
    return found.add((found.within(k, ties) & (found.scores > 0)).astype(np.int64)) / k


#: Each definition's name and function.
DEFINITIONS = {
    "diagonal": diagonal,
    "any hit": any_hit,
    "fraction of relevant": fraction,
    "torchmetrics": positive_scores,
}


def chance_any_hit(items: int, k: int, relevant: int | np.ndarray = 1) -> float:
    """Return the expected precision@k, any hit or diagonal, of a random order; see recall's."""
    return recall.chance_any_hit(items, k, relevant) / k


def chance_fraction(items: int, k: int, relevant: int | np.ndarray = 1) -> float:
    """Return the expected precision@k of a random order: the share of relevant items; a bound for torchmetrics'."""
    return float(np.mean(relevant)) / items * min(k, items) / k

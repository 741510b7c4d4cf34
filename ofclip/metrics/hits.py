"""Hits@k: whether a query finds anything right among its first k items; also called success or hit rate."""

from __future__ import annotations

import numpy as np

from ofclip.metrics import recall
from ofclip.metrics.ranking import Ranked


def hits_at(found: Ranked, k: int, ties: str = "pessimistic") -> np.ndarray:
    """Return per query (q,) whether a relevant item is among the first k: trec_eval's success, torchmetrics' hit rate.

    It equals recall@k of the "any hit" definition.
    """
    return recall.any_hit(found, k, ties)


chance = recall.chance_any_hit

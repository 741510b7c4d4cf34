"""Public tools, asked query by query with plain scores."""

from __future__ import annotations

from collections.abc import Callable

import ir_measures
import numpy as np
import torch


def torchmetrics(function: Callable, scores: np.ndarray, relevant: np.ndarray, **settings: int | None) -> np.ndarray:
    """Return what a functional retrieval metric of torchmetrics gives each query (q,)."""
    pairs = zip(torch.from_numpy(scores), torch.from_numpy(relevant), strict=True)
    return np.array([float(function(score, right, **settings)) for score, right in pairs])


def trec(measure: ir_measures.Measure, scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Return what trec_eval gives each query (q,).

    It puts the greater document name first among equal scores, so names fall: this is the order of the gallery.
    """
    names = [f"{scores.shape[1] - item:06d}" for item in range(scores.shape[1])]
    run = [
        ir_measures.ScoredDoc(str(query), name, float(score))
        for query, line in enumerate(scores)
        for name, score in zip(names, line, strict=True)
    ]
    right = [ir_measures.Qrel(str(query), names[item], 1) for query, item in zip(*np.nonzero(relevant), strict=True)]
    found = {int(one.query_id): one.value for one in ir_measures.pytrec_eval.iter_calc([measure], right, run)}
    return np.array([found[query] for query in range(len(scores))])

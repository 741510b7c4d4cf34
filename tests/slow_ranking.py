"""Ranks as one would find them by hand: all scores at once, sorted query by query."""

from __future__ import annotations

import numpy as np

from ofclip.metrics.relevance import Relevance


def slow_ranks(queries: np.ndarray, items: np.ndarray, relevance: Relevance, ties: str) -> list[list[int]]:
    """Return the ranks, rising, of each query's relevant items; queries without any have an empty list."""
    found = []
    for i, query in enumerate(queries):
        wanted = set(relevance.indices[relevance.indptr[i] : relevance.indptr[i + 1]].tolist())
        tie = {
            "pessimistic": lambda j, wanted=wanted: j in wanted,
            "optimistic": lambda j, wanted=wanted: j not in wanted,
            "by index": lambda j: j,
        }[ties]
        order = sorted(range(len(items)), key=lambda j: (-(query @ items[j]), tie(j)))  # noqa: B023
        found.append([place for place, j in enumerate(order, 1) if j in wanted])
    return found


def random_relevance(rng: np.random.Generator, queries: int, items: int, empty: float = 0.2) -> Relevance:
    """Return sets of all sizes, some of them empty, never all of them."""
    from ofclip.metrics.relevance import of_sets

    sizes = np.where(rng.random(queries) < empty, 0, rng.integers(1, items + 1, queries))
    sizes[0] = 1
    return of_sets([rng.permutation(items)[:size] for size in sizes], items)

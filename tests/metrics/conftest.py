"""Rankings to compare with public tools: random scores, and whole numbers that are full of ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from slow_ranking import random_relevance, slow_ranks

from ofclip.metrics.ranking import Ranked, ranked
from ofclip.metrics.relevance import Relevance


@dataclass(frozen=True)
class Case:
    """Scores (q, m) and what is relevant (q, m), of the queries that have a relevant item, and what we make of them."""

    scores: np.ndarray
    relevant: np.ndarray
    found: Ranked
    relevance: Relevance
    vectors: tuple[np.ndarray, np.ndarray]

    def slow(self, ties: str) -> list[list[int]]:
        """The ranks of each query's relevant items by plain sorting."""
        return [ranks for ranks in slow_ranks(*self.vectors, self.relevance, ties) if ranks]


def case_of(queries: np.ndarray, items: np.ndarray, relevance: Relevance) -> Case:
    found = ranked(queries, items, relevance)
    relevant = np.zeros((len(queries), len(items)), dtype=bool)
    relevant[relevance.queries_of_pairs, relevance.indices] = True
    scores = (queries @ items.T).astype(np.float32)
    return Case(scores[found.queries], relevant[found.queries], found, relevance, (queries, items))


@pytest.fixture(scope="session")
def random() -> Case:
    rng = np.random.default_rng(0)
    queries, items = rng.normal(size=(60, 6)), rng.normal(size=(45, 6))
    return case_of(queries, items, random_relevance(rng, 60, 45))


@pytest.fixture(scope="session")
def tied() -> Case:
    rng = np.random.default_rng(1)
    queries, items = rng.integers(-1, 2, (60, 3)), rng.integers(-1, 2, (45, 3))
    return case_of(queries, items, random_relevance(rng, 60, 45))

"""Rankings to compare with public tools: random scores, those of photographs, and whole numbers full of ties."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from slow_ranking import random_relevance, slow_ranks

from ofclip.metrics.ranking import Ranked, ranked
from ofclip.metrics.relevance import Relevance, of_groups


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
def embedded() -> Case:
    """Captions that ask for pictures: 199 products of KAGL's test split, as the laptop profile's model embeds them.

    Right are all pictures of the same caption. A copy of a picture would tie with it: there is none among these.
    """
    vectors = load_file(Path(__file__).parent / "kagl.safetensors")
    texts, images = (vectors[name].astype(np.float32) for name in ("texts", "images"))
    return case_of(texts, images, of_groups(vectors["caption"], vectors["caption"]))


@pytest.fixture(params=["random", "embedded"])
def untied(request: pytest.FixtureRequest) -> Case:
    """Random scores, then real ones, of which no two are equal."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def tied() -> Case:
    rng = np.random.default_rng(1)
    queries, items = rng.integers(-1, 2, (60, 3)), rng.integers(-1, 2, (45, 3))
    return case_of(queries, items, random_relevance(rng, 60, 45))

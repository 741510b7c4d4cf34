"""The streamed counts against sorting, on scores that are exact and full of ties."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_ranking import random_relevance, slow_ranks

from ofclip.errors import SettingError
from ofclip.metrics import counting
from ofclip.metrics.counting import count
from ofclip.metrics.ranking import TIES, ranked, ranked_both_ways
from ofclip.metrics.relevance import of_groups, of_targets


def rows_of(found, values):
    return [part.tolist() for part in np.split(values, found.indptr[1:-1])]


def check(queries, items, relevances, **settings):
    """Compare both directions, under each rule, with sorting."""
    for relevance, (across, along) in zip(
        relevances, ranked_both_ways(queries, items, relevances, **settings), strict=True
    ):
        for found, asked, gallery, sets in (
            (across, queries, items, relevance),
            (along, items, queries, relevance.transposed()),
        ):
            assert found.queries.tolist() == np.flatnonzero(sets.sizes).tolist()
            assert found.left_out == (sets.sizes == 0).sum() and found.items == len(gallery)
            for ties in TIES:
                expected = [one for one in slow_ranks(asked, gallery, sets, ties) if one]
                assert rows_of(found, found.ranks(ties)) == expected, ties


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_tiles_of_any_size_equal_sorting(monkeypatch, block, threads):
    monkeypatch.setattr(counting, "WIDTH", 16)
    rng = np.random.default_rng(block)
    queries, items = rng.integers(-1, 2, (40, 3)), rng.integers(-1, 2, (30, 3))  # many equal vectors and scores
    relevances = [
        of_targets(rng.integers(0, 30, 40), 30),
        of_groups(rng.integers(0, 6, 40), rng.integers(0, 5, 30)),
        random_relevance(rng, 40, 30),
    ]
    check(queries, items, relevances, block=block, threads=threads)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(1, 3))
def test_small_cases_equal_sorting(seed, n, m, width, spread):
    rng = np.random.default_rng(seed)
    queries, items = rng.integers(-spread, spread + 1, (n, width)), rng.integers(-spread, spread + 1, (m, width))
    check(queries, items, [random_relevance(rng, n, m)], block=5)


def test_long_rows_equal_short_ones(monkeypatch):
    """A query with many relevant items is sorted, one with few is compared: the counts are the same."""
    rng = np.random.default_rng(3)
    queries, items = rng.integers(-2, 3, (25, 4)), rng.integers(-2, 3, (60, 4))
    pairs = np.nonzero(rng.random((25, 60)) < 0.4)
    found = [count(queries, items, pairs)]
    monkeypatch.setattr(counting, "COMPARED", 0)
    found.append(count(queries, items, pairs))
    for one, other in zip(*found, strict=True):
        for name in ("score", "above", "reached", "before"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_sums_of_full_bytes_do_not_overflow():
    """Every score of two wide tiles is above: sums run over bytes, which hold no more than 255."""
    items = np.arange(1, 2 * counting.WIDTH + 18, dtype=np.float32)[:, None]
    queries = np.linspace(1, 2, 2 * counting.BLOCK + 3, dtype=np.float32)[:, None]
    pairs = np.arange(len(queries)), np.zeros(len(queries), dtype=int)
    across, along = count(queries, items, pairs)
    assert (across.above == len(items) - 1).all() and (across.reached == len(items)).all()
    assert along.above.tolist() == list(range(len(queries) - 1, -1, -1))


def test_equal_vectors_tie_whatever_their_place():
    """Matrix products may round columns differently; equal vectors must tie all the same, in both directions."""
    rng = np.random.default_rng(0)
    order = rng.permutation(201)
    items = np.repeat(rng.normal(size=(67, 33)), 3, axis=0)[order]
    queries = items + 1e-3 * rng.normal(size=items.shape)
    found, back = ranked_both_ways(queries, items, [of_targets(np.arange(201), 201)])[0]
    assert found.pessimistic.tolist() == [3] * 201 and found.optimistic.tolist() == [1] * 201
    assert sorted(found.by_index.tolist()) == [1] * 67 + [2] * 67 + [3] * 67
    assert (back.pessimistic == back.optimistic).all()


def test_a_collapsed_model_is_last_first_or_in_order():
    ones = np.ones((50, 8))
    for found in ranked_both_ways(ones, ones, [of_targets(np.arange(50), 50)])[0]:
        assert found.pessimistic.tolist() == [50] * 50 and found.optimistic.tolist() == [1] * 50
        assert found.by_index.tolist() == list(range(1, 51))


def test_the_scores_are_the_inner_products():
    rng = np.random.default_rng(0)
    queries, items = rng.normal(size=(20, 8)), rng.normal(size=(30, 8))
    found = ranked(queries, items, of_targets(np.arange(20), 30))
    np.testing.assert_allclose(found.scores, (queries * items[:20]).sum(axis=1), rtol=1e-5)
    assert found.scores.dtype == np.float32


def test_random_vectors_in_many_tiles_equal_sorting(monkeypatch):
    """Without ties the ranks are those of the plain matrix product, whatever the tiles."""
    monkeypatch.setattr(counting, "WIDTH", 64)
    rng = np.random.default_rng(0)
    queries, items = rng.normal(size=(2, 300, 16))
    target = rng.permutation(300)
    across, along = ranked_both_ways(queries, items, [of_targets(target, 300)], block=32)[0]
    scores = queries @ items.T
    own = scores[np.arange(300), target]
    np.testing.assert_array_equal(across.pessimistic, (scores >= own[:, None]).sum(axis=1))
    np.testing.assert_array_equal(along.pessimistic[target], (scores[:, target] >= own).sum(axis=0))


def test_float16_and_columns_first_arrays():
    rng = np.random.default_rng(0)
    queries, items = rng.normal(size=(2, 20, 8)).astype(np.float16)
    relevance = of_targets(np.arange(20), 20)
    expected = ranked(queries.astype(np.float32), items.astype(np.float32), relevance)
    found = ranked(np.asfortranarray(queries), np.asfortranarray(items), relevance)
    np.testing.assert_array_equal(found.pessimistic, expected.pessimistic)


def test_no_full_matrix_is_held(monkeypatch):
    monkeypatch.setattr(counting, "WIDTH", 512)
    rng = np.random.default_rng(0)
    n = 4000
    queries, items = rng.random((2, n, 16), dtype=np.float32)
    relevances = [of_targets(np.arange(n), n), of_groups(np.arange(n) // 2, np.arange(n) // 2)]
    tracemalloc.start()
    ranked_both_ways(queries, items, relevances, block=256, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n * 4 / 4


def test_what_cannot_be_counted_is_refused():
    good, bad = np.ones((4, 2)), np.ones((4, 2))
    bad[2, 0] = np.nan
    target = of_targets(np.arange(4), 4)
    for arguments, message in (
        ((bad, good, target), "queries: row 2 is not finite"),
        ((good, bad, target), "items: row 2 is not finite"),
        ((good, np.ones((4, 3)), target), "queries have 2 numbers each and items 3: embed both with one model"),
        ((good, good, target, 0), "block must be at least 1"),
        ((good, np.ones((5, 2)), target), "relevance is of 4 queries and 4 items, the vectors of 4 and 5"),
        ((good, good, of_groups(np.zeros(4), np.ones(4))), "none of the 4 queries has a relevant item"),
    ):
        with pytest.raises(SettingError, match=message):
            ranked(*arguments)

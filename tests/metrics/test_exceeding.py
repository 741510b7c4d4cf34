import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ofclip.metrics.exceeding import CHUNK, WORDS, exceeding, scratch


def slow(scores, limits, axis, copies):
    lines = scores if axis == 1 else scores.T
    above = [sum(int(n) for n, score in zip(copies, line, strict=True) if score > limit)
             for line, limit in zip(lines, limits, strict=True)]  # fmt: skip
    reached = [sum(int(n) for n, score in zip(copies, line, strict=True) if score >= limit)
               for line, limit in zip(lines, limits, strict=True)]  # fmt: skip
    return [above, reached]


@given(
    height=st.integers(1, 2 * CHUNK + 3), width=st.integers(1, 40), axis=st.sampled_from((0, 1)),
    several=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_it_counts_what_a_loop_counts(height, width, axis, several, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(4, size=(height, width)).astype(np.float32)  # few values, so that many are equal
    limits = rng.integers(5, size=scores.shape[1 - axis]).astype(np.float32)
    copies = rng.integers(1, 4 if several else 2, size=scores.shape[axis])
    assert exceeding(scores, limits, axis, copies, scratch(width)).tolist() == slow(scores, limits, axis, copies)


@pytest.mark.parametrize("axis", (0, 1))
def test_a_tile_in_which_all_exceed_fills_no_byte_to_overflow(axis):
    scores = np.ones((512, WORDS * 8), dtype=np.float32)
    bits = scratch(WORDS * 8)
    bits[:] = 255  # what was there before is of no account
    n = scores.shape[1 - axis]
    counts = exceeding(scores, np.zeros(n, np.float32), axis, np.ones(scores.shape[axis], int), bits)
    assert (counts == scores.shape[axis]).all() and counts.shape == (2, n)

from collections import Counter

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.training.sampling import Mixture, draw_captions, generator


def test_one_source_is_seen_once_per_epoch_in_another_order_each_time():
    mixture = Mixture({"a": 40}, {"a": 1.0}, batch=8, seed=0)
    rows = np.concatenate([mixture.batch(step) for step in range(10)])
    first, second = rows[:40], rows[40:]
    assert sorted(first) == sorted(second) == list(range(40))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("weights", [(1, 1, 1), (5, 2, 1), (0.3, 0.1, 0.6)])
def test_every_batch_holds_every_source_by_its_weight(weights):
    sizes = {"a": 7, "b": 50, "c": 23}
    mixture = Mixture(sizes, dict(zip(sizes, weights, strict=True)), batch=32, seed=1)
    seen = Counter()
    for step in range(200):
        rows = mixture.batch(step)
        assert len(rows) == 32
        counts = np.histogram(rows, bins=[0, 7, 57, 80])[0]
        np.testing.assert_allclose(counts, 32 * np.array(weights) / sum(weights), atol=2)
        seen.update(rows.tolist())
    for start, size in ((0, 7), (7, 50), (57, 23)):  # without replacement: no product is two visits ahead of another
        visits = [seen[start + i] for i in range(size)]
        assert max(visits) - min(visits) <= 1


@pytest.mark.parametrize("weights", [(1, 1, 1), (5, 2, 1), (0.3, 0.001, 0.6)])
def test_mixed_by_batch_each_batch_has_one_source_and_they_come_by_weight(weights):
    sizes = {"a": 7, "b": 50, "c": 23}
    mixture = Mixture(sizes, dict(zip(sizes, weights, strict=True)), batch=32, seed=1, mixing="batch")
    chosen = []
    for step in range(400):
        rows = mixture.batch(step)
        assert len(rows) == 32
        [source] = set(np.searchsorted([7, 57, 80], rows, side="right"))
        chosen.append(source)
        np.testing.assert_array_equal(mixture.before(step + 1), 32 * np.bincount(chosen, minlength=3))
    shares = np.cumsum(np.eye(3)[chosen], axis=0) - np.outer(np.arange(1, 401), weights) / sum(weights)
    assert np.abs(shares).max() <= 3


def test_a_step_depends_on_the_seed_and_its_number_alone():
    def make(seed=3):
        return Mixture({"a": 30, "b": 20}, {"a": 2.0, "b": 1.0}, batch=12, seed=seed)

    walked = make()
    everything = [walked.batch(step) for step in range(9)]
    np.testing.assert_array_equal(make().batch(7), everything[7])
    assert make(4).batch(7).tolist() != everything[7].tolist()


def test_a_weight_too_small_for_the_batch_is_named():
    with pytest.raises(SettingError, match="source b: weight 0.01"):
        Mixture({"a": 10, "b": 10}, {"a": 1.0, "b": 0.01}, batch=16, seed=0)


def test_captions_are_drawn_by_the_share_of_the_first():
    counts = np.tile([1, 2, 4], 20_000)
    drawn = draw_captions(counts, 0.6, generator(0))
    assert (drawn < counts).all() and (drawn >= 0).all()
    assert not drawn[counts == 1].any()
    four = np.bincount(drawn[counts == 4], minlength=4) / 20_000
    np.testing.assert_allclose(four, [0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3], atol=0.015)

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.strata import bootstrap_strata, mean_of_means


def test_sets_count_alike_however_large():
    assert mean_of_means([np.ones(1), np.zeros(99)]) == 0.5
    with pytest.raises(SettingError, match="at least one set"):
        mean_of_means([])
    with pytest.raises(SettingError, match="a query in each"):
        bootstrap_strata([np.ones(3), np.zeros(0)])


def test_the_interval_of_one_set_is_that_of_its_mean():
    values = np.random.default_rng(0).random(200) < 0.3
    assert bootstrap_strata([values]) == pytest.approx(bootstrap_mean(values), abs=0.01)


def test_the_interval_is_that_of_drawing_within_each_set():
    rng = np.random.default_rng(0)
    strata = [rng.random(50) < 0.2, rng.random(120) < 0.7, rng.normal(size=30)]
    slow = [
        np.mean([rng.choice(values, len(values)).mean() for values in strata]) for _ in range(4000)
    ]
    assert bootstrap_strata(strata, 4000) == pytest.approx(tuple(np.quantile(slow, (0.025, 0.975))), abs=0.01)


def test_what_differs_between_sets_only_has_no_width():
    assert bootstrap_strata([np.zeros(5), np.ones(9)]) == (0.5, 0.5)

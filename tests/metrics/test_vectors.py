import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.metrics.vectors import rows, unit


def test_unit_scales_each_row_to_length_one():
    np.testing.assert_allclose(unit("v", np.array([[3.0, 4.0], [0.0, -2.0]])), [[0.6, 0.8], [0.0, -1.0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, 1e300])
def test_rows_whose_products_are_not_finite_are_refused_by_number(bad):
    vectors = np.ones((5, 3))
    vectors[3, 1] = bad
    with pytest.raises(SettingError, match="pictures: row 3 is not finite"):
        rows("pictures", vectors)


def test_the_longest_vectors_accepted_have_finite_products():
    vectors = rows("v", np.full((2, 2), 1.3e19))
    assert np.isfinite(vectors @ vectors.T).all()


@pytest.mark.parametrize("shape", [(3,), (0, 3), (3, 0)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(SettingError, match="shape"):
        rows("v", np.ones(shape))


def test_a_vector_without_direction_is_refused():
    with pytest.raises(SettingError, match="row 1 has length 0"):
        unit("v", np.array([[1.0, 0.0], [0.0, 0.0]]))

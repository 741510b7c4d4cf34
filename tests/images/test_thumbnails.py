import numpy as np
import pytest
from PIL import Image

from ofclip.errors import SettingError
from ofclip.images.thumbnails import thumbnails


def test_cells_are_means_as_a_box_filter_gives_them():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    small = [np.asarray(Image.fromarray(one).resize((4, 4), Image.Resampling.BOX)) for one in pixels]
    found = thumbnails(pixels, 4)
    assert found.shape == (3, 48) and found.dtype == np.float32
    levels = (found * np.sqrt(48) + 1) * 127.5
    np.testing.assert_allclose(levels, np.stack(small).reshape(3, -1), atol=1.01)  # Pillow rounds twice
    assert levels[1, 4:6] == pytest.approx(pixels[1, :4, 4:8, 1:].mean(axis=(0, 1)), rel=1e-5)


def test_white_is_a_unit_vector_and_parts_do_not_show():
    pixels = np.full((1500, 8, 8, 3), 255, np.uint8)
    assert np.linalg.norm(thumbnails(pixels), axis=1) == pytest.approx(1)
    assert thumbnails(pixels[:0]).shape == (0, 192)


def test_uneven_cells_are_refused():
    with pytest.raises(SettingError, match="64 pixels cannot be cut into 7"):
        thumbnails(np.zeros((1, 64, 64, 3), np.uint8), 7)

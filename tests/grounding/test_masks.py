from __future__ import annotations

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.grounding import fit_mask
from ofclip.images import fit


@pytest.mark.parametrize("how", ["pad", "crop", "squash"])
@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (64, 64), (7, 90), (130, 200)])
def test_a_mask_lies_where_its_picture_shows_it(how: str, shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, dtype=bool)
    mask[shape[0] // 3 : shape[0] // 2 + 1, shape[1] // 4 : shape[1] // 2 + 1] = True
    picture = np.where(mask[:, :, None], (250, 5, 5), (5, 5, 250)).astype(np.uint8)
    shown = fit(picture, 64, how)[:, :, 0].astype(int) > 127
    assert (fit_mask(mask, 64, how) ^ shown).mean() < 0.02  # the picture is resampled by other weights


def test_padding_belongs_to_no_mask() -> None:
    fitted = fit_mask(np.ones((40, 20), dtype=bool), 8)
    assert fitted.tolist() == [[False] * 2 + [True] * 4 + [False] * 2] * 8


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(SettingError, match="unknown fit 'pads': did you mean 'pad'"):
        fit_mask(np.ones((2, 2)), 4, "pads")

import math

import pytest
import torch
from training.losses.checks import agree, agree_by_rows, finite, unit

from ofclip.errors import SettingError
from ofclip.training.losses import clip_loss


def slow(images, texts, scale):
    total = 0.0
    for rows, columns in ((images, texts), (texts, images)):
        for i, row in enumerate(rows):
            scores = [torch.exp(scale * torch.dot(row, column)) for column in columns]
            total = total - torch.log(scores[i] / sum(scores))
    return total / (2 * len(images))


@pytest.mark.parametrize("scale", [0.0, 3.7, 20.0])
def test_equals_the_slow_obvious_version(scale):
    agree(clip_loss, slow, unit(7, 5, seed=0), unit(7, 5, seed=1), torch.tensor(scale, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_open_clips_loss(dtype):
    from open_clip.loss import ClipLoss

    inputs = unit(8, 6, seed=2, dtype=dtype), unit(8, 6, seed=3, dtype=dtype), torch.tensor(14.0, dtype=dtype)
    agree(clip_loss, ClipLoss(), *inputs, rtol=1e-5, atol=1e-6)


def test_blocks_of_rows_average_to_the_whole():
    agree_by_rows(clip_loss, 8, unit(8, 5, seed=4), unit(8, 5, seed=5), torch.tensor(9.0, dtype=torch.float64))


def test_rows_are_compared_with_all_columns_in_both_directions():
    # row 0 alone: its image is at right angles to text 0 and equal to text 1, its text is equal to image 1
    images, texts = torch.eye(2), torch.eye(2).flip(0)
    wrong = math.log(1 + math.e)
    assert float(clip_loss(images, texts, torch.tensor(1.0), rows=slice(0, 1))) == pytest.approx(wrong)


def test_exact_values():
    assert float(clip_loss(torch.eye(4), torch.eye(4), torch.tensor(0.0))) == pytest.approx(math.log(4))
    two = float(clip_loss(torch.eye(2), torch.eye(2), torch.tensor(1.0)))
    assert two == pytest.approx(math.log(1 + math.exp(-1)))


def test_the_largest_scale_stays_finite():
    same, scale = unit(1, 6).expand(5, 6), torch.tensor(100.0)
    assert finite(clip_loss, unit(5, 6, seed=1), same, scale) > math.log(5)  # texts are told apart by nothing
    assert finite(clip_loss, same, same, scale) == pytest.approx(math.log(5))
    assert finite(clip_loss, same, -same, scale) == pytest.approx(math.log(5))
    assert finite(clip_loss, torch.eye(2), -torch.eye(2), scale) == pytest.approx(100)


def test_a_batch_of_one_is_refused():
    with pytest.raises(SettingError, match="batch: .* at least two pairs .* got 1"):
        clip_loss(torch.eye(1), torch.eye(1), torch.tensor(1.0))

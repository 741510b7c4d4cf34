import math

import pytest
import torch
from training.losses.checks import agree, agree_by_rows, finite, unit

from ofclip.errors import SettingError
from ofclip.training.losses import siglip_loss


def slow(images, texts, scale, bias):
    total = 0.0
    for i, image in enumerate(images):
        for j, text in enumerate(texts):
            probability = 1 / (1 + torch.exp(-(scale * torch.dot(image, text) + bias)))
            total = total - torch.log(probability if i == j else 1 - probability)
    return total / len(images)


def number(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize(("scale", "bias"), [(0.0, 0.0), (10.0, -10.0), (3.0, 2.0)])
def test_equals_the_slow_obvious_version(scale, bias):
    agree(siglip_loss, slow, unit(7, 5, seed=0), unit(7, 5, seed=1), number(scale), number(bias))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_open_clips_loss(dtype):
    from open_clip.loss import SigLipLoss

    inputs = unit(8, 6, seed=2, dtype=dtype), unit(8, 6, seed=3, dtype=dtype)
    scale, bias = torch.tensor(12.0, dtype=dtype), torch.tensor(-10.0, dtype=dtype)
    agree(siglip_loss, SigLipLoss(), *inputs, scale, bias, rtol=1e-5, atol=1e-6)


def test_blocks_of_rows_average_to_the_whole():
    agree_by_rows(siglip_loss, 8, unit(8, 5, seed=4), unit(8, 5, seed=5), number(9.0), number(-4.0))


def test_no_bias_is_a_bias_of_zero():
    images, texts, scale = unit(4, 3, seed=6), unit(4, 3, seed=7), number(5.0)
    assert siglip_loss(images, texts, scale, None) == siglip_loss(images, texts, scale, number(0.0))


def test_exact_values():
    one_hot = torch.eye(2)
    found = float(siglip_loss(one_hot, one_hot, torch.tensor(3.0), torch.tensor(-1.0)))
    assert found == pytest.approx(math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1)))  # own pair, the other


def test_the_largest_scale_stays_finite():
    same, scale, bias = unit(1, 6).expand(5, 6), torch.tensor(100.0), torch.tensor(-10.0)
    assert finite(siglip_loss, same, same, scale, bias) == pytest.approx(4 * 90)
    assert finite(siglip_loss, same, -same, scale, bias) == pytest.approx(110)


def test_a_batch_of_one_is_refused():
    with pytest.raises(SettingError, match="at least two pairs"):
        siglip_loss(torch.eye(1), torch.eye(1), torch.tensor(1.0), None)

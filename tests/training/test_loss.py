import math

import pytest
import torch

from ofclip.training.loss import clip_loss


def unit(n, d, seed):
    return torch.nn.functional.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=1)


def slow(images, texts, scale):
    total = 0.0
    for rows, columns in ((images, texts), (texts, images)):
        for i, row in enumerate(rows):
            scores = [math.exp(float(scale) * float(row @ column)) for column in columns]
            total -= math.log(scores[i] / sum(scores))
    return total / (2 * len(images))


def test_equals_the_slow_obvious_version():
    images, texts, scale = unit(7, 5, 0), unit(7, 5, 1), torch.tensor(3.7)
    assert float(clip_loss(images, texts, scale)) == pytest.approx(slow(images, texts, scale), rel=1e-5)


def test_equals_open_clips_loss_in_value_and_gradient():
    from open_clip.loss import ClipLoss

    gradients = []
    for loss in (clip_loss, ClipLoss()):
        images, texts = unit(8, 6, 2).requires_grad_(), unit(8, 6, 3).requires_grad_()
        scale = torch.tensor(14.0, requires_grad=True)
        value = loss(images, texts, scale)
        value.backward()
        gradients.append((value.detach(), images.grad, texts.grad, scale.grad))
    torch.testing.assert_close(*gradients)


def test_exact_values():
    assert float(clip_loss(torch.eye(4), torch.eye(4), torch.tensor(0.0))) == pytest.approx(math.log(4))
    two = float(clip_loss(torch.eye(2), torch.eye(2), torch.tensor(1.0)))
    assert two == pytest.approx(math.log(1 + math.exp(-1)))


def test_a_batch_of_one_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        clip_loss(torch.eye(1), torch.eye(1), torch.tensor(1.0))

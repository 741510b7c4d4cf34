import pytest
import torch
from training.losses.checks import agree, agree_by_rows, finite, unit

from ofclip.training.losses import distillation_loss


def slow(weights, reference):
    """1 - cosine, of features made into unit vectors."""
    total = 0.0
    for image, start in zip(weights, reference, strict=True):
        total = total + 1 - torch.dot(image, start) / (image.norm() * start.norm())
    return total / len(weights)


def fast(weights, reference, rows=slice(None)):
    return distillation_loss(torch.nn.functional.normalize(weights, dim=1), reference, rows)


def test_equals_the_slow_obvious_version_of_what_is_normalised():
    reference = unit(7, 5, seed=1)
    agree(lambda w: fast(w, reference), lambda w: slow(w, reference), 3 * unit(7, 5))


def test_blocks_of_rows_average_to_the_whole():
    agree_by_rows(fast, 8, 2 * unit(8, 5, seed=2), unit(8, 5, seed=3))


def test_exact_values():
    one_hot = torch.eye(3)
    assert float(distillation_loss(one_hot, one_hot.roll(1, 0))) == 1.0
    assert float(distillation_loss(one_hot, -one_hot)) == 2.0
    assert float(distillation_loss(one_hot, one_hot[[0, 0, 2]])) == pytest.approx(1 / 3)
    assert float(distillation_loss(one_hot, one_hot[[0, 0, 2]], rows=slice(1, 2))) == 1.0


def test_at_the_start_loss_and_gradient_are_exactly_zero():
    images = unit(6, 512, dtype=torch.float32)
    start = images.clone().requires_grad_()
    loss = distillation_loss(start, images)
    loss.backward()
    assert loss == 0 and not start.grad.any()


def test_the_reference_gets_no_gradient():
    reference = unit(4, 3, seed=1).requires_grad_()
    distillation_loss(unit(4, 3).requires_grad_(), reference).backward()
    assert reference.grad is None


def test_one_pair_is_enough():
    assert finite(fast, unit(1, 3), unit(1, 3, seed=1)) > 0

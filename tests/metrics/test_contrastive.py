import math

import numpy as np
import pytest
import torch

from ofclip.errors import SettingError
from ofclip.metrics.contrastive import contrastive_losses
from ofclip.training.losses import clip_loss


def unit(rng, n, d=5):
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_matrix_by_hand():
    images, texts = np.eye(2), np.array([[1.0, 0.0], [1.0, 0.0]])
    # cosines [[1, 1], [0, 0]]: rows tell nothing, log 2 each; the first column favours its own, the second the other
    found = contrastive_losses(images, texts, scale=2.0, batch=2)
    own, other = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    assert found == pytest.approx([(math.log(2) + own) / 2, (math.log(2) + other) / 2])


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_the_mean_over_batches_is_the_loss_of_training(scale):
    rng = np.random.default_rng(0)
    images, texts = unit(rng, 24), unit(rng, 24)
    parts = [
        clip_loss(torch.tensor(images[i : i + 8]), torch.tensor(texts[i : i + 8]), torch.tensor(scale), slice(None))
        for i in (0, 8, 16)
    ]
    found = contrastive_losses(images, texts, scale, batch=8)
    assert found.shape == (24,) and found.mean() == pytest.approx(float(torch.stack(parts).mean()), rel=1e-5)


def test_equal_vectors_give_the_logarithm_of_the_batch():
    same = np.ones((6, 1))
    assert contrastive_losses(same, same, 100.0, batch=6) == pytest.approx(np.full(6, math.log(6)))


def test_pairs_beyond_the_last_batch_are_left_out():
    rng = np.random.default_rng(1)
    images, texts = unit(rng, 11), unit(rng, 11)
    found = contrastive_losses(images, texts, 10.0, batch=4)
    assert found.shape == (8,) and np.array_equal(found, contrastive_losses(images[:8], texts[:8], 10.0, batch=4))


def test_what_does_not_fit_is_refused():
    vectors = np.eye(3)
    with pytest.raises(SettingError, match="3 pairs are fewer than one batch of 4"):
        contrastive_losses(vectors, vectors, 1.0, batch=4)
    with pytest.raises(SettingError, match="at least two pairs"):
        contrastive_losses(vectors, vectors, 1.0, batch=1)
    with pytest.raises(SettingError, match="give one text per picture"):
        contrastive_losses(vectors, vectors[:2], 1.0, batch=2)
    with pytest.raises(SettingError, match="texts: row 1 is not finite"):
        contrastive_losses(vectors, vectors * [[1], [np.nan], [1]], 1.0, batch=2)

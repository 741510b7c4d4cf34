import copy

import pytest
import torch

from ofclip import models
from ofclip.tasks.memory import MIB, Peak, step_memory
from ofclip.training.settings import Training

MODEL = models.build_model("ofclip-RN-8-64")


def memory(**values):
    settings = Training.make(**{"sources": {"toy": 1.0}, "samples": 256, "batch": 16, **values})
    return step_memory(copy.deepcopy(MODEL), settings)


def test_a_peak_counts_what_is_there_at_once_and_views_once():
    before = torch.ones(1000)
    with Peak() as made:
        a = before.view(10, 100).t() * 2  # 4000 bytes; the view is of memory from before
        b = a + 1  # 8000 at once
        del a
        c = b.t()
        d = c.exp()  # 8000 again
        before.add_(1)
    assert made.peak == 8000 and made.now == 8000
    del b, c, d
    assert made.now == 0


def test_what_autograd_saves_is_there_until_the_backward_pass():
    x = torch.ones(1000, requires_grad=True)
    with Peak() as made:
        y = x.exp().exp().sum()  # each exp saves its result
        assert made.now == 8004
        y.backward()
        # the gradient stays, and both results go with the graph
        assert made.now == 4000 + 4
    assert made.peak >= 12004


def test_weights_gradients_and_moments_are_the_floor_and_the_batch_adds_to_it():
    weights = sum(p.nbytes for p in MODEL.clip.parameters()) / MIB
    small, middle = memory(batch=64), memory(batch=128)
    assert small > 4 * weights and middle > small
    large = memory(batch=256)
    assert large - middle == pytest.approx(2 * (middle - small), rel=0.25), "activations grow with the batch"


def test_locked_towers_need_less_and_a_teacher_or_more_texts_need_more():
    full = memory()
    assert memory(image_blocks=0) < memory(image_blocks=1) < full
    assert memory(distillation=1.0) > full + sum(p.nbytes for p in MODEL.clip.parameters()) / MIB - 1
    assert memory(batch=128, loss="fields", fields={"text": 1.0, "colour": 0.3}) > memory(batch=128)
    assert memory(loss="siglip") == pytest.approx(full, rel=0.02)
    assert memory(learning_rate=1e-5) == full


def test_micro_batches_need_less():
    norms = {"frozen_norms": True, "batch": 64}
    assert memory(micro_batch=16, **norms) < memory(**norms)

from __future__ import annotations

import copy

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from ofclip.errors import CheckpointError, SettingError
from ofclip.training.averaging import WeightAverage, decay_at

TEXT = {"context_length": 6, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1}
RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 4, "head_width": 64, "patch_size": None}


@pytest.fixture
def clip():
    torch.manual_seed(0)
    return open_clip.CLIP(8, RESNET, TEXT)


def change(clip, step):
    """Change every weight, and the batch norms' statistics by a forward pass, as a training step does."""
    generator = torch.Generator().manual_seed(step)
    clip.train()
    with torch.no_grad():
        clip.visual(torch.rand(4, 3, 32, 32, generator=generator))
        for parameter in clip.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)


def test_the_average_is_that_of_a_slow_loop(clip):
    average = WeightAverage(clip, 0.5)
    slow = None
    for step in range(14):
        change(clip, step)
        average.update(clip)
        now = {name: value.detach().clone() for name, value in clip.state_dict().items()}
        if slow is None:
            slow = {name: value.double() for name, value in now.items()}
        decay = min(0.5, (1 + step) / (10 + step))
        for name, value in now.items():
            if step:
                slow[name] = decay * slow[name] + (1 - decay) * value.double()
    found = average.clip.state_dict()
    assert decay == 0.5 and average.steps == 14
    for name, value in found.items():
        if name.endswith("num_batches_tracked"):
            assert value == 14, "counts are copied"
        else:
            torch.testing.assert_close(value.double(), slow[name], rtol=1e-5, atol=1e-6)
            assert not torch.equal(value, now[name])
    names = {name for name in found if "running" in name}
    assert len(names) == 2 * sum(isinstance(m, torch.nn.BatchNorm2d) for m in clip.modules())


def test_the_first_update_copies_and_no_decay_follows(clip):
    average = WeightAverage(clip, 0.9)
    change(clip, 0)
    average.update(clip)
    assert all(torch.equal(a, b) for a, b in zip(average.clip.parameters(), clip.parameters(), strict=True))
    follower = WeightAverage(clip, 0.0)
    for step in range(3):
        change(clip, step)
        follower.update(clip)
    for name, value in follower.clip.state_dict().items():
        assert torch.equal(value, clip.state_dict()[name])


def test_it_computes_numbers(clip):
    """The causal mask is a buffer of infinities: averaged, it would be NaN."""
    average = WeightAverage(clip, 0.9)
    for step in range(3):
        change(clip, step)
        average.update(clip)
    assert torch.equal(average.clip.attn_mask, clip.attn_mask) and average.clip.attn_mask.isinf().any()
    images, texts, scale = average.clip(torch.rand(2, 3, 32, 32), torch.ones(2, 6, dtype=torch.long))
    assert all(x.isfinite().all() for x in (images, texts, scale))


def test_what_does_not_change_stays_to_the_bit(clip):
    average = WeightAverage(clip, 0.9)
    locked = clip.visual.conv1.weight
    start = locked.detach().clone()
    for step in range(4):
        change(clip, step)
        locked.data.copy_(start)
        average.update(clip)
    assert torch.equal(average.clip.visual.conv1.weight, start)


def test_it_takes_no_part_in_training(clip):
    average = WeightAverage(clip, 0.9)
    clip.train()
    change(clip, 0)
    average.update(clip)
    assert not average.clip.training and not average.clip.visual.bn1.training and clip.training
    assert not any(p.requires_grad for p in average.clip.parameters())
    assert all(p.requires_grad for p in clip.parameters())
    held = {p.data_ptr() for p in average.clip.parameters()}
    assert not held & {p.data_ptr() for p in clip.parameters()}


def test_going_on_from_a_checkpoint_is_as_never_stopped(clip, tmp_path):
    average = WeightAverage(clip, 0.9)
    other = copy.deepcopy(clip)
    for step in range(3):
        change(clip, step)
        average.update(clip)
    save_file(average.state(), tmp_path / "ema.safetensors")
    resumed = WeightAverage(other, 0.9)
    resumed.load(load_file(tmp_path / "ema.safetensors"))
    assert resumed.steps == 3
    for step in range(3, 6):
        change(clip, step)
        average.update(clip)
        resumed.update(clip)
    assert all(torch.equal(value, resumed.state()[name]) for name, value in average.state().items())


def test_channels_last_survives_loading(clip):
    clip.to(memory_format=torch.channels_last)
    average = WeightAverage(clip, 0.9)
    change(clip, 0)
    average.update(clip)
    average.load({name: value.clone().contiguous() for name, value in average.state().items()})
    assert average.clip.visual.conv2.weight.stride() == clip.visual.conv2.weight.stride()


def test_a_state_of_another_model_is_refused(clip):
    average = WeightAverage(clip, 0.9)
    state = average.state()
    with pytest.raises(CheckpointError, match="another architecture"):
        average.load({name: value for name, value in state.items() if name != "n_averaged"})
    with pytest.raises(CheckpointError, match="another architecture"):
        WeightAverage(open_clip.CLIP(4, RESNET, TEXT), 0.9).load(state)


@pytest.mark.parametrize("decay", [-0.1, 1.0, 2.0])
def test_wrong_decays(clip, decay):
    with pytest.raises(SettingError, match="ema"):
        WeightAverage(clip, decay)


def test_the_decay_warms_up():
    assert [decay_at(t, 0.5) for t in (0, 1, 8, 9, 1000)] == [0.1, 2 / 11, 0.5, 0.5, 0.5]

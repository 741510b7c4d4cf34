import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import open_clip
import pytest
import torch
import torch.nn.functional as F
from open_clip_train.train import train_one_epoch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel

from ofclip.errors import SettingError, TrainingError
from ofclip.training.caching import backward, refuse_batch_norm, sparse_lookups, split

N = 8


def tiny(patch_dropout=0.0, seed=0, **more):
    torch.manual_seed(seed)
    clip = open_clip.CLIP(
        embed_dim=8,
        vision_cfg={"image_size": 16, "patch_size": 4, "layers": 1, "width": 16, "head_width": 8,
                    "patch_dropout": patch_dropout},
        text_cfg={"context_length": 6, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1},
        output_dict=True,
        **more,
    )  # fmt: skip
    return clip.double().train()


def data(n=N, seed=1):
    draw = torch.Generator().manual_seed(seed)
    pixels = torch.randn(n, 3, 16, 16, generator=draw, dtype=torch.float64)
    return pixels, torch.randint(1, 20, (n, 6), generator=draw)


def encoder(clip, pixels, tokens):
    def encode(rows):
        out = clip(pixels[rows], tokens[rows])
        features = {"images": out["image_features"], "texts": out["text_features"], "scale": out["logit_scale"]}
        return features | ({"bias": out["logit_bias"]} if "logit_bias" in out else {})

    return encode


def objective(features):
    logits = features["scale"] * features["images"] @ features["texts"].T + features.get("bias", 0)
    target = torch.arange(len(logits))
    return F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)


def pairwise(features):
    logits = features["scale"] * features["images"] @ features["texts"].T + features["bias"]
    return -F.logsigmoid(logits * (2 * torch.eye(len(logits)) - 1)).sum() / len(logits)


def obvious(encode, objective, parts, seed_of):
    """Keep every graph and join the features: one backward pass through all of it."""
    outputs = []
    for number, rows in enumerate(parts):
        torch.manual_seed(seed_of(number))
        outputs.append(encode(rows))
    joined = {
        name: value if value.ndim == 0 else torch.cat([out[name] for out in outputs])
        for name, value in outputs[-1].items()
    }
    loss = objective(joined)
    loss.backward()
    return loss.detach()


def gradients(module):
    grads = {name: p.grad for name, p in module.named_parameters()}
    module.zero_grad()
    return {name: grad.clone() for name, grad in grads.items() if grad is not None}


def worst(grads, expected):
    assert grads.keys() == expected.keys()
    return max(float((grads[name] - grad).norm() / grad.norm()) for name, grad in expected.items())


@pytest.mark.parametrize("patch_dropout", [0.0, 0.5])
@pytest.mark.parametrize("parts", [2, 3, 4, 8])
def test_every_gradient_is_that_of_the_full_batch(parts, patch_dropout):
    clip = tiny(patch_dropout)
    encode, micro = encoder(clip, *data()), -(-N // parts)
    seeds = [100 + part for part in range(parts)]
    expected_loss = obvious(encode, objective, split(N, micro), seeds.__getitem__)
    expected = gradients(clip)
    assert expected.keys() == {name for name, _ in clip.named_parameters()} and "logit_scale" in expected
    loss = backward(encode, objective, N, micro, seeds.__getitem__)
    assert worst(gradients(clip), expected) < 1e-9
    assert torch.isclose(loss, expected_loss, rtol=1e-12) and not loss.requires_grad
    if not patch_dropout:  # then the cut into micro-batches does not matter either
        objective(encode(slice(None))).backward()
        assert worst(gradients(clip), expected) < 1e-9


@pytest.mark.parametrize("there_before", [False, True])
def test_sparse_lookups_give_the_same_gradients_dense_at_the_end(there_before):
    clip, seen = tiny(), []
    encode = encoder(clip, *data())
    if there_before:
        clip.token_embedding.weight.grad = torch.ones_like(clip.token_embedding.weight)
    backward(encode, objective, N, 2, int)
    expected = gradients(clip)
    if there_before:
        clip.token_embedding.weight.grad = torch.ones_like(clip.token_embedding.weight)
    with sparse_lookups(clip):
        hook = clip.token_embedding.weight.register_hook(lambda grad: seen.append(grad.is_sparse))
        backward(encode, objective, N, 2, int)
        hook.remove()
    assert seen == [True] * 4  # one for each micro-batch
    grads = gradients(clip)
    assert not any(grad.is_sparse for grad in grads.values()) and worst(grads, expected) < 1e-12
    with pytest.raises(ZeroDivisionError), sparse_lookups(clip):
        backward(encode, lambda _: 1 / 0, N, 2, int)
    assert not clip.token_embedding.sparse


def test_the_last_part_may_be_smaller():
    clip = tiny()
    encode = encoder(clip, *data(7))
    assert [rows.stop - rows.start for rows in split(7, 3)] == [3, 3, 1]
    objective(encode(slice(None))).backward()
    expected = gradients(clip)
    backward(encode, objective, 7, 3, seed_of=int)
    assert worst(gradients(clip), expected) < 1e-9


def test_a_bias_gets_its_gradient_once():
    clip = tiny(init_logit_bias=-5.0)
    encode = encoder(clip, *data())
    pairwise(encode(slice(None))).backward()
    expected = gradients(clip)
    assert float(expected["logit_bias"].abs()) > 1e-3
    backward(encode, pairwise, N, 2, seed_of=int)
    assert worst(gradients(clip), expected) < 1e-9


def test_gradients_are_added_to_those_that_are_there():
    clip = tiny()
    encode = encoder(clip, *data())
    backward(encode, objective, N, 4, seed_of=int)
    once = {name: 2 * grad for name, grad in gradients(clip).items()}
    backward(encode, objective, N, 4, seed_of=int)
    backward(encode, objective, N, 4, seed_of=int)
    assert worst(gradients(clip), once) < 1e-12


@pytest.mark.parametrize("micro", [None, N, N + 1])
def test_a_batch_that_fits_is_encoded_once_with_its_seed(micro):
    clip, calls = tiny(0.5), []
    encode = encoder(clip, *data())

    def counted(rows):
        calls.append((rows, torch.is_grad_enabled(), torch.initial_seed()))
        return encode(rows)

    expected_loss = obvious(encode, objective, [slice(0, N)], lambda part: 7)
    expected = gradients(clip)
    loss = backward(counted, objective, N, micro, lambda part: 7)
    assert calls == [(slice(0, N), True, 7)]
    assert torch.equal(loss, expected_loss) and not loss.requires_grad
    assert worst(gradients(clip), expected) == 0


def test_each_part_but_the_last_is_encoded_twice_from_its_seed_whatever_the_state_before():
    clip, calls = tiny(0.5), []
    encode = encoder(clip, *data())

    def counted(rows):
        calls.append((rows.start, torch.is_grad_enabled(), torch.initial_seed()))
        return encode(rows)

    torch.manual_seed(1)
    first = backward(counted, objective, N, 3, lambda part: 50 + part)
    before = gradients(clip)
    assert calls == [(0, False, 50), (3, False, 51), (6, True, 52), (0, True, 50), (3, True, 51)]
    torch.manual_seed(2)
    assert torch.equal(backward(encode, objective, N, 3, lambda part: 50 + part), first)
    assert worst(gradients(clip), before) == 0


class Saved:
    """Bytes that graphs hold for their backward passes, now and at most, while `counting`."""

    def __init__(self):
        self.now = self.most = 0

    @contextmanager
    def counting(self):
        with saved_tensors_hooks(lambda tensor: Held(self, tensor), lambda held: held.tensor):
            yield


class Held:
    def __init__(self, saved, tensor):
        self.saved, self.tensor = saved, tensor.detach()  # an output that held its own graph would never go
        saved.now += tensor.nbytes
        saved.most = max(saved.most, saved.now)

    def __del__(self):
        self.saved.now -= self.tensor.nbytes


@pytest.mark.parametrize("n", [4, 8, 16])
def test_graphs_never_hold_more_than_one_micro_batch(n):
    clip, saved = tiny(), Saved()
    encode = encoder(clip, *data(n))

    def measured(rows):
        with saved.counting(), sdpa_kernel(SDPBackend.MATH):  # fused attention keeps tensors out of the hooks' sight
            return encode(rows)

    measured(slice(0, 2))  # an unused graph of two samples
    one, saved.now, saved.most = saved.most, 0, 0
    assert one > 10_000, "nothing was counted"
    backward(measured, objective, n, 2, seed_of=int)
    assert saved.most == one and saved.now == 0
    objective(measured(slice(None))).backward()
    assert saved.most > one * n / 4, "the count does not grow with the batch, so it proves nothing"


def test_all_but_the_last_backward_run_unsynced_with_their_forward():
    clip, events, depth = tiny(), [], []
    encode = encoder(clip, *data())

    @contextmanager
    def unsynced():
        depth.append(1)
        yield
        depth.pop()

    def encode_noted(rows):
        if torch.is_grad_enabled():
            events.append(("forward", rows.start, len(depth)))
        return encode(rows)

    def backward_noted(value):
        before = clip.logit_scale.grad
        value.backward()
        events.append(("backward", len(depth), clip.logit_scale.grad is not before))

    backward(encode_noted, objective, N, 3, int, backward=backward_noted, unsynced=unsynced)
    assert events == [
        ("forward", 6, 1), ("backward", 1, False), ("forward", 0, 1), ("backward", 1, False),
        ("forward", 3, 0), ("backward", 0, True),
    ]  # fmt: skip


def test_a_locked_tower_and_what_it_returns_stay_without_gradients():
    clip = tiny()
    clip.lock_text_tower()
    encode = encoder(clip, *data())
    objective(encode(slice(None))).backward()
    expected = gradients(clip)
    backward(encode, objective, N, 3, seed_of=int)
    assert worst(gradients(clip), expected) < 1e-9
    assert not any(name.startswith("transformer") for name in expected)


def test_only_the_scale_trained():
    clip = tiny()
    clip.requires_grad_(False)
    clip.logit_scale.requires_grad_()
    encode = encoder(clip, *data())
    objective(encode(slice(None))).backward()
    expected = gradients(clip)
    backward(encode, objective, N, 2, seed_of=int)
    assert list(expected) == ["logit_scale"] and worst(gradients(clip), expected) < 1e-12


@pytest.mark.parametrize("micro", [3, None])
def test_nothing_trained_is_an_error(micro):
    clip = tiny().requires_grad_(False)
    with pytest.raises(SettingError, match="no parameter .* is trained"):
        backward(encoder(clip, *data()), objective, N, micro, seed_of=int)


@pytest.mark.parametrize("around", ["the module", "everything"])
def test_bf16_autocast_gives_the_gradients_of_one_pass(around):
    clip = tiny().float()
    pixels, tokens = data()
    autocast = torch.autocast("cpu", torch.bfloat16)
    dtypes = set()

    def encode(rows):
        with torch.autocast("cpu", torch.bfloat16):
            images = clip.visual(pixels[rows].float())  # bf16: not normalised yet
            texts = clip.encode_text(tokens[rows], normalize=True)
        dtypes.update((images.dtype, texts.dtype))
        return {"images": images, "texts": texts, "scale": clip.logit_scale.exp()}

    def loss(features):
        images, texts = (features[name].float() for name in ("images", "texts"))
        return objective({**features, "images": F.normalize(images, dim=-1), "texts": texts})

    obvious(encode, loss, split(N, 2), int)
    expected = gradients(clip)
    if around == "everything":  # weights cast without a graph in the first pass must not be used again in the second
        with autocast:
            backward(encode, loss, N, 2, seed_of=int)
    else:
        backward(encode, loss, N, 2, seed_of=int)
    assert torch.bfloat16 in dtypes
    assert worst(gradients(clip), expected) < (0.05 if around == "everything" else 1e-2)


def test_masks_that_differ_between_the_passes_are_an_error():
    clip, own = tiny(), torch.Generator().manual_seed(0)  # a generator of its own: torch.manual_seed does not reach it
    encode = encoder(clip, *data())

    def noisy(rows):
        features = encode(rows)
        mask = torch.rand(features["images"].shape, generator=own) < 0.9
        return {**features, "images": F.normalize(features["images"] * mask, dim=-1)}

    with pytest.raises(TrainingError, match="changed by .*between the two passes"):
        backward(noisy, objective, N, 2, seed_of=int)


def test_a_loss_that_is_not_a_number_is_returned_for_the_trainer_to_judge():
    clip = tiny()
    with torch.no_grad():
        clip.logit_scale.fill_(float("nan"))
        clip.visual.proj.fill_(float("nan"))
    assert backward(encoder(clip, *data()), objective, N, 2, seed_of=int).isnan()


@pytest.mark.parametrize(("n", "micro"), [(0, 2), (4, 0), (4, -1)])
def test_micro_batches_of_nothing_are_refused(n, micro):
    with pytest.raises(SettingError, match="at least 1"):
        split(n, micro)


def test_outputs_without_a_row_per_sample_are_refused():
    clip = tiny()
    encode = encoder(clip, *data())
    with pytest.raises(SettingError, match="'scale' has shape .1,. for 4 samples"):
        backward(lambda rows: {**encode(rows), "scale": clip.logit_scale.exp()[None]}, objective, N, 4, seed_of=int)


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(3), nn.SyncBatchNorm(3), nn.BatchNorm1d(3, track_running_stats=0)])
def test_batch_norm_in_training_mode_is_refused(layer):
    module = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(layer))
    with pytest.raises(SettingError, match=r"1 batch norms .*\(1\.0 \.\.\.\).*frozen_norms"):
        refuse_batch_norm(module.train())
    layer.eval()
    if layer.running_mean is None:  # uses the batch's statistics all the same
        with pytest.raises(SettingError):
            refuse_batch_norm(module)
    else:
        refuse_batch_norm(module)


def test_models_without_batch_norm_pass_and_it_would_indeed_be_wrong():
    refuse_batch_norm(tiny())
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).double()
    x = torch.randn(N, 4, dtype=torch.float64)

    def loss(features):
        return features["y"].square().mean(0)[0] + features["y"].pow(3).mean()

    loss({"y": net(x)}).backward()
    expected = gradients(net)
    backward(lambda rows: {"y": net(x[rows])}, loss, N, 2, seed_of=int)
    assert worst({"1.weight": gradients(net)["1.weight"]}, {"1.weight": expected["1.weight"]}) > 0.01


def open_clip_gradients(clip, pixels, tokens, parts):
    """Run open_clip's own loop over one accumulated batch; its optimizer moves nothing."""
    micro = len(pixels) // parts
    loader = [(pixels[rows], tokens[rows]) for rows in split(len(pixels), micro)]
    feed = SimpleNamespace(num_batches=parts, num_samples=len(pixels))
    feed = type("Loader", (SimpleNamespace,), {"__iter__": lambda self: iter(loader)})(**vars(feed))
    train_one_epoch(
        clip,
        {"train": SimpleNamespace(dataloader=feed, set_epoch=lambda epoch: None)},
        open_clip.ClipLoss(),
        0,
        torch.optim.SGD(clip.parameters(), lr=0.0),
        None,
        None,
        None,
        SimpleNamespace(
            device="cpu", precision="fp32", distill=False, accum_freq=parts, skip_scheduler=True, grad_clip_norm=None,
            horovod=False, rank=0, local_rank=0, world_size=1, batch_size=micro, log_every_n_steps=1, wandb=False,
            log_local=False,
        ),
    )  # fmt: skip
    return gradients(clip)


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_open_clips_accumulation_multiplies_the_gradient_of_the_scale(parts):
    clip = tiny().float()
    pixels, tokens = data()
    full = open_clip_gradients(clip, pixels.float(), tokens, 1)
    theirs = open_clip_gradients(clip, pixels.float(), tokens, parts)
    assert float(theirs.pop("logit_scale") / full["logit_scale"]) == pytest.approx(parts, rel=1e-4)
    assert worst(theirs, {name: grad for name, grad in full.items() if name != "logit_scale"}) < 1e-3
    halved = lambda features: objective(features) / 2  # noqa: E731 - ClipLoss is the mean of both directions
    backward(encoder(clip, pixels.float(), tokens), halved, N, N // parts, seed_of=int)
    assert worst(gradients(clip), full) < 1e-3


WORKER = """
import sys
import torch
from torch import nn
from lightning_fabric import Fabric
from ofclip.training.caching import backward

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.scale = nn.Linear(5, 4), nn.Linear(3, 4), nn.Parameter(torch.tensor(1.3))

    def forward(self, x, y):
        unit = nn.functional.normalize
        return unit(self.a(x), dim=-1), unit(self.b(y), dim=-1), self.scale.exp()

def loss_of(images, texts, scale, rows):
    logits, target = scale * images @ texts.T, torch.arange(len(images))[rows]
    back = scale * texts[rows] @ images.T
    cross = nn.functional.cross_entropy
    return (cross(logits[rows], target) + cross(back, target)) / 2

fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
fabric.launch()
torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
module = Two()
x, y = torch.randn(12, 5), torch.randn(12, 3)
loss_of(*module(x, y), slice(None)).backward()
expected = [p.grad.clone() for p in module.parameters()]
module.zero_grad()
clip = fabric.setup_module(module)
own = slice(6 * fabric.global_rank, 6 * fabric.global_rank + 6)
mine, yours = x[own], y[own]

def encode(rows):
    return dict(zip(("images", "texts", "scale"), clip(mine[rows], yours[rows])))

def objective(f):
    images, texts = (fabric.all_gather(f[k], sync_grads=True).flatten(0, 1) for k in ("images", "texts"))
    return loss_of(images, texts, f["scale"], own)

for micro in (6, 2, 5):
    backward(encode, objective, 6, micro, int, fabric.backward, lambda: fabric.no_backward_sync(clip))
    for p, grad in zip(module.parameters(), expected):
        assert torch.allclose(p.grad, grad, rtol=1e-9, atol=1e-12), (fabric.global_rank, micro, p.grad, grad)
    module.zero_grad()
print("equal", flush=True)
"""


def test_two_processes_give_the_gradients_of_one(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd(), "MASTER_ADDR": "127.0.0.1"}
    processes = [
        subprocess.Popen(
            [sys.executable, script],
            env={**env, "MASTER_PORT": str(port), "LOCAL_RANK": str(rank)},  # Fabric then starts none itself
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for process in processes:
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 0 and "equal" in said, said
    finally:
        for process in processes:
            process.kill()

"""Train one step on 2 and on 4 gloo processes and on one with the joined batch; print how far apart they are, as JSON.

Run as a script. The processes are forked once all is imported, which takes a fifth of the time of starting each.
"""

import json
import sys

import torch
from lightning_fabric import Fabric
from open_clip.loss import ClipLoss

from ofclip.training import losses

torch.set_default_dtype(torch.float64)  # 64-true alone is not enough: Fabric returns features in the default type
N, WORLDS = 8, (2, 4)
POSITIVES = torch.eye(N, dtype=torch.bool)
POSITIVES[1, 6] = POSITIVES[6, 1] = POSITIVES[3, 0] = True
WEIGHTS = torch.tensor([1.0, 0.5])
KEYS = torch.tensor([[0, 0], [1, 0], [2, 0], [3, 1], [4, 2], [5, 2], [6, 3], [6, 0]])
#: Of four processes, one has no second field, one has it for one product and two for both.
PRESENT = torch.tensor([[1, 0], [1, 0], [1, 1], [0, 1], [1, 1], [1, 1], [1, 1], [1, 0]], dtype=torch.bool)


class Towers(torch.nn.Module):
    """Two small towers, a scale and, for SigLIP alone, a bias: every parameter must get a gradient."""

    def __init__(self, bias):
        super().__init__()
        self.image = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Tanh())
        self.text = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh())
        self.logit_scale = torch.nn.Parameter(torch.tensor(1.5))
        self.logit_bias = torch.nn.Parameter(torch.tensor(-2.0)) if bias else None

    def forward(self, pixels, tokens):
        vectors = self.image(pixels), self.text(tokens)
        images, texts = (torch.nn.functional.normalize(each, dim=-1) for each in vectors)
        return images, texts, self.logit_scale.exp(), self.logit_bias


def distilled(images, texts, scale, bias, reference, rows):
    return losses.clip_loss(images, texts[:, 0], scale, rows) + 0.5 * losses.distillation_loss(images, reference, rows)


LOSSES = {
    "clip": lambda i, t, s, b, reference, rows: losses.clip_loss(i, t[:, 0], s, rows),
    "siglip": lambda i, t, s, b, reference, rows: losses.siglip_loss(i, t[:, 0], s, b, rows),
    "multi-positive": lambda i, t, s, b, reference, rows: losses.multi_positive_loss(i, t[:, 0], s, POSITIVES, rows),
    "fields": lambda i, t, s, b, reference, rows: losses.field_loss(i, t, s, WEIGHTS, KEYS, PRESENT, rows),
    "distillation": distilled,
}


def batch():
    """Return pixels (n, 5), tokens (n, 2, 4) and reference features (n, 6), the same in every process."""
    draw = torch.Generator().manual_seed(0)
    pixels, tokens, reference = (torch.randn(*s, generator=draw) for s in ((N, 5), (N, 2, 4), (N, 6)))
    return pixels, tokens, torch.nn.functional.normalize(reference, dim=1)


def towers(name):
    torch.manual_seed(1)
    return Towers(bias=name == "siglip")


def gradients(model):
    # arrays, since tensors go through files that end with the process that sends them
    return {key: parameter.grad.numpy() for key, parameter in model.named_parameters()}


def shared_step(fabric, name, peer=None):
    """Return value and gradients of this process's part of the batch, averaged over processes."""
    pixels, tokens, reference = batch()
    own = N // fabric.world_size
    rows = slice(fabric.global_rank * own, (fabric.global_rank + 1) * own)
    model = fabric.setup(towers(name))
    images, texts, scale, bias = model(pixels[rows], tokens[rows])
    if peer is not None:
        loss = peer(images, texts[:, 0].contiguous(), scale)
    else:
        images, texts = (fabric.all_gather(x, sync_grads=True).flatten(0, 1) for x in (images, texts))
        loss = LOSSES[name](images, texts, scale, bias, reference, rows)
    fabric.backward(loss)
    return fabric.all_reduce(loss.detach(), reduce_op="mean").item(), gradients(model.module)


def worker(fabric):
    peers = {
        name: ClipLoss(local_loss=True, gather_with_grad=how, rank=fabric.global_rank, world_size=fabric.world_size)
        for name, how in (("open_clip", True), ("gathered without gradients", False))
    }
    steps = {name: shared_step(fabric, name) for name in LOSSES}
    return steps | {name: shared_step(fabric, "clip", peer) for name, peer in peers.items()}


def whole_step(name):
    """Return value and gradients of the whole batch in one process."""
    pixels, tokens, reference = batch()
    model = towers(name)
    loss = LOSSES[name](*model(pixels, tokens), reference, slice(None))
    loss.backward()
    return loss.item(), gradients(model)


def apart(one, other):
    """Return the largest difference of value and gradients, as a share of the largest gradient."""
    (value, grads), (other_value, other_grads) = one, other
    most = max(abs(grad).max() for grad in grads.values())
    far = max(abs(grads[key] - other_grads[key]).max() for key in grads)
    return {"value": abs(value - other_value), "gradients": far / most}


def main():
    found = {}
    for world in WORLDS:
        fabric = Fabric(accelerator="cpu", devices=world, strategy="ddp_fork", precision="64-true")
        found[world] = fabric.launch(worker)
    # only now: a process that has computed gradients can no longer be forked
    whole = {name: whole_step(name) for name in LOSSES}
    report = {
        world: {name: apart(whole.get(name, whole["clip"]), step) for name, step in steps.items()}
        for world, steps in found.items()
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()

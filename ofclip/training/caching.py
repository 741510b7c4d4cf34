"""Gradient caching: the exact gradients of a batch of any size, in the memory of one micro-batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ofclip.errors import SettingError, TrainingError

#: What `encode` returns: tensors by name, with one row per sample, or 0-d and shared by all (scale, bias).
Features = Mapping[str, Tensor]

#: Largest relative change of the features between the two passes (our choice). Equal masks give equal features, up to
#: bf16's rounding of 0.004 where another kernel is chosen; other masks changed small models' by 0.04 and more.
DRIFT = 0.03


def backward(
    encode: Callable[[slice], Features],
    objective: Callable[[dict[str, Tensor]], Tensor],
    n: int,
    micro: int | None,
    seed_of: Callable[[int], int],
    backward: Callable[[Tensor], object] = Tensor.backward,
    unsynced: Callable[[], AbstractContextManager] = nullcontext,
) -> Tensor:
    """Add a batch's gradients to the parameters' `.grad`, through micro-batches, and return its loss (0-d, detached).

    A contrastive loss couples all samples of a batch, so micro-batches cannot be added up one by one. But it
    needs of each sample only the features: they are computed without a graph, the loss and its gradients with
    respect to them on all of them at once, and then each micro-batch again, with a graph, from which those
    gradients are carried on to the parameters (gradient caching: Gao, Zhang, Han and Callan 2021). By the chain
    rule that is the gradient of the whole batch, for every parameter. The graph of the last micro-batch is kept
    between the passes (our choice), so k of them cost 1 - 1/k forward passes more than the batch in one.

    `encode(rows)` returns the features of samples `rows` of the `n`, by name; what no gradient has to reach,
    such as a teacher's features, is better left to `objective(features)`, which is called once and may gather
    the features from other processes. `torch.manual_seed(seed_of(i))` comes before each forward pass of
    micro-batch i, so that dropout has the same masks both times; nothing is put back afterwards. With
    `micro` of None, or at least `n`, the batch is one part, encoded once; the last part may be smaller.

    `backward` is called with what carries the gradients, for example `fabric.backward`. All but the last call,
    with the forward pass before it, run in `unsynced()`, for example `lambda: fabric.no_backward_sync(clip)`.
    0-d outputs get their gradient in that last call alone, so all parameters are used inside the module's
    forward pass, once, as DistributedDataParallel wants.

    Raises SettingError for a micro-batch below 1, for outputs that have not one row per sample and if nothing
    is trained, and TrainingError if the features of the two passes differ by more than `DRIFT`: then the
    gradients would be those of no batch.

    >>> weight, x = torch.tensor([[0.5], [1.0]], requires_grad=True), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]])
    >>> backward(lambda rows: {"y": x[rows] @ weight}, lambda f: f["y"].square().mean(), 3, micro=1, seed_of=int)
    tensor(14.2500)
    >>> weight.grad.T
    tensor([[21., 18.]])
    """
    parts = split(n, micro)

    def run(part: int) -> Features:
        torch.manual_seed(seed_of(part))
        return _checked(encode(parts[part]), parts[part])

    if len(parts) == 1:
        loss = objective(dict(run(0)))
        _trained([loss])
        backward(loss)
        return loss.detach()

    last = len(parts) - 1
    with torch.no_grad():
        cached = [run(part) for part in range(last)]
    with unsynced():
        kept = run(last)
    leaves = {
        name: _leaf(value if value.ndim == 0 else torch.cat([*(part[name] for part in cached), value.detach()]))
        for name, value in kept.items()
    }
    del cached
    loss = objective(leaves)
    loss.backward()  # stops at the leaves: no parameter is reached, and no process waits
    loss = loss.detach()

    def carry(part: int, features: Features, shared: bool) -> None:
        # the gradient of sum(features * g) with respect to the features is g
        terms = [
            (value * (leaf.grad if value.ndim == 0 else leaf.grad[parts[part]])).sum()
            for value, leaf in ((value, leaves[name]) for name, value in features.items())
            if value.requires_grad and leaf.grad is not None and (value.ndim or shared)
        ]
        if terms or shared:
            _trained(terms)
            total: Any = sum(terms)  # a tensor, as there are terms
            backward(total)

    with unsynced():
        carry(last, kept, shared=False)
    del kept
    changes = []
    for part in range(last):
        final = part == last - 1
        with nullcontext() if final else unsynced():
            features = run(part)
            changes += [_change(value, leaves[name], parts[part]) for name, value in features.items() if value.ndim]
            carry(part, features, shared=final)
        del features  # else its graph lives on while the next one grows
    _same(changes)
    return loss


def split(n: int, micro: int | None) -> list[slice]:
    """Return the micro-batches of `n` samples, `micro` to each but the last; None: all in one.

    Raises SettingError for numbers below 1.

    >>> split(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    if n < 1 or (micro is not None and micro < 1):
        raise SettingError(f"micro_batch {micro} for a batch of {n}: both must be at least 1")
    size = n if micro is None else micro
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


@contextmanager
def sparse_lookups(module: nn.Module) -> Iterator[None]:
    """Let gradients of embedding tables hold only the rows that were looked up; at the end they become dense.

    A micro-batch looks up a few of a vocabulary's tens of thousands of rows, and a dense gradient would be made,
    zeroed and added up for all of them, once for each micro-batch. For one process: others cannot be sent sparse ones.
    """
    tables = [layer for layer in module.modules() if isinstance(layer, nn.Embedding) and not layer.sparse]
    for table in tables:
        table.sparse = True
    try:
        yield
    finally:
        for table in tables:
            table.sparse, grad = False, table.weight.grad
            if grad is not None and grad.is_sparse:
                table.weight.grad = grad.to_dense()


def refuse_batch_norm(module: nn.Module) -> None:
    """Raise SettingError if a layer normalises by statistics of the batch: a micro-batch has others.

    Such layers are batch norms in training mode, and those without running statistics in any mode.
    """
    found = [
        name
        for name, layer in module.named_modules()
        if isinstance(layer, _BatchNorm) and (layer.training or layer.running_mean is None)
    ]
    if found:
        raise SettingError(
            f"micro_batch with {len(found)} batch norms in training mode ({found[0]} ...), which mix the samples of "
            "a micro-batch: set frozen_norms, leave micro_batch out, or take an architecture without, such as a ViT"
        )


def _checked(features: Features, rows: slice) -> Features:
    for name, value in features.items():
        if value.ndim and len(value) != rows.stop - rows.start:
            raise SettingError(
                f"output {name!r} has shape {tuple(value.shape)} for {rows.stop - rows.start} samples: "
                "return one row per sample, or a 0-d tensor for what all share"
            )
    return features


def _leaf(value: Tensor) -> Tensor:
    """Return the value cut from its graph, in its own dtype: its gradient has that dtype too, as in one pass."""
    return value.detach().requires_grad_(value.is_floating_point())


def _trained(terms: list[Tensor]) -> None:
    if not any(term.requires_grad for term in terms):
        raise SettingError("no parameter that the loss depends on is trained: unlock a tower or the scale")


def _change(value: Tensor, leaf: Tensor, rows: slice) -> Tensor:
    """Return how far features are from those of the first pass, as a share of their length."""
    first = leaf.detach()[rows].float()
    return torch.dist(value.detach().float(), first) / first.norm().clamp_min(torch.finfo(torch.float32).tiny)


def _same(changes: Iterable[Tensor]) -> None:
    """Compare once, after all parts: reading a number waits for the device. NaN passes: the loss tells it better."""
    change = float(torch.stack(list(changes)).max())
    if change > DRIFT:
        raise TrainingError(
            f"the features of a micro-batch changed by {change:.0%} between the two passes: dropout that "
            "torch.manual_seed does not reach, or a layer that keeps state; leave micro_batch out, or that layer"
        )

"""Memory: what one training step needs at its peak, counted tensor by tensor."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ofclip.models import Model, add_bias
from ofclip.training import devices
from ofclip.training.feeding import Batch
from ofclip.training.learner import Learner
from ofclip.training.settings import Training

MIB = 2**20


def step_memory(model: Model, settings: Training) -> float:
    """Return the MiB that one training step holds at its peak: what stays between steps, and what it makes.

    What stays are weights, AdamW's moments and, where the settings have them, teacher and averaged weights; what
    it makes are activations, gradients and whatever else is a tensor in between. Tensors are counted on the device
    that the settings name, so the number does not depend on the machine, on earlier work of the process or on an
    allocator's reserve; what an operator needs inside itself is not seen. Two steps are taken on random pictures
    and texts, since the moments are there only after the first: `model` is changed, give a copy.
    """
    if settings.loss == "siglip":
        add_bias(model.clip)
    fabric = devices.fabric(settings, model.clip)
    learner = Learner(model, settings, fabric)
    learner.wrap()
    batch = _random(model, settings).map(lambda array: torch.from_numpy(array).to(fabric.device))
    learner.step(0, batch)
    learner.wrapped.zero_grad()
    with Peak() as made:
        learner.step(1, batch)
    return (_kept(learner) + made.peak) / MIB


class Peak(TorchDispatchMode):
    """Counts the bytes of tensors made inside it: `now` those that are still there, and `peak` the most at once.

    Tensors that share memory, as views do, are counted once; memory from before is not counted.

    >>> with Peak() as made:
    ...     sum = (torch.ones(256) + 1).view(16, 16).t() + 1
    >>> made.peak, made.now
    (2048, 1024)
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        for tensor in _tensors((args, kwargs)):
            self._meet(tensor, new=False)
        made = function(*args, **(kwargs or {}))
        for tensor in _tensors(made):
            self._meet(tensor, new=True)
        return made

    def _meet(self, tensor: torch.Tensor, new: bool) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes() if new else 0
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._leave, key, size).atexit = False

    def _leave(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def _tensors(tree: Any) -> list[torch.Tensor]:
    found = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
    # what a sparse tensor holds are two others
    return [part for each in found for part in ((each._indices(), each._values()) if each.is_sparse else (each,))]


def _random(model: Model, settings: Training) -> Batch:
    """Return a batch of noise in the shapes that training has; each sample is alone in its group."""
    rng, n = np.random.default_rng(0), settings.batch // settings.processes
    size, fields = model.preprocess.size, max(1, len(settings.fields))
    tokens = rng.integers(1, model.tokenizer.eot_token_id, (n, fields, model.tokenizer.context_length))
    tokens[..., 0], tokens[..., -1] = model.tokenizer.sot_token_id, model.tokenizer.eot_token_id
    return Batch(
        pixels=rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8),
        tokens=tokens,
        keys=np.arange(n * fields).reshape(n, fields),
        groups=np.arange(n),
        present=np.ones((n, fields), dtype=bool),
    )


def _kept(learner: Learner) -> int:
    """Return the bytes that stay between two steps, gradients not among them."""
    average = learner.average.clip if learner.average else None
    modules = [each for each in (learner.clip, learner.teacher, average) if each is not None]
    tensors = itertools.chain.from_iterable((*each.parameters(), *each.buffers()) for each in modules)
    moments = _tensors([state for state in learner.optimizer.state.values()])
    return sum(tensor.nbytes for tensor in (*tensors, *moments))

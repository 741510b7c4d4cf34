"""An exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ofclip.errors import CheckpointError, SettingError


class WeightAverage:
    """The exponential moving average of a model's weights, kept beside it: a variation of Polyak averaging.

    After the first step the average is the weights; after each later one it is decay * average
    + (1 - decay) * weights, with the decay of that step from `decay_at`. Give it the bare model, not a wrapped one.

    Running statistics of batch norms are averaged as the weights are: the averaged weights lie back in time,
    and only statistics of the same age fit the features that they compute. What is not a weight in the
    checkpoint, such as the causal mask (its infinities would turn into NaN), and counts are copied. Raises
    SettingError for a `decay` outside [0, 1).
    """

    def __init__(self, clip: torch.nn.Module, decay: float):
        if not 0 <= decay < 1:
            raise SettingError(f"ema {decay}: must be at least 0 and below 1; 0.999 remembers the last 1,000 steps")
        self.decay = decay
        self._average = AveragedModel(clip, multi_avg_fn=self._blend)
        self._average.requires_grad_(False).eval()
        kept = clip.state_dict().keys()
        self._statistics = [n for n, b in clip.named_buffers() if n in kept and b.is_floating_point()]

    @property
    def clip(self) -> torch.nn.Module:
        """The model with the averaged weights, in eval mode; it changes with each update."""
        return self._average.module

    @property
    def steps(self) -> int:
        """Updates so far."""
        return int(self._average.n_averaged)

    def update(self, clip: torch.nn.Module) -> None:
        """Take in the weights after an optimizer step."""
        first = self.steps == 0
        old = [self.clip.get_buffer(name).clone() for name in self._statistics]
        self._average.update_parameters(clip)  # which copies all buffers
        if not first and old:
            new = [self.clip.get_buffer(name) for name in self._statistics]
            blend = get_ema_multi_avg_fn(decay_at(self.steps - 1, self.decay))
            blend(old, new, None)
            for buffer, value in zip(new, old, strict=True):
                buffer.copy_(value)

    def state(self) -> dict[str, torch.Tensor]:
        """Return all that a checkpoint must hold, by name: the averaged model and, as "n_averaged", the steps."""
        return self._average.state_dict()

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from a `state`; raises CheckpointError if it is another model's."""
        try:
            self._average.load_state_dict(state)
        except RuntimeError as error:
            raise CheckpointError(
                "the checkpoint's averaged weights are of another architecture, or missing; train into another folder"
            ) from error

    def _blend(self, average: Any, weights: Any, _: Any) -> None:
        get_ema_multi_avg_fn(decay_at(self.steps, self.decay))(average, weights, None)


def decay_at(steps: int, decay: float) -> float:
    """Return the decay of the update that follows `steps` updates: min(decay, (1 + steps) / (10 + steps)).

    With a full decay from the start the first weights, which have learned least, would weigh most for the
    first 1 / (1 - decay) steps, and short runs are hardly longer. This warm-up, TensorFlow's for its
    ExponentialMovingAverage, needs no setting of its own (our choice).

    >>> [round(decay_at(t, 0.999), 3) for t in (1, 10, 100, 100_000)]
    [0.182, 0.55, 0.918, 0.999]
    """
    return min(decay, (1 + steps) / (10 + steps))

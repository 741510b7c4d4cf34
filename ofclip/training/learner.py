"""What learns: a model's features of a batch, their loss, and one optimizer step from it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import FullyShardedDataParallel

from ofclip import models
from ofclip.errors import TrainingError
from ofclip.models.model import Clip
from ofclip.training import devices, parts
from ofclip.training.averaging import WeightAverage
from ofclip.training.caching import backward, refuse_batch_norm, sparse_lookups, split
from ofclip.training.checkpoints import Run, State
from ofclip.training.feeding import Batch
from ofclip.training.losses import clip_loss, distillation_loss, field_loss, multi_positive_loss, shared, siglip_loss
from ofclip.training.sampling import generator
from ofclip.training.settings import Training

#: Of a sharded model: all of it, in the memory of the first process; the others get nothing.
WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


class Learner:
    """A model with its optimizer, wrapped for the processes and the precision that the settings name.

    `trained` and `still` say which parts are trained, and which norms keep their statistics. With `sharded`
    (strategy=fsdp) each process holds a part of weights and optimizer state, so what looks at all of them,
    `state` and `result`, is to be called by every process and is whole on the first.
    """

    def __init__(self, model: models.Model, settings: Training, fabric: Fabric) -> None:
        self.model, self.settings, self.fabric = model, settings, fabric
        self.sharded = settings.strategy == "fsdp"
        # shards are cut in the order of memory, their optimizer state in that of indices: the two must be the same
        clip = model.clip.to(memory_format=torch.contiguous_format if self.sharded else torch.channels_last)
        # the teacher is the model as it starts, so it is taken before anything is restored
        self.teacher: Clip = copy.deepcopy(clip).eval().requires_grad_(False) if settings.distillation else None
        self.trained = parts.freeze(clip, settings.image_blocks, settings.text_blocks)
        if settings.loss != "siglip" and getattr(clip, "logit_bias", None) is not None:
            clip.logit_bias.requires_grad_(False)  # unused by other losses, and processes would wait for its gradient
        if settings.patch_dropout:
            parts.patch_dropout(clip, settings.patch_dropout)
        if settings.gradient_checkpointing:
            parts.gradient_checkpointing(clip)
        self.still = parts.modes(clip, settings.frozen_norms)
        clip = devices.batch_norm(clip, settings)
        self.share = settings.batch // settings.processes
        self.micro_batches = len(split(self.share, settings.micro_batch))
        if self.micro_batches > 1:
            refuse_batch_norm(clip)
        self.clip: Clip = clip
        self.average = WeightAverage(clip, settings.ema) if settings.ema else None
        groups = parts.parameter_groups(clip, settings.weight_decay, settings.layer_decay)
        self.optimizer = torch.optim.AdamW(
            groups,
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            fused=True,  # one pass over memory: on a CPU the optimizer is bound by it
        )

    def wrap(self) -> None:
        """Move everything to the device and join the processes; what is restored must be restored before."""
        if self.sharded:
            known = {parameter: name for name, parameter in self.clip.named_parameters()}
            self.names = [known[parameter] for group in self.optimizer.param_groups for parameter in group["params"]]
            restored = self.optimizer.state_dict()
            self.optimizer.state.clear()
            # sharding takes the model apart in place; validation wants one that is whole
            self.whole = copy.deepcopy(self.clip).eval() if self.fabric.is_global_zero else None
        self.module, self.wrapped = self.fabric.setup(self.clip, self.optimizer, _reapply_compile=False)
        if self.sharded:
            self.shards = next(m for m in self.module.modules() if isinstance(m, FullyShardedDataParallel))
            if restored["state"]:
                named: dict[str, Any] = {"state": {self.names[i]: values for i, values in restored["state"].items()}}
                named["param_groups"] = [
                    {**group, "params": [self.names[i] for i in group["params"]]} for group in restored["param_groups"]
                ]
                set_optimizer_state_dict(self.shards, self.optimizer, named, options=WHOLE)
        self.call = torch.compile(self.module) if self.settings.compile else self.module
        for other in (self.teacher, self.average and self.average.clip):
            if other:
                other.to(self.fabric.device)

    def step(self, step: int, batch: Batch) -> float:
        """Learn from one batch, pixels and tokens of which are on the device; return the loss of all processes' pairs.

        Raises TrainingError, on every process, when the loss is not a number; the weights are then as before.
        """
        settings, fabric = self.settings, self.fabric
        for group in self.wrapped.param_groups:
            group["lr"] = learning_rate(step, settings) * group["share"]
        self.wrapped.zero_grad()
        sparse = self.micro_batches > 1 and fabric.world_size == 1 and not settings.compile
        with sparse_lookups(self.clip) if sparse else nullcontext():
            loss = backward(
                lambda rows: self.features(batch.pixels[rows], batch.tokens[rows]),
                self.objective(batch),
                n=self.share,
                micro=settings.micro_batch,
                seed_of=lambda part: seed(settings.seed, step, fabric.global_rank, part),
                backward=fabric.backward,
                unsynced=lambda: fabric.no_backward_sync(self.module, enabled=fabric.world_size > 1),
            )
        mean: Any = fabric.all_reduce(loss, reduce_op="mean")
        value = mean.item()
        if not math.isfinite(value):
            raise TrainingError(
                f"step {step}: the loss is {value}; lower learning_rate (now {settings.learning_rate:g})"
            )
        if settings.clip_norm:
            fabric.clip_gradients(self.module, self.wrapped, max_norm=settings.clip_norm)
        self.wrapped.step()
        with torch.no_grad():
            self.clip.logit_scale.clamp_(0, math.log(settings.max_logit_scale))
        if self.average:
            self.average.update(self.clip)
        return value

    def features(self, pixels: torch.Tensor, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return unit vectors of pictures (m, d) and of their f texts (m, f, d), and the loss's scale and bias."""
        images, texts, scale, *bias = self.call(models.normalise(pixels, self.model.preprocess), tokens.flatten(0, 1))
        texts = texts.unflatten(0, tokens.shape[:2])
        return {"images": images, "texts": texts, "scale": scale} | ({"bias": bias[0]} if bias else {})

    def objective(self, batch: Batch) -> Callable[[dict[str, torch.Tensor]], torch.Tensor]:
        """Return the loss of this process's rows, a function of its features."""
        settings, fabric = self.settings, self.fabric
        rows = slice(fabric.global_rank * self.share, (fabric.global_rank + 1) * self.share)

        def loss(features: dict[str, torch.Tensor]) -> torch.Tensor:
            images, texts, scale = features["images"].float(), features["texts"].float(), features["scale"]
            own = images
            if fabric.world_size > 1:
                gather: Callable[..., Any] = fabric.all_gather
                images, texts = (gather(x, sync_grads=True).flatten(0, 1) for x in (images, texts))
            if settings.loss == "fields":
                keys, present, weights = (
                    torch.as_tensor(x, device=images.device)
                    for x in (batch.keys, batch.present, list(settings.fields.values()))
                )
                total = field_loss(images, texts, scale, weights, keys, present, rows)
            elif settings.loss == "multi-positive":
                keys, groups = (torch.as_tensor(x, device=images.device) for x in (batch.keys[:, 0], batch.groups))
                total = multi_positive_loss(images, texts[:, 0], scale, shared(keys, groups), rows)
            elif settings.loss == "siglip":
                total = siglip_loss(images, texts[:, 0], scale, features["bias"], rows)
            else:
                total = clip_loss(images, texts[:, 0], scale, rows)
            if self.teacher:
                total = total + settings.distillation * distillation_loss(own, self.lesson(batch.pixels))
            return total

        return loss

    @torch.no_grad()
    def lesson(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the starting model's features (m, d) of the same pictures."""
        features = []
        for rows in split(len(pixels), self.settings.micro_batch):
            with self.fabric.autocast():
                inputs = models.normalise(pixels[rows], self.model.preprocess)
                features.append(self.teacher.encode_image(inputs, normalize=True).float())
        return torch.cat(features)

    @property
    def scale(self) -> float:
        """The factor on cosines, 1 / temperature."""
        return float(self.clip.logit_scale.detach().exp())

    def state(self, step: int, run: Run, **extra: Any) -> State:
        """Return what a checkpoint after `step` steps holds."""
        average = self.average.state() if self.average else None
        scaler = self.scaler.state_dict() if self.scaler else None
        optimizer = self.optimizer.state_dict()
        model: Any
        if self.sharded:
            model, whole = get_state_dict(self.shards, self.optimizer, options=WHOLE)
            # by number, as it is without shards; the order in which torch lists the names is another one
            moments: Any = whole.get("state", {})
            optimizer["state"] = {i: moments[name] for i, name in enumerate(self.names) if name in moments}
        else:
            model = self.clip.state_dict()
        return State(step, model, optimizer, run, average, scaler, extra, self.fabric.world_size)

    def load(self, state: State) -> int:
        """Go on from a checkpoint, before `wrap`; return its step. Raises CheckpointError if it does not fit."""
        state.load_into(self.clip, self.optimizer)
        if self.average:
            assert state.ema is not None  # of a run with the same settings
            self.average.load(state.ema)
        if self.scaler:
            assert state.scaler is not None
            self.scaler.load_state_dict(dict(state.scaler))
        return state.step

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """What keeps the gradients of float16 from vanishing; None in other precisions."""
        return getattr(self.fabric.strategy.precision, "scaler", None)

    def result(self) -> models.Model:
        """Return the model as it is now, the averaged one if weights are averaged, in evaluation mode."""
        clip = self.average.clip if self.average else self.clip
        if self.sharded:
            weights = get_model_state_dict(self.shards, options=WHOLE)
            if self.whole:
                self.whole.load_state_dict(weights)
                clip = self.whole.to(self.fabric.device)
        clip.eval()
        return models.Model(clip, self.model.architecture, self.model.preprocess, self.model.name, self.model.notes)

    def resume(self) -> None:
        """Put the model back into training mode, after it was evaluated."""
        parts.modes(self.clip, self.settings.frozen_norms)
        if self.sharded and self.whole:
            self.whole.cpu()  # the device's memory is for the shards


def learning_rate(step: int, settings: Training) -> float:
    """Return the rate of one step: linear warm-up, then half a cosine down to zero (Loshchilov and Hutter 2017)."""
    warmup = max(1, round(settings.warmup * settings.steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, settings.steps - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def seed(*key: int) -> int:
    """Return a seed that depends on the key alone: a step's dropout is the same however often it is computed."""
    return int(generator(3, *key).integers(2**63))

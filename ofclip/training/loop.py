"""The training loop, in one sitting."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from ofclip import models
from ofclip.catalog import Catalog
from ofclip.errors import SettingError, TrainingError
from ofclip.files import atomic, digest, sha256
from ofclip.training import checkpoints
from ofclip.training.data import Batches
from ofclip.training.log import Log
from ofclip.training.loss import clip_loss
from ofclip.training.settings import Training

Validate = Callable[[models.Model], dict[str, float]]


@dataclass(frozen=True)
class Trained:
    """What training leaves behind: path of the weights, model, log as a table, and whether all was there before."""

    weights: Path
    model: models.Model
    log: pd.DataFrame
    reused: bool


def train(
    model: models.Model,
    catalogs: Sequence[Catalog],
    settings: Training,
    out: str | Path,
    validate: Validate | None = None,
) -> Trained:
    """Train `model` on the catalogs and write `weights.safetensors` and `log.jsonl` into the folder `out`.

    Catalogs carry the names of `settings.sources`. `validate` is called `settings.evaluations` times with the
    model and returns what to log; give it data of a domain that is *not* trained on. A run that was killed
    goes on from its last checkpoint when called again with the same settings, data and code, and a run that is
    complete is not repeated. Raises TrainingError, naming the step, when the loss is not a number; the last
    checkpoint stays.
    """
    if sorted(catalog.name for catalog in catalogs) != sorted(settings.sources):
        raise SettingError(
            f"the catalogs {sorted(c.name for c in catalogs)} are not the sources {sorted(settings.sources)}"
        )
    out = Path(out)
    run = run_key(model, catalogs, settings)
    done = _finished(out, run)
    if done is not None:
        return Trained(done, models.load_model(done), Log(out / "log.jsonl").table(), reused=True)

    if settings.accelerator == "cuda" and not torch.cuda.is_available():
        raise SettingError("accelerator cuda: no GPU found; choose a profile for the CPU, such as laptop")
    fabric = Fabric(accelerator=settings.accelerator, devices=settings.devices, precision=settings.precision)
    fabric.launch()
    batches = Batches(catalogs, model, settings)
    clip = model.clip.to(memory_format=torch.channels_last)
    clip.train()
    optimizer = _optimizer(clip, settings)
    start, state = checkpoints.restore(out / "checkpoints", clip, optimizer, run)
    clip, optimizer = fabric.setup(clip, optimizer)
    log = Log(out / "log.jsonl")
    if fabric.is_global_zero:
        log.cut(start) if start else log.path.unlink(missing_ok=True)
    spent, saved, seen, total = state.get("seconds", 0.0), time.monotonic(), start, 0.0
    began = time.monotonic() - spent

    rank = slice(fabric.global_rank, None, fabric.world_size)
    bar = tqdm(
        total=settings.steps * settings.batch, initial=start * settings.batch, unit="sample", disable=None, leave=False
    )
    for step, pixels, tokens in batches.ahead(start, settings.steps):
        rate = learning_rate(step, settings)
        for group in optimizer.param_groups:
            group["lr"] = rate
        inputs = models.normalise(fabric.to_device(torch.from_numpy(pixels[rank])), model.preprocess)
        images, texts, scale = clip(inputs, fabric.to_device(torch.from_numpy(tokens[rank])))
        if fabric.world_size > 1:
            images, texts = (fabric.all_gather(x, sync_grads=True).flatten(0, 1) for x in (images, texts))
        loss = clip_loss(images, texts, scale)
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(
                f"step {step}: the loss is {value}; lower learning_rate (now {settings.learning_rate:g}). "
                f"The last good checkpoint stays in {out / 'checkpoints'}"
            )
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(0, math.log(settings.max_logit_scale))
        total += value
        done_steps = step + 1
        bar.update(settings.batch)
        bar.set_postfix(loss=f"{value:.3f}", refresh=False)
        if fabric.is_global_zero and (done_steps % LOG_EVERY == 0 or done_steps == settings.steps):
            log.add(
                step=done_steps, samples=done_steps * settings.batch, loss=total / (done_steps - seen),
                learning_rate=rate, logit_scale=clip.logit_scale.exp().item(), seconds=time.monotonic() - began,
            )  # fmt: skip
            seen, total = done_steps, 0.0
        if validate and done_steps in evaluation_steps(settings):
            pause = time.monotonic()
            if fabric.is_global_zero:
                log.add(step=done_steps, samples=done_steps * settings.batch, **validate(_bare(model, clip)))
            began += time.monotonic() - pause  # the log's seconds are those of training
            fabric.barrier()
        if time.monotonic() - saved >= settings.checkpoint_seconds and done_steps < settings.steps:
            if fabric.is_global_zero:
                seconds = time.monotonic() - began
                checkpoints.save(out / "checkpoints", done_steps, clip.module, optimizer, run, seconds=seconds)
            saved = time.monotonic()
    bar.close()
    trained = _bare(model, clip)
    trained.clip.eval()
    if fabric.is_global_zero:
        _finish(out, trained, run, settings)
    fabric.barrier()
    return Trained(out / "weights.safetensors", trained, log.table(), reused=False)


LOG_EVERY = 20  # steps: enough points for a curve, too few to cost time


def learning_rate(step: int, settings: Training) -> float:
    """Return the rate of one step: linear warm-up, then half a cosine down to zero (Loshchilov and Hutter 2017)."""
    warmup = max(1, round(settings.warmup * settings.steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(1, settings.steps - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def evaluation_steps(settings: Training) -> set[int]:
    """Return after which steps the model is validated: evenly spaced, the last one at the end."""
    return {settings.steps * (i + 1) // settings.evaluations for i in range(settings.evaluations)} - {0}


def run_key(model: models.Model, catalogs: Sequence[Catalog], settings: Training) -> str:
    """Hash of all that decides the weights: start, data, settings, this code and the libraries that compute."""
    import open_clip

    here = Path(__file__).parent
    code = [*sorted(here.glob("*.py")), *sorted((here.parent / "text").glob("*.py")), here.parent / "models.py"]
    return digest(
        model.fingerprint,
        settings.model_dump_json(exclude={"checkpoint_seconds"}),
        *(catalog.fingerprint for catalog in catalogs),
        *(sha256(path) for path in code),
        torch.__version__,
        open_clip.__version__,
    )


def _optimizer(clip: torch.nn.Module, settings: Training) -> torch.optim.AdamW:
    matrices = [p for p in clip.parameters() if p.requires_grad and p.ndim >= 2]
    others = [p for p in clip.parameters() if p.requires_grad and p.ndim < 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        fused=True,  # one pass over memory: on a CPU the optimizer is bound by it
    )


def _bare(model: models.Model, clip) -> models.Model:
    """Return the model around the module that Fabric has wrapped."""
    return models.Model(clip.module, model.architecture, model.preprocess, model.name, model.notes)


def _finish(out: Path, trained: models.Model, run: str, settings: Training) -> None:
    path = models.save_model(trained, out / "weights.safetensors", sources=settings.sources, samples=settings.samples)
    # the mark comes last: weights without it belong to a run that is not complete
    with atomic(out / "finished.json") as temporary:
        temporary.write_text(json.dumps({"run": run, "weights": sha256(path)}))
    checkpoints.clear(out / "checkpoints")


def _finished(out: Path, run: str) -> Path | None:
    mark, weights = out / "finished.json", out / "weights.safetensors"
    if mark.exists() and weights.exists():
        found = json.loads(mark.read_text())
        if found["run"] == run and found["weights"] == sha256(weights):
            return weights
    return None

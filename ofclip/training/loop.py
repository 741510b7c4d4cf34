"""The training loop, in one sitting."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric

from ofclip import models
from ofclip.catalog import Catalog
from ofclip.errors import CheckpointError, SettingError, TrainingError
from ofclip.files import atomic, sha256
from ofclip.training import checkpoints, devices
from ofclip.training.data import Batches
from ofclip.training.feeding import feed
from ofclip.training.learner import Learner, learning_rate
from ofclip.training.log import Log, loggers, progress
from ofclip.training.meter import Meter
from ofclip.training.selection import Best, direction
from ofclip.training.settings import Training
from ofclip.training.stopping import Stopped, Stopping, any_process

Validate = Callable[[models.Model], dict[str, float]]

LOG_EVERY = 20  # steps: enough points for a curve, too few to cost time


@dataclass(frozen=True)
class Trained:
    """What training leaves behind: weights and model, the log as a table, what it cost, and whether all was there."""

    weights: Path
    model: models.Model
    log: pd.DataFrame
    cost: Mapping[str, Any]
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
    complete is not repeated. SIGTERM, SIGINT and SIGUSR1 end it after the step, saved, by Stopped (exit code 0).
    Raises TrainingError, naming the step, when the loss is not a number; the last checkpoint stays.
    """
    if sorted(catalog.name for catalog in catalogs) != sorted(settings.sources):
        raise SettingError(
            f"the catalogs {sorted(c.name for c in catalogs)} are not the sources {sorted(settings.sources)}"
        )
    out = Path(out)
    better = ""
    if settings.select_by:
        known = getattr(validate, "directions", None) if validate else {}
        better = direction(settings.select_by, known, settings.sources)
    run = describe_run(model, catalogs, settings)
    done = _finished(out, run.key)
    if done is not None:
        return Trained(out / WEIGHTS, models.load_model(out / WEIGHTS), Log(out / LOG).table(), done["cost"], True)

    if settings.loss == "siglip":
        models.add_bias(model.clip)  # ahead of Fabric, which must know all scalars of a model that it shards
    fabric = devices.fabric(settings, model.clip)
    share = settings.batch // fabric.world_size
    own = slice(fabric.global_rank * share, (fabric.global_rank + 1) * share)
    batches = Batches(catalogs, model, settings)
    learner = Learner(model, settings, fabric)
    state = checkpoints.restore(out / "checkpoints", run, fabric.world_size)
    _same_on_all(fabric, state.step if state else 0, out)
    start = learner.load(state) if state else 0
    learner.wrap()

    main = fabric.is_global_zero
    best = Best(out / "best", settings.select_by, settings.keep_best, better, run.key) if better and main else None
    log = Log(out / LOG, loggers(settings.loggers, out, start) if main else ())
    if main:
        (out / MARK).unlink(missing_ok=True)  # of another run: whoever waits for this one must not see it
    log.describe(settings.model_dump(mode="json"))
    if main:
        log.cut(start) if start else log.path.unlink(missing_ok=True)
    spent = state.extra["meters"] if state else []
    meter = Meter(
        fabric.device, spent[fabric.global_rank] if fabric.global_rank < len(spent) else None, node=fabric.node_rank
    )
    due, saved, seen, total = evaluation_steps(settings), time.monotonic(), start, 0.0
    with (
        Stopping(say=main) as stop,
        meter,
        progress(settings.steps * settings.batch, start * settings.batch, show=main) as bar,
        closing(feed(batches, start, settings.steps, fabric.device, own)) as feeding,
    ):
        for step, batch in feeding:
            try:
                value = learner.step(step, batch)
            except TrainingError as error:
                raise TrainingError(f"{error}. The last good checkpoint stays in {out / 'checkpoints'}") from error
            done_steps = step + 1
            total += value
            meter.add(share)
            bar.update(settings.batch)
            bar.set_postfix(loss=f"{value:.3f}", refresh=False)
            if main and (done_steps % LOG_EVERY == 0 or done_steps == settings.steps):
                log.add(
                    step=done_steps, samples=done_steps * settings.batch, loss=total / (done_steps - seen),
                    learning_rate=learning_rate(step, settings), logit_scale=learner.scale, seconds=meter.seconds,
                )  # fmt: skip
                seen, total = done_steps, 0.0
            if validate and done_steps in due:
                with meter.pause():
                    result = learner.result()
                    if main:
                        found = validate(result)
                        log.add(step=done_steps, samples=done_steps * settings.batch, **found)
                        if best:
                            best.add(done_steps, found, result)
                    learner.resume()
                    fabric.barrier()
            late = time.monotonic() - saved >= settings.checkpoint_seconds
            stopped = stop.agreed(fabric)
            if done_steps < settings.steps and (stopped or any_process(fabric, late)):
                state = learner.state(done_steps, run, meters=meter.states())
                if main:
                    checkpoints.save(out / "checkpoints", state)
                saved = time.monotonic()
                if stopped:
                    fabric.barrier()  # whoever leaves may rely on what was saved
                    told = f"stopped after step {done_steps} of {settings.steps}, saved; run it again to go on"
                    raise Stopped(told if main else "")
    log.close()
    cost = {**meter.summary(meter.states()), **devices.facts(fabric)}
    trained = learner.result()
    if main:
        trained = _finish(out, trained, best, run.key, settings, cost)
    fabric.barrier()
    # what the others have may be a part of the weights, or not the best ones
    return Trained(out / WEIGHTS, trained if main else models.load_model(out / WEIGHTS), log.table(), cost, False)


#: Modules that watch training and cannot change the weights; all others of this folder decide them.
OBSERVERS = {"energy", "log", "meter", "selection", "stopping"}
WEIGHTS, LOG, MARK = "weights.safetensors", "log.jsonl", "finished.json"


def evaluation_steps(settings: Training) -> set[int]:
    """Return after which steps the model is validated: evenly spaced, the last one at the end."""
    return {settings.steps * (i + 1) // settings.evaluations for i in range(settings.evaluations)} - {0}


def describe_run(model: models.Model, catalogs: Sequence[Catalog], settings: Training) -> checkpoints.Run:
    """Return all that decides the weights: start, data, settings, this code and the libraries that compute."""
    import open_clip

    here = Path(__file__).parent
    code = [*(path for path in here.rglob("*.py") if path.stem not in OBSERVERS)]
    code += [*(here.parent / "text").glob("*.py")]
    code += [path for path in (here.parent / "models").glob("*.py") if path.stem != "known"]  # a list to read
    return checkpoints.Run(
        settings=settings.model_dump(mode="json"),
        code={str(path.relative_to(here.parent)): sha256(path) for path in sorted(code)},
        data={catalog.name: catalog.fingerprint for catalog in catalogs},
        libraries={"torch": torch.__version__, "open_clip": open_clip.__version__},
        architecture=model.architecture,
        start=model.fingerprint,
    )


def _same_on_all(fabric: Fabric, step: int, out: Path) -> None:
    """Raise CheckpointError unless all processes start at the same step: others would wait for each other for ever."""
    if fabric.world_size > 1:
        gathered: Any = fabric.all_gather(torch.tensor(step, device=fabric.device))
        steps = gathered.tolist()
        if len(set(steps)) > 1:
            raise CheckpointError(
                f"{out}: the processes found checkpoints of steps {', '.join(map(str, steps))}; train into a folder "
                "that all of them see, and let the run that writes there end first"
            )


def _finish(
    out: Path, trained: models.Model, best: Best | None, run: str, settings: Training, cost: Mapping[str, Any]
) -> models.Model:
    notes = {"sources": settings.sources, "samples": settings.samples}
    if best:
        step, path, _ = best.best()
        trained = models.load_model(path, name=trained.name)
        notes["samples"] = step * settings.batch
    path = models.save_model(trained, out / WEIGHTS, **notes)
    # the mark comes last: weights without it belong to a run that is not complete
    with atomic(out / MARK) as temporary:
        temporary.write_text(json.dumps({"run": run, "weights": sha256(path), "cost": dict(cost)}))
    checkpoints.clear(out / "checkpoints")
    return trained


def _finished(out: Path, run: str) -> dict[str, Any] | None:
    mark, weights = out / MARK, out / WEIGHTS
    if mark.exists() and weights.exists():
        found = json.loads(mark.read_text())
        if found["run"] == run and found["weights"] == sha256(weights):
            return found
    return None

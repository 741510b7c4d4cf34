"""What a training run says of itself: its log as a table, its loss and its speed."""

from __future__ import annotations

import math

from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result
from ofclip.training.loop import Trained
from ofclip.training.settings import Training


def learning(trained: Trained, settings: Training, dataset: str) -> Result:
    """Return final loss, samples per second and minutes of training, and the log as table "log".

    Speed is that of the whole loop, batches and optimizer included and validation left out, as the log has
    it; so a run that was finished before tells the speed it had then.
    """
    log = trained.log
    steps = log.dropna(subset=["loss"])
    last = steps.iloc[-1]
    samples, seconds = int(last["samples"]), float(last["seconds"])

    def metric(name: str, definition: str, direction: str, value: float, chance: float | None = None) -> Metric:
        return Metric(name, definition, direction, dataset, settings.split, samples, value, chance=chance)

    metrics = [
        metric(
            "final loss",
            f"mean contrastive loss over the last logged steps, batch {settings.batch}; chance is its logarithm",
            "lower",
            float(last["loss"]),
            math.log(settings.batch),
        ),
        metric("samples per second", "pairs seen, divided by the time of the loop", "higher", samples / seconds),
        metric("minutes of training", "time of the loop, without validation", "lower", seconds / 60),
    ]
    return Result(metrics, {"log": log})

"""What a training run says of itself: its log as a table, its loss and its speed."""

from __future__ import annotations

import math

import pandas as pd

from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result
from ofclip.training.loop import Trained
from ofclip.training.settings import Training

#: What of a run's cost is shown, and how it is called; what was not measured is left out.
COST = {
    "processes": "processes",
    "samples_per_second": "samples per second, all processes",
    "peak_memory_mib": "peak memory, MiB: {peak_memory_of}",
    "device_hours_per_million_samples": "device hours per million samples ({device})",
    "joules_per_million_samples": "joules per million samples ({energy_of})",
}


def learning(trained: Trained, settings: Training, dataset: str) -> Result:
    """Return final loss, samples per second and minutes of training; tables "log" and "cost".

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
    named = [(COST[key].format(**trained.cost), value) for key, value in trained.cost.items() if key in COST]
    cost = pd.DataFrame([(name, value) for name, value in named if value is not None], columns=["what", "value"])
    return Result(metrics, {"log": log, "cost": cost})

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ofclip.tasks.learning import learning
from ofclip.training.loop import Trained
from ofclip.training.settings import Training


def test_a_run_tells_loss_speed_and_what_it_took():
    log = pd.DataFrame(
        {"step": [20, 40, 40], "samples": [1280, 2560, 2560], "loss": [3.0, 2.0, None], "seconds": [4, 8, 9]}
    )
    cost = {
        "device": "a processor", "processes": 2, "samples_per_second": 320.0, "peak_memory_mib": 512.5,
        "peak_memory_of": "pages of the process", "device_hours_per_million_samples": 1.736,
        "joules_per_million_samples": None, "energy_of": None, "precision": "32-true",
    }  # fmt: skip
    settings = Training(sources={"kagl": 1.0}, samples=2560, batch=64)
    result = learning(Trained(Path("weights.safetensors"), None, log, cost, reused=False), settings, "kagl")
    values = {metric.name: metric.value for metric in result.metrics}
    assert values == {"final loss": 2.0, "samples per second": 320.0, "minutes of training": pytest.approx(8 / 60)}
    assert result.metrics[0].chance == pytest.approx(4.159, abs=1e-3)  # log 64
    assert result.tables["cost"].values.tolist() == [
        ["processes", 2],
        ["samples per second, all processes", 320.0],
        ["peak memory, MiB: pages of the process", 512.5],
        ["device hours per million samples (a processor)", 1.736],
    ]

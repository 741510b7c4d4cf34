from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from ofclip.records.cost import Meter, energy_counters, spent


def test_a_meter_reads_time_memory_and_processor() -> None:
    meter = Meter()
    time.sleep(0.05)
    block = np.ones(2**23)
    cost = meter.read()
    assert 0.05 <= cost.seconds < 100
    assert cost.peak_memory_mib > block.nbytes / 2**20
    assert cost.cores >= 1 and cost.device


def counter(folder: Path, name: str, drawn: int) -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{drawn}\n")
    (folder / name / "max_energy_range_uj").write_text("1000000\n")


def test_energy_is_summed_over_packages_and_survives_a_wrap(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:0", 900_000)
    counter(tmp_path, "intel-rapl:1", 100_000)
    before = energy_counters(tmp_path)
    counter(tmp_path, "intel-rapl:0", 100_000)
    counter(tmp_path, "intel-rapl:1", 150_000)
    assert spent(before, energy_counters(tmp_path)) == 0.25


def test_energy_that_is_not_reported_is_none(tmp_path: Path) -> None:
    assert energy_counters(tmp_path) == {}
    assert spent({}, {}) is None

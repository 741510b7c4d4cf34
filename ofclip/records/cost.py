"""What a run cost: device, cores, seconds, peak memory, and energy where the machine reports it."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ofclip.machine import processor

#: Linux' counters of the energy that processor packages drew; readable by root only on most machines.
RAPL = Path("/sys/class/powercap")


class Cost(BaseModel):
    """What one run took.

    `peak_memory_mib` is the largest resident size of the process; `energy_joules` is what the processor
    packages drew, None for a run on a GPU (whose energy they do not include) or where it cannot be read.
    """

    model_config = ConfigDict(extra="forbid")

    device: str
    cores: int
    seconds: float
    peak_memory_mib: float
    energy_joules: float | None = None


class Meter:
    """Measures from its creation to `read()`."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._energy = energy_counters()

    def read(self) -> Cost:
        """Return the cost so far."""
        unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux kibibytes
        return Cost(
            device=torch_device() or processor(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            seconds=round(time.perf_counter() - self._start, 3),
            peak_memory_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1),
            energy_joules=None if torch_device() else spent(self._energy, energy_counters()),
        )


def torch_device() -> str | None:
    """Return the name of the GPU if this process has used one."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_initialized() else None


def energy_counters(folder: Path = RAPL) -> dict[str, tuple[int, int]]:
    """Return counter name -> (microjoules drawn, the value at which it wraps), empty if none can be read."""
    counters = {}
    for zone in sorted(folder.glob("intel-rapl:?")):
        try:
            drawn, wraps = ((zone / name).read_text() for name in ("energy_uj", "max_energy_range_uj"))
            counters[zone.name] = int(drawn), int(wraps)
        except (OSError, ValueError):
            continue
    return counters


def spent(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> float | None:
    """Return the joules drawn between two readings, None where nothing was read.

    >>> spent({"a": (900, 1000)}, {"a": (100, 1000)})          # wrapped once
    0.0002
    """
    if not before or before.keys() != after.keys():
        return None
    return sum((after[name][0] - drawn) % wraps for name, (drawn, wraps) in before.items()) / 1e6

"""Energy counters: NVIDIA's NVML for a GPU, Linux' RAPL for processors; what cannot be read is None, not a guess.

Importing this file does not import torch.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Linux' counters of the energy that processor packages drew; readable by root only on most machines.
RAPL = Path("/sys/class/powercap")


class Energy(ABC):
    """A sum of joules that only grows; `of` says whose, `shared` whether other processes are in it."""

    of = ""
    shared = False

    @abstractmethod
    def read(self) -> float | None:
        """Return the joules since some moment that stays the same, None where the counter no longer answers."""


def find_energy(device: str) -> Energy | None:
    """Return the counter of a device that can be read here, None without one: energy is measured or left out."""
    if device.startswith("cuda"):
        return nvml_energy(device)
    if device.startswith("cpu") and rapl_counters():
        return RaplEnergy()
    return None


class RaplEnergy(Energy):
    """Processor packages, from Linux' powercap files: all that runs on the machine is in it."""

    of = "processor packages (RAPL), other processes on the machine included"
    shared = True

    def __init__(self, folder: Path = RAPL) -> None:
        self.folder = folder
        self._last = rapl_counters(folder)
        self._joules = 0.0

    def read(self) -> float | None:
        now = rapl_counters(self.folder)
        drawn = rapl_spent(self._last, now)
        self._last = now
        self._joules += drawn or 0.0
        return None if drawn is None else self._joules


def rapl_counters(folder: Path = RAPL) -> dict[str, tuple[int, int]]:
    """Return package -> (microjoules drawn, the value at which it wraps), empty if none can be read.

    AMD's packages have the same file names as Intel's. A zone "psys" is the whole platform with the packages in
    it, so it is left out.
    """
    counters = {}
    for zone in sorted(folder.glob("intel-rapl:*")):
        try:
            if zone.name.count(":") > 1 or not (zone / "name").read_text().startswith("package"):
                continue
            drawn, wraps = ((zone / name).read_text() for name in ("energy_uj", "max_energy_range_uj"))
            counters[zone.name] = int(drawn), int(wraps)
        except (OSError, ValueError):
            continue
    return counters


def rapl_spent(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> float | None:
    """Return the joules drawn between two readings less than one wrap apart, None where nothing was read.

    >>> rapl_spent({"a": (900, 1000)}, {"a": (100, 1000)})          # wrapped once
    0.0002
    """
    if not before or before.keys() != after.keys():
        return None
    return sum((after[name][0] - drawn) % wraps for name, (drawn, wraps) in before.items()) / 1e6


def nvml_energy(device: str, nvml: Any = None) -> Energy | None:
    """Return the energy counter of a GPU through NVML, None without nvidia-ml-py or for a GPU that reports nothing.

    Volta (2017) and newer have a counter of millijoules; the power of others is integrated. The GPU is found by
    its identity, for NVML's numbers know nothing of CUDA_VISIBLE_DEVICES.
    """
    import torch

    try:
        if nvml is None:
            import pynvml

            nvml = pynvml
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
    except Exception:  # no library, no driver, or part of a GPU: all mean that nothing can be read
        return None
    kinds = (NvmlEnergy(nvml, handle), NvmlPower(nvml, handle))
    return next((kind for kind in kinds if kind.read() is not None), None)


class NvmlEnergy(Energy):
    """A GPU's board, from its own counter: memory and fans are in it, the rest of the machine is not."""

    of = "GPU board (NVML energy counter)"

    def __init__(self, nvml: Any, handle: Any) -> None:
        self.nvml, self.handle = nvml, handle

    def read(self) -> float | None:
        try:
            return self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle) / 1e3
        except self.nvml.NVMLError:
            return None


class NvmlPower(Energy):
    """A GPU's board, as the integral of its power between readings (trapezoids)."""

    of = "GPU board (NVML power, integrated)"

    def __init__(self, nvml: Any, handle: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self.nvml, self.handle, self._clock = nvml, handle, clock
        self._joules = 0.0
        self._last: tuple[float, float] | None = None  # time, watts

    def read(self) -> float | None:
        try:
            now, watts = self._clock(), self.nvml.nvmlDeviceGetPowerUsage(self.handle) / 1e3
        except self.nvml.NVMLError:
            return None
        if self._last is not None:
            self._joules += (now - self._last[0]) * (watts + self._last[1]) / 2
        self._last = now, watts
        return self._joules

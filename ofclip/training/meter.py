"""What training takes: time without its pauses, samples per second, peak memory, and energy where it is reported.

Importing this file does not import torch.
"""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from ofclip.machine import processor
from ofclip.training.energy import Energy, find_energy

if TYPE_CHECKING:
    import torch

#: Seconds between readings of the energy: often enough that no counter wraps twice, and for the mean of a power.
INTERVAL = 1.0
MIB = 2**20

Read = Callable[[], float]


class Meter:
    """Measures what one process takes between `start()` and `stop()`, or as a context, without its pauses.

    `device` is a torch device or its name. `state`, from `state()` of an earlier part of the run, is added to:
    work that a kill undid is in neither. Each process of many has a meter of its own; `node` is the number of its
    machine, since processes share the energy counters of a CPU. `energy` (cumulative joules, or None) and
    `memory` (name -> peak in bytes) are found by device, `clock` is in seconds; tests give their own.

    >>> ticks = iter([0.0, 2.0, 2.0, 9.0, 9.0, 10.0])
    >>> meter = Meter("cpu", clock=lambda: next(ticks), energy=None)
    >>> with meter:
    ...     meter.add(600)
    ...     with meter.pause():
    ...         pass                                            # from 2 to 9
    >>> meter.seconds, meter.samples_per_second
    (3.0, 200.0)
    """

    def __init__(
        self,
        device: str | torch.device = "cpu",
        state: dict[str, Any] | None = None,
        *,
        node: int = 0,
        clock: Read = time.monotonic,
        energy: Energy | Literal["find"] | None = "find",
        memory: Memory | None = None,
    ) -> None:
        self.device = str(device)
        self.node = node
        self._clock = clock
        self._energy: Energy | None = find_energy(self.device) if energy == "find" else energy
        self._memory = memory or (CudaMemory(self.device) if self.device.startswith("cuda") else ProcessMemory())
        before = state or {}
        self.samples: int = before.get("samples", 0)
        self._seconds: float = before.get("seconds", 0.0)
        self._paused: float = before.get("paused_seconds", 0.0)
        self._peak: dict[str, float] = dict(before.get("peak", {}))
        # a part of the run without a reading leaves the whole without: a sum of some parts would look like all
        known = self._energy is not None and before.get("energy_joules", 0.0) is not None
        self._joules: float | None = before.get("energy_joules", 0.0) if known else None
        self._since: float | None = None  # when the part that is being measured began
        self._read: tuple[float, float | None] = (0.0, 0.0)  # when energy was read last, and what it was

    def start(self) -> Meter:
        """Begin, or go on after `stop()`."""
        self._synchronise()
        self._memory.reset()
        self._since = self._clock()
        if self._energy is not None and self._joules is not None:
            self._read = self._since, self._energy.read()
        return self

    def stop(self) -> None:
        """End; what comes after is not measured. Without effect where nothing is being measured."""
        if self._since is None:
            return
        self._synchronise()
        now = self._clock()
        self._take_energy(now)
        self._seconds += now - self._since
        self._since = None
        self._take_memory()

    def __enter__(self) -> Meter:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Leave out what happens inside, for example a validation: its time, its energy and, on a GPU, its memory."""
        if self._since is None:
            yield
            return
        self.stop()
        began = self._clock()
        try:
            yield
        finally:
            self._paused += self._clock() - began
            self.start()

    def add(self, samples: int) -> None:
        """Count samples that this process handled; call it every step, for it also keeps the energy up to date."""
        self.samples += samples
        if self._joules is not None and self._since is not None and (now := self._clock()) - self._read[0] >= INTERVAL:
            self._take_energy(now)

    @property
    def seconds(self) -> float:
        """Seconds so far, without pauses."""
        return self._seconds + (0.0 if self._since is None else self._clock() - self._since)

    @property
    def samples_per_second(self) -> float:
        """Samples of this process per second so far, 0 before any time has passed."""
        seconds = self.seconds
        return self.samples / seconds if seconds else 0.0

    def state(self) -> dict[str, Any]:
        """Return what has been measured so far, as JSON values for a checkpoint."""
        self._take_memory()
        if self._since is not None:
            self._take_energy(self._clock())
        measured = self._energy if self._joules is not None else None
        return {
            "device": device_name(self.device),
            "node": self.node,
            "samples": self.samples,
            "seconds": self.seconds,
            "paused_seconds": self._paused,
            "peak": dict(self._peak),
            "energy_joules": self._joules,
            "energy_of": measured.of if measured is not None else None,
            "energy_shared": measured.shared if measured is not None else False,
        }

    def states(self) -> list[dict[str, Any]]:
        """Return the states of all processes in the order of their ranks; every process must call it."""
        dist = sys.modules.get("torch.distributed")
        if dist is None or not (dist.is_available() and dist.is_initialized()):
            return [self.state()]
        found: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(found, self.state())
        return found

    def summary(self, states: Sequence[dict[str, Any]] | None = None) -> dict[str, float | str | None]:
        """Return the cost of the run for the Record; with several processes, give what `states()` returned."""
        return summary(states or [self.state()])

    def _synchronise(self) -> None:
        if self.device.startswith("cuda"):  # a GPU works on after the call has returned
            import torch

            torch.cuda.synchronize(self.device)

    def _take_energy(self, now: float) -> None:
        if self._energy is None or self._joules is None:
            return
        value, before = self._energy.read(), self._read[1]
        self._joules = None if value is None or before is None else self._joules + value - before
        self._read = now, value

    def _take_memory(self) -> None:
        for name, value in self._memory.peak().items():
            self._peak[name] = max(value, self._peak.get(name, 0))


def summary(states: Sequence[dict[str, Any]]) -> dict[str, float | str | None]:
    """Return the cost of a run from the states of all its processes.

    Seconds are those of the slowest, samples and energy are summed (the energy of a CPU once per machine, for its
    processes share the counters), memory is the largest of any process. `device_hours_per_million_samples` is
    hours x processes, in millions of samples; what was not measured is None.

    >>> one = {"device": "GPU", "node": 0, "samples": 500_000, "seconds": 1800.0, "paused_seconds": 0.0,
    ...        "peak": {"allocated": 2**30}, "energy_joules": 9e5, "energy_of": "board", "energy_shared": False}
    >>> cost = summary([one, one])
    >>> cost["samples_per_second"], cost["energy_joules"], cost["device_hours_per_million_samples"]
    (555.6, 1800000.0, 1.0)
    """
    samples = sum(each["samples"] for each in states)
    seconds = max(each["seconds"] for each in states)
    joules = None
    if all(each["energy_joules"] is not None for each in states):
        place = {(each["node"], "" if each["energy_shared"] else rank): each for rank, each in enumerate(states)}
        joules = sum(each["energy_joules"] for each in place.values())
    peak = {name: max(each["peak"].get(name, 0) for each in states) for name in states[0]["peak"]}
    kind = next((name for name in MEMORY if name in peak), None)
    millions = samples / 1e6
    return {
        "device": states[0]["device"],
        "processes": len(states),
        "samples": samples,
        "seconds": round(seconds, 3),
        "paused_seconds": round(max(each["paused_seconds"] for each in states), 3),
        "samples_per_second": round(samples / seconds, 1) if seconds else None,
        "peak_memory_mib": round(peak[kind] / MIB, 1) if kind else None,
        "peak_memory_of": MEMORY[kind] if kind else None,
        "peak_reserved_mib": round(peak["reserved"] / MIB, 1) if "reserved" in peak else None,
        "energy_joules": None if joules is None else round(joules, 1),
        "energy_of": None if joules is None else states[0]["energy_of"],
        "device_hours_per_million_samples": round(seconds * len(states) / 3600 / millions, 4) if samples else None,
        "joules_per_million_samples": None if joules is None or not samples else round(joules / millions, 1),
    }


#: What the peak of memory is, by its name in a state.
MEMORY = {
    "allocated": "tensors on the GPU (torch.cuda.max_memory_allocated), without pauses, largest of any process",
    "resident": "pages of the process in memory, shared and file-backed ones included, largest since it started",
}


class Memory(ABC):
    """Peaks of memory by name, in bytes; `reset` begins a new part where the device allows it."""

    @abstractmethod
    def reset(self) -> None: ...

    @abstractmethod
    def peak(self) -> dict[str, float]: ...


class ProcessMemory(Memory):
    """The largest resident size that this process has had, of all its life: Linux and macOS keep no other.

    (Linux could be told to forget, but then other measurements in the process would be wrong.)
    """

    def reset(self) -> None:
        """Do nothing: this peak cannot be reset."""

    def peak(self) -> dict[str, float]:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
        return {"resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


class CudaMemory(Memory):
    """What tensors took of a GPU at most, and what PyTorch had reserved for them."""

    def __init__(self, device: str) -> None:
        self.device = device

    def reset(self) -> None:
        import torch

        torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> dict[str, float]:
        import torch

        return {
            "allocated": torch.cuda.max_memory_allocated(self.device),
            "reserved": torch.cuda.max_memory_reserved(self.device),
        }


def device_name(device: str | torch.device) -> str:
    """Return the name of a GPU, or of the processor."""
    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return processor()

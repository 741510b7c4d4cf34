"""The next batch, ready on the device: made in a thread, copied and augmented while the model works on the one before.

On a GPU the copy runs from pinned memory and on a stream of its own, and the augmentation right behind it, so that
the model's stream waits for neither. Elsewhere the thread augments with numpy, and the model gets what it made.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import torch

from ofclip.training.augment import Plan, apply

#: Names of the thread that makes batches, for whoever looks at a list of threads.
THREAD = "feeding"


class Batch(NamedTuple):
    """One step's samples: n of them in the joined batch, m of them on this rank; arrays, or tensors once fed.

    What is big is there only for this rank's rows; what tells which samples belong together is there for all, since
    each rank compares its rows with the whole batch.
    """

    pixels: Any  # (m, s, s, 3) uint8
    tokens: Any  # (m, fields, context) int64
    keys: Any  # (n, fields) int64: equal where texts are equal
    groups: Any  # (n,) int64: equal where products belong together
    present: Any  # (n, fields) bool: which texts there are
    plan: Plan | None = None  # what is still to be done to the m pictures; None once it is done

    def map(self, function) -> Batch:
        """Return the batch with each array, those of the plan included, replaced by what `function` makes of it."""
        *arrays, plan = self
        return Batch._make([*(function(array) for array in arrays), None if plan is None else plan.map(function)])


class Source(Protocol):
    """What is fed: a pure function of step and rows."""

    def rows(self, step: int, rank: slice) -> Batch:
        """Return the batch of a step as numpy arrays, with pixels, tokens and plan of the rows `rank` alone."""


def feed(
    source: Source, start: int, stop: int, device: torch.device | str, rank: slice
) -> Generator[tuple[int, Batch], None, None]:
    """Yield (step, batch on the device) from `start` to `stop`, each made in a thread while the one before is used.

    `rank` are this process's rows of the joined batch; pixels come augmented, and `plan` is None. An error of the
    thread is raised here as it is, when its step is asked for. Leaving the loop ends the thread, after the batch that
    it is at; after an error in the loop's body the traceback still holds this generator, so close it there
    (`contextlib.closing`).
    """
    device = torch.device(device)
    lane = CudaLane(device) if device.type == "cuda" else Lane(device)
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=THREAD, initializer=lane.enter)
    try:
        pending = None
        for step in range(start, stop):
            ready = (pending or pool.submit(_make, source, step, rank, lane)).result()
            pending = pool.submit(_make, source, step + 1, rank, lane) if step + 1 < stop else None
            yield step, lane.receive(*ready)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _make(source: Source, step: int, rank: slice, lane: Lane | CudaLane) -> tuple[Batch, Any]:
    return lane.send(source.rows(step, rank))


class Lane:
    """The way to a device without streams of its own: numpy augments, and the copy is there when it returns."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def enter(self) -> None:
        """Make a thread ready for `send`."""

    def send(self, batch: Batch) -> tuple[Batch, None]:
        """Return the augmented batch as tensors on the device; runs in the thread."""
        if batch.plan is not None:
            batch = batch._replace(pixels=apply(batch.pixels, batch.plan), plan=None)
        return batch.map(lambda array: torch.from_numpy(array).to(self.device)), None

    def receive(self, batch: Batch, arrived: None) -> Batch:
        """Return the batch as it is; runs in the loop."""
        return batch


class CudaLane:
    """The way to a GPU: a stream that copies and augments, beside the one that the model runs on."""

    def __init__(self, device: torch.device, cuda: Any = torch.cuda) -> None:
        self.cuda = cuda
        self.stream = cuda.Stream(device)
        self.device = self.stream.device  # with its number, also where `device` is just "cuda"

    def enter(self) -> None:
        """Make a thread ready for `send`: it starts out on GPU 0, and pinning would take memory there."""
        self.cuda.set_device(self.device)

    def send(self, batch: Batch) -> tuple[Batch, Any]:
        """Queue copy and augmentation; return the batch to be and the event of its arrival; runs in the thread."""
        with self.cuda.stream(self.stream):
            # pinned memory goes back to torch's pool at once, which keeps it until its copy is through
            there = batch.map(lambda array: torch.from_numpy(array).pin_memory().to(self.device, non_blocking=True))
            if there.plan is not None:
                there = there._replace(pixels=apply(there.pixels, there.plan), plan=None)
            return there, self.stream.record_event()

    def receive(self, batch: Batch, arrived: Any) -> Batch:
        """Let the model's stream wait for the batch, and keep its memory until that stream is done with it."""
        current = self.cuda.current_stream(self.device)
        current.wait_event(arrived)

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            tensor.record_stream(current)
            return tensor

        return batch.map(keep)

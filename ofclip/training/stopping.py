"""Ending in good order: a signal is noted, the step is finished and saved, and the process leaves with code 0."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_fabric import Fabric

NOTICE = getattr(signal, "SIGUSR1", None)  # what Slurm sends some time ahead of the end, when asked with --signal
SIGNALS = tuple(number for number in (signal.SIGTERM, signal.SIGINT, NOTICE) if number is not None)
#: Seconds within which a signal is an echo of the first: one to a whole job reaches a worker from the system and
#: again from its launcher (torchrun passes it on), and that must not cost the checkpoint.
ECHO = 1.0


class Stopped(SystemExit):
    """Training was asked to stop, and has saved; exit code 0. `Stopping` prints the message as it leaves.

    >>> Stopped("saved").code
    0
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(0)
        self.message = message

    def __str__(self) -> str:
        return self.message


class Stopping:
    """Note SIGTERM, SIGINT (Ctrl-C) and SIGUSR1 in place of dying of them, while the context is open.

    The loop asks `requested`, or `agreed` among several processes, after each step; once true it saves and raises
    Stopped. A second SIGTERM or SIGINT ends the process at once. SIGUSR1 is only a notice, so the SIGTERM that
    follows it is the first. Former handlers come back at the end. Outside the main thread, where Python cannot set
    handlers, nothing is noted. With `say` false (all processes but one) the first signal is noted in silence.

    >>> with Stopping(say=False) as stop:
    ...     signal.raise_signal(signal.SIGTERM)
    ...     stop.requested
    True
    """

    def __init__(self, say: bool = True) -> None:
        self.requested = False
        self.say = say
        self._first: float | None = None  # when the first signal came that is more than a notice
        self._former: dict[int, Any] = {}
        self._process = os.getpid()

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            self._process = os.getpid()
            self._former = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, former in self._former.items():
            # None is a handler that was not set from Python, and cannot be set back from there
            signal.signal(number, signal.SIG_DFL if former is None else former)
        self._former = {}
        if isinstance(error, Stopped) and error.message:
            print(error.message, file=sys.stderr, flush=True)

    def agreed(self, fabric: Fabric) -> bool:
        """Return whether any process was asked to stop; all of them must ask this at the same step.

        A signal may reach one process alone, or reach them in different steps, and one that leaves while the others
        wait for it would make them hang. One process alone costs nothing; several cost one number's all-reduce.
        """
        return any_process(fabric, self.requested)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if os.getpid() != self._process:  # a forked worker has this handler too, and its pool must be able to end it
            self._end(number)
        elif number == NOTICE or self._first is None:
            if self.say and not self.requested:
                # not print: the signal may have come in the middle of one
                os.write(2, b"\nstopping: the step is finished and saved first; Ctrl-C once more ends at once\n")
            self.requested = True
            if number != NOTICE:
                self._first = now
        elif now - self._first > ECHO:
            self._end(number)

    @staticmethod
    def _end(number: int) -> None:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        signal.raise_signal(number)


def any_process(fabric: Fabric, flag: bool) -> bool:
    """Return whether `flag` is true on any process of the job, the same answer on all; all of them must ask."""
    if fabric.world_size == 1:
        return flag
    import torch

    largest: Any = fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="max")
    return bool(largest > 0)

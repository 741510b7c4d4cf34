"""The training log: a table in one file, always; loggers as extras; and the progress bar."""

from __future__ import annotations

import errno
import json
import os
import secrets
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ofclip.errors import OfclipError, SettingError, unknown
from ofclip.files import atomic

if TYPE_CHECKING:
    from lightning_fabric.loggers import Logger
    from tqdm import tqdm

#: What `loggers` can make.
LOGGERS = ("tensorboard", "wandb")


class Log:
    """Appends rows to a file, one JSON line each; a row is a dict with at least `step`.

    A line cut short by a kill is ignored. Each row also goes to `loggers`; one that fails is left out from then
    on, with one warning, for the table has all.
    """

    def __init__(self, path: str | Path, loggers: Sequence[Logger] = ()) -> None:
        self.path = Path(path)
        self.loggers = list(loggers)

    def add(self, **row: float) -> None:
        """Append one row and flush it; raises OfclipError where the disk is full."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise OfclipError(
                f"disk full while writing {self.path}: make room and run the same command again"
            ) from error
        metrics = {name: value for name, value in row.items() if name != "step"}
        self._each("log_metrics", metrics, step=row["step"])

    def describe(self, settings: Mapping[str, Any]) -> None:
        """Tell the loggers the settings of the run, so that they can compare runs; the table needs none."""
        self._each("log_hyperparams", dict(settings))

    def close(self, status: str = "success") -> None:
        """Let the loggers write what they still hold; `status` is "success" or "failed"."""
        self._each("finalize", status)

    def _each(self, method: str, *values: Any, **options: Any) -> None:
        for logger in list(self.loggers):
            try:
                getattr(logger, method)(*values, **options)
            except Exception as error:  # whatever it is, hours of training must not end with it
                self.loggers.remove(logger)
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                warnings.warn(
                    f"{type(logger).__name__} failed and is left out from now on ({reason}); {self.path} has every row",
                    stacklevel=3,
                )

    def rows(self) -> list[dict[str, float]]:
        """Return all whole rows."""
        rows = []
        for line in self.path.read_text().splitlines() if self.path.exists() else []:
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:  # the last line of a killed run
                continue
        return rows

    def cut(self, step: int) -> None:
        """Drop the rows after `step`: a run resumed there writes them again."""
        kept = [row for row in self.rows() if row["step"] <= step]
        with atomic(self.path) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in kept))

    def table(self) -> pd.DataFrame:
        """Return the log as a table, one row per step, in order; columns that a step lacks are missing values."""
        frame = pd.DataFrame(self.rows())
        return frame.groupby("step", as_index=False).first() if len(frame) else frame


def loggers(names: Sequence[str], out: str | Path, step: int = 0) -> list[Logger]:
    """Return Fabric loggers by name, which write below the folder `out`; call it on the process of rank 0 alone.

    "tensorboard" writes to `out/tensorboard`; a run resumed at `step` hides what it had written after it.
    "wandb" is one Weights & Biases run, continued when `step` is not 0; the library's own variables hold
    (`WANDB_MODE=offline` keeps all in `out/wandb`, `WANDB_PROJECT` names the project). Raises SettingError for
    an unknown name, and one that says what to install where the library is missing.
    """
    out = Path(out)
    made: list[Logger] = []
    for name in names:
        if name not in LOGGERS:
            raise unknown("logger", name, LOGGERS)
        try:
            made.append(_tensorboard(out, step) if name == "tensorboard" else _wandb(out, step))
        except ImportError as error:
            raise SettingError(f"logger {name}: {name} is not installed; run pip install 'ofclip[log]'") from error
    return made


def _tensorboard(out: Path, step: int) -> Logger:
    import tensorboard  # noqa: F401 - Fabric would also take tensorboardX, and find out late that neither is there
    from lightning_fabric.loggers import TensorBoardLogger

    return TensorBoardLogger(out, name="", version="tensorboard", default_hp_metric=False, purge_step=step + 1)


def _wandb(out: Path, step: int) -> Logger:
    import wandb
    from lightning_fabric.loggers import Logger

    class Wandb(Logger):
        """A Weights & Biases run, begun with the first row (wandb's own Fabric logger needs all of Lightning)."""

        name = property(lambda self: "wandb")
        version = property(lambda self: self._id())
        run = None

        def _id(self) -> str:
            path = out / "wandb" / "id"
            if not path.exists() or (not step and self.run is None):  # a run that starts anew is another run
                with atomic(path) as temporary:
                    temporary.write_text(secrets.token_hex(4))  # wandb's own form of an id: 8 characters
            return path.read_text()

        def _begun(self):
            if self.run is None:
                project = os.environ.get("WANDB_PROJECT", "ofclip")
                self.run = wandb.init(dir=out, id=self._id(), resume="allow", project=project)
            return self.run

        def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
            # several rows may have one step (training, then validation), which a step of wandb's own would refuse
            self._begun().log({**metrics, "step": step})

        def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
            self._begun().config.update(params, allow_val_change=True)

        def finalize(self, status: str) -> None:
            if self.run is not None:
                self.run.finish(exit_code=0 if status == "success" else 1)

    return Wandb()


def progress(total: int, initial: int = 0, show: bool = True) -> tqdm:
    """Return a bar that counts samples, in a terminal or a notebook; where neither is, nothing is shown.

    In a notebook it is a widget, or text where ipywidgets is not installed. `OFCLIP_PROGRESS=0` hides it, and so
    does `show=False`, for the processes whose rank is not 0.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")  # text will do
        from tqdm.auto import tqdm

    hidden = not show or os.environ.get("OFCLIP_PROGRESS") == "0"
    notebook = "ipykernel.zmqshell" in sys.modules  # not a terminal, and yet somebody may be looking
    return tqdm(
        total=total,
        initial=initial,
        unit="sample",
        leave=False,
        disable=True if hidden else False if notebook else None,  # None: shown in a terminal only
    )

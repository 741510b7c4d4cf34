"""Selection: which weights of a run are kept, by a metric that validation gives.

Which metric is the reader's choice, and best one of another domain than those trained on: FashionCLIP's model card
(March 2023, "Limitations, Bias and Fairness") calls the loss on in-domain validation data a poor criterion for
stopping when the model is wanted elsewhere, even with a large and diverse data set.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ofclip import models
from ofclip.errors import CheckpointError, SettingError, TrainingError, unknown
from ofclip.files import atomic, sha256


def direction(metric: str, known: Mapping[str, str] | None = None, trained: Collection[str] = ()) -> str:
    """Return "higher" or "lower", whichever is better for a metric; call it before training starts.

    `known` maps the names that validation will give to their directions; None where a plain function validates,
    so that they show only in use: then a loss is better lower and all else higher. `trained` names the sources that
    are trained on: a metric on one of them ("... SOURCE@SPLIT", as `ofclip.watching` names them) is warned of.
    Raises SettingError if nothing is validated (`known` is empty), and for a name that is not known, with the nearest.

    >>> direction("text-to-image median rank kagl@val", {"text-to-image median rank kagl@val": "lower"})
    'lower'
    >>> direction("validation loss"), direction("glossiness accuracy@1")
    ('lower', 'higher')
    """
    if known is not None and not known:
        raise SettingError(
            f"setting select_by {metric!r}: nothing is validated; name what to watch and set evaluations above 0, "
            "or leave select_by empty to keep the last weights"
        )
    if known is not None and metric not in known:
        raise unknown("metric in select_by", metric, known)
    on = metric.rpartition("@")[0]
    for source in trained:
        if on.endswith(f" {source}"):
            warnings.warn(
                f"select_by {metric!r}: {source} is trained on, and FashionCLIP's model card says that the loss on "
                "in-domain data selects badly for other domains; watch and select by a source that is not trained on",
                stacklevel=2,
            )
    if known:
        return known[metric]
    return "lower" if "loss" in re.split(r"[\W_]+", metric.lower()) else "higher"


@dataclass(frozen=True)
class Kept:
    """One validation whose weights are kept: after which step, its value, and the file with its SHA-256."""

    step: int
    value: float
    file: str
    sha256: str


class Best:
    """The `keep` best weights of a run by one metric, as safetensors in a folder with `index.json` beside them.

    Of equal values the earlier is better: it took less training. A value that is not finite is never kept. The files
    are weights like any other: `load_model` reads them, and their notes hold step, metric and value. `run` names
    settings, data and code: a resumed run goes on with the index, one of another run is discarded with its files. Only
    one process may write. Raises SettingError if `keep` is below 1 and CheckpointError for an index that is none.

    >>> from tempfile import mkdtemp
    >>> best = Best(mkdtemp(), "recall@10 street", keep=2)
    >>> model = models.build_model("ofclip-RN-8-64")
    >>> [best.add(step, {"recall@10 street": value}, model) for step, value in ((5, 0.3), (10, 0.4), (15, 0.2))]
    [True, True, False]
    >>> step, path, value = best.best()
    >>> step, path.name, value
    (10, 'step-00000010.safetensors', 0.4)
    """

    def __init__(self, folder: str | Path, metric: str, keep: int = 1, better: str = "higher", run: str = "") -> None:
        if keep < 1:
            raise SettingError(f"setting keep_best: must be at least 1, got {keep}")
        if better not in ("higher", "lower"):
            raise unknown("direction", better, ["higher", "lower"])
        self.folder, self.metric, self.keep, self.better = Path(folder), metric, keep, better
        self._of = {"run": run, "metric": metric, "better": better}
        self._kept = self._ranked(self._read())
        if self.folder.exists():
            self._clean()  # what a kill left between weights and index, and what another run left

    @property
    def kept(self) -> tuple[Kept, ...]:
        """What is kept, the best first."""
        return tuple(self._kept)

    def add(self, step: int, metrics: Mapping[str, float], model: models.Model) -> bool:
        """Take the validation of a finished step and return whether its weights are kept.

        A step that was validated before, as after a kill, is replaced. Raises SettingError with the nearest name
        if the metric is not among `metrics`.
        """
        if self.metric not in metrics:
            raise unknown("metric in select_by", self.metric, metrics)
        value = float(metrics[self.metric])
        rows = [row for row in self._kept if row.step != step]
        if math.isfinite(value):
            new = Kept(step, value, f"step-{step:08d}.safetensors", "")
            rows = self._ranked([*rows, new])
            if new in rows:
                path = models.save_model(model, self.folder / new.file, step=step, select_by=self.metric, value=value)
                written = Kept(step, value, new.file, sha256(path))
                rows = [written if row is new else row for row in rows]
        else:
            warnings.warn(f"step {step}: {self.metric} is {value}; these weights are not selected", stacklevel=2)
        if rows != self._kept:
            self._kept = rows
            self._write()  # before files go: an index never names one that was removed
            self._clean()
        return any(row.step == step for row in rows)

    def best(self) -> tuple[int, Path, float]:
        """Return step, file and value of the best weights; TrainingError if no validation gave a finite value."""
        if not self._kept:
            raise TrainingError(
                f"select_by {self.metric!r}: no validation gave a finite value, so no weights can be selected; the "
                "last checkpoint stays. Select by another metric, or leave select_by empty to keep the last weights"
            )
        row = self._kept[0]
        return row.step, self.folder / row.file, row.value

    def _ranked(self, rows: list[Kept]) -> list[Kept]:
        sign = -1 if self.better == "higher" else 1
        return sorted(rows, key=lambda row: (sign * row.value, row.step))[: self.keep]

    def _read(self) -> list[Kept]:
        path = self.folder / "index.json"
        if not path.exists():
            return []
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            rows = [Kept(**row) for row in found.pop("rows")]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{path}: not an index of selected weights; remove its folder") from error
        if found != self._of:
            path.unlink()  # before the files that it names
            return []
        return [row for row in rows if self._sound(row)]

    def _sound(self, row: Kept) -> bool:
        path = self.folder / row.file
        if path.is_file() and sha256(path) == row.sha256:
            return True
        warnings.warn(f"{path}: missing or damaged; the weights selected at step {row.step} are lost", stacklevel=5)
        return False

    def _write(self) -> None:
        with atomic(self.folder / "index.json") as temporary:
            content = {**self._of, "rows": [asdict(row) for row in self._kept]}
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")

    def _clean(self) -> None:
        named = {row.file for row in self._kept}
        for path in self.folder.glob("step-*.safetensors"):
            if path.name not in named:
                path.unlink()

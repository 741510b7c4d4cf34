"""A training run whose weights are also kept on the way, so that what is measured of them can be measured again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ofclip.catalog import Catalog
from ofclip.models import Model, save_model
from ofclip.training.log import Log
from ofclip.training.loop import LOG, MARK, WEIGHTS, Trained, train
from ofclip.training.settings import Training

#: Column of the log that numbers the weights kept, from 1.
KEPT = "kept"


class Snapshot(NamedTuple):
    """Weights on the way: after how many samples, and the file."""

    samples: int
    weights: Path


def train_with_snapshots(
    start: Model, catalogs: Sequence[Catalog], settings: Training, out: str | Path
) -> list[Snapshot]:
    """Train as `train` does and return the weights after each of `settings.evaluations`, the last being the result.

    A run that is complete is not repeated, unless a file of weights is gone. The weights are kept rather than what
    was measured of them: a run is then right for whatever is measured, and with whatever code.
    """
    out = Path(out)

    def keep(model: Model) -> dict[str, float]:
        # counted in the log, since a run that goes on after a kill drops the rows that it will write again
        number = 1 + sum(KEPT in row for row in Log(out / LOG).rows())
        if number < settings.evaluations:  # the last are the run's own weights
            save_model(model, _file(out, number, settings))
        return {KEPT: number}

    trained = train(start, catalogs, settings, out, keep)
    if not all(snapshot.weights.is_file() for snapshot in _listed(trained, out, settings)):
        (out / MARK).unlink()
        trained = train(start, catalogs, settings, out, keep)
    return _listed(trained, out, settings)


def _listed(trained: Trained, out: Path, settings: Training) -> list[Snapshot]:
    rows = trained.log.dropna(subset=[KEPT])
    return [
        Snapshot(int(samples), _file(out, int(number), settings))
        for samples, number in zip(rows["samples"], rows[KEPT], strict=True)
    ]


def _file(out: Path, number: int, settings: Training) -> Path:
    return out / (WEIGHTS if number == settings.evaluations else f"snapshot-{number}.safetensors")

"""Mixture: runs of equal length on one training domain, on all but one, and on all, each measured on all domains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.models import Model, load_model
from ofclip.tasks.domains import MEANINGS, Scores, change, common_batch, measure, together
from ofclip.tasks.result import Result
from ofclip.tasks.snapshots import train_with_snapshots
from ofclip.training.settings import Training

#: The kinds of runs, in the order of the Record, and the name of the run that the others are compared with.
ALONE, ALL_BUT_ONE, ALL = "alone", "all but one", "all"
#: What a data set is to a run: trained on, a training domain that it did not get, or out of domain for every run.
OWN, LEFT_OUT, HELD_OUT = "trained on", "left out", "held out"

SHARE = 20  # of a profile's run: the nine of them, with what is measured, take little longer than that one
LEARNING_RATE, BATCH_SIZE = 0.5, 0.25  # times the profile's own: what learns most in so short a run from scratch
CHECKPOINTS = 4  # per run, evenly spaced: enough to choose between, and all of them are measured


@dataclass(frozen=True)
class Run:
    """One run: its name, its kind, and its settings, which name what it is trained on."""

    name: str
    kind: str
    settings: Training


def plan(run: Training, samples: int | None = None, few: bool = False) -> list[Run]:
    """Return the runs: each source of `run` alone, all but each, and all, with the weights that `run` gives them.

    All see equally many samples, a share of the run's unless `samples` is given, so one domain alone is seen more
    often than each of several. With `few` there is one run of each kind, to try out whether all works. Raises
    SettingError for fewer than three sources, of which alone and all but one would be the same.
    """
    names = list(run.sources)
    if len(names) < 3:
        raise SettingError(f"setting sources: a mixture study needs three sources or more, got {', '.join(names)}")
    batch = max(2, round(run.batch * BATCH_SIZE))
    base = run.but(
        samples=samples or max(1, run.samples // SHARE // batch) * batch,
        batch=batch,
        learning_rate=run.learning_rate * LEARNING_RATE,
        evaluations=CHECKPOINTS,
        select_by="",  # choosing is what the checkpoints are for, so nothing is chosen here
    )
    shown = names[: 1 if few else None]
    runs = [Run(f"{short(name)} alone", ALONE, base.but(sources={name: 1.0})) for name in shown]
    for name in shown:
        rest = {other: weight for other, weight in run.sources.items() if other != name}
        runs.append(Run(f"without {short(name)}", ALL_BUT_ONE, base.but(sources=rest)))
    return [*runs, Run(ALL, ALL, base)]


def mixture(
    runs: Sequence[Run],
    start: Callable[[], Model],
    catalogs: Sequence[Catalog],
    own: Sequence[Catalog],
    held_out: Sequence[Catalog],
    proxies: Sequence[Catalog],
    label: str,
    template: str,
    out: str | Path,
) -> Result:
    """Train each run from what `start` returns, and measure all of its checkpoints alike.

    `catalogs` are trained on. Measured are: `own`, another split of each of them; `held_out`, the test splits of
    domains that no run is trained on; and `proxies`, validation splits of the latter, by which a checkpoint could
    be chosen. Metrics and the table "matrix" are of the last checkpoint of each run: per data set, and averaged over
    those trained on, left out, and held out. A change is the difference from the run on all, on the same queries, so
    its interval is narrower than those of the two values; it covers the draw of queries, not that of seeds. Table
    "checkpoints": a row per checkpoint and data set, proxies included, with the contrastive loss and its batch.
    Runs lie in folders below `out`, and one that is complete is not repeated. Raises SettingError if there is no run
    on all, or `own` and `catalogs` are not of the same names.
    """
    names = [catalog.name for catalog in catalogs]
    if ALL not in [run.name for run in runs]:
        raise SettingError(f"no run is called {ALL!r}, and the others are compared with that one")
    if sorted(names) != sorted(catalog.name for catalog in own):
        raise SettingError(f"measured are {sorted(c.name for c in own)}, but trained on {sorted(names)}")
    batch = common_batch([*own, *held_out, *proxies])
    last: dict[str, dict[str, Scores]] = {}
    rows: list[dict[str, Any]] = []
    for run in runs:
        trained = [catalog for catalog in catalogs if catalog.name in run.settings.sources]
        for samples, weights in train_with_snapshots(start(), trained, run.settings, Path(out) / folder(run.name)):
            model = load_model(weights)
            last[run.name] = measure(model, [*own, *held_out], label, template, batch)
            watched = measure(model, proxies, label, template, batch)
            about = {"run": run.name, "kind": run.kind, "samples": samples, "batch": batch}
            for scores in (*last[run.name].values(), *watched.values()):
                rows.append(about | _row(scores, role(run, scores, names)))
    result = Result([], {"checkpoints": pd.DataFrame(rows)})
    for run in runs:
        result += _compared(run, last, names, label)
    return result


def role(run: Run, scores: Scores, training: Sequence[str]) -> str:
    """Return what a data set is to a run: "trained on", "left out" or "held out"."""
    if scores.dataset in run.settings.sources:
        return OWN
    return LEFT_OUT if scores.dataset in training else HELD_OUT


def short(name: str) -> str:
    """Return a source's name without what it is a part of.

    >>> short("atelier/studio")
    'studio'
    """
    return name.rpartition("/")[2]


def folder(name: str) -> str:
    """Return the name of a run's folder.

    >>> folder("without studio")
    'without-studio'
    """
    return name.replace(" ", "-")


def _row(scores: Scores, role: str) -> dict[str, Any]:
    row = {"data": scores.dataset, "split": scores.split, "role": role, "n": len(scores.found)}
    return row | {
        "loss": float(scores.losses.mean()),
        "recall": float(scores.found.mean()),
        "accuracy": float(scores.right.mean()),
    }


def _compared(run: Run, last: Mapping[str, Mapping[str, Scores]], training: Sequence[str], label: str) -> Result:
    scores = list(last[run.name].values())
    groups = {each.dataset: [each] for each in scores}
    groups |= {
        name: [each for each in scores if role(run, each, training) == name] for name in (OWN, LEFT_OUT, HELD_OUT)
    }
    metrics, rows = [], []
    meaning = f"after {run.settings.samples} samples of the run {run.name!r}, trained on "
    meaning += ", ".join(map(short, run.settings.sources))
    for data, group in groups.items():
        if not group:
            continue
        row: dict[str, Any] = {"run": run.name, "kind": run.kind, "data": data, "role": role(run, group[0], training)}
        row |= {"sets": len(group), "n": sum(len(each.found) for each in group)}
        for what, column in zip(MEANINGS, ("recall", "accuracy"), strict=True):
            metric = together(group, what, label, f"domains {data}", f"({run.name})", meaning)
            if data not in last[run.name]:
                metrics.append(metric)
            low, high = metric.interval or (None, None)
            row |= {column: metric.value, f"{column}_low": low, f"{column}_high": high}
            difference = (math.nan,) * 3 if run.name == ALL else change(group, last[ALL], what)
            row |= dict(zip((f"{column}_change", f"{column}_change_low", f"{column}_change_high"), difference,
                            strict=True))  # fmt: skip
        rows.append(row)
    return Result(metrics, {"matrix": pd.DataFrame(rows)})

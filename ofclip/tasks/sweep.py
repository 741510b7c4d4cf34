"""Sweep: short training runs that differ in one thing or two, all measured alike, to see which settings work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import embed
from ofclip.errors import SettingError, unknown
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.models import Model
from ofclip.tasks.memory import step_memory
from ofclip.tasks.result import Result
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import classify
from ofclip.training.loop import train
from ofclip.training.settings import Training

SHARE = 28  # of a profile's run, so that all of them take little longer than that one; fine-tuning gets half of it
RATES = (0.25, 0.125, 0.5)  # times the profile's own, of larger batches; the first is what the others are compared with
BATCHES = (0.125, 0.25)  # likewise: with the profile's own batch so short a run hardly takes a step
FIELD = 0.3  # weight of a label beside the caption's 1: it helps, and does not lead
TUNING_RATE = 0.1  # times the rate from scratch: what was learnt must not be lost at the first step
TUNING_BATCH = 0.125  # times the batch from scratch: one domain is small, and needs some steps all the same
LAYER_DECAY = 0.7
K = 10

#: The questions, in the order of the Record.
GRID, LOSS, FROZEN = "learning rate and batch", "loss", "frozen part"
#: The name of what fine-tuning starts from, which is measured like a run.
BEFORE = "before"


@dataclass(frozen=True)
class Trial:
    """One run: the question that it helps to answer, its name, and what it is compared with, by name.

    `changed` are the settings in which it differs from its fellows.
    """

    question: str
    name: str
    settings: Training
    against: str
    changed: Mapping[str, Any] = field(default_factory=dict)


class Measured(NamedTuple):
    """What one model reaches on one data set: recall, accuracy, and which of the queries were found (n,)."""

    recall: Metric
    accuracy: Metric
    found: np.ndarray


def from_scratch(run: Training, labels: Sequence[str], samples: int | None = None, few: bool = False) -> list[Trial]:
    """Return the runs from scratch: learning rates by batch sizes, then losses at the first of both.

    `run` is the profile's run, of whose samples each gets a share, a multiple of every batch, unless `samples` is
    given. The field-weighted loss asks for the caption and for `labels`. With `few` there is one run beside the
    reference and one other loss, to try out whether all works. Raises SettingError where a run would be shorter
    than one batch.
    """
    sizes = [max(2, round(run.batch * factor)) for factor in BATCHES[: 1 if few else None]]
    rates = [run.learning_rate * factor for factor in RATES[: 2 if few else None]]
    base = run.but(samples=samples or _share(run), evaluations=0, batch=sizes[0], learning_rate=rates[0])
    reference = _grid_name(base)
    trials = []
    for batch in sizes:
        for rate in rates:
            changed = {"learning_rate": rate, "batch": batch}
            settings = base.but(**changed)
            trials.append(Trial(GRID, _grid_name(settings), settings, reference, changed))
    fields = {"text": 1.0} | dict.fromkeys(labels, FIELD)
    losses: list[dict[str, Any]] = [{"loss": "siglip"}, {"loss": "multi-positive"}]
    losses.append({"loss": "fields", "fields": fields})
    if few:
        losses = losses[:1]
    return trials + [Trial(LOSS, each["loss"], base.but(**each), reference, each) for each in losses]


def fine_tuning(run: Training, domain: str, samples: int | None = None, few: bool = False) -> list[Trial]:
    """Return the runs that fine-tune a trained model on one `domain` alone, at a low rate, each freezing another part.

    `samples` are those of a run from scratch; fine-tuning sees half as many. With `few` there are only the first
    two. Raises SettingError where a run would be shorter than one batch.
    """
    base = run.but(
        sources={domain: 1.0},
        samples=(samples or _share(run)) // 2,
        batch=max(2, round(run.batch * TUNING_BATCH)),
        learning_rate=run.learning_rate * TUNING_RATE,
        evaluations=0,
    )
    ways: dict[str, dict[str, Any]] = {
        "all trained": {},
        "image tower locked": {"image_blocks": 0},
        "text tower locked": {"text_blocks": 0},
        "last blocks only": {"image_blocks": 1, "text_blocks": 1},
        "layer decay": {"layer_decay": LAYER_DECAY},
        "distillation": {"distillation": 1.0},
    }
    trials = [Trial(FROZEN, name, base.but(**changed), BEFORE, changed) for name, changed in ways.items()]
    return trials[:2] if few else trials


def sweep(
    trials: Sequence[Trial],
    start: Callable[[], Model],
    catalogs: Sequence[Catalog],
    tests: Mapping[str, Catalog],
    label: str,
    template: str,
    out: str | Path,
) -> Result:
    """Train each trial from what `start` returns, measure all of them alike, and compare each with its reference.

    `catalogs` hold what is trained on, `tests` what is measured on by name ("home", "held out"), with text-to-image
    recall@10 and zero-shot accuracy by `label`. Runs lie in folders below `out`, and one that is complete is not
    repeated. A change is the difference in recall from the reference, on the same queries, so its interval is
    narrower than those of the two values; it covers the draw of queries, not that of seeds.

    Table "sweep": a row per run, with what it cost. Table "measured": a row per run and data set, with
    intervals. Raises SettingError if two trials have one name, or one is compared with what was not measured.
    """
    out, measured, memory = Path(out), {}, {}
    rows: list[dict[str, Any]] = []
    names = [trial.name for trial in trials]
    for trial in trials:
        if names.count(trial.name) > 1:
            raise SettingError(f"trial {trial.name!r}: is given twice")
        if trial.against not in (BEFORE, *names):
            raise unknown("trial to compare with", trial.against, (BEFORE, *names))
    if any(trial.against == BEFORE for trial in trials):
        measured[BEFORE] = measure(start(), tests, label, template)
        rows.append({"question": trials[0].question, "run": BEFORE, **_values(measured[BEFORE])})
    for trial in trials:
        settings = trial.settings
        own = [catalog for catalog in catalogs if catalog.name in settings.sources]
        trained = train(start(), own, settings, out / folder(trial.name))
        measured[trial.name] = measure(trained.model, tests, label, template)
        same = settings.but(learning_rate=1.0, samples=settings.batch).model_dump_json()  # neither changes memory
        if same not in memory:
            memory[same] = step_memory(start(), settings)
        rows.append(
            {
                "question": trial.question,
                "run": trial.name,
                "changed": ", ".join(f"{name}={_text(value)}" for name, value in trial.changed.items()),
                "learning_rate": settings.learning_rate,
                "batch": settings.batch,
                "steps": settings.steps,
                "final_loss": float(trained.log["loss"].dropna().iloc[-1]),
                "samples_per_second": trained.cost["samples_per_second"],
                "memory_mib": round(memory[same], 1),
                **_values(measured[trial.name]),
            }
        )
    columns = list(dict.fromkeys(name for row in reversed(rows) for name in row))
    against = {trial.name: trial.against for trial in trials}
    settled = [_row(name, against.get(name), data, measured) for name in measured for data in tests]
    metrics = [_named(measured[name][data], name, trials) for name in measured for data in tests]
    return Result(metrics, {"sweep": pd.DataFrame(rows, columns=columns), "measured": pd.DataFrame(settled)})


def measure(model: Model, tests: Mapping[str, Catalog], label: str, template: str) -> dict[str, Measured]:
    """Return what a model reaches on each of the data sets, by the tasks of retrieval and zero-shot classification."""
    measured = {}
    for data, catalog in tests.items():
        vectors = embed(model, catalog, template, cache=False)
        result = retrieval(vectors, ks=(K,), examples=len(catalog))  # as many examples as queries: all their ranks
        accuracy = classify(model, vectors, catalog, label, [template])[f"{label} accuracy@1"]
        found = result.tables["queries"]["rank"].to_numpy() <= K
        measured[data] = Measured(result[f"text-to-image recall@{K}"], accuracy, found)
    return measured


def folder(name: str) -> str:
    """Return the name of a trial's folder.

    >>> folder("rate 0.002, batch 256")
    'rate-0.002-batch-256'
    """
    return name.replace(",", "").replace(" ", "-")


def _share(run: Training) -> int:
    largest = round(run.batch * max(BATCHES))
    return max(1, run.samples // SHARE // largest) * largest


def _grid_name(settings: Training) -> str:
    return f"rate {settings.learning_rate:g}, batch {settings.batch}"


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return " + ".join(f"{weight:g} {name}" for name, weight in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(measured: Mapping[str, Measured]) -> dict[str, float]:
    recall = {f"{data} recall@{K}": own.recall.value for data, own in measured.items()}
    return recall | {f"{data} {own.accuracy.name}": own.accuracy.value for data, own in measured.items()}


def _row(name: str, against: str | None, data: str, measured: Mapping[str, Mapping[str, Measured]]) -> dict[str, Any]:
    recall, found = measured[name][data].recall, measured[name][data].found
    low, high = recall.interval or (None, None)
    row = {"run": name, "data": data, "dataset": recall.dataset, "n": recall.n, "recall": recall.value}
    row |= {"low": low, "high": high, "against": against}
    if against in (None, name):
        return row | {"change": None, "change_low": None, "change_high": None}
    change = found.astype(int) - measured[against][data].found
    low, high = bootstrap_mean(change)
    return row | {"change": float(change.mean()), "change_low": low, "change_high": high}


def _named(measured: Measured, name: str, trials: Sequence[Trial]) -> Metric:
    samples = {trial.name: trial.settings.samples for trial in trials}.get(name)
    after = f"after {samples} samples of the run {name!r}" if samples else "before fine-tuning"
    recall = measured.recall
    return replace(recall, name=f"{recall.name} ({name})", definition=f"{recall.definition}; {after}")

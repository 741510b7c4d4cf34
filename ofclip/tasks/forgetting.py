"""Forgetting: a model is fine-tuned on one domain; what do the others lose, and what holds on to it?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.interpolation import interpolate
from ofclip.metrics.knee import above_chord, knee
from ofclip.metrics.metric import Metric
from ofclip.metrics.strata import bootstrap_strata, mean_of_means
from ofclip.models import Model
from ofclip.tasks.domains import MEANINGS, Scores, change, common_batch, measure, together
from ofclip.tasks.mixture import folder, short
from ofclip.tasks.result import Result
from ofclip.training.loop import train
from ofclip.training.settings import Training

#: The names of what fine-tuning starts from, of plain fine-tuning, and of the model at the knee between the two.
BEFORE, TUNED, KNEE = "before", "fine-tuned", "at the knee"
TARGET, OTHERS = "the target", "the other domains"
LINE = "interpolation"

SHARE = 40  # of a profile's run: enough to gain and to forget
LEARNING_RATE, BATCH_SIZE = 0.25, 0.25  # times the profile's own: lower forgets little, so there is less to see
PRODUCTS = 1500  # of the target that are trained on: what a small shop has
ALPHAS = 11  # points of the curve, evenly spaced from the start to the end
RESAMPLES = 1000


@dataclass(frozen=True)
class Way:
    """One way to fine-tune: its name, its settings, and those that set it apart from plain fine-tuning."""

    name: str
    settings: Training
    changed: Mapping[str, Any] = field(default_factory=dict)


def ways(run: Training, target: str, samples: int | None = None, few: bool = False) -> list[Way]:
    """Return the ways to fine-tune on the domain `target` alone: plainly, and with what may hold on to the rest.

    All see equally many samples, a share of the run's unless `samples` is given. With `few` there are only the
    first two. Raises SettingError where a run would be shorter than one batch.
    """
    batch = max(2, round(run.batch * BATCH_SIZE))
    base = run.but(
        sources={target: 1.0},
        samples=samples or max(1, run.samples // SHARE // batch) * batch,
        batch=batch,
        learning_rate=run.learning_rate * LEARNING_RATE,
        evaluations=0,
        select_by="",
    )
    changed: dict[str, dict[str, Any]] = {
        TUNED: {},
        "distillation": {"distillation": 1.0},
        "strong distillation": {"distillation": 10.0},
    }
    made = [Way(name, base.but(**values), values) for name, values in changed.items()]
    return made[:2] if few else made


def forgetting(
    ways: Sequence[Way],
    start: Callable[[], Model],
    catalog: Catalog,
    validation: Sequence[Catalog],
    tests: Sequence[Catalog],
    label: str,
    template: str,
    out: str | Path,
) -> Result:
    """Fine-tune on the catalog in each of the ways, and measure what it, the target, gains and the others lose.

    Each way starts from what `start` returns. The first is the plain one, and the models on the straight line
    between its weights and the start's are measured too (WiSE-FT, Wortsman et al. 2022). All is measured on
    `validation`, one catalogue per domain, the target's among them; there the knee of the line is found
    (`ofclip.metrics.knee`). `tests` are other products of the same domains: metrics and the tables "ways" and
    "forgotten" are of these, so that the knee is not judged by the queries that chose it. A change is the difference
    from the start on the same queries. Table "interpolation": a row per point of the line, and per other way, on
    validation data. Table "knee": its alpha, with the 95 % interval over draws of queries, the same for all points.
    Runs that are complete are not repeated. Raises SettingError unless validation and tests are of the same domains,
    the target and another among them.
    """
    target = catalog.name
    names = [each.name for each in validation]
    if sorted(names) != sorted(each.name for each in tests) or target not in names or len(names) < 2:
        raise SettingError(
            f"validation {names} and tests {[each.name for each in tests]}: give both for the same domains, "
            f"{target} and at least one other"
        )
    batch = common_batch([*validation, *tests])
    before = start()
    models = {BEFORE: before}
    for way in ways:
        models[way.name] = train(start(), [catalog], way.settings, Path(out) / folder(way.name)).model
    plain = ways[0].name
    alphas = np.linspace(0, 1, ALPHAS)
    line = []
    for alpha in alphas:
        between = interpolate(before, models[plain], float(alpha))
        line.append(measure(between, validation, label, template, batch))
    rows = [_point(LINE, float(alpha), scores, target) for alpha, scores in zip(alphas, line, strict=True)]
    for way in ways[1:]:
        rows.append(_point(way.name, None, measure(models[way.name], validation, label, template, batch), target))
    place, found = _knee(alphas, line, target)
    if place is not None:
        models[KNEE] = interpolate(before, models[plain], float(alphas[place]))
    result = Result([], {"interpolation": pd.DataFrame(rows), "knee": found})
    tested = {name: measure(model, tests, label, template, batch) for name, model in models.items()}
    changed = {way.name: way.changed for way in ways}
    for name, scores in tested.items():
        result += _tested(name, scores, tested[BEFORE], target, label, changed.get(name, {}))
    return result


def _parted(scores: Mapping[str, Scores], target: str) -> dict[str, list[Scores]]:
    return {TARGET: [scores[target]], OTHERS: [each for each in scores.values() if each.dataset != target]}


def _point(way: str, alpha: float | None, scores: Mapping[str, Scores], target: str) -> dict[str, Any]:
    row: dict[str, Any] = {"way": way, "alpha": alpha}
    for part, name in zip(_parted(scores, target).values(), ("target", "others"), strict=True):
        found = [each.found for each in part]
        low, high = bootstrap_strata(found)
        row |= {name: mean_of_means(found), f"{name}_low": low, f"{name}_high": high}
    return row


def _knee(
    alphas: np.ndarray, line: Sequence[Mapping[str, Scores]], target: str, seed: int = 0
) -> tuple[int | None, pd.DataFrame]:
    """Return the place of the knee, and a table of one row: its alpha, and the interval over draws of queries."""
    rng = np.random.default_rng(seed)
    means, drawn = {}, {}
    for name in line[0]:
        found = np.stack([scores[name].found for scores in line]).astype(np.float64)  # (A, n)
        n = found.shape[1]
        means[name] = found.mean(axis=1)
        drawn[name] = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) @ found.T / n  # (B, A)
    others = [name for name in means if name != target]
    curves = [(each[target], np.mean([each[name] for name in others], axis=0)) for each in (means, drawn)]
    place = knee(*curves[0])
    heights = above_chord(*curves[1])
    known = heights[np.isfinite(heights).all(axis=1)]
    chosen = alphas[known[known.max(axis=1) > 0].argmax(axis=1)] if len(known) else np.zeros(0)
    low, high = np.quantile(chosen, (0.025, 0.975)).tolist() if len(chosen) else (None, None)
    row = {
        "alpha": None if place is None else float(alphas[place]),
        "low": low,
        "high": high,
        "height": None if place is None else float(above_chord(*curves[0])[place]),
        "draws": RESAMPLES,
        "draws_without_knee": RESAMPLES - len(chosen),
    }
    return place, pd.DataFrame([row])


def _tested(
    name: str,
    scores: Mapping[str, Scores],
    before: Mapping[str, Scores],
    target: str,
    label: str,
    changed: Mapping[str, Any],
) -> Result:
    """Return metrics, and rows of the tables "ways" and "forgotten", of one model on test data."""
    metrics: list[Metric] = []
    said = ", ".join(f"{key}={value:g}" for key, value in changed.items())
    row: dict[str, Any] = {"way": name, "changed": said}
    meaning = f"{name}, target {short(target)}" + (f", {said}" if said else "")
    for part, group in _parted(scores, target).items():
        for what, column in zip(MEANINGS, ("recall", "accuracy"), strict=True):
            metric = together(group, what, label, part, f"({name})", meaning)
            metrics.append(metric)
            values = (metric.value, *((math.nan,) * 3 if name == BEFORE else change(group, before, what)))
            row |= dict(zip(_columns(f"{part} {column}"), values, strict=True))
    forgotten = []
    for each in scores.values():
        values = (float(each.found.mean()), *((math.nan,) * 3 if name == BEFORE else change([each], before, "found")))
        forgotten.append({"way": name, "data": each.dataset, **dict(zip(_columns("recall"), values, strict=True))})
    return Result(metrics, {"ways": pd.DataFrame([row]), "forgotten": pd.DataFrame(forgotten)})


def _columns(name: str) -> tuple[str, ...]:
    return name, f"{name} change", f"{name} change_low", f"{name} change_high"

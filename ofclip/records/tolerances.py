"""How far two runs may be apart: by rounding, or, where a model is trained, by the spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from ofclip.experiments import ROOT
from ofclip.metrics.metric import Metric
from ofclip.records.compare import TIMES, Tolerance
from ofclip.records.record import Record

if TYPE_CHECKING:
    import pandas as pd

#: The experiment whose Records hold the spread: `results/<profile>/seeds/<trained source>.json`.
SEEDS = "seeds"

#: Of two runs that differ by chance alone, this share lies within the tolerance (our choice).
LEVEL = 0.99

#: Sums of 32-bit numbers in another order; relative for values above one.
ROUNDING = 1e-6

TRAINER = "ofclip/training/loop.py"

#: "experiment/source", data set, split and name of a metric -> tolerance.
Spread = Mapping[tuple[str, str, str, str], float]


def tolerance(values: Sequence[float], n: int, level: float = LEVEL) -> float:
    """Return how far two runs of other seeds may be apart, from the values of several such runs.

    The difference of two draws from a normal distribution has twice its variance, and the variance is estimated
    from k draws, so the bound is t * sqrt(2) * s with k - 1 degrees of freedom. It is never less than one query
    in n: values of few queries are often equal by luck. Raises ValueError for fewer than two values.

    >>> round(tolerance([0.1, 0.2, 0.3], n=1000), 3)
    1.404
    >>> tolerance([0.5, 0.5], n=100)
    0.01
    """
    from scipy.stats import t

    if len(values) < 2:
        raise ValueError("a spread needs at least two values")
    return max(float(t.ppf((1 + level) / 2, len(values) - 1)) * math.sqrt(2) * stdev(values), 1 / n)


def spread_table(runs: Sequence[Sequence[Record]]) -> pd.DataFrame:
    """Return the spread of every metric over runs, each a sequence of Records, that differ by their seed alone.

    One row for each metric that all runs have: mean, standard deviation, lowest and highest value, the tolerance,
    and the smallest effect that one of the runs claims, missing where one claims none. Metrics of time are left out.
    """
    import pandas as pd

    found: dict[tuple[str, str, str, str], list[Metric]] = {}
    for records in runs:
        for record in records:
            for metric in record.metrics:
                if metric.name not in TIMES:
                    found.setdefault((record.name, metric.dataset, metric.split, metric.name), []).append(metric)
    rows = []
    for key, metrics in found.items():
        if len(metrics) != len(runs):
            continue
        values = [metric.value for metric in metrics]
        smallest, n = min(map(effect, metrics)), min(metric.n for metric in metrics)
        numbers = (fmean(values), stdev(values), min(values), max(values), tolerance(values, n))
        rows.append((*key, n, len(values), *numbers, smallest if math.isfinite(smallest) else None))
    columns = ["record", "dataset", "split", "metric", "n", "runs", "mean", "sd", "lowest", "highest", "tolerance"]
    return pd.DataFrame(rows, columns=[*columns, "effect"])


def effect(metric: Metric) -> float:
    """Return the size of what a metric claims: its distance from chance, if its interval leaves chance out.

    Without a chance level, or with chance inside of its interval, it claims nothing, and the size is infinite: any
    tolerance is narrower.
    """
    if metric.chance is None or (metric.interval and metric.interval[0] <= metric.chance <= metric.interval[1]):
        return math.inf
    return abs(metric.value - metric.chance)


def spread(records: Iterable[Record]) -> Spread:
    """Return the tolerances that Records of seeds hold."""
    rows = (row for record in records for row in record.table("spread").itertuples(index=False))
    return {(row.record, row.dataset, row.split, row.metric): row.tolerance for row in rows}


def measured(profile: str, root: Path = ROOT) -> list[Record]:
    """Return the Records of seeds that were published for a profile."""
    return [Record.load(path) for path in sorted((root / "results" / profile / SEEDS).glob("*.json"))]


def trains(record: Record) -> bool:
    """Whether a Record's numbers hang on training: on weights, on another Record, or on the trainer itself."""
    return bool(record.key.weights or record.key.records) or TRAINER in record.key.code


def tolerances(known: Spread) -> Callable[[Record], Tolerance]:
    """Return what gives the tolerances of a Record's metrics on another machine.

    Without training it is that of rounding. With training it is the measured one; a metric without it has none, and
    so has one whose tolerance is not narrower than what it claims: it could not tell whether that was reproduced.
    """

    def of(record: Record) -> Tolerance:
        def allowed(metric: Metric) -> float | None:
            if not trains(record):
                return ROUNDING * max(1.0, abs(metric.value))
            found = known.get((record.name, metric.dataset, metric.split, metric.name))
            return found if found is not None and found < effect(metric) else None

        return allowed

    return of

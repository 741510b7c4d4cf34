"""Selection: by which criterion is the checkpoint chosen that is best on a domain which no run has seen?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ofclip.errors import DataError
from ofclip.metrics.correlation import kendall, spearman
from ofclip.metrics.metric import Metric
from ofclip.metrics.selection import regret
from ofclip.tasks.mixture import HELD_OUT, OWN
from ofclip.tasks.result import Result

RESAMPLES = 1000
AT_ONCE = 400_000  # pairs of candidates compared at once, per domain: some 100 MB
#: Columns of the table "checkpoints" that are read.
COLUMNS = ("run", "samples", "data", "split", "role", "loss", "recall")
#: What is chosen from, in the order of the Record.
WITHIN, BETWEEN, EVERY = "checkpoints of one run", "last checkpoints of all runs", "all checkpoints"


@dataclass(frozen=True)
class Checkpoints:
    """What is known of C checkpoints, in the order of runs and samples.

    `run` (C,) is a place in `runs`, `samples` (C,) how long it was trained; `losses` and `recalls` (C,) are means
    over the validation data of the domains that the run is trained on, `all_losses` (C,) over those of every
    training domain; `targets` and `proxies` (C, D) are recalls on the test and validation data of the D held-out
    `domains`.
    """

    run: np.ndarray
    samples: np.ndarray
    losses: np.ndarray
    recalls: np.ndarray
    all_losses: np.ndarray
    targets: np.ndarray
    proxies: np.ndarray
    domains: tuple[str, ...]
    runs: tuple[str, ...]

    @classmethod
    def of(cls, table: pd.DataFrame, test: str = "test") -> Checkpoints:
        """Read the table "checkpoints" that `mixture` makes; `test` is the split that is aimed at.

        Raises DataError for a column that is missing, a checkpoint that was not measured on everything, runs of
        different numbers of checkpoints, fewer than two runs or checkpoints, and no held-out domain with both splits.
        """
        if missing := [name for name in COLUMNS if name not in table]:
            raise DataError(f"table of checkpoints: no column {missing[0]!r}; make the Record that it is of again")
        runs = list(dict.fromkeys(table["run"]))
        held_out = table[table["role"] == HELD_OUT]
        domains = tuple(dict.fromkeys(held_out.loc[held_out["split"] != test, "data"]))
        keys = [(run, samples) for run in runs for samples in sorted(set(table.loc[table["run"] == run, "samples"]))]
        sizes = {sum(key[0] == run for key in keys) for run in runs}
        if len(runs) < 2 or len(sizes) > 1 or min(sizes) < 2:
            raise DataError(
                f"table of checkpoints: {len(runs)} runs of {', '.join(map(str, sorted(sizes))) or 'no'} checkpoints; "
                "to choose, two runs or more of equally many, at least two, are needed"
            )
        if not domains:
            raise DataError(f"table of checkpoints: no held-out domain was measured on {test!r} and another split too")
        own = table[table["role"] == OWN].groupby(["run", "samples"])[["loss", "recall"]].mean()
        every = table[table["role"] != HELD_OUT].groupby(["run", "samples"])["loss"].mean()
        wide = held_out.assign(test=held_out["split"] == test).pivot_table(
            index=["run", "samples"], columns=["test", "data"], values="recall"
        )
        index = pd.MultiIndex.from_tuples(keys, names=["run", "samples"])
        columns = pd.MultiIndex.from_product([[True, False], domains])
        wide, own, every = wide.reindex(index=index, columns=columns), own.reindex(index), every.reindex(index)
        bad = wide.isna().any(axis=1) | own.isna().any(axis=1)
        if bad.any():
            name, samples = index[int(bad.to_numpy().argmax())]
            raise DataError(f"table of checkpoints: run {name!r} after {samples} samples was not measured on all data")
        return cls(
            run=np.array([runs.index(name) for name, _ in keys]),
            samples=np.array([samples for _, samples in keys], dtype=np.float64),
            losses=own["loss"].to_numpy(),
            recalls=own["recall"].to_numpy(),
            all_losses=every.to_numpy(),
            targets=wide[True].to_numpy(),
            proxies=wide[False].to_numpy(),
            domains=domains,
            runs=tuple(runs),
        )


#: criterion -> what it is
CRITERIA = {
    "in-domain loss": "low contrastive loss on validation data of the domains that the run is trained on",
    "in-domain recall@10": "recall@10 on validation data of the domains that the run is trained on",
    "loss on all training domains": "low contrastive loss on validation data of every training domain, the same "
    "for all runs, though some did not get all of them",
    "longest training": "number of samples seen",
    "another held-out domain": "recall@10 on validation data of one held-out domain, another than the one aimed at; "
    "averaged over which",
    "all other held-out domains": "mean recall@10 on validation data of the held-out domains, without the one aimed at",
    "the domain itself": "recall@10 on validation data of the domain aimed at, which in earnest is not there",
}


def scores(checkpoints: Checkpoints) -> dict[str, np.ndarray]:
    """Return criterion -> scores (V, C, D), higher better: of C checkpoints when domain d is aimed at, in V variants.

    Only "another held-out domain" has several variants, one for each other domain. With a single held-out domain
    there is no other, and these criteria are left out.
    """
    d = checkpoints.proxies.shape[1]
    found = {
        name: np.repeat(values[:, None], d, axis=1)[None]
        for name, values in (
            ("in-domain loss", -checkpoints.losses),
            ("in-domain recall@10", checkpoints.recalls),
            ("loss on all training domains", -checkpoints.all_losses),
            ("longest training", checkpoints.samples),
        )
    }
    if d > 1:
        shifted = [np.roll(checkpoints.proxies, -shift, axis=1) for shift in range(1, d)]
        found["another held-out domain"] = np.stack(shifted)
        found["all other held-out domains"] = np.mean(shifted, axis=0)[None]
    return found | {"the domain itself": checkpoints.proxies[None]}


class Judged(NamedTuple):
    """How well a criterion chooses, each (...): rank correlations with the target, and what is lost by the choice."""

    spearman: np.ndarray
    kendall: np.ndarray
    regret: np.ndarray


def judge(criterion: np.ndarray, targets: np.ndarray) -> Judged:
    """Return the agreement of scores (..., m) with targets (..., m), the scores' first axis averaged over.

    A correlation that is not defined, because all scores or all targets are equal, is NaN.
    """
    targets = np.broadcast_to(targets, criterion.shape)
    return Judged(
        spearman(criterion, targets).mean(axis=0),
        kendall(criterion, targets).mean(axis=0),
        regret(criterion, targets).mean(axis=0),
    )


def select(checkpoints: Checkpoints, dataset: str, resamples: int = RESAMPLES, seed: int = 0) -> Result:
    """Return rank correlation and regret of each criterion, for three questions, with intervals over runs.

    The questions are which checkpoint of one run to take (averaged over runs), which of the runs (their last
    checkpoints), and which of all. Each held-out domain is aimed at in turn, and the results are averaged. An interval
    is the 2.5 % and 97.5 % quantile over draws of whole runs with replacement: it covers the choice of runs, not the
    draw of queries, which moves criterion and target alike; what that costs is seen from the criterion "the domain
    itself", whose only fault it is. A run that is drawn twice is no second candidate for the between-run questions: it
    ties with itself. Correlations that are not defined are left out of a mean and counted. Tables: "selection", a
    row per question and criterion, and "chosen", what each criterion takes among all checkpoints.
    """
    runs = np.unique(checkpoints.run)
    members = np.stack([np.flatnonzero(checkpoints.run == run) for run in runs])  # (R, P), by samples
    drawn = np.random.default_rng(seed).integers(len(runs), size=(resamples, len(runs)))
    metrics, rows = [], []
    for question in (WITHIN, BETWEEN, EVERY):
        for criterion, values in scores(checkpoints).items():
            judged, bounds, undefined = _asked(question, values, checkpoints.targets, members, drawn)
            if np.isnan(judged.spearman):  # the criterion does not tell these apart
                continue
            even = np.zeros_like(values[:1])
            chance = _asked(question, even, checkpoints.targets, members, drawn[:1])[0].regret
            row = {"question": question, "criterion": criterion, "undefined": undefined}
            n = checkpoints.targets.size if question != BETWEEN else len(runs) * checkpoints.targets.shape[1]
            for name, value, interval in zip(Judged._fields, judged, bounds, strict=True):
                low, high = interval or (None, None)
                row |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
                metrics.append(_metric(name, criterion, question, dataset, n, float(value), interval, float(chance)))
            rows.append(row | {"regret_chance": float(chance)})
    return Result(metrics, {"selection": pd.DataFrame(rows), "chosen": _chosen(checkpoints)})


def _asked(
    question: str, values: np.ndarray, targets: np.ndarray, members: np.ndarray, drawn: np.ndarray
) -> tuple[Judged, list[tuple[float, float] | None], int]:
    """Return the value of each measure, its interval over drawn runs, and how many correlations are not defined.

    values (V, C, D) and targets (C, D); members (R, P) are each run's checkpoints; drawn (B, R) are runs.
    """
    if question == WITHIN:  # every run is asked, and whole runs are drawn
        by_run = judge(values[:, members].swapaxes(-1, -2), targets[members].swapaxes(-1, -2))  # each (R, D)
        means = Judged(*(_mean(part, axis=(0, 1)) for part in by_run))
        bounds = [_interval(_mean(part[drawn], axis=(1, 2))) for part in by_run]
        return means, bounds, int(np.isnan(by_run.spearman).sum())
    asked = members[:, -1:] if question == BETWEEN else members
    whole = judge(values[:, asked.ravel()].swapaxes(-1, -2), targets[asked.ravel()].T)  # each (D,)
    several = asked[drawn].reshape(len(drawn), -1)  # (B, m)
    blocks = np.array_split(several, max(1, several.size * several.shape[1] // AT_ONCE))
    parts = [judge(values[:, block].swapaxes(-1, -2), targets[block].swapaxes(-1, -2)) for block in blocks]
    bounds = [_interval(_mean(np.concatenate(each), axis=1)) for each in zip(*parts, strict=True)]
    return Judged(*(_mean(part, axis=0) for part in whole)), bounds, int(np.isnan(whole.spearman).sum())


def _mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return the mean of what is defined, NaN where nothing is."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=axis)
    total = np.where(defined, values, 0).sum(axis=axis)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def _interval(values: np.ndarray) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    return tuple(np.quantile(known, (0.025, 0.975)).tolist()) if len(known) else None


#: measure -> its name, meaning and better direction
MEANINGS = {
    "spearman": ("Spearman", "Spearman's rank correlation with recall@10 on a held-out domain's test data", "higher"),
    "kendall": ("Kendall", "Kendall's tau-b with recall@10 on a held-out domain's test data", "higher"),
    "regret": (
        "regret",
        "recall@10 on a held-out domain's test data of the best candidate minus that of the chosen one; of equally "
        "good ones each is as likely to be chosen",
        "lower",
    ),
}


def _metric(
    name: str, criterion: str, question: str, dataset: str, n: int, value: float,
    interval: tuple[float, float] | None, chance: float,
) -> Metric:
    title, meaning, better = MEANINGS[name]
    definition = f"{meaning}, averaged over held-out domains; candidates: {question}; chosen by {CRITERIA[criterion]}"
    bounds = {"chance": chance, "ceiling": 0.0} if name == "regret" else {"chance": 0.0, "ceiling": 1.0}
    return Metric(f"{title} ({criterion})", definition, better, f"{dataset}: {question}", "test", n, value, interval,
                  **bounds)  # fmt: skip


def _chosen(checkpoints: Checkpoints) -> pd.DataFrame:
    """Return what each criterion takes among all checkpoints, the first of equally good ones, and what it reaches."""
    rows = []
    for criterion, variants in scores(checkpoints).items():
        if len(variants) > 1:  # another choice for each other domain
            continue
        for d, domain in enumerate(checkpoints.domains):
            place = int(variants[0, :, d].argmax())
            rows.append(
                {
                    "aimed at": domain,
                    "criterion": criterion,
                    "run": checkpoints.runs[checkpoints.run[place]],
                    "samples": int(checkpoints.samples[place]),
                    "recall@10": float(checkpoints.targets[place, d]),
                    "best recall@10": float(checkpoints.targets[:, d].max()),
                }
            )
    return pd.DataFrame(rows)

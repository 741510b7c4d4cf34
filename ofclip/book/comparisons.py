"""Numbers printed by others beside ours, and for each why it may or may not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ofclip.book import pages, tables
from ofclip.book.markup import GENERATED, escape, small, table, write
from ofclip.errors import DataError, OfclipError

#: Which printed number stands beside which of ours: a row per file, data set and task of `results/reported`; without a
#: task it speaks for all of the data set, without an experiment nothing of ours stands beside it.
TABLE = "book/comparisons.csv"
COLUMNS = ("reported", "dataset", "task", "experiment", "source", "data", "ours", "comparable", "why")
VERDICTS = {"yes": "Comparable.", "in part": "Comparable in part.", "no": "Not comparable."}
#: What the printed tables call a metric that we call otherwise.
WORDS = {"weighted_f1": "weighted F1"}
START = " (start)"


def read(root: Path) -> pd.DataFrame:
    """Return the table of comparisons; raises DataError for another header, an unknown verdict and a missing reason."""
    path = root / TABLE
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(rows.columns) != COLUMNS:
        raise DataError(f"{path}: the columns are {', '.join(rows.columns)}, expected {', '.join(COLUMNS)}")
    for number, row in enumerate(rows.itertuples(), start=1):
        if row.comparable not in VERDICTS or not row.why:
            raise DataError(f"{path} row {number}: say {', '.join(VERDICTS)} in comparable, and why")
    return rows


def fragments(shown: Sequence[pages.Shown], root: Path) -> None:
    """Write `book/_generated/comparisons-<name>.md` for each `results/reported/<name>.csv`.

    Printed numbers stand above ours where a Record of `shown` has them, with the verdict and its reason below; what has
    nothing of ours beside it is in one table with its reasons.
    """
    rows = read(root)
    records = {(one.record.experiment, one.record.source): one for one in shown}
    for path in sorted((root / "results" / "reported").glob("*.csv")):
        printed = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "task" not in printed:
            printed["task"] = ""
        blocks, alone = [], []
        for place, row in enumerate(rows[rows["reported"] == path.stem].itertuples()):
            one = records.get((row.experiment, row.source))
            mine = _ours(row, printed, one) if one else None
            if one is None or mine is None:
                missing = f"This build has no such number ({row.experiment} on {row.source})." if row.experiment else ""
                alone.append(
                    {"data set": row.dataset, "task": row.task or "all", "why": f"{row.why} {missing}".strip()}
                )
                continue
            where = root / GENERATED / "comparisons" / f"{path.stem}-{place}.csv"
            of = f"{row.dataset}: {row.task}" if row.task else row.dataset
            verdict = f"**{VERDICTS[row.comparable]}** {escape(row.why)}"
            blocks += [table(mine, where, root, f"{of}, beside {row.data.replace('@', ', ')}.", fold=False)]
            blocks += [small("kind reported", verdict), pages.provenance(one)]
        if alone:
            where = root / GENERATED / "comparisons" / f"{path.stem}-alone.csv"
            blocks.append(table(pd.DataFrame(alone), where, root, "What nothing of ours stands beside.", fold=False))
        write(root / GENERATED / f"comparisons-{path.stem}.md", "\n\n".join(blocks) + "\n")


def _ours(row: Any, printed: pd.DataFrame, one: pages.Shown) -> pd.DataFrame | None:
    """Return the printed rows, then ours with interval, before training, chance and ceiling; None if there is none."""
    theirs = printed[(printed["dataset"] == row.dataset) & ((printed["task"] == row.task) | (row.task == ""))]
    if theirs.empty:
        raise OfclipError(f"{TABLE}: {row.reported} has no {row.dataset} {row.task}".rstrip())
    wide = theirs.pivot(index="model", columns="metric", values="value")
    wide = wide.loc[theirs["model"].unique(), theirs["metric"].unique()].reset_index()
    wide.insert(1, "from", "printed")
    dataset, _, split = row.data.partition("@")
    known = {metric.name: metric for metric in one.record.metrics if (metric.dataset, metric.split) == (dataset, split)}
    names = {metric: row.ours.format(WORDS.get(metric, metric)) for metric in theirs["metric"].unique()}
    if not set(names.values()) & set(known):
        return None
    lines = []
    for model, suffix in ((f"ours ({one.record.profile})", ""), ("ours, before training", START)):
        own = {metric: known.get(name + suffix) for metric, name in names.items()}
        lines.append((model, "measured here", {metric: tables.number(m.value) for metric, m in own.items() if m}))
        lines.append((model, "95 % interval", {metric: tables.interval(m) for metric, m in own.items() if m}))
    for bound in ("chance", "ceiling"):
        own = {metric: known[name] for metric, name in names.items() if name in known}
        lines.append((bound, "ours", {metric: tables.number(getattr(m, bound)) for metric, m in own.items()}))
    mine = pd.DataFrame(
        [{"model": model, "from": kind, **cells} for model, kind, cells in lines if any(cells.values())]
    )
    return pd.concat([wide, mine], ignore_index=True).fillna("").rename(columns=WORDS)

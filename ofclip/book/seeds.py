"""How far runs of other seeds are apart, beside what the intervals over queries say of the same numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ofclip.book.markup import GENERATED, escape, table, write
from ofclip.book.provenance import inputs, line
from ofclip.book.tables import interval, number
from ofclip.experiments import EXPERIMENTS
from ofclip.metrics.metric import Metric
from ofclip.records import Record
from ofclip.records.tolerances import measured

#: Half the width of a 95 % interval, in standard deviations of a normal distribution.
HALF = 1.96


def fragments(profile: str, root: Path) -> None:
    """Write `book/_generated/seeds.md`: for each published Record of seeds the spread of numbers with an interval."""
    parts = []
    for record in measured(profile, root):
        spread = beside(record, profile, root)
        if spread.empty:
            continue
        place = root / GENERATED / "seeds" / f"{record.source}.csv"
        caption = f"The models trained on {record.source}: the spread over seeds, and the interval over queries."
        path = Path("results", profile, record.experiment, f"{record.source}.json")
        parts += [told(record.source, spread), table(shown(spread), place, root, caption)]
        parts += [line(record, path, timed=False), inputs(record)]
    write(root / GENERATED / "seeds.md", "\n\n".join(parts or ["No spread over seeds is published."]) + "\n")


def beside(record: Record, profile: str, root: Path) -> pd.DataFrame:
    """Return the rows of a Record of seeds whose published metric has an interval, with that `metric`, and with the
    `ratio` of the standard deviation over seeds to the one that the interval over queries stands for.
    """
    found: dict[str, dict[tuple[str, str, str], Metric]] = {}
    rows = []
    for row in record.table("spread").to_dict("records"):
        name = row["record"]
        if name not in found:
            path = root / "results" / profile / f"{name}.json"
            metrics = Record.load(path).metrics if path.is_file() else []
            found[name] = {(metric.dataset, metric.split, metric.name): metric for metric in metrics}
        metric = found[name].get((row["dataset"], row["split"], row["metric"]))
        if metric is None or metric.interval is None or metric.interval[0] == metric.interval[1]:
            continue
        queries = (metric.interval[1] - metric.interval[0]) / 2 / HALF
        rows.append({**row, "published": metric, "ratio": row["sd"] / queries})
    return pd.DataFrame(rows)


def told(source: str, spread: pd.DataFrame) -> str:
    """Return in words how the spread over seeds compares with the intervals."""
    wider = (spread["ratio"] > 1).mean()
    return (
        f"**{escape(source)}**, {spread['runs'].max()} seeds: of {len(spread):,} numbers with an interval, {wider:.0%} "
        "vary more from seed to seed than their interval over queries tells; the median is "
        f"{number(float(spread['ratio'].median()))} times as much."
    )


def shown(spread: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as the page shows them, those first that seeds move most beyond their interval."""
    rows = []
    for row in spread.sort_values("ratio", ascending=False).to_dict("records"):
        experiment, metric = row["record"].partition("/")[0], row["published"]
        rows.append(
            {
                "notebook": EXPERIMENTS[experiment].title if experiment in EXPERIMENTS else experiment,
                "data": f"{row['dataset']}, {row['split']}",
                "metric": row["metric"],
                "published": number(metric.value),
                "95 % interval": interval(metric),
                "mean of seeds": number(row["mean"]),
                "lowest": number(row["lowest"]),
                "highest": number(row["highest"]),
                "sd of seeds": number(row["sd"]),
                "sd of seeds / of queries": number(row["ratio"]),
                "tolerance": number(row["tolerance"]),
            }
        )
    return pd.DataFrame(rows, dtype=object)

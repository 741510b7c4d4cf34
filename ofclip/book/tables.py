"""Tables of the book: numbers of a Record, rounded for reading, as CSV files that pages include."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from ofclip.metrics.metric import Metric
    from ofclip.records import Record, Table


def number(value: float | None) -> str:
    """Return a number as a page shows it: integers in full, others with three significant digits.

    >>> number(4381), number(0.45127), number(123.4), number(None)
    ('4,381', '0.451', '123', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".removesuffix(".")


def cell(value: object) -> str:
    """Return any cell of a Record's table as a page shows it.

    >>> cell(True), cell(0.25)
    ('yes', '0.250')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return number(value)
    return str(value)


def interval(metric: Metric) -> str:
    """Return the 95 % interval of a metric, empty where there is none."""
    return "{} to {}".format(*map(number, metric.interval)) if metric.interval else ""


def metrics(record: Record, published: Record | None) -> pd.DataFrame:
    """Return the table of a Record's metrics; with a published Record its values stand beside this run's."""
    others = {} if published is None else {_name(metric): metric for metric in published.metrics}
    rows = []
    for metric in record.metrics:
        # a split is worth saying only where it is one
        data = metric.dataset if "+" in metric.split else f"{metric.dataset}, {metric.split}"
        row = {"data": data, "metric": metric.name}
        row["value" if published is None else "this run"] = number(metric.value)
        row["95 % interval"] = interval(metric)
        if published is not None:
            other = others.get(_name(metric))
            row["published"] = number(other.value) if other else ""
            row["its interval"] = interval(other) if other else ""
        row |= {"chance": number(metric.chance), "ceiling": number(metric.ceiling), "n": number(metric.n)}
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame.loc[:, (frame != "").any()]


def glance(shown: Iterable[tuple[str, Sequence[Metric]]]) -> pd.DataFrame:
    """Return the short table of the introduction from (kind of pictures, headlines) of each Record.

    Of each Record the first headline is shown, on all of its data sets.
    """
    rows = []
    for pictures, metrics in shown:
        rows += [
            {
                "data": metric.dataset,
                "pictures": pictures,
                "metric": metric.name,
                "value": number(metric.value),
                "95 % interval": interval(metric),
                "chance": number(metric.chance),
            }
            for metric in metrics
            if metric.name == metrics[0].name
        ]
    return pd.DataFrame(rows)


def costs(records: Sequence[Record]) -> pd.DataFrame:
    """Return what each run took."""
    return pd.DataFrame(
        {
            "experiment": record.title,
            "data": record.source,
            "seconds": number(record.cost.seconds),
            "peak memory, MiB": number(record.cost.peak_memory_mib),
            "cores": number(record.cost.cores),
            "device": record.cost.device,
        }
        for record in records
    )


def plain(table: Table) -> pd.DataFrame:
    """Return a table of a Record with every cell as a page shows it, underscores in its header as blanks."""
    columns = [name.replace("_", " ") for name in table.columns]
    return pd.DataFrame([[cell(value) for value in row] for row in table.rows], columns=columns)


def _name(metric: Metric) -> tuple[str, str, str]:
    return metric.dataset, metric.split, metric.name

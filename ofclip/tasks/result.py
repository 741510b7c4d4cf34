"""Result: what a task returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from ofclip.metrics.metric import Metric


@dataclass(frozen=True)
class Result:
    """Metrics, and the tables behind them (per class, per query, confusion ...) by name."""

    metrics: list[Metric]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __add__(self, other: Result) -> Result:
        """Join two results; a table of the same name is appended."""
        tables = dict(self.tables)
        for name, table in other.tables.items():
            tables[name] = pd.concat([tables[name], table], ignore_index=True) if name in tables else table
        return Result(self.metrics + other.metrics, tables)

    def summary(self) -> pd.DataFrame:
        """Return one row per metric: name, data set, value, interval, chance, ceiling and n."""
        rows = [
            (m.name, f"{m.dataset}@{m.split}", m.value, *(m.interval or (None, None)), m.chance, m.ceiling, m.n)
            for m in self.metrics
        ]
        return pd.DataFrame(rows, columns=["metric", "data", "value", "low", "high", "chance", "ceiling", "n"])

    def _repr_html_(self) -> str:
        return self.summary().to_html(index=False, float_format="{:.3f}".format, na_rep="")

    def __getitem__(self, name: str) -> Metric:
        """Return the first metric of that name; KeyError if there is none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

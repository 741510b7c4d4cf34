"""Ways to ask or to show the same items, each compared with one of them item by item."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ofclip.errors import unknown
from ofclip.metrics.comparisons import paired_bootstrap
from ofclip.metrics.intervals import bootstrap_mean

COLUMNS = ("n", "value", "low", "high", "against", "change", "change_low", "change_high")


def compare(
    values: Mapping[str, np.ndarray], against: str | Mapping[str, str], groups: np.ndarray | None = None
) -> pd.DataFrame:
    """Return a row per way: the mean of its values (n,), and the mean of their differences from another way's.

    `against` names the way that all are compared with, or one for each. Items are the same in every way, so the
    interval of a change is that of the paired differences; items of one group (n,) are drawn together. A way that is
    compared with itself, or with none, has no change. Raises SettingError for a way to compare with that is not there.

    >>> table = compare({"plain": np.array([1, 0, 1, 0]), "new": np.array([1, 1, 1, 0])}, "plain")
    >>> table.loc["new", ["value", "change"]].tolist()
    [0.75, 0.25]
    """
    rows: list[tuple] = []
    for name, own in values.items():
        other = against if isinstance(against, str) else against.get(name)
        low, high = bootstrap_mean(own, groups)
        row = (len(own), float(np.mean(own)), low, high)
        if other is not None and other not in values:
            raise unknown("way to compare with", other, values)
        if other is None or other == name:
            rows.append((*row, None, None, None, None))
        else:
            change, bounds = paired_bootstrap(own, values[other], groups)
            rows.append((*row, other, change, *bounds))
    return pd.DataFrame(rows, columns=COLUMNS, index=pd.Index(values, name="way"))

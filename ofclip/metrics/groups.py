"""Groups of rows that are not independent of each other."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError


def linked(*labels: np.ndarray) -> np.ndarray:
    """Return a group number (n,) per row: rows that share a label of any kind are one group, also by way of a third.

    Each of `labels` is (n,). For retrieval they are the groups and the captions of the queries: equal captions give
    equal rankings, so queries that share one are one observation. Raises SettingError for lengths that differ.

    >>> linked(np.array(["a", "a", "b", "c"]), np.array([1, 2, 2, 3])).tolist()
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    lengths = {len(kind) for kind in labels}
    if len(lengths) != 1:
        raise SettingError(f"labels of {sorted(lengths)} rows: give as many of each kind, and at least one kind")
    n = lengths.pop()
    codes = [np.unique(kind, return_inverse=True)[1] for kind in labels]
    first = n + np.cumsum([0, *(code.max(initial=-1) + 1 for code in codes[:-1])])
    column = np.concatenate([code + start for code, start in zip(codes, first, strict=True)])
    row = np.tile(np.arange(n), len(codes))
    total = int(column.max(initial=-1)) + 1
    links = coo_array((np.ones(len(row), dtype=bool), (row, column)), shape=(total, total))
    component = connected_components(links, directed=False)[1][:n]
    return np.unique(component, return_inverse=True)[1]

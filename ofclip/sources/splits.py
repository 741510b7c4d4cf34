"""Splits that keep whole groups on one side: views, duplicates and same-titled products never cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ofclip.errors import SettingError
from ofclip.files import digest

#: Per cent of the groups in each split where there is no official one (our choice).
SHARES = {"train": 85, "val": 5, "test": 10}


def group_by(ids: Sequence[str], *keys: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return the group (n,) of each product, named after the first of its ids.

    Products that share a value of any key belong together, also by way of a third. A key is a sequence of n
    values; empty ones (None, NaN, "") join nobody.

    >>> group_by(["a", "b", "c", "d"], ["x", "x", "y", ""], [1, 2, 2, 3]).tolist()
    ['a', 'a', 'a', 'd']
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(ids)
    products, shared, total = [np.arange(0)], [np.arange(0)], n
    for key in keys:
        codes, values = pd.factorize(pd.Series(list(key), dtype=object).replace("", None))
        known = np.flatnonzero(codes >= 0)
        products.append(known)
        shared.append(total + codes[known])
        total += len(values)
    rows, columns = np.concatenate(products), np.concatenate(shared)
    links = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(total, total))
    component = connected_components(links, directed=False)[1][:n]
    return pd.Series(list(ids), dtype=object).groupby(component).transform("first").to_numpy(dtype=object)


def split_groups(groups: Sequence[str] | np.ndarray, shares: Mapping[str, int] = SHARES) -> np.ndarray:
    """Return the split (n,) of each product, decided by a hash of its group's name.

    `shares` are per cent of the groups. Raises SettingError if they do not add up to 100.

    >>> set(split_groups(["a"] * 3)) <= set(SHARES)
    True
    """
    edges, names = np.cumsum(list(shares.values())), list(shares)
    if edges[-1] != 100:
        raise SettingError(f"the shares {dict(shares)} add up to {edges[-1]} per cent; make them 100")
    place = {group: int(digest(group), 16) % 100 for group in dict.fromkeys(groups)}
    split = {group: names[int(np.searchsorted(edges, at, side="right"))] for group, at in place.items()}
    return np.asarray([split[group] for group in groups], dtype=object)


def fold(text: str) -> str:
    """Return a text without its case and spare spaces, as titles are compared.

    >>> fold("  Red  Dress ")
    'red dress'
    """
    return " ".join(text.lower().split())

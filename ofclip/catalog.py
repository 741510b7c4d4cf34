"""Catalog: a table of products and a lazy store of their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ofclip.errors import DataError, unknown
from ofclip.files import digest

if TYPE_CHECKING:
    from ofclip.images import Images

#: Columns that every Catalog has; all others are labels.
REQUIRED = ("id", "split", "group", "texts")


@dataclass(frozen=True)
class Catalog:
    """Products of one data set: row i of `products` belongs to picture i of `images`.

    `products` has the columns id, split, group (str), texts (tuple of str, the first is the caption
    that retrieval asks for) and one column per label (str, missing where unknown). `skipped` lists
    what was left out, one reason each. Raises DataError if columns are missing, ids repeat, or the
    number of pictures differs from the number of rows.

    >>> import ofclip
    >>> street = ofclip.load_catalog("atelier/street", n=20)
    >>> len(street), street.labels[:2]
    (20, ['type', 'colour'])
    """

    name: str
    products: pd.DataFrame
    images: Images
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        missing = [column for column in REQUIRED if column not in self.products.columns]
        if missing:
            raise DataError(f"{self.name}: the product table lacks the columns {', '.join(missing)}")
        if len(self.products) != len(self.images):
            raise DataError(f"{self.name}: {len(self.products)} products but {len(self.images)} pictures")
        repeated = self.products["id"][self.products["id"].duplicated()]
        if len(repeated):
            raise DataError(f"{self.name}: id {repeated.iloc[0]!r} occurs more than once")
        object.__setattr__(self, "products", self.products.reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.products)

    def __repr__(self) -> str:
        splits = ", ".join(f"{split} {count}" for split, count in self.products["split"].value_counts().items())
        return f"Catalog({self.name!r}, {len(self)} products: {splits}; labels: {', '.join(self.labels)})"

    @property
    def labels(self) -> list[str]:
        """Names of the label columns."""
        return [column for column in self.products.columns if column not in REQUIRED]

    @property
    def captions(self) -> list[str]:
        """The first text of each product, empty where it has none."""
        return [texts[0] if len(texts) else "" for texts in self.products["texts"]]

    @property
    def split(self) -> str:
        """The split that all products share, or the splits joined by a plus sign."""
        return "+".join(dict.fromkeys(self.products["split"]))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of names, texts, labels and pictures: equal only if the data are equal."""
        table = pd.util.hash_pandas_object(self.products.astype({"texts": str}), index=False)
        columns = "\t".join(self.products.columns)
        return digest(self.name, columns, table.to_numpy().tobytes(), self.images.fingerprint)

    def label(self, name: str) -> pd.Series:
        """Return one label column; raises SettingError with the nearest known name."""
        if name not in self.labels:
            raise unknown(f"label of {self.name}", name, self.labels)
        return self.products[name]

    def take(self, rows: Sequence[int] | np.ndarray) -> Catalog:
        """Return the Catalog of the given row numbers, in the order given."""
        rows = np.asarray(rows, dtype=np.int64)
        return replace(self, products=self.products.iloc[rows], images=self.images.subset(rows))

    def where(self, **values: object) -> Catalog:
        """Return the products whose columns equal (or are among) the given values.

        >>> import ofclip
        >>> phrases = ofclip.load_catalog("atelier/phrases", n=50)
        >>> set(phrases.where(split="train").products["split"])
        {'train'}
        """
        keep = np.ones(len(self), dtype=bool)
        for column, value in values.items():
            if column not in self.products.columns:
                raise unknown(f"column of {self.name}", column, self.products.columns)
            wanted = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
            keep &= self.products[column].isin(wanted).to_numpy()
        return self.take(np.flatnonzero(keep))

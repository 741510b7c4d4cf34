"""Search: the products of a catalogue whose pictures are nearest to a text."""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import embed
from ofclip.errors import SettingError
from ofclip.metrics import ranking
from ofclip.models import Model
from ofclip.tasks.contact_sheet import DRAWN, figures
from ofclip.text.templates import PLAIN, fill

#: A thumbnail in a notebook, whose page has a style of its own.
CELL = "display:inline-block;width:140px;vertical-align:top;margin:4px"


@dataclass(frozen=True)
class Hits:
    """What a search found: `table` (id, score, caption), best first, and the pictures, shown in a notebook."""

    query: str
    table: pd.DataFrame
    catalog: Catalog

    def __len__(self) -> int:
        return len(self.table)

    @property
    def drawn(self) -> bool:
        """Whether the pictures are Atelier's drawings, which must not pass for photographs."""
        return self.catalog.name.startswith("atelier/")

    def __repr__(self) -> str:
        return f"{self.query!r}\n{self.table.to_string(index=False)}"

    def _repr_html_(self) -> str:
        note = f" · {DRAWN}" if self.drawn else ""
        return f"<div><b>{html.escape(self.query)}</b>{note}</div>" + "".join(figures(self, CELL))


def search(
    model: Model, catalog: Catalog, query: str, k: int = 10, template: str = PLAIN, skip_bad: bool = False
) -> Hits:
    """Return the `k` products whose pictures are nearest to the query (cosine), best first; fewer if there are fewer.

    The catalogue's vectors come from the cache where they were computed before, with the same template. With
    `skip_bad` products whose picture is damaged are left out; without, they raise DataError. Raises SettingError for
    what `check_request` refuses.

    >>> import ofclip                                                             # doctest: +SKIP
    >>> ofclip.search(model, catalog, "red floral dress", k=10)                   # doctest: +SKIP
    """
    check_request(query, k, template)
    vectors = embed(model, catalog, template, skip_bad)
    wanted = model.encode_texts(fill(template, [query]))
    nearest = ranking.top(wanted, vectors.images, min(k, len(vectors)))[0]
    row = {name: i for i, name in enumerate(catalog.products["id"])}  # damaged pictures have no vector
    found = catalog.take([row[name] for name in vectors.ids[nearest]])
    scores = vectors.images[nearest] @ wanted[0]
    table = pd.DataFrame({"id": found.products["id"], "score": np.round(scores, 4), "caption": found.captions})
    return Hits(query, table, found)


def check_request(query: str, k: int, template: str = PLAIN) -> None:
    """Raise SettingError for an empty query, a k below 1, or a template without exactly one {}."""
    if not query.strip():
        raise SettingError("search needs a query that is not empty")
    if k < 1:
        raise SettingError(f"search needs k of 1 or more, got {k}")
    fill(template, [query])

"""Search: the products of a catalogue whose pictures are nearest to a text."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import embed
from ofclip.errors import SettingError
from ofclip.metrics import ranking
from ofclip.models import Model
from ofclip.text.templates import PLAIN, fill


@dataclass(frozen=True)
class Hits:
    """What a search found: `table` (id, score, caption), best first, and the pictures, shown in a notebook."""

    query: str
    table: pd.DataFrame
    catalog: Catalog

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"{self.query!r}\n{self.table.to_string(index=False)}"

    def _repr_html_(self) -> str:
        cells = []
        for i, row in enumerate(self.table.itertuples(index=False)):
            picture = self.catalog.images.open(i)
            picture.thumbnail((128, 128))
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            source = base64.b64encode(buffer.getvalue()).decode()
            text = f"{html.escape(row.caption)}<br><small>{row.score:.3f} · {html.escape(row.id)}</small>"
            cells.append(
                '<figure style="display:inline-block;width:140px;vertical-align:top;margin:4px">'
                f'<img src="data:image/png;base64,{source}" alt=""><figcaption>{text}</figcaption></figure>'
            )
        return f"<div><b>{html.escape(self.query)}</b></div>" + "".join(cells)


def search(model: Model, catalog: Catalog, query: str, k: int = 10, template: str = PLAIN) -> Hits:
    """Return the `k` products whose pictures are nearest to the query (cosine), best first.

    The catalogue's vectors come from the cache where they were computed before. Raises SettingError for an
    empty query or a k below 1.

    >>> import ofclip                                                             # doctest: +SKIP
    >>> ofclip.search(model, catalog, "red floral dress", k=10)                   # doctest: +SKIP
    """
    if not query.strip():
        raise SettingError("search needs a query that is not empty")
    if k < 1:
        raise SettingError(f"search needs k of 1 or more, got {k}")
    vectors = embed(model, catalog)
    wanted = model.encode_texts(fill(template, [query]))
    rows = ranking.top(wanted, vectors.images, min(k, len(vectors)))[0]
    found = catalog.take(rows)
    scores = vectors.images[rows] @ wanted[0]
    table = pd.DataFrame({"id": found.products["id"], "score": np.round(scores, 4), "caption": found.captions})
    return Hits(query, table, found)

"""Figures of pictures: what a catalogue holds, and what queries find in it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ofclip.errors import SettingError, unknown
from ofclip.figures.style import MUTED, OWN, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ofclip.catalog import Catalog
    from ofclip.records import Record


@styled
def samples(catalogs: Iterable[Catalog], columns: int = 6) -> Drawing:
    """Draw pictures of each Catalog in one row, evenly spaced over it, with their captions beneath."""
    catalogs = list(catalogs)
    if columns < 1 or not catalogs:
        raise SettingError(
            f"samples needs a catalogue and a column, got {len(catalogs)} catalogues, {columns} columns"
        )
    figure = _grid(len(catalogs), columns, height=1.75)
    for row, catalog in enumerate(catalogs):
        captions = catalog.captions
        for column, i in enumerate(np.linspace(0, len(catalog) - 1, min(columns, len(catalog))).astype(int)):
            axes = figure.axes[row * columns + column]
            label = catalog.products[catalog.labels[0]].iloc[i] if catalog.labels else ""
            _picture(axes, catalog, i, str(captions[i] or label))
            if column == 0:
                axes.set_title(catalog.name, fontsize=9, fontweight="bold")
    return figure


@styled
def retrieved(record: Record, catalogs: Iterable[Catalog], rows: int = 8) -> Drawing:
    """Draw queries of the table "queries" with the pictures found first; the query's own product is framed.

    At most `rows` queries, the same number per data set. The first column shows the own product and its rank.
    Raises SettingError for a data set without its Catalog and for an id that it does not hold.
    """
    table = record.table("queries")
    known = {catalog.name: catalog for catalog in catalogs}
    places = [column for column in table if column.startswith("retrieved ")]
    names = list(dict.fromkeys(table["dataset"]))
    each = max(1, rows // len(names))
    queries = pd.concat([table[table["dataset"] == name].head(each) for name in names])
    figure = _grid(len(queries), len(places) + 1, height=1.55)
    for row, query in enumerate(queries.to_dict("records")):
        if query["dataset"] not in known:
            raise unknown("catalogue of the queries", query["dataset"], known)
        catalog = known[query["dataset"]]
        number = {name: i for i, name in enumerate(catalog.products["id"])}
        for place, column in enumerate(["id", *places]):
            if query[column] not in number:
                raise SettingError(
                    f"{catalog.name} has no product {query[column]!r}: load the split that was searched"
                )
            caption = f"“{query['query']}”" if place == 0 else f"{place}"
            axes = figure.axes[row * (len(places) + 1) + place]
            _picture(axes, catalog, number[query[column]], caption)
            if place == 0:
                axes.set_title(f"{catalog.name} · rank {query['rank']:,}", fontsize=7.5, color=MUTED)
            elif query[column] == query["id"]:
                axes.spines[:].set(visible=True, color=OWN, linewidth=3)
    return figure


def _grid(rows: int, columns: int, height: float) -> Drawing:
    figure = Drawing(figsize=(WIDTH * 1.25, height * rows), layout="constrained")
    figure.pictures = True
    for axes in np.ravel(figure.subplots(rows, columns, squeeze=False)):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
    return figure


def _picture(axes: Axes, catalog: Catalog, i: int, caption: str) -> None:
    axes.imshow(np.asarray(catalog.images.open(i)))
    lines = textwrap.wrap(textwrap.shorten(caption, 66, placeholder=" …"), 24)
    axes.set_xlabel("\n".join(lines), fontsize=6.5, labelpad=2)

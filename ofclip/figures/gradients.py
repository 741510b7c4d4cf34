"""Gradients through micro-batches, drawn from a Record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter

from ofclip.figures.style import COLOURS, MUTED, WIDTH, Drawing, styled

if TYPE_CHECKING:
    from ofclip.records import Record

#: Where an error of nothing at all is drawn on a logarithmic axis: below what float64 can resolve.
NOTHING = 1e-17


@styled
def accumulation(record: Record) -> Drawing:
    """Draw the table "accumulation": the ratio for logit_scale and the error of all other gradients, by parts.

    The ratio is that without patch dropout, or with the least that there is; the errors have a line for each.
    """
    table = record.table("accumulation")
    dropouts = sorted(table["patch_dropout"].unique())
    figure = Drawing(figsize=(WIDTH, 3.0), layout="constrained")
    ratios, errors = figure.subplots(1, 2)
    ratios.set(title="Gradient of logit_scale, full batch = 1", yscale="log")
    errors.set(title="Largest relative error of all others", yscale="log")
    for place, (method, own) in enumerate(table.groupby("method", sort=False)):
        for dropout, rows in own.groupby("patch_dropout"):
            line = {"color": COLOURS[place], "markersize": 4, "linewidth": 1.4}
            line |= {"linestyle": "-" if dropout == dropouts[0] else "--", "marker": "os"[place]}
            if dropout == dropouts[0]:
                ratios.plot(rows["parts"], rows["ratio"], **line)
            label = f"{method}, patch dropout {dropout:g}"
            errors.plot(rows["parts"], rows["others"].clip(lower=NOTHING), label=label, **line)
    ratios.axhline(1, color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
    sizes = sorted(table["parts"].unique())
    values = sorted({1.0, *table["ratio"].round().astype(float)})
    ratios.set_yticks(values, [f"{value:g}" for value in values])
    errors.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{error:.0e}"))
    for axes in (ratios, errors):
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("micro-batches")
    figure.legend(*errors.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure

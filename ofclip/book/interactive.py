"""What a reader can move on the static page: a slider over interpolated weights, and a picker over queries.

Data are embedded as JSON, the scripts of `book/_static` show them, and nothing is fetched. Without scripts the pages
have the same numbers in their figures and tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ofclip.book.tables import number
from ofclip.figures.blending import blending, places
from ofclip.figures.forgetting import LINE
from ofclip.sources.atelier import AtelierImages, captions, product
from ofclip.tasks.contact_sheet import thumbnail

if TYPE_CHECKING:
    import pandas as pd

    from ofclip.book.pages import Shown
    from ofclip.figures.style import Drawing
    from ofclip.records import Record

#: What Atelier calls a product: domain, seed, number.
PRODUCT = re.compile(r"([a-z]+)-(\d+)-(\d+)")
SIDE = 96  # pixels of a thumbnail
PARTS = {"target": "The target", "others": "The other domains"}


def blocks(shown: Shown, root: Path) -> Iterator[str]:
    """Yield what of a Record can be moved: nothing, for most."""
    makers = {"14-forgetting": slider, "04-retrieval": picker}
    make = makers.get(shown.record.experiment)
    made = make(shown.record) if make else None
    if made:
        yield f"```{{raw}} html\n{made}\n```"


def slider(record: Record) -> str | None:
    """Return the slider over the line between two models, or None where the Record has none."""
    if "interpolation" not in record.tables:
        return None
    line = record.table("interpolation")
    line = line[line["way"] == LINE].sort_values("alpha").reset_index(drop=True)
    if len(line) < 2:
        return None
    drawing = blending(record)
    svg = _inline(drawing._repr_mimebundle_()["image/svg+xml"])
    start = _knee(record, line["alpha"].to_numpy(float))
    marks = _marks(drawing, line)
    points = [_point(row, line, mark) for row, mark in zip(line.to_dict("records"), marks, strict=True)]
    rows = "".join(
        f'<tr><th scope="row">{title}</th>'
        + "".join(
            f'<td data-show="{part} {what}">{points[start]["shown"][f"{part} {what}"]}</td>'
            for what in ("value", "interval", "change")
        )
        + "</tr>"
        for part, title in PARTS.items()
    )
    return f"""<div class="widget slider">
<p class="title">Move between the two models</p>
{svg}
<div class="control" hidden>
<label for="alpha">alpha, the share of the fine-tuned model: <strong data-show="alpha"></strong></label>
<input id="alpha" type="range" min="0" step="1">
<div class="ends" aria-hidden="true"><span>before</span><span>fine-tuned</span></div>
</div>
<table><caption>Validation, alpha <span data-show="alpha">{points[start]["shown"]["alpha"]}</span>: recall@10</caption>
<thead><tr><td></td><th scope="col">value</th><th scope="col">95 % interval</th><th scope="col">from before</th></tr>
</thead><tbody>{rows}</tbody></table>
{_data({"points": points, "start": start})}
</div>"""


def _point(row: dict, line: pd.DataFrame, place: dict[str, float]) -> dict[str, Any]:
    """Return what the page shows of one alpha."""
    shown = {"alpha": f"{row['alpha']:g}"}
    for part in PARTS:
        shown[f"{part} value"] = number(row[part])
        shown[f"{part} interval"] = f"{number(row[f'{part}_low'])} to {number(row[f'{part}_high'])}"
        shown[f"{part} change"] = f"{row[part] - line[part].iloc[0]:+.3f}"
    said = f"{shown['alpha']}: target {shown['target value']}, other domains {shown['others value']}"
    return {"shown": shown, "said": said, "place": place}


def _marks(drawing: Drawing, line: pd.DataFrame) -> list[dict[str, float]]:
    """Return where each point and the ends of its intervals lie in the drawing."""
    middle = places(drawing, line[["target", "others"]].to_numpy(float))
    low = places(drawing, line[["target_low", "others_low"]].to_numpy(float))
    high = places(drawing, line[["target_high", "others_high"]].to_numpy(float))
    names = ("x", "y", "left", "low", "right", "high")
    return [dict(zip(names, row, strict=True)) for row in np.hstack([middle, low, high]).round(2).tolist()]


def _knee(record: Record, alphas: np.ndarray) -> int:
    """Return the place of the knee, where the slider starts, or the middle where there is none."""
    alpha = record.table("knee")["alpha"].iloc[0] if "knee" in record.tables else None
    return len(alphas) // 2 if alpha is None or alpha != alpha else int(np.abs(alphas - alpha).argmin())


def _inline(svg: str) -> str:
    """Return an SVG file as part of a page: without its header, its styles its own, as wide as there is room."""
    svg = svg[svg.index("<svg") :]
    svg = svg.replace("*{stroke-linejoin", ".widget svg *{stroke-linejoin")
    label = "The curve of the models between the two; the table below has the marked point's numbers."
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{label}">{rest}'.strip()


def picker(record: Record) -> str | None:
    """Return the picker over the table "queries" with Atelier's drawings, or None for other data."""
    if record.source != "atelier" or "queries" not in record.tables:
        return None
    queries, products = [], {}
    for row in record.table("queries").to_dict("records"):
        found = [row[column] for column in row if column.startswith("retrieved ")]
        if not all(PRODUCT.fullmatch(name) for name in (row["id"], *found)):
            return None
        shown = {"data": row["dataset"], "text": row["query"], "id": row["id"], "rank": number(row["rank"])}
        queries.append({**shown, "found": found})
        for name in (row["id"], *found):
            if name not in products:
                products[name] = _product(name)
    if not queries:
        return None
    return f"""<div class="widget picker">
<p class="title">Pick a query</p>
<div class="control" hidden>
<label for="query">Query</label>
<select id="query"></select>
<ul class="asked"></ul>
<p class="told" role="status"></p>
<ol class="found"></ol>
<p>Drawings (Atelier), not photographs; of each test set a few queries, evenly spaced over its products.</p>
</div>
<noscript><p>This needs JavaScript. The figure and the table "queries" show the same without it.</p></noscript>
{_data({"queries": queries, "products": products})}
</div>"""


def _product(name: str) -> dict[str, str]:
    """Return a product of Atelier, drawn anew: its name says which it is."""
    domain, seed, place = name.split("-")
    picture = AtelierImages(domain, int(seed), (int(place),)).open(0, size=SIDE)
    caption = captions(product(int(seed), domain, int(place)))[0]
    return {"id": name, "caption": caption, "picture": thumbnail(picture)}


def _data(values: object) -> str:
    """Return data for a script, in which no text can end the element."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")
    return f'<script type="application/json">{text}</script>'

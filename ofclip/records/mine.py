"""Runs of one's own, with something changed: where they lie, and how they compare with the book's run."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from ofclip.experiments import ROOT
from ofclip.files import digest
from ofclip.records.record import Record, text

if TYPE_CHECKING:
    import pandas as pd

    from ofclip.metrics.metric import Metric

#: Below the checkout; not committed, and no page shows what lies there.
MINE = Path("results") / "mine"
#: Characters of a file name that says what was changed.
LONGEST = 60


def mine_path(experiment: str, source: str, profile: str, changed: Mapping[str, Any]) -> Path:
    """Return where the Record of a changed run lies, below the checkout; its name says what was changed.

    Without a changed parameter something else was, such as a cell.

    >>> mine_path("04-retrieval", "atelier", "laptop", {"trained": "kagl"}).as_posix()
    'results/mine/laptop/04-retrieval/atelier.trained=kagl.json'
    """
    words = "+".join(f"{name}={text(value)}" for name, value in sorted(changed.items())) or "edited"
    return MINE / profile / experiment / f"{_plain(source)}.{_plain(words)}.json"


def _plain(words: str) -> str:
    """Return words that a file may be called; two that differ never become one."""
    plain = re.sub(r"[^\w=+.-]+", "-", words)
    return words if plain == words and len(plain) <= LONGEST else f"{plain[:LONGEST]}-{digest(words)[:6]}"


def find_mine(root: Path = ROOT) -> list[Path]:
    """Return the paths of the Records of all changed runs."""
    return sorted(path for path in (root / MINE).glob("*/*/*.json") if not path.name.startswith("."))


def book_path(experiment: str, source: str, profile: str, root: Path = ROOT) -> Path | None:
    """Return where the book's Record of a run lies, below the checkout: the published one, else the one of `work/`."""
    places = (Path(folder) / profile / experiment / f"{source}.json" for folder in ("results", "work"))
    return next((place for place in places if (root / place).is_file()), None)


@dataclass(frozen=True)
class Comparison:
    """Your run beside the book's, shown as a table in a notebook."""

    mine: Record
    book: Record

    @cached_property
    def changed(self) -> list[tuple[str, str, str]]:
        """What was set or used otherwise: name, yours, the book's."""
        rows = [("command", self.mine.made.command, self.book.made.command)]
        mine, book = (dict(_leaves(record.parameters)) for record in (self.mine, self.book))
        rows += [(name, _said(mine, name), _said(book, name)) for name in sorted(mine.keys() | book.keys())]
        for what in ("data", "weights"):
            own, theirs = (getattr(record.key, what) for record in (self.mine, self.book))
            if own != theirs:
                yours, books = (", ".join(f"{n} {h[:6]}" for n, h in sorted(x.items())) for x in (own, theirs))
                rows.append((what, yours, books))
        if (self.mine.key.notebook, self.mine.key.code) != (self.book.key.notebook, self.book.key.code):
            rows.append(("code", "this checkout's", "other cells or modules"))
        return [row for row in rows if row[1] != row[2]]

    @cached_property
    def pairs(self) -> list[tuple[Metric, Metric]]:
        """The metrics that both runs have, yours first, in the order of yours."""
        theirs = {_name(metric): metric for metric in self.book.metrics}
        return [(metric, theirs[_name(metric)]) for metric in self.mine.metrics if _name(metric) in theirs]

    @property
    def table(self) -> pd.DataFrame:
        """The metrics side by side: both values and intervals, the difference, and whether the intervals are apart.

        "apart" is missing where a metric has no interval.
        """
        import pandas as pd

        rows = [
            {
                "data": f"{mine.dataset}@{mine.split}",
                "metric": mine.name,
                "yours": mine.value,
                "your interval": _interval(mine),
                "the book's": book.value,
                "its interval": _interval(book),
                "difference": mine.value - book.value,
                "apart": apart(mine, book),
            }
            for mine, book in self.pairs
        ]
        columns = ["data", "metric", "yours", "your interval", "the book's", "its interval", "difference", "apart"]
        return pd.DataFrame(rows, columns=columns)

    def summary(self) -> str:
        """Return in one sentence how many metrics the runs share, and of how many the intervals lie apart."""
        if not self.pairs:
            return "the two runs have no metric in common"
        known = [is_apart for pair in self.pairs if (is_apart := apart(*pair)) is not None]
        told = f"of {len(known)} with intervals {known.count(True)} lie apart" if known else "none has an interval"
        only = len(self.mine.metrics) - len(self.pairs)
        rest = f"; {only} are yours alone" if only else ""
        return f"{len(self.pairs)} metrics in common, {told}{rest}"

    def __repr__(self) -> str:
        return f"Comparison({self.mine.name}: {self.summary()})"

    def _repr_html_(self) -> str:
        changed = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in self.changed
        )
        shown = self.table.assign(apart=self.table["apart"].map({True: "apart", False: "", None: ""}))
        table = shown.to_html(index=False, float_format="{:.3f}".format, na_rep="", border=0)
        return (
            f"<p>{html.escape(self.summary().capitalize())}.</p>"
            f"<table><thead><tr><th>changed</th><th>your run</th><th>the book's run</th></tr></thead>"
            f"<tbody>{changed}</tbody></table>"
            f'<div style="max-height:32em;overflow:auto" tabindex="0">{table}</div>'
        )


def against(mine: Record, book: Record) -> Comparison:
    """Return your run beside the book's.

    Intervals that lie apart speak for a difference. Where they overlap there may still be one: both runs are often
    measured on the same queries, and only an interval of the paired difference would tell.
    """
    return Comparison(mine, book)


def apart(mine: Metric, book: Metric) -> bool | None:
    """Return whether the intervals of two metrics have no value in common, None where one has no interval."""
    if mine.interval is None or book.interval is None:
        return None
    return mine.interval[0] > book.interval[1] or mine.interval[1] < book.interval[0]


def _name(metric: Metric) -> tuple[str, str, str]:
    return metric.dataset, metric.split, metric.name


def _interval(metric: Metric) -> str:
    return "{:.3f} to {:.3f}".format(*metric.interval) if metric.interval else ""


def _leaves(values: Mapping[str, JsonValue], before: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Yield "training.atelier.batch" and its value, and so on."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _said(values: Mapping[str, JsonValue], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False) if name in values else "not set"

"""The card of each data set: what it is, its fields, its text, its terms, and what was found of it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ofclip import sources
from ofclip.book.markup import GENERATED, escape, table, write
from ofclip.book.tables import number
from ofclip.records import Record
from ofclip.sources.base import Source


def fragments(records: Sequence[Record], root: Path) -> None:
    """Write `book/_generated/cards.md`, a section per source, and `sets.md`, the table of all of them.

    What was found is what the Records of 01-data counted; a set without one was not here.
    """
    folder = root / GENERATED
    found = counts(records)
    cards = [sources.get(name) for name in sources.names()]
    rows = [_row(card, found.get(card.name, {})) for card in cards]
    write(folder / "sets.md", table(pd.DataFrame(rows), folder / "sets.csv", root, "All data sets.", fold=False))
    write(folder / "cards.md", "\n\n".join(_card(card, found.get(card.name, {}), root) for card in cards) + "\n")


def counts(records: Sequence[Record]) -> dict[str, dict[str, int]]:
    """Return source -> split -> number of products that the Records of 01-data found."""
    found: dict[str, dict[str, int]] = {}
    for record in records:
        if record.experiment != "01-data" or "splits" not in record.tables:
            continue
        for row in record.table("splits").itertuples():
            splits = found.setdefault(record.source, {})
            splits[row.split] = splits.get(row.split, 0) + row.products
    return found


def _row(card: Source, found: Mapping[str, int]) -> dict[str, str]:
    return {
        "data set": card.title,
        "name": card.name,
        "pictures": card.pictures,
        "expected": number(sum(card.expected.values())) if card.expected else "",
        "found here": number(sum(found.values())) if found else "not here",
    }


def _card(card: Source, found: Mapping[str, int], root: Path) -> str:
    parts = [f"## {escape(card.title)}", escape(card.summary)]
    facts = {
        "Name": f"`{card.name}`",
        "Parts": ", ".join(f"`{part}`" for part in card.parts),
        "Text": escape(card.text),
        "Labels": ", ".join(f"`{label}`" for label in card.labels),
        "Terms": escape(card.licence),
        "How to obtain it": escape(card.obtain),
        "Citation": escape(card.citation),
        "Home": f"<{card.home}>" if card.home else "",
    }
    parts += [f"{title}\n: {text}" for title, text in facts.items() if text]
    if card.defects:
        parts.append("Known defects\n: " + "\n  ".join(f"- {escape(defect)}" for defect in card.defects))
    splits = list(dict.fromkeys([*card.splits, *found]))
    if card.expected or found:
        rows = [
            {"split": split, "expected": number(card.expected.get(split)), "found here": number(found.get(split))}
            for split in splits
        ]
        path = root / GENERATED / "cards" / f"{card.name}.splits.csv"
        parts.append(table(pd.DataFrame(rows), path, root, f"{card.title}: products by split.", fold=False))
    if card.fields:
        rows = [{"official field": name, "becomes": text} for name, text in card.fields.items()]
        path = root / GENERATED / "cards" / f"{card.name}.fields.csv"
        parts.append(table(pd.DataFrame(rows), path, root, f"{card.title}: fields.", fold=False))
    return "\n\n".join(part for part in parts if part)

"""Records: numbers with what made them; written by notebooks, read by figures, tables and pages."""

from __future__ import annotations

from ofclip.records.closure import code_files
from ofclip.records.mine import Comparison, against, book_path, find_mine, mine_path
from ofclip.records.publish import publish
from ofclip.records.record import Record, Table, find
from ofclip.records.recorder import Recorder
from ofclip.records.report import describe, layout
from ofclip.records.staleness import stale

__all__ = [
    "Comparison",
    "Record",
    "Recorder",
    "Table",
    "against",
    "book_path",
    "code_files",
    "describe",
    "find",
    "find_mine",
    "layout",
    "mine_path",
    "publish",
    "stale",
]

"""The book: pages generated from Records, and the Jupyter Book around them."""

from __future__ import annotations

from ofclip.book.build import build

__all__ = ["build"]

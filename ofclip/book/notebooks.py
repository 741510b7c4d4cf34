"""Executed notebooks as pages of the book."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from ofclip.errors import OfclipError


def read(path: Path) -> dict:
    """Return an executed notebook; OfclipError if it is missing or damaged, or if a cell failed or did not run."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
    except FileNotFoundError:
        raise OfclipError(f"{path}: the executed notebook is missing") from None
    except (ValueError, KeyError, TypeError):
        raise OfclipError(f"{path}: not a notebook") from None
    for place, cell in enumerate(cells, 1):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                raise OfclipError(f"{path}: cell {place} failed with {output['ename']}: {output['evalue']}")
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip() and cell.get("execution_count") is None:
            raise OfclipError(f"{path}: cell {place} did not run")
    return notebook


def page(notebook: dict, title: str, note: str) -> str:
    """Return a notebook as JSON under a title of its own, with a note below the title."""
    cells = [dict(cell) for cell in notebook["cells"]]
    heading = f"# {title}\n\n{note}\n"
    first = "".join(cells[0]["source"]) if cells and cells[0]["cell_type"] == "markdown" else ""
    if first.startswith("# "):
        cells[0]["source"] = heading + first.partition("\n")[2]
    else:
        cells.insert(0, {"cell_type": "markdown", "id": "title", "metadata": {}, "source": heading})
    return json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1)


def pictures(notebook: dict) -> list[bytes]:
    """Return what a notebook shows as PNG: figures of pictures, as charts are SVG."""
    return [
        base64.b64decode("".join(output["data"]["image/png"]))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]

"""Jupyter Book on several cores: `python -P jupyter.py ROOT JOBS`, a script, so that it imports nothing of ofclip.

Jupyter Book's own command line has no option for that, and three of its extensions do not say that pages may be read in
parallel. They may: of each page, none of them remembers anything. Cells of tables are most of what there is to read,
and most of them are plain text, for which MyST would start its parser anew.
"""

from __future__ import annotations

import gc
import importlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

#: A cell as `markup.escape` writes it: no character has a meaning.
PLAIN = re.compile(r"(?:\\[!-/:-@\[-`{-~]|[^!-/:-@\[-`{-~\\\n])+")
SILENT = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex", "sphinx-mathjax-offline")


def main(root: Path, jobs: int) -> int | Exception:
    """Build the book of a checkout with warnings as errors; only what changed is read again."""
    from jupyter_book.sphinx import build_sphinx

    for name in SILENT:
        declare(name)
    quicken_cells()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # pages are large trees, which the collector would walk again and again
    return build_sphinx(
        root,
        root / "book" / "_build" / "html",
        noconfig=True,
        path_config=str(root / "_config.yml"),
        confoverrides={
            "external_toc_path": str(root / "book" / "_toc.yml"),
            "latex_individualpages": False,
            "nitpicky": True,
        },
        warningiserror=True,
        keep_going=True,
        jobs=jobs,
    )


def declare(name: str) -> None:
    """Let an extension say that pages may be read in parallel."""
    module = importlib.import_module(name)
    setup = module.setup
    module.setup = lambda app: {"parallel_read_safe": True, "parallel_write_safe": True, **(setup(app) or {})}


def quicken_cells() -> None:
    """Let MyST take a cell of plain text as the paragraph that it is."""
    from docutils import nodes
    from myst_parser.mocking import MockState

    parse = MockState.nested_parse

    def nested_parse(
        state: MockState, block: Sequence[str], input_offset: int, node: nodes.Element, *rest: object, **more: object
    ) -> None:
        text = "\n".join(block)
        if not isinstance(node, nodes.entry) or not PLAIN.fullmatch(text) or text != text.strip():
            parse(state, block, input_offset, node, *rest, **more)
            return
        shown = re.sub(r"\\(.)", r"\1", text)
        paragraph = nodes.paragraph(shown, shown)
        paragraph.source, paragraph.line = state.document["source"], state._lineno + input_offset
        node += paragraph

    MockState.nested_parse = nested_parse


if __name__ == "__main__":
    done = main(Path(sys.argv[1]), int(sys.argv[2]))
    if isinstance(done, Exception):
        raise done
    sys.exit(done)

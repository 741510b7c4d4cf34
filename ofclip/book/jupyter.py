"""Jupyter Book on several cores: `python -P jupyter.py ROOT JOBS`, a script, so that it imports nothing of ofclip.

Jupyter Book's own command line has no option for that, and three of its extensions do not say that pages may be read in
parallel. They may: of each page, none of them remembers anything.
"""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path
from typing import Any

#: Extensions that do not say it.
SILENT = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex", "sphinx-mathjax-offline")


def main(root: Path, jobs: int) -> int | Exception:
    """Build the book of a checkout with warnings as errors; only what changed is read again."""
    from jupyter_book.sphinx import build_sphinx

    for name in SILENT:
        declare(name)
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
    module: Any = importlib.import_module(name)
    setup = module.setup
    module.setup = lambda app: {"parallel_read_safe": True, "parallel_write_safe": True, **(setup(app) or {})}


if __name__ == "__main__":
    done = main(Path(sys.argv[1]), int(sys.argv[2]))
    if isinstance(done, Exception):
        raise done
    sys.exit(done)

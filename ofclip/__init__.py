"""ofclip: data, contrastive training and evaluation for fashion, and a book of results.

The names below load on first use, so that `import ofclip` is instant.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: public name -> module that defines it
LAZY = {
    "Catalog": "ofclip.catalog",
    "Embeddings": "ofclip.embeddings",
    "build_model": "ofclip.models",
    "classify": "ofclip.tasks.zero_shot",
    "embed": "ofclip.embeddings",
    "evaluate": "ofclip.tasks",
    "interpolate": "ofclip.interpolation",
    "load_catalog": "ofclip.sources",
    "load_folder": "ofclip.sources.folder",
    "load_model": "ofclip.models",
    "load_profile": "ofclip.profiles",
    "save_model": "ofclip.models",
    "search": "ofclip.tasks.search",
    "train": "ofclip.training.loop",
}

__all__ = sorted(LAZY)


def __getattr__(name: str) -> Any:
    if name not in LAZY:
        raise AttributeError(f"module 'ofclip' has no attribute {name!r}")
    return getattr(importlib.import_module(LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *LAZY])

"""The architectures that open_clip builds by name: its own, this package's, and those that a checkpoint describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ofclip.files import atomic, cache_dir

#: This package's configurations, one file each.
CONFIGS = Path(__file__).parent.parent / "model_configs"


def register() -> None:
    """Make this package's configurations known to open_clip, so that `create_model` builds them by name."""
    import open_clip

    if not set(own_architectures()) <= set(open_clip.list_models()):
        open_clip.add_model_config(CONFIGS)


def own_architectures() -> list[str]:
    """Names of the configurations that this package adds to open_clip's."""
    return sorted(path.stem for path in CONFIGS.glob("*.json"))


def configuration(architecture: str) -> dict[str, Any] | None:
    """Return the configuration of an architecture that open_clip can build, None for a name it does not know."""
    import open_clip

    register()
    return open_clip.get_model_config(architecture)


def add(name: str, config: dict[str, Any]) -> str:
    """Make a further configuration known to open_clip under a name, which is returned; one that is known stays."""
    import open_clip

    if configuration(name) is None:
        # open_clip reads all files anew with every one that is added: it must stay where it is
        path = cache_dir() / "model_configs" / f"{name}.json"
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(config, indent=1))
        open_clip.add_model_config(path)
    return name


def shipped(architecture: str) -> bool:
    """Say whether open_clip or this package brings an architecture, so that its name is enough to build it."""
    import open_clip

    theirs = Path(open_clip.__file__).parent / "model_configs" / f"{architecture}.json"
    return theirs.is_file() or architecture in own_architectures()

"""Read files of weights without running what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ofclip.errors import CheckpointError


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return header and tensors; raises CheckpointError for a file that is no safetensors, or cut short."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dict
    except Exception as error:
        raise damaged(path, error) from error


def read_pt(path: Path) -> dict[str, Any]:
    """Return the table that a `.pt` or `.bin` holds; raises CheckpointError for one that could run code."""
    import pickle

    import torch

    try:
        table = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: holds more than tensors, so loading it could run code; have it converted to safetensors"
        ) from error
    except Exception as error:
        raise damaged(path, error) from error
    if not isinstance(table, dict):
        raise CheckpointError(f"{path}: holds {type(table).__name__}, not a table of weights")
    return table


def damaged(path: Path, error: Exception) -> CheckpointError:
    """Return the error for a file that cannot be read."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return CheckpointError(f"{path}: damaged, or not a file of weights ({reason})")

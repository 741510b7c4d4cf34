"""Checkpoints as safetensors: written whole or not at all, checked when read, never a pickle."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ofclip.errors import CheckpointError
from ofclip.files import atomic

KEEP = 2  # the one before the last is used if the last should be damaged


def save(folder: Path, step: int, model: torch.nn.Module, optimizer: torch.optim.Optimizer, run: str, **state: Any):
    """Write the checkpoint of a finished step and drop all but the last two.

    `run` identifies settings, data and code; `state` is whatever else must survive (JSON values).
    """
    tensors = {f"model.{key}": value for key, value in model.state_dict().items()}
    plain: dict[str, Any] = {}
    for number, entry in optimizer.state_dict()["state"].items():
        for key, value in entry.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer.{number}.{key}"] = value
            else:
                plain[f"{number}.{key}"] = value
    tensors = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    header = {
        "step": str(step), "run": run, "state": json.dumps(state), "plain": json.dumps(plain), "sum": _sum(tensors)
    }  # fmt: skip
    with atomic(folder / f"step-{step:08d}.safetensors") as temporary:
        save_file(tensors, temporary, metadata=header)
    for old in _files(folder)[:-KEEP]:
        old.unlink()


def restore(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, run: str) -> tuple[int, dict]:
    """Load the newest sound checkpoint of the same run into model and optimizer; return (step, state), (0, {}) if none.

    A damaged checkpoint is passed over with a warning; one of another run (other settings, data or code)
    is left out, since continuing it would mix two runs. Raises CheckpointError for another architecture.
    """
    for path in reversed(_files(folder)):
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata()
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
            if header["sum"] != _sum(tensors):
                raise SafetensorError("checksum differs")
        except (SafetensorError, OSError, KeyError, TypeError) as error:
            warnings.warn(f"{path}: damaged ({error}); the checkpoint before it is used", stacklevel=2)
            continue
        if header["run"] != run:
            continue
        weights = {key.removeprefix("model."): t for key, t in tensors.items() if key.startswith("model.")}
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"{path}: a checkpoint of another architecture; train into another folder, or remove this one"
            ) from error
        _restore_optimizer(optimizer, tensors, json.loads(header["plain"]))
        return int(header["step"]), json.loads(header["state"])
    return 0, {}


def _restore_optimizer(optimizer, tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        group, number, name = f"{key}..".split(".", 2)
        if group != "optimizer":
            continue
        name = name.removesuffix("..")
        if value.shape == (parameter := parameters[int(number)]).shape:
            # fused optimizers walk through memory: a moment must lie there in the order of its parameter
            value = torch.empty_like(parameter, dtype=value.dtype, device="cpu").copy_(value)
        state.setdefault(int(number), {})[name] = value
    for key, value in plain.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def clear(folder: Path) -> None:
    """Remove every checkpoint in the folder."""
    for path in _files(folder):
        path.unlink()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.safetensors"))


def _sum(tensors: dict[str, torch.Tensor]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for key in sorted(tensors):
        total.update(key.encode())
        total.update(tensors[key].contiguous().reshape(-1).view(torch.uint8).numpy())
    return total.hexdigest()

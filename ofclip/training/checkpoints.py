"""Checkpoints that survive anything: written whole or not at all, checked when read, never a pickle.

Nothing random is stored. The order of the samples and the seed of every step are functions of the run's seed (one
of its settings) and of the step, so the step is the position of the sampler, of the schedule and of all randomness.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ofclip.errors import CheckpointError, OfclipError
from ofclip.files import atomic, digest
from ofclip.tensors import write_tensors

KEEP = 2  # the one before the last is used if the last should be damaged
HEADER = "ofclip-checkpoint-1"  # one entry holds all: safetensors writes several in an order that is not fixed
HALF = ".step-*.part"  # what `atomic` calls a checkpoint while it is written
SHOWN = 6  # differences that are listed when a checkpoint is of another run
#: Settings that may change while a run goes on: they decide how fast it is and who watches, not what is learned.
FREE = frozenset({"checkpoint_seconds", "devices", "nodes", "strategy", "loggers"})


@dataclass(frozen=True)
class Run:
    """All that decides the weights a run ends with; a checkpoint goes on only in the run that wrote it.

    `settings` are the resolved ones, as JSON values; `code`, `data` and `libraries` map a file, source or library
    to its hash or version; `start` is the fingerprint of the weights at step 0.
    """

    settings: Mapping[str, Any]
    code: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    architecture: str = ""
    start: str = ""

    @property
    def key(self) -> str:
        """Hash that is equal for runs without a difference."""
        return digest(json.dumps(self._decisive(), sort_keys=True))

    def differences(self, before: Run) -> list[str]:
        """Return what differs from the run `before`, one phrase for each setting, file, source or library.

        >>> Run({"batch": 64, "augmentation": {"flip": True}}).differences(Run({"batch": 32}))
        ['setting augmentation.flip was not there, now True', 'setting batch was 32, now 64']
        """
        old, new = before._decisive(), self._decisive()
        found = []
        for name in sorted(old.keys() | new.keys()):
            if name not in old or name not in new:
                was = f"was {old[name]!r}" if name in old else "was not there"
                found.append(f"{name} {was}, " + (f"now {new[name]!r}" if name in new else "now gone"))
            elif old[name] != new[name]:
                hashes = name.startswith(("code", "data", "start"))  # which nobody reads
                found.append(f"{name} has changed" if hashes else f"{name} was {old[name]!r}, now {new[name]!r}")
        return found

    def _decisive(self) -> dict[str, Any]:
        settings = {key: value for key, value in self.settings.items() if key not in FREE}
        parts = {"setting": settings, "code": self.code, "data": self.data, "library": self.libraries}
        # through JSON, as a checkpoint's come: a tuple and a list are then the same
        flat = {f"{kind} {name}": value for kind, part in parts.items() for name, value in _flat(_json(part))}
        return flat | {"architecture": self.architecture, "starting weights": self.start}


@dataclass
class State:
    """What a run needs to go on after `step` finished steps as if nothing had happened.

    `model` and `optimizer` are `state_dict()`s (the whole ones, on one process of many); `ema` is a flat dict of
    tensors, such as that of torch's AveragedModel with its count in it; `scaler` is the GradScaler's; `extra` is
    whatever else must survive, as JSON values. `world_size` says how many processes wrote it; `path` where it lay.
    """

    step: int
    model: Mapping[str, torch.Tensor]
    optimizer: Mapping[str, Any]
    run: Run
    ema: Mapping[str, torch.Tensor] | None = None
    scaler: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    world_size: int = 1
    path: Path | None = None

    def load_into(self, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Put weights and optimizer state back; raises CheckpointError, and changes nothing, where they do not fit."""
        own = model.state_dict()
        wrong = sorted(own.keys() ^ self.model.keys()) or sorted(
            key for key, value in own.items() if value.shape != self.model[key].shape
        )
        sizes = [len(group["params"]) for group in optimizer.param_groups]
        if not wrong and [len(group["params"]) for group in self.optimizer["param_groups"]] != sizes:
            wrong = ["the optimizer's groups of parameters"]
        if wrong:
            raise CheckpointError(
                f"{self.path or 'checkpoint'}: a checkpoint of another architecture ({wrong[0]} does not fit); "
                "train into another folder, or remove this one"
            )
        model.load_state_dict(self.model)
        _load_optimizer(optimizer, self.optimizer)


def save(folder: str | Path, state: State) -> Path:
    """Write the checkpoint of a finished step and return its path; of this run, only the last two are kept.

    It is flushed to disk before it gets its name, and what others left in the folder goes only after that. Raises
    OfclipError for a full disk or a folder that cannot be written; the checkpoints before it stay as they were.
    """
    folder = Path(folder)
    tensors, header = _pack(state)
    path = folder / f"step-{state.step:08d}.safetensors"
    text = json.dumps(header)
    try:
        for part in folder.glob(HALF):  # of a process that was killed while it wrote; as large as a checkpoint
            part.unlink(missing_ok=True)
        with atomic(path) as temporary:
            write_tensors(tensors, temporary, {HEADER: f"{_sum(tensors, text)} {text}"})
        before = [old for old in _files(folder) if old < path]
        kept = [old for old in before if _key(old) == state.run.key][-(KEEP - 1) :]
        for old in set(_files(folder)) - {path, *kept}:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise OfclipError(
            f"{path}: the checkpoint cannot be written ({error.strerror or error}); make its folder one that you may "
            "write to, or train into another, and run the same command again"
        ) from error
    return path


def restore(folder: str | Path, run: Run, world_size: int = 1) -> State | None:
    """Return the newest sound checkpoint of `run`, or None: training then starts from the beginning.

    The folder is only read, so all processes may do it at once. A damaged checkpoint is passed over with a warning
    and the one before it is taken. Those of another run are never mixed in: the warning says what differs. Another
    number of processes goes on with the same batches in the same order, and a warning notes it. Raises
    CheckpointError for a checkpoint of another architecture, and for one that may not be read.
    """
    folder = Path(folder)
    damaged, other = 0, None
    for path in reversed(_files(folder)):
        try:
            state = _read(path)
        except PermissionError as error:
            raise CheckpointError(f"{path}: may not be read; give yourself the right to, or remove it") from error
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            warnings.warn(f"{path}: damaged ({reason}); the checkpoint before it is used, if any", stacklevel=2)
            damaged += 1
            continue
        if state.run.key == run.key:
            if state.world_size != world_size:
                warnings.warn(
                    f"{path}: written by {state.world_size} processes, read by {world_size}: the batches and their "
                    "order stay the same, but sums are rounded otherwise than in a run without the change",
                    stacklevel=2,
                )
            return state
        other = other or state
    if other is not None:
        if run.architecture != other.run.architecture:
            raise CheckpointError(
                f"{other.path}: a checkpoint of another architecture ({other.run.architecture}, now "
                f"{run.architecture}); train into another folder, or remove this one"
            )
        found = run.differences(other.run)
        more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        warnings.warn(
            f"{other.path}: a checkpoint of another run ({'; '.join(found[:SHOWN] + more)}). Training starts from the "
            "beginning and will replace it; to keep it, train into another folder",
            stacklevel=2,
        )
    elif damaged:
        warnings.warn(f"{folder}: no sound checkpoint is left; training starts from the beginning", stacklevel=2)
    return None


def clear(folder: str | Path) -> None:
    """Remove every checkpoint in the folder, half-written ones too."""
    for path in [*_files(Path(folder)), *Path(folder).glob(HALF)]:
        path.unlink(missing_ok=True)


def _pack(state: State) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return a state as plain tensors by name, and all the rest as JSON values."""
    tensors = {f"model/{key}": value for key, value in state.model.items()}
    tensors |= {f"ema/{key}": value for key, value in (state.ema or {}).items()}
    plain: dict[str, dict[str, Any]] = {}
    for parameter, entry in state.optimizer["state"].items():
        for key, value in entry.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer/{parameter}/{key}"] = value
            else:
                plain.setdefault(str(parameter), {})[key] = value
    header = {
        "step": state.step, "run": asdict(state.run), "world_size": state.world_size, "has_ema": state.ema is not None,
        "scaler": state.scaler, "extra": state.extra, "plain": plain, "groups": state.optimizer["param_groups"],
    }  # fmt: skip
    return _separate(tensors), _json(header)


def _read(path: Path) -> State:
    with safe_open(path, framework="pt") as file:
        found, _, text = file.metadata()[HEADER].partition(" ")
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    if found != _sum(tensors, text):
        raise SafetensorError("checksum differs")
    header = json.loads(text)
    parts: dict[str, dict[str, Any]] = {"model": {}, "ema": {}, "optimizer": {}}
    for key, value in tensors.items():
        part, _, name = key.partition("/")
        parts[part][name] = value
    # in an optimizer's state_dict parameters are numbers, or names where it comes from shards of many processes
    names = {str(name): name for group in header["groups"] for name in group["params"]}
    slots: dict[Any, dict[str, Any]] = {names[key]: dict(values) for key, values in header["plain"].items()}
    for key, value in parts["optimizer"].items():
        parameter, _, name = key.rpartition("/")
        slots.setdefault(names[parameter], {})[name] = value
    return State(
        step=header["step"], model=parts["model"], optimizer={"state": slots, "param_groups": header["groups"]},
        run=Run(**header["run"]), ema=parts["ema"] if header["has_ema"] else None,
        scaler=header["scaler"], extra=header["extra"], world_size=header["world_size"], path=path,
    )  # fmt: skip


def _load_optimizer(optimizer: torch.optim.Optimizer, stored: Mapping[str, Any]) -> None:
    state: dict[int, dict[str, Any]] = {}
    groups = optimizer.state_dict()["param_groups"]
    for group, now, before in zip(optimizer.param_groups, groups, stored["param_groups"], strict=True):
        for parameter, number, name in zip(group["params"], now["params"], before["params"], strict=True):
            for key, value in stored["state"].get(name, {}).items():
                if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                    # fused optimizers walk through memory: a moment must lie there in the order of its parameter
                    value = torch.empty_like(parameter, dtype=value.dtype, device="cpu").copy_(value)
                state.setdefault(number, {})[key] = value
        now.update({key: _as(now.get(key), value) for key, value in before.items() if key != "params"})
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _as(now: Any, value: Any) -> Any:
    """Return a value that went through JSON in the type that the optimizer has it in."""
    if isinstance(now, torch.Tensor):
        return torch.full_like(now, value)
    return tuple(value) if isinstance(now, tuple) else value


def _json(value: Any) -> Any:
    """Return a value as JSON would give it back; a tensor, such as a compiled optimizer's rate, becomes a number."""
    return json.loads(json.dumps(value, default=lambda tensor: tensor.item()))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _separate(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors on the CPU, contiguous, no two in the same memory: safetensors takes no others."""
    seen: set[int] = set()
    out = {}
    for key, value in tensors.items():
        value = value.detach().cpu().contiguous()
        place = value.untyped_storage().data_ptr()
        out[key] = value.clone() if place in seen else value
        seen.add(place)
    return out


def _key(path: Path) -> str | None:
    """Return the key of the run that wrote a checkpoint, read from its header alone; None if that is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            run = json.loads(file.metadata()[HEADER].partition(" ")[2])["run"]
        return Run(**run).key
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.safetensors"))


def _sum(tensors: Mapping[str, torch.Tensor], header: str) -> str:
    """Return the SHA-256 of the header and of every tensor with its name, type and shape."""
    total = hashlib.sha256(header.encode())
    for key in sorted(tensors):
        value = tensors[key]
        total.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        total.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()

"""Where training runs: the one place that turns settings into a Lightning Fabric, and never into something else."""

from __future__ import annotations

import ctypes
import os

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning_fabric.strategies import FSDPStrategy, Strategy
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ofclip.errors import SettingError
from ofclip.training.meter import device_name
from ofclip.training.settings import Training

#: Names that Slurm gives to jobs in which somebody types: what runs there was not started by srun.
INTERACTIVE = ("bash", "interactive")

#: glibc's M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD: no block apart, nothing given back, grow by 64 MiB at once.
MALLOC = {-4: 0, -1: 2**31 - 1, -2: 2**26}


def fabric(settings: Training, clip: nn.Module | None = None) -> Fabric:
    """Return the launched Fabric of `accelerator`, `devices`, `nodes`, `strategy`, `precision` and `tf32`.

    One process is simply this one; several are started by torchrun or srun and only joined here, so that a
    notebook or a script is never run a second time behind its user's back. `clip` is needed for
    `strategy="fsdp"`, with all its scalars: its repeated blocks are the units that are sharded. Sets the precision
    of float32 products, and on a CPU what is done with freed memory, for the whole process.

    Raises SettingError where the device is missing, too few or cannot do the precision, and where the processes
    that run are not those that the settings ask for.
    """
    _check_device(settings)
    environment = _environment(settings)
    # Fabric's own "auto" forks in a notebook; and convolutions use TF32 unless they are told not to
    strategy: str | Strategy = settings.strategy
    if strategy == "auto" and settings.processes > 1:
        strategy = "ddp"
    elif strategy == "fsdp":
        strategy = _fsdp(clip)
    if settings.accelerator == "cpu":
        keep_memory()
    torch.set_float32_matmul_precision("high" if settings.tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = settings.tf32
    made = Fabric(
        accelerator=settings.accelerator,
        devices=settings.devices,
        num_nodes=settings.nodes,
        strategy=strategy,
        precision=settings.precision,
        plugins=[environment],
    )
    made.launch()
    if settings.strategy == "fsdp":
        assert clip is not None  # else _fsdp had raised
        replicate_scalars(clip, made.device)
    return made


def keep_memory() -> bool:
    """Let the C library keep memory that is freed, since the next step wants the same again; return whether it does.

    glibc gives large blocks back to the kernel, which hands them out again page by page, each cleared: 6 % of a small
    model's step on two cores. Other C libraries have no such setting, and nothing changes there.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(option, value) for option, value in MALLOC.items())


def facts(fabric: Fabric) -> dict[str, str | int | bool]:
    """Return what ran, for the Record: device, processes, nodes, strategy, precision and whether TF32 was in use.

    TF32 is reported only where it can happen: allowed, and on a GPU that has it (Ampere, 2020, or newer).

    >>> found = facts(fabric(Training(sources={"kagl": 1.0}, samples=1000)))
    >>> {key: value for key, value in found.items() if key != "device"}
    {'processes': 1, 'nodes': 1, 'strategy': 'single', 'precision': '32-true', 'tf32': False}
    """
    device, kind = fabric.device, type(fabric.strategy).__name__
    names = {"DDPStrategy": "ddp", "FSDPStrategy": "fsdp", "SingleDeviceStrategy": "single"}
    able = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    return {
        "device": device_name(device),
        "processes": fabric.world_size,
        "nodes": getattr(fabric.strategy, "num_nodes", 1),
        "strategy": names.get(kind, kind),
        "precision": fabric.strategy.precision.precision,
        "tf32": able and torch.get_float32_matmul_precision() != "highest",
    }


def batch_norm(clip: nn.Module, settings: Training) -> nn.Module:
    """Return `clip` such that batch norm sees the whole batch, however many processes share it.

    Call it after the layers that stay in eval mode were put there, and before the model is set up. With one
    process, or without batch norms in training mode, `clip` is returned as it is; on GPUs they become
    SyncBatchNorm (timm's conversion, which keeps the activation that some of its batch norms include, as
    PyTorch's own does not). Raises SettingError on a CPU, where there is no such layer: each rank would
    normalise by its own share of the batch, and the result would depend on their number.
    """
    norms = [m for m in clip.modules() if isinstance(m, _BatchNorm) and not isinstance(m, nn.SyncBatchNorm)]
    if settings.processes == 1 or settings.frozen_norms or not any(norm.training for norm in norms):
        return clip
    if settings.accelerator != "cuda":
        raise SettingError(
            f"devices={settings.devices}, nodes={settings.nodes}: the model has batch norms, whose statistics would "
            "differ between processes on a CPU; set frozen_norms=true, or choose a ViT, or one process"
        )
    from timm.layers import convert_sync_batchnorm

    return convert_sync_batchnorm(clip)


def _check_device(settings: Training) -> None:
    """Raise SettingError unless the device is there, in number, and can do the precision."""
    kind, count = settings.accelerator, settings.devices
    if kind == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not found:
            raise SettingError("accelerator cuda: no GPU found; choose a profile for the CPU, such as laptop")
        if found < count:
            raise SettingError(
                f"accelerator cuda: devices={count} asks for more than the {found} GPU(s) that this process sees; set "
                f"devices={found}, or ask Slurm for --gpus-per-node={count} (with --gpus-per-task each sees only one)"
            )
        if settings.precision == "bf16-mixed" and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise SettingError(
                f"precision bf16-mixed: {torch.cuda.get_device_name()} has no bfloat16; set precision=16-mixed"
            )
    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise SettingError("accelerator mps: no Apple GPU found; choose a profile for the CPU, such as laptop")
        if settings.processes > 1:
            raise SettingError("accelerator mps: an Apple GPU takes one process; set devices=1 and nodes=1")
    if kind == "cpu" and settings.precision == "16-mixed":
        raise SettingError("precision 16-mixed: float16 is for GPUs; set precision=32-true")


def _environment(settings: Training) -> ClusterEnvironment:
    """Return how the processes find each other; raises SettingError unless they are those of the settings.

    torchrun comes before Slurm, for it may run inside a Slurm job (Fabric's order too).
    """
    environment: type[ClusterEnvironment]
    if dist.is_torchelastic_launched():
        environment, world, local = TorchElasticEnvironment, os.environ["WORLD_SIZE"], os.environ["LOCAL_WORLD_SIZE"]
    elif "SLURM_STEP_NUM_TASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in INTERACTIVE:
        # only srun sets it: a batch script that forgot srun would otherwise wait for processes that never start
        environment, world = SLURMEnvironment, os.environ["SLURM_STEP_NUM_TASKS"]
        local = os.environ.get("SLURM_NTASKS_PER_NODE", "1" if world == "1" else "")
    else:
        environment, world, local = LightningEnvironment, "1", "1"
    asked = str(settings.processes), str(settings.devices)
    if (world, local) != asked:
        found = f"{world} were started" if local else f"{world} were started without --ntasks-per-node"
        raise SettingError(
            f"devices={settings.devices}, nodes={settings.nodes}: {settings.processes} process(es) asked for, {found}"
            f"{f' ({local} per node)' if settings.nodes > 1 and local else ''}; run `{command(settings)}`"
        )
    if environment is SLURMEnvironment and settings.processes > 1:
        return SLURMEnvironment(auto_requeue=False)  # a run is resumed by calling it again
    return environment() if environment is TorchElasticEnvironment else LightningEnvironment()


def command(settings: Training) -> str:
    """Return how to start the processes that the settings ask for.

    >>> command(Training(sources={"kagl": 1.0}, samples=1000, devices=2))
    'torchrun --standalone --nproc-per-node 2 --no-python ofclip ...'
    """
    devices, nodes = settings.devices, settings.nodes
    if settings.processes == 1:
        return "ofclip ..."
    if nodes == 1:
        return f"torchrun --standalone --nproc-per-node {devices} --no-python ofclip ..."
    # --kill-on-bad-exit: without it the others would wait for a rank that has died
    return f"srun --nodes={nodes} --ntasks-per-node={devices} --kill-on-bad-exit=1 ofclip ..."


def _fsdp(clip: nn.Module | None) -> FSDPStrategy:
    if clip is None:
        raise SettingError("strategy fsdp: shards a model, so the model must be given")
    return FSDPStrategy(
        auto_wrap_policy=repeated_blocks(clip),
        state_dict_type="full",  # one checkpoint, whatever the number of processes
        ignored_states=scalars(clip),  # FSDP cannot shard them
    )


def repeated_blocks(clip: nn.Module) -> set[type[nn.Module]]:
    """Return the classes of which towers are stacked: what a row of at least two equal modules consists of.

    >>> block = lambda: nn.TransformerEncoderLayer(8, 2)
    >>> repeated_blocks(nn.Sequential(nn.Linear(8, 8), nn.ModuleList([block(), block()])))
    {<class 'torch.nn.modules.transformer.TransformerEncoderLayer'>}
    """
    rows = [list(m) for m in clip.modules() if isinstance(m, nn.ModuleList | nn.Sequential) and len(m) > 1]
    return {type(row[0]) for row in rows if len({type(m) for m in row}) == 1 and list(row[0].children())}


def scalars(clip: nn.Module) -> list[nn.Parameter]:
    """Return the parameters without dimensions: the logit scale, and the bias of a sigmoid loss."""
    return [parameter for parameter in clip.parameters() if parameter.ndim == 0]


def replicate_scalars(clip: nn.Module, device: torch.device) -> None:
    """Keep the parameters that FSDP leaves alone on `device`, and average their gradients over the processes.

    The mean is taken each time a gradient is accumulated; the mean of what is a mean already stays as it is, so
    several backward passes before one step add up as they should.
    """
    for parameter in scalars(clip):
        parameter.data = parameter.data.to(device)
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(_average)


def _average(parameter: torch.Tensor) -> None:
    assert parameter.grad is not None  # it was just accumulated
    dist.all_reduce(parameter.grad)
    parameter.grad /= dist.get_world_size()

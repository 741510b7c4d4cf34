"""What test_processes.py runs, by itself or in several processes: `torchrun ... worker.py PLAN FOLDER`."""

import copy
import os
import signal
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import torch
from lightning_fabric.plugins.precision.fsdp import FSDPPrecision
from safetensors.torch import save_file
from torch.distributed.checkpoint.state_dict import StateDictOptions
from torch.distributed.fsdp import FullyShardedDataParallel

from ofclip import models
from ofclip.training import devices, learner, loop
from ofclip.training.learner import Learner
from ofclip.training.settings import Training

sys.path.insert(0, str(Path(__file__).parent))
from toys import squares  # noqa: E402

WORLD, RANK = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
FIELDS = {"text": 1.0, "colour": 0.5, "place": 0.25}
#: A micro-batch of 3 divides no process's share of the batch of 16. The gradients are 3 to 20 long, so each is clipped.
RUNS = {
    "clip": {},
    "clip, micro": {"micro_batch": 3, "clip_norm": 0.3},
    "siglip": {"loss": "siglip", "clip_norm": 0.3},
    "siglip, micro": {"loss": "siglip", "micro_batch": 3},
    "multi-positive": {"loss": "multi-positive"},
    "multi-positive, micro": {"loss": "multi-positive", "micro_batch": 3},
    "fields": {"loss": "fields", "fields": FIELDS},
    "fields, micro": {"loss": "fields", "fields": FIELDS, "micro_batch": 3},
    "locked": {"image_blocks": 0, "text_blocks": 1, "layer_decay": 0.7},
    "held": {"image_blocks": 1, "ema": 0.5, "distillation": 0.5},
}
FOUR = ("clip, micro", "siglip", "multi-positive", "fields, micro", "held")
SHARDED = ("clip, micro", "siglip, micro", "fields", "locked")


class OnCpu(devices.FSDPStrategy):
    """Fabric shards on GPUs only; PyTorch does on CPUs too."""

    def setup_module(self, module):
        return FullyShardedDataParallel(module, device_id=torch.device("cpu"), **self._fsdp_kwargs)


@contextmanager
def exactly():
    """Compute in float64, where rounding is too small to hide an error, and log every step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)
        made = models.normalise
        patch.setattr(models, "normalise", lambda pixels, preprocess: made(pixels, preprocess).double())
        patch.setattr(loop, "LOG_EVERY", 1)
        patch.setattr(devices, "FSDPStrategy", OnCpu)
        # on a CPU `cpu_offload` copies nothing, and torch gathers the second moments into the memory of the first
        patch.setattr(learner, "WHOLE", StateDictOptions(full_state_dict=True))
        norm = torch.linalg.vector_norm  # FSDP's clipping asks for float32
        patch.setattr(torch.linalg, "vector_norm", lambda *values, dtype=None, **more: norm(*values, **more))
        for name in ("convert_module", "convert_input", "convert_output"):  # which would make all of it float32
            patch.setattr(FSDPPrecision, name, lambda self, data: data)
        yield


def settings(strategy="auto", **values):
    base = {"sources": {"squares": 1.0}, "samples": 64, "batch": 16, "evaluations": 0, "devices": WORLD}
    made = Training.make(**{**base, "checkpoint_seconds": 3600.0, **values})
    return made.model_copy(update={"strategy": strategy})  # unchecked: for users, fsdp needs a GPU


@cache
def start():
    return models.build_model("ofclip-ViT-32-64")


def run(out, validate=None, **values):
    base = start()
    clip = copy.deepcopy(base.clip)
    if values.get("loss") == "siglip":
        models.add_bias(clip)  # before it would come in float32
    model = models.Model(clip.double(), base.architecture, base.preprocess)
    model.__dict__["tokenizer"] = base.tokenizer  # takes long to make
    return loop.train(model, [squares()], settings(**values), out, validate)


@contextmanager
def after(steps, action, rank=RANK):
    """Let one rank act when it has made that many steps."""
    step, made = Learner.step, []

    def counted(self, *arguments):
        value = step(self, *arguments)
        made.append(1)
        if RANK == rank and len(made) == steps:
            action(self)
        return value

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "step", counted)
        yield


def stopped(out, rank, **values):
    """Train until one rank gets SIGTERM after the second of four steps; raises Stopped on every rank."""
    with after(2, lambda made: os.kill(os.getpid(), signal.SIGTERM), rank):
        run(out, **values)


def parity(out, names=RUNS):
    """Configurations, and each rank's gradients of the first step as the optimizer gets them."""
    for name in names:
        path = out / name / f"gradients-{RANK}.safetensors"

        def keep(made, path=path):
            found = {key: p.grad.contiguous() for key, p in made.clip.named_parameters() if p.grad is not None}
            save_file(found, path)

        path.parent.mkdir(parents=True, exist_ok=True)
        with after(1, keep):
            run(out / name, **RUNS[name])


def sharded(out):
    """FSDP: configurations, what validation gets, and checkpoints that go over from it to DDP and back."""
    for name in SHARDED:
        seen = []

        def watch(whole, seen=seen):
            assert not whole.clip.training
            seen.append({key: value.clone() for key, value in whole.clip.state_dict().items()})
            return {"vectors": float(whole.encode_texts(["red square"]).sum())}

        found = run(out / "fsdp" / name, watch, strategy="fsdp", evaluations=2, **RUNS[name])
        assert len(seen) == (0 if RANK else 2)
        assert not any("_fsdp" in key for key in found.model.clip.state_dict()), "each rank gets a whole model"
        for key, value in found.model.clip.state_dict().items():
            assert RANK or torch.equal(value, seen[-1][key]), key
        assert RANK or not torch.equal(seen[0]["text_projection"], seen[1]["text_projection"])
    for first, then in (("fsdp", "fsdp"), ("fsdp", "ddp"), ("ddp", "fsdp")):
        folder = out / f"{first} then {then}"
        with pytest.raises(SystemExit):
            stopped(folder, 1, strategy=first, **RUNS["siglip, micro"])
        run(folder, strategy=then, **RUNS["siglip, micro"])


def two(out):
    parity(out)
    sharded(out)
    run(out / "1 then 2", **RUNS["siglip, micro"])  # the test has begun it
    stopped(out / "2 then 1", 1, **RUNS["siglip, micro"])  # no rank comes back from here


def four(out):
    parity(out, FOUR)
    with after(2, lambda made: os._exit(7), 2):
        run(out / "dead")


if __name__ == "__main__":
    with exactly():
        {"two": two, "four": four}[sys.argv[1]](Path(sys.argv[2]))

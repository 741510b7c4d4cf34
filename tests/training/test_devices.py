import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ofclip import models
from ofclip.errors import SettingError
from ofclip.training import devices
from ofclip.training.settings import Training

LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID")


def settings(**values):
    return Training.make(**{"sources": {"toys": 1.0}, "samples": 64, "batch": 16, **values})


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Whatever runs the tests, no launcher is seen; and global settings of precision are put back."""
    for name in [*LAUNCHED, *(name for name in os.environ if name.startswith("SLURM_"))]:
        monkeypatch.delenv(name, raising=False)
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]


@pytest.fixture
def gpus(monkeypatch):
    def pretend(count, bf16=True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "Toy GPU")

    return pretend


def test_one_process_on_the_cpu_is_just_this_one():
    made = devices.fabric(settings())
    assert made.world_size == 1 and made.device == torch.device("cpu")
    assert not torch.distributed.is_initialized()
    found = devices.facts(made)
    assert found.pop("device")
    assert found == {"processes": 1, "nodes": 1, "strategy": "single", "precision": "32-true", "tf32": False}


def test_a_gpu_that_is_not_there_is_an_error(gpus):
    gpus(0)
    with pytest.raises(SettingError, match="cuda: no GPU found; choose a profile for the CPU, such as laptop"):
        devices.fabric(settings(accelerator="cuda"))
    gpus(2)
    with pytest.raises(SettingError, match="devices=4 asks for more than the 2 GPU.*set devices=2"):
        devices.fabric(settings(accelerator="cuda", devices=4))


def test_an_apple_gpu_must_be_there_and_takes_one_process(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingError, match="mps: no Apple GPU found; choose a profile for the CPU, such as laptop"):
        devices.fabric(settings(accelerator="mps"))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(SettingError, match="mps: an Apple GPU takes one process"):
        devices.fabric(settings(accelerator="mps", devices=2))


def test_a_precision_that_the_device_lacks_is_an_error_and_not_replaced(gpus):
    gpus(1, bf16=False)
    with pytest.raises(SettingError, match="bf16-mixed: Toy GPU has no bfloat16; set precision=16-mixed"):
        devices.fabric(settings(accelerator="cuda", precision="bf16-mixed"))
    with pytest.raises(SettingError, match="16-mixed: float16 is for GPUs"):
        devices.fabric(settings(precision="16-mixed"))  # Fabric itself would take bfloat16 instead


def test_tf32_is_set_as_asked_whatever_was_set_before(monkeypatch):
    made = devices.fabric(settings(tf32=True))
    assert torch.get_float32_matmul_precision() == "high" and torch.backends.cudnn.allow_tf32
    assert devices.facts(made)["tf32"] is False, "a CPU has none"
    made = devices.fabric(settings())
    assert torch.get_float32_matmul_precision() == "highest" and not torch.backends.cudnn.allow_tf32

    gpu = SimpleNamespace(device=torch.device("cuda", 0), strategy=made.strategy, world_size=1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "Toy GPU")
    for capability, precision, seen in (((8, 0), "high", True), ((7, 5), "high", False), ((9, 0), "highest", False)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, it=capability: it)
        torch.set_float32_matmul_precision(precision)
        assert devices.facts(gpu)["tf32"] is seen and devices.facts(gpu)["device"] == "Toy GPU"


def test_several_processes_are_never_started_behind_the_users_back():
    with pytest.raises(SettingError, match=r"devices=2, nodes=1: 2 process.*1 were started; run `torchrun --standal"):
        devices.fabric(settings(devices=2))
    with pytest.raises(SettingError, match="run `srun --nodes=2 --ntasks-per-node=4 --kill-on-bad-exit=1 ofclip"):
        devices.fabric(settings(devices=4, nodes=2))


@pytest.mark.parametrize(
    ("world", "local", "asked", "message"),
    [
        (4, 4, {"devices": 2}, r"2 process\(es\) asked for, 4 were started; run `torchrun .*--nproc-per-node 2 "),
        (2, 2, {}, r"1 process\(es\) asked for, 2 were started; run `ofclip \.\.\.`"),
        (4, 4, {"devices": 2, "nodes": 2}, r"4 process\(es\) asked for, 4 were started \(4 per node\)"),
    ],
)
def test_torchrun_with_other_numbers_than_the_settings_is_an_error(monkeypatch, world, local, asked, message):
    for name, value in zip(LAUNCHED, (0, world, 0, local, "none"), strict=True):
        monkeypatch.setenv(name, str(value))
    with pytest.raises(SettingError, match=message):
        devices.fabric(settings(**asked))


def slurm(monkeypatch, **values):
    base = {"SLURM_JOB_ID": "12", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
    for name, value in {**base, **values}.items():
        monkeypatch.setenv(name, value)


def test_srun_with_the_numbers_of_the_settings_is_taken(monkeypatch):
    slurm(monkeypatch, SLURM_NTASKS="4", SLURM_STEP_NUM_TASKS="4", SLURM_NTASKS_PER_NODE="2", SLURM_NNODES="2")
    environment = devices._environment(settings(devices=2, nodes=2))
    assert type(environment).__name__ == "SLURMEnvironment" and environment.world_size() == 4
    environment.validate_settings(num_devices=2, num_nodes=2)
    with pytest.raises(SettingError, match=r"1 process\(es\) asked for, 4 were started"):
        devices.fabric(settings())  # four runs that write into one folder


def test_a_slurm_job_without_srun_does_not_wait_for_ranks_that_never_start(monkeypatch):
    slurm(monkeypatch, SLURM_NTASKS="2", SLURM_NTASKS_PER_NODE="2")  # what a batch script sees
    with pytest.raises(SettingError, match="2 process.*1 were started"):
        devices.fabric(settings(devices=2))
    assert devices.fabric(settings()).world_size == 1


def test_tasks_without_a_number_per_node_are_named(monkeypatch):
    slurm(monkeypatch, SLURM_NTASKS="2", SLURM_STEP_NUM_TASKS="2")
    with pytest.raises(SettingError, match="2 were started without --ntasks-per-node"):
        devices.fabric(settings(devices=2))


def test_one_process_in_a_job_of_many_tasks_or_in_its_shell_is_one_process(monkeypatch):
    slurm(monkeypatch, SLURM_NTASKS="1", SLURM_STEP_NUM_TASKS="1", SLURM_NTASKS_PER_NODE="1")
    assert devices.fabric(settings()).world_size == 1
    slurm(monkeypatch, SLURM_NTASKS="4", SLURM_STEP_NUM_TASKS="4", SLURM_JOB_NAME="bash")
    assert devices.fabric(settings()).world_size == 1


def test_batch_norm_is_left_alone_by_one_process_and_refused_by_several_on_a_cpu():
    clip = models.build_model("ofclip-RN-8-64").clip.train()
    several = settings(devices=2)
    assert devices.batch_norm(clip, settings()) is clip
    with pytest.raises(SettingError, match="batch norms, .* set frozen_norms=true, or choose a ViT"):
        devices.batch_norm(clip, several)
    assert devices.batch_norm(clip, several.but(frozen_norms=True)) is clip
    assert devices.batch_norm(clip.eval(), several) is clip, "in eval mode there are no statistics of a batch"
    vit = nn.Sequential(nn.Conv2d(3, 8, 8), nn.LayerNorm(8))
    assert devices.batch_norm(vit, several) is vit


def test_batch_norm_is_shared_on_gpus_and_keeps_what_it_holds():
    from timm.layers import BatchNormAct2d

    clip = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), BatchNormAct2d(4, act_layer=nn.ReLU)).train()
    clip[1].running_mean.fill_(3.0)
    names = list(clip.state_dict())
    shared = devices.batch_norm(clip, settings(accelerator="cuda", devices=2))
    assert [isinstance(m, nn.SyncBatchNorm) for m in shared] == [False, True, True]
    assert list(shared.state_dict()) == names and float(shared[1].running_mean[0]) == 3.0
    assert isinstance(shared[2].act, nn.ReLU)


def test_fsdp_shards_the_repeated_blocks_and_leaves_scalars_alone(gpus):
    from open_clip.transformer import ResidualAttentionBlock

    clip = models.build_model("ViT-S-32-alt").clip
    assert devices.repeated_blocks(clip) == {ResidualAttentionBlock}
    assert [p is clip.logit_scale for p in devices.scalars(clip)] == [True]
    gpus(1)
    with pytest.raises(SettingError, match="fsdp: .*the model must be given"):
        devices.fabric(settings(accelerator="cuda", strategy="fsdp"))
    with pytest.raises(SettingError, match="strategy=fsdp needs accelerator=cuda"):
        settings(strategy="fsdp")


TWO = """
import os
import platform
import torch
from torch.distributed.fsdp import FullyShardedDataParallel
from ofclip.training import devices
from ofclip.training.settings import Training

made = devices.fabric(Training(sources={"toys": 1.0}, samples=64, batch=16, devices=2))
own = torch.full((3,), float(made.global_rank + 1), requires_grad=True)
joined = made.all_gather(own, sync_grads=True).flatten(0, 1)
assert joined.tolist() == [1.0] * 3 + [2.0] * 3, joined
assert devices.facts(made)["processes"] == 2 and devices.facts(made)["strategy"] == "ddp"

class Toy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.blocks = torch.nn.Sequential(*(torch.nn.Sequential(torch.nn.Linear(4, 4)) for _ in range(2)))
        self.scale = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return (self.scale * self.blocks(x)).square().mean()

whole, part = Toy(), Toy()
options = devices._fsdp(part)._fsdp_kwargs  # Fabric itself shards on GPUs only; PyTorch does on CPUs too
sharded = FullyShardedDataParallel(part, device_id=made.device, **options)
devices.replicate_scalars(part, made.device)
x = torch.arange(16.0).reshape(4, 4)
whole(x).backward()
for row in (0, 1):  # two micro-batches: the scalar's gradient must add up
    (sharded(x[[2 * made.global_rank + row]]) / 2).backward()
with FullyShardedDataParallel.summon_full_params(sharded, with_grads=True):
    for ours, theirs in zip(sharded.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)

os.write(1, f"rank {made.global_rank} gathered\\n".encode())  # one piece, whoever else writes
made.barrier()
if made.global_rank == 1:
    raise RuntimeError("rank 1 has had enough")
made.barrier()
os.write(1, b"rank 0 went on alone\\n")
"""


def test_two_processes_gather_and_shard_and_a_rank_that_raises_ends_the_job_with_its_error(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    root = Path(devices.__file__).parents[2]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path})
    assert sorted(done.stdout.splitlines()) == ["rank 0 gathered", "rank 1 gathered"], done.stderr
    assert done.returncode != 0 and "RuntimeError: rank 1 has had enough" in done.stderr


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc's")
def test_freed_memory_is_kept_for_the_next_step():
    code = """
import resource, sys, torch
from ofclip.training.devices import keep_memory
assert sys.argv[1] == "no" or keep_memory()
def step(): torch.empty(2**26, dtype=torch.uint8).fill_(1)  # more than glibc would take from its heap
for _ in range(3): step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4): step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    faults = [int(subprocess.run([sys.executable, "-c", code, word], capture_output=True, check=True).stdout)
              for word in ("no", "yes")]  # fmt: skip
    assert faults[0] > 1000 > 10 * faults[1]


def test_where_the_c_library_has_no_such_setting_nothing_changes(monkeypatch):
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda name: SimpleNamespace())
    assert devices.keep_memory() is False

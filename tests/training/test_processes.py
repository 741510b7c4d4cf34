"""Whole runs of 1, 2 and 4 processes on a CPU: the same batches, losses, gradients and weights, sharded or not.

All is computed in float64, where the order of sums makes a difference of 1e-16 and any fault one far above the
tolerance of 1e-9. (In float32 AdamW turns the rounding of a gradient that should be 0, such as that of the bias of
attention's keys, into steps as long as any other, so that weights say nothing.)
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from ofclip import models
from ofclip.errors import CheckpointError
from ofclip.training import loop
from ofclip.training.data import Batches

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import worker  # noqa: E402
from toys import squares  # noqa: E402

TOLERANCE = 1e-9


def launch(plan, processes, out):
    root = Path(models.__file__).parents[2]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    return subprocess.run(
        [*words, HERE / "worker.py", plan, out], capture_output=True, text=True, timeout=300,
        env={**alone, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    out = tmp_path_factory.mktemp("one")
    with worker.exactly():
        worker.parity(out)
    return out


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    out = tmp_path_factory.mktemp("two")
    with worker.exactly(), pytest.raises(SystemExit):
        worker.stopped(out / "1 then 2", 0, **worker.RUNS["siglip, micro"])
    return out, launch("two", 2, out)


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    out = tmp_path_factory.mktemp("four")
    return out, launch("four", 4, out)


def difference(a, b):
    """The largest one of any number in two files of tensors."""
    a, b = load_file(a), load_file(b)
    assert a.keys() == b.keys() and len(a) > 3
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def same_run(a, b):
    found = difference(a / "weights.safetensors", b / "weights.safetensors")
    assert found < TOLERANCE, f"{b}: weights differ by {found}"
    a, b = (pd.read_json(path / "log.jsonl", lines=True).groupby("step").first() for path in (a, b))
    for column in ("loss", "learning_rate", "logit_scale"):
        np.testing.assert_allclose(a[column].to_numpy(), b[column].to_numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("processes", "name"), [*((2, name) for name in worker.RUNS), *((4, name) for name in worker.FOUR)]
)
def test_gradients_losses_and_weights_are_those_of_one_process(request, one, processes, name):
    out, done = request.getfixturevalue({2: "two", 4: "four"}[processes])
    for rank in range(processes):
        path = out / name / f"gradients-{rank}.safetensors"
        assert path.exists(), done.stderr[-3000:]
        assert difference(one / name / "gradients-0.safetensors", path) < TOLERANCE
    same_run(one / name, out / name)


@pytest.mark.parametrize("name", worker.SHARDED)
def test_sharded_training_is_that_of_one_process(one, two, name):
    same_run(one / name, two[0] / "fsdp" / name)


@pytest.mark.parametrize("way", ["fsdp then fsdp", "fsdp then ddp", "ddp then fsdp", "1 then 2"])
def test_a_checkpoint_goes_on_with_other_strategies_and_numbers_of_processes(one, two, way):
    same_run(one / "siglip, micro", two[0] / way)


def test_a_signal_to_one_rank_saves_and_ends_all_and_one_process_may_finish(one, two):
    out, done = two
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("stopped after step 2 of 4, saved") == 4  # once for each of the runs that were stopped
    assert [path.name for path in (out / "2 then 1" / "checkpoints").iterdir()] == ["step-00000002.safetensors"]
    with worker.exactly(), pytest.warns(UserWarning, match="written by 2 processes, read by 1"):
        worker.run(out / "2 then 1", **worker.RUNS["siglip, micro"])
    same_run(one / "siglip, micro", out / "2 then 1")


def test_a_rank_that_dies_ends_the_job_with_an_error(four):
    out, done = four
    assert done.returncode != 0 and "exitcode  : 7" in done.stderr, done.stderr[-3000:]
    assert not (out / "dead" / "weights.safetensors").exists()


def test_processes_that_start_at_different_steps_are_told_so(tmp_path):
    class Fabric:
        world_size, device = 2, "cpu"

        def all_gather(self, step):
            return step + step.new_tensor([0, 3])

    with pytest.raises(CheckpointError, match="found checkpoints of steps 4, 7; train into a folder that all of them"):
        loop._same_on_all(Fabric(), 4, tmp_path)


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("name", ["clip", "fields"])
def test_shares_of_a_batch_joined_are_the_batch_of_one_process(name, processes):
    plan = worker.settings(**worker.RUNS[name])
    batches = Batches([squares()], worker.start(), plan)
    share = plan.batch // processes
    for step in (0, 5):
        whole = batches.rows(step)
        parts = [batches.rows(step, slice(i * share, (i + 1) * share)) for i in range(processes)]
        for field in ("pixels", "tokens"):
            np.testing.assert_array_equal(np.concatenate([getattr(p, field) for p in parts]), getattr(whole, field))
        for field in ("keys", "groups", "present"):
            assert all(np.array_equal(getattr(p, field), getattr(whole, field)) for p in parts)

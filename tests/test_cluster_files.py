"""The files for clusters fit each other, the command line and the trainer; Slurm itself is played by two scripts."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from ofclip.cli import main
from ofclip.experiments import ROOT
from ofclip.profiles import load_profile, parse
from ofclip.training.settings import Training

PAGE = (ROOT / "book" / "cluster.md").read_text(encoding="utf-8")
PROFILE = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
JOB = ROOT / "scripts" / "train.sbatch"
NODE = ROOT / "scripts" / "slurm-single-node.sh"


def commands(first: str) -> list[list[str]]:
    """Return the words of the page's commands that start with `first`."""
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    return [words for words in map(shlex.split, blocks.splitlines()) if words and words[0] == first]


def check_train(words: list[str]) -> None:
    """Fail unless `ofclip train` takes the words, and its profile the settings among them."""
    assert words[:2] == ["ofclip", "train"]
    values = main.commands["train"].make_context("train", words[2:]).params
    run = values["entries"][0].partition("=")[0]
    load_profile(values["profile"], trained=run, **parse(values["settings"]))


def after(words: list[str], script: str) -> list[str]:
    """Return what the words of an sbatch command hand to the script, as the trainer gets it."""
    place = words.index(script)
    out, *rest = words[place + 1 :]
    return ["ofclip", "train", "--out", out, *rest]


def test_the_profile_names_options_of_snakemake_and_rules_of_ours() -> None:
    from snakemake.cli import get_argument_parser

    known = {option.lstrip("-") for action in get_argument_parser()._actions for option in action.option_strings}
    there = importlib.util.find_spec("snakemake_executor_plugin_slurm")
    named = {key for key in PROFILE if there or not key.startswith("slurm-")}
    assert named <= known
    rules = set(re.findall(r"^rule (\w+):", (ROOT / "Snakefile").read_text(), re.MULTILINE))
    assert set(PROFILE["set-resources"]) <= rules
    assert PROFILE["executor"] == "slurm" and PROFILE["rerun-triggers"] == "mtime"


@pytest.mark.parametrize("script", [JOB, NODE], ids=lambda path: path.name)
def test_scripts_are_sound_shell(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script], capture_output=True, text=True).stderr == ""


def test_commands_of_the_page_exist() -> None:
    for words in commands("ofclip"):
        command: click.Command = main
        while isinstance(command, click.Group):
            words = words[1:]
            command = command.commands[words[0]]
    for words in commands("ofclip"):
        check_train(words)
    jobs = commands("sbatch")
    assert len(jobs) == 3
    for words in jobs:
        check_train(after(words, "scripts/train.sbatch"))
    for words in commands("scripts/slurm-single-node.sh"):
        assert words[1] in ("start", "stop")


def test_launchers_of_the_page_start_as_many_processes_as_the_settings_say() -> None:
    from torch.distributed.run import get_args_parser

    launches = commands("torchrun")
    assert len(launches) == 2
    for words in launches:
        chosen = get_args_parser().parse_args(words[1:])
        trainer = [chosen.training_script, *chosen.training_script_args]
        check_train(trainer)
        settings = parse([value for flag, value in zip(trainer, trainer[1:], strict=False) if flag == "-s"])
        assert chosen.no_python and int(chosen.nproc_per_node) == settings["devices"]
        assert int(chosen.nnodes.partition(":")[0]) == settings.get("nodes", 1)


def test_snakemake_of_the_page_takes_the_profile_that_is_there() -> None:
    runs = commands("snakemake")
    assert len(runs) == 2
    for words in runs:
        assert (ROOT / words[words.index("--profile") + 1] / "config.yaml").is_file()
        load_profile(words[words.index("--config") + 1].removeprefix("profile="))


def test_slurm_sends_the_signal_that_the_trainer_notes() -> None:
    from ofclip.training.stopping import SIGNALS

    (name,) = re.findall(r"^#SBATCH --signal=(\w+)@\d+", JOB.read_text(), re.MULTILINE)  # no B: the shell must live on
    assert signal.Signals[f"SIG{name}"] in SIGNALS


@pytest.fixture
def job(tmp_path: Path):
    """A function that runs the job's script where `srun` does as told and `scontrol` writes down what it got."""
    tools = tmp_path / "tools"
    tools.mkdir()

    def run(srun: str, *words: str) -> tuple[subprocess.CompletedProcess[str], str]:
        (tools / "srun").write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" > asked\n{srun}\n')
        (tools / "scontrol").write_text('#!/bin/bash\necho "$@" > requeued\n')
        for tool in tools.iterdir():
            tool.chmod(0o755)
        slurm = {"CPUS_PER_TASK": "3", "NTASKS_PER_NODE": "2", "NNODES": "4", "JOB_ID": "17"}
        environment = {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            **{f"SLURM_{name}": value for name, value in slurm.items()},
        }
        (tmp_path / "requeued").unlink(missing_ok=True)
        done = subprocess.run(
            ["bash", JOB, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
        )
        requeued = tmp_path / "requeued"
        return done, requeued.read_text().strip() if requeued.exists() else ""

    return run


def test_a_job_that_saved_is_queued_again_and_one_that_finished_is_not(job, tmp_path: Path) -> None:
    done, requeued = job("true", "run", "--source", "kagl")
    assert (done.returncode, requeued) == (0, "requeue 17")
    done, requeued = job("mkdir run && touch run/finished.json", "run", "--source", "kagl")
    assert (done.returncode, requeued) == (0, "")
    _, *trainer = (tmp_path / "asked").read_text().split("ofclip")
    words = ["ofclip", *"".join(trainer).split()]
    check_train(words)
    assert words[-4:] == ["-s", "devices=2", "-s", "nodes=4"]
    assert {"devices", "nodes"} <= Training.model_fields.keys()


def test_a_job_that_failed_ends_with_its_code_and_is_not_tried_again(job) -> None:
    done, requeued = job("exit 7", "run", "--source", "kagl")
    assert (done.returncode, requeued) == (7, "")


def test_a_job_without_a_folder_says_how_to_use_it(job) -> None:
    done, requeued = job("true")
    assert done.returncode and "usage: sbatch" in done.stderr and not requeued


def test_tasks_get_the_processors_of_the_job(job, tmp_path: Path) -> None:
    job('echo "$OMP_NUM_THREADS $SRUN_CPUS_PER_TASK" > threads', "run", "--source", "kagl")
    assert (tmp_path / "threads").read_text() == "3 3\n"


def test_the_node_that_was_not_started_can_be_asked_and_stopped(tmp_path: Path) -> None:
    def node(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SLURM_FOLDER": str(tmp_path / "slurm")}
        return subprocess.run([NODE, *words], env=environment, capture_output=True, text=True, timeout=100)

    assert node("status").stdout == "".join(f"{name}: not running\n" for name in ("munged", "slurmctld", "slurmd"))
    assert node("stop").returncode == 0
    assert node("restart").returncode == 1 and "start|stop|status" in node("restart").stderr

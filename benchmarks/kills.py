"""Training that is killed at random moments ends with the same weights, byte for byte, as one never interrupted.

`python benchmarks/kills.py --kills 50 --seed 0` takes a quarter of an hour on two cores, most of it starting again.
A checkpoint is written after every step, so that most kills fall into the writing of one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from saving import save

MODULES = ["ofclip.training.loop", "ofclip.training.checkpoints"]
PATIENCE = 300  # seconds until a process that has not begun to train counts as stuck
POLL = 0.002  # seconds between two looks at the checkpoint folder


@dataclass
class Kill:
    """One kill: of which run, after which finished step, and whether a checkpoint was half-written."""

    run: int
    step: int
    writing: bool


def command(out: Path, options: argparse.Namespace, every_step: bool) -> list[str]:
    """Return the command of one run, as a user would type it."""
    settings = {
        "products": options.products,
        "samples": options.steps * options.batch,
        "batch": options.batch,
        "evaluations": 0,
        "checkpoint_seconds": 0 if every_step else 1e9,
    }
    words = [word for key, value in settings.items() for word in ("-s", f"{key}={value}")]
    program = Path(sys.executable).with_name("ofclip")
    return [str(program), "train", "--source", "atelier", "--profile", "smoke", *words, "--out", str(out)]


def listed(out: Path) -> set[str]:
    """Return the names in the folder of checkpoints, half-written ones too."""
    folder = out / "checkpoints"
    return set(os.listdir(folder)) if folder.is_dir() else set()


def last_step(names: set[str]) -> int:
    """Return the step of the newest whole checkpoint, 0 if there is none."""
    return max((int(name[5:13]) for name in names if name.startswith("step-")), default=0)


def attempt(words: list[str], out: Path, delay: float | None) -> bool:
    """Start the run, and kill it `delay` seconds after it began to write (never if None); return whether it was."""
    before, errors = listed(out), out.with_suffix(".txt")
    with errors.open("a") as file:
        # a session of its own: the kill takes the processes that it has started too
        process = subprocess.Popen(words, stdout=file, stderr=file, start_new_session=True)
        try:
            if delay is not None:
                deadline = time.monotonic() + PATIENCE
                while process.poll() is None and listed(out) <= before:
                    if time.monotonic() > deadline:
                        sys.exit(f"no step within {PATIENCE} s of: {' '.join(words)}")
                    time.sleep(POLL)
                time.sleep(delay)
            else:
                process.wait()
        finally:
            killed = process.poll() is None
            if killed:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if not killed and process.returncode:
        sys.exit(f"exit code {process.returncode} of: {' '.join(words)}\n{errors.read_text()[-2000:]}")
    return killed


def content(path: Path) -> str:
    """Return the SHA-256 of a safetensors file, its header in sorted order: safetensors writes that in any order."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:start]), sort_keys=True)
    return hashlib.sha256(header.encode() + data[start:]).hexdigest()


def measure(place: Path, options: argparse.Namespace) -> tuple[pd.DataFrame, bool]:
    """Return the table of runs, and whether all of them ended with the weights of the run never interrupted."""
    rng, kills, rows = random.Random(options.seed), [], []
    straight = place / "straight"
    attempt(command(straight, options, every_step=False), straight, None)
    expected = content(straight / "weights.safetensors")
    print(f"{options.steps} steps never interrupted: weights {expected[:12]}", flush=True)
    while len(kills) < options.kills:
        number, start = len(rows) + 1, time.perf_counter()
        out = place / f"run-{number}"
        words = command(out, options, every_step=True)
        while True:
            wanted = len(kills) < options.kills
            if not attempt(words, out, rng.uniform(0, options.span) if wanted else None):
                break
            names = listed(out)
            kills.append(Kill(number, last_step(names), any(name.endswith(".part") for name in names)))
            print(f"kill {len(kills)}: {kills[-1]}", flush=True)
        own = [kill for kill in kills if kill.run == number]
        same = content(out / "weights.safetensors") == expected
        damaged = out.with_suffix(".txt").read_text().count(": damaged")
        left = [path.name for path in out.rglob("*.part")]
        rows.append(
            (number, len(own), sum(kill.writing for kill in own), damaged, len(left), time.perf_counter() - start, same)
        )
        print(f"run {number}: {len(own)} kills, {'the same weights' if same else 'OTHER WEIGHTS'}", flush=True)
    names = ["run", "kills", "killed_while_writing", "damaged", "leftovers", "seconds", "identical"]
    return pd.DataFrame(rows, columns=names), all(row[-1] for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--steps", type=int, default=120, help="of each run")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--products", type=int, default=60, help="of each of the four domains")
    parser.add_argument("--span", type=float, default=3.0, help="a kill comes within so many seconds of the first step")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["OFCLIP_CACHE"] = str(Path(place) / "cache")  # filled once, by the run never interrupted
        frame, same = measure(Path(place), options)
    print(frame.to_string(index=False))
    if not same:
        sys.exit("killed and resumed runs ended with other weights")
    print(f"{frame['kills'].sum()} kills, {frame['killed_while_writing'].sum()} of them while writing: all identical")
    if options.save:
        parameters = {name: value for name, value in vars(options).items() if name != "save"}
        about = "Runs killed with SIGKILL at random moments and resumed until done, beside one never interrupted."
        words = f"python benchmarks/kills.py --kills {options.kills} --seed {options.seed} --save"
        save("kills", "atelier", frame, MODULES, parameters, words, about)


if __name__ == "__main__":
    main()

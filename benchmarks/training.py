"""Training end to end beside open_clip's own trainer, and beside the model alone, on the same real pictures.

`OFCLIP_DATA=DIR python benchmarks/training.py --save` takes about twenty minutes on two cores. On a GPU:
`... --accelerator cuda --architecture ViT-B-32 --size 168x224 --batch 4096 --workers 0 16 --compile --save`. Contenders
take turns, each in a process of its own, and a ratio is the median of the rounds'. On all of them one clock counts:
from the end of optimizer step `--skip` to that of the last, so start-up, the compiler and the making of our pixel
cache are left out; what the whole processes took is printed beside it. All but the clock runs as users run it:
shuffling, augmentation, logging and our checkpoints are in it, open_clip's one checkpoint, at the end, is not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from saving import save

OURS, ALONE = "ofclip", "model alone"
END_TO_END = {"cpu": 1.3, "cuda": 1.2}  # floors of ours over each way of open_clip's, by device
TO_MODEL = 0.95  # floor of ours over the model alone
TO_PEAK = 0.45  # floor of the share of the matrix peak, on a GPU
MODULES = ["ofclip.training.loop"]
#: Precision of ours -> open_clip's word for it.
PRECISIONS = {"32-true": "fp32", "bf16-mixed": "amp_bf16"}
SHARDS = 32  # tars for webdataset: each of its workers needs one at least


class Clock:
    """Notes when two of the optimizer steps end, of whatever trainer runs in this process."""

    def __init__(self, first: int, last: int) -> None:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        self.first, self.last, self.steps, self.times = first, last, 0, []
        register_optimizer_step_post_hook(self.note)

    def note(self, *_: object) -> None:
        """Count one step; called by every optimizer."""
        import torch

        self.steps += 1
        if self.steps in (self.first, self.last):
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()
            self.times.append(time.perf_counter())

    def rate(self, batch: int) -> float:
        """Return samples per second between the two."""
        first, last = self.times  # fails if the trainer made fewer steps than it was asked for
        return (self.last - self.first) * batch / (last - first)


def contenders(options: argparse.Namespace) -> list[str]:
    """Return the names of all that take turns; those that begin with "open_clip_train" are the peers."""
    csv = [f"open_clip_train, csv, {number} workers" for number in options.workers]
    return [OURS, ALONE, *csv, f"open_clip_train, webdataset, {max(options.workers)} workers"]


def parts(options: argparse.Namespace):
    """Return the Catalog, the untrained model and the settings of ours."""
    from ofclip.models import build_model
    from ofclip.sources import load_catalog
    from ofclip.training.settings import Augmentation, Training

    catalog = load_catalog("kagl", split="train", size=options.size)
    catalog = catalog.take(np.arange(min(len(catalog), options.batch * options.steps)))
    model = build_model(options.architecture)
    settings = Training(
        sources={"kagl": 1.0},
        samples=options.batch * options.steps,
        batch=options.batch,
        learning_rate=options.learning_rate,
        augmentation=Augmentation(shift=model.preprocess.size / 16),
        evaluations=0,
        accelerator=options.accelerator,
        precision=options.precision,
        compile=options.compile,
    )
    return catalog, model, settings


def prepare(place: Path, options: argparse.Namespace) -> None:
    """Make our pixel cache, and unpack the same pictures and texts for open_clip's two ways of reading them."""
    from ofclip.images import pixels

    catalog, model, _ = parts(options)
    start = time.perf_counter()
    pixels(catalog.images, model.preprocess.size, model.preprocess.how, progress=False)
    print(f"{len(catalog):,} pictures; ofclip's pixel cache took {time.perf_counter() - start:.1f} s", flush=True)
    folder = place / "pictures"
    folder.mkdir()
    titles = [texts[0] for texts in catalog.products["texts"]]
    tars = [tarfile.open(place / f"{number:02d}.tar", "w") for number in range(SHARDS)]
    for row, title in enumerate(titles):
        data = catalog.images.read(row)
        (folder / f"{row}.jpg").write_bytes(data)
        for ending, content in ((".jpg", data), (".txt", title.encode())):
            member = tarfile.TarInfo(f"{row:06d}{ending}")
            member.size = len(content)
            tars[row % SHARDS].addfile(member, BytesIO(content))
    for tar in tars:
        tar.close()
    # one epoch as long as the run: at its end open_clip would write a checkpoint and start its workers anew
    rows = np.resize(np.arange(len(titles)), options.batch * options.steps)
    table = {"filepath": [str(folder / f"{row}.jpg") for row in rows], "title": [titles[row] for row in rows]}
    pd.DataFrame(table).to_csv(place / "pictures.csv", index=False)


def ours(place: Path, options: argparse.Namespace) -> None:
    """Train as `ofclip train` does."""
    from ofclip.training.loop import train

    catalog, model, settings = parts(options)
    train(model, [catalog], settings, place / f"ofclip-{os.getpid()}")


def alone(place: Path, options: argparse.Namespace) -> None:
    """Forward, backward and optimizer: the same steps, of one batch that is on the device already."""
    from contextlib import closing

    from ofclip.training import devices
    from ofclip.training.data import Batches
    from ofclip.training.feeding import feed
    from ofclip.training.learner import Learner

    catalog, model, settings = parts(options)
    fabric = devices.fabric(settings, model.clip)
    batches = Batches([catalog], model, settings)
    learner = Learner(model, settings, fabric)
    learner.wrap()
    with closing(feed(batches, 0, 1, fabric.device, slice(None))) as feeding:
        [(_, batch)] = feeding
    for step in range(settings.steps):
        learner.step(step, batch)


def theirs(place: Path, options: argparse.Namespace, way: str, workers: int) -> None:
    """Train as `python -m open_clip_train.main` does, which has no option of its own for our architectures."""
    from open_clip_train.main import main

    from ofclip.models import register

    register()
    values = {
        "model": options.architecture,
        "device": options.accelerator,
        "precision": PRECISIONS[options.precision],
        "batch-size": options.batch,
        "workers": workers,
        "epochs": 1,
        "lr": options.learning_rate,
        "beta1": 0.9,
        "beta2": 0.98,
        "wd": 0.1,
        "warmup": max(1, options.steps // 20),
        "save-frequency": 0,
        "logs": place / "logs",
        "name": os.getpid(),
    }
    if way == "csv":
        values |= {"dataset-type": "csv", "train-data": place / "pictures.csv", "csv-separator": ","}
    else:
        samples = options.batch * options.steps
        values |= {"dataset-type": "webdataset", "train-num-samples": samples}
        values |= {"train-data": place / f"{{00..{SHARDS - 1:02d}}}.tar"}
    words = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    main([*words, *(["--torchcompile"] if options.compile else [])])


def inside(place: Path, options: argparse.Namespace) -> None:
    """Run one contender in this process, and write its rate."""
    clock = Clock(options.skip, options.steps)
    if options.inside.startswith("open_clip_train"):
        _, way, workers = options.inside.split(", ")
        theirs(place, options, way, int(workers.split()[0]))
    else:
        {OURS: ours, ALONE: alone}[options.inside](place, options)
    (place / "rate.json").write_text(json.dumps(clock.rate(options.batch)))


def turn(name: str, place: Path) -> tuple[float, float]:
    """Run one contender in a process of its own; return its samples per second, and the seconds of all of it."""
    start, log = time.perf_counter(), place / "log.txt"
    (place / "rate.json").unlink(missing_ok=True)
    with log.open("w") as file:
        words = [sys.executable, __file__, *sys.argv[1:], "--inside", name, "--place", str(place)]
        code = subprocess.run(words, stdout=file, stderr=file).returncode
    if code:
        sys.exit(f"{name}: exit code {code}\n{log.read_text()[-2000:]}")
    return json.loads((place / "rate.json").read_text()), time.perf_counter() - start


def operations(options: argparse.Namespace) -> float:
    """Return the floating-point operations of one sample, forward and backward.

    Those of products, convolutions and attention, two to a multiplication with its addition. The loss is left out:
    its share grows with the batch, and is below 1 % at 8,192.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ofclip.models import build_model

    model, n = build_model(options.architecture), 2
    pictures = torch.zeros(n, 3, model.preprocess.size, model.preprocess.size)
    tokens = model.tokenizer(["a dress"] * n)
    with FlopCounterMode(display=False) as counter:
        images, texts, *_ = model.clip.train()(pictures, tokens)
        (images.sum() + texts.sum()).backward()
    return counter.get_total_flops() / n


def peak(options: argparse.Namespace) -> float:
    """Return the operations per second of the quickest of some square matrix products in the same precision."""
    import torch

    dtype = torch.bfloat16 if options.precision == "bf16-mixed" else torch.float32
    cuda, best = options.accelerator == "cuda", 0.0
    for side in (4096, 8192, 16384) if cuda else (1024, 2048):
        a, b = torch.randn(2, side, side, device=options.accelerator, dtype=dtype)
        for turn in range(5):
            times = 10 if cuda else 2
            start = time.perf_counter()
            for _ in range(times):
                a @ b
            if cuda:
                torch.cuda.synchronize()
            if turn:  # the first one warms up
                best = max(best, times * 2 * side**3 / (time.perf_counter() - start))
    return best


def table(rates: dict[str, list[float]], seconds: dict[str, list[float]], options: argparse.Namespace) -> pd.DataFrame:
    """Return what the Record holds: each contender beside its peer, the ratio and what was asked of it."""
    rows = []
    pairs = [(name, END_TO_END[options.accelerator]) for name in rates if name.startswith("open_clip_train")]
    for peer, floor in (*pairs, (ALONE, TO_MODEL)):
        ratio = float(np.median(np.divide(rates[OURS], rates[peer])))
        rows.append((OURS, peer, "samples/s", np.median(rates[OURS]), np.median(rates[peer]), ratio, floor))
    flops, best = operations(options) * float(np.median(rates[OURS])) / 1e9, peak(options) / 1e9
    floor = TO_PEAK if options.accelerator == "cuda" else None
    rows.append((OURS, "matrix product", "GFLOP/s", flops, best, flops / best, floor))
    for name, found in seconds.items():
        print(f"{name:<40}{np.median(rates[name]):>10,.1f} samples/s, process {np.median(found):,.1f} s")
    return pd.DataFrame(rows, columns=["contender", "peer", "unit", "rate", "peer_rate", "ratio", "floor"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accelerator", choices=tuple(END_TO_END), default="cpu")
    parser.add_argument("--precision", choices=tuple(PRECISIONS), help="default: 32-true, on a GPU bf16-mixed")
    parser.add_argument("--architecture", default="ofclip-ViT-16-64")
    parser.add_argument("--size", default="60x80", help="which of KAGL's archives")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--skip", type=int, default=10, help="first steps that do not count")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2], help="of open_clip's loaders")
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--compile", action="store_true", help="torch.compile, for all of them")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.precision = options.precision or ("bf16-mixed" if options.accelerator == "cuda" else "32-true")
    if not 0 < options.skip < options.steps:
        parser.error(f"--skip {options.skip} must be between 0 and --steps {options.steps}")
    if options.inside:
        return inside(options.place, options)

    names = contenders(options)
    rates, seconds = ({name: [] for name in names} for _ in range(2))
    with tempfile.TemporaryDirectory() as place:
        os.environ["OFCLIP_CACHE"] = str(Path(place) / "cache")
        prepare(Path(place), options)
        for number in range(options.rounds):
            for name in (*names[number % len(names) :], *names[: number % len(names)]):
                rate, taken = turn(name, Path(place))
                rates[name].append(rate)
                seconds[name].append(taken)
                print(f"round {number + 1}: {name:<40}{rate:>10,.1f} samples/s, {taken:.1f} s in all", flush=True)
    frame = table(rates, seconds, options)
    print(frame.to_string(index=False))
    if options.save:
        left_out = ("save", "inside", "place")
        parameters = {name: value for name, value in vars(options).items() if name not in left_out}
        about = (
            f"{options.architecture}, batch {options.batch}, {options.precision}, real pictures: samples per second of "
            f"optimizer steps {options.skip + 1} to {options.steps}, data, augmentation, logging and ofclip's "
            "checkpoints included, start-up and the making of the pixel cache left out. The model alone learns from "
            "one batch in memory. The last row sets the model's operations against the quickest matrix product."
        )
        name = "training" if options.accelerator == "cpu" else f"training-{options.accelerator}"
        command = " ".join(["python benchmarks/training.py", *sys.argv[1:]])
        save(name, "kagl", frame, MODULES, parameters, command, about)


if __name__ == "__main__":
    main()

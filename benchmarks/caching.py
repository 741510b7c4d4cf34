"""Exact gradient caching beside a plain loop of the same model: its time, and its peak memory.

`python benchmarks/caching.py --save` takes about eight minutes on two cores. Pictures and texts are random: neither
time nor memory depends on them. Batches of several sizes are cut into eight micro-batches each: the smaller these are,
the less of the processor one uses, in the plain loop too. Times are of whole steps, in turns and in one process.
Memory is what torch's allocator on the CPU is asked for, as its profiler reports it: exact, and the same each time,
where the resident size of a process depends on what the system's allocator keeps. Each is read in a process of its
own, several times. One micro-batch's memory is given twice: of a step on it alone, and with the gradients there
before, as they are in any loop that adds up those of several.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from saving import save

TIME = 1.45  # ceiling of the time of a step over the plain loop's: one more forward pass
MEMORY = 1.15  # ceiling of the peak over that of one micro-batch and all features
KINDS = ("caching", "plain", "micro", "adding")
MODULES = ["ofclip.training.learner", "ofclip.training.caching"]
MB = 1e6


class Plain:
    """What most training scripts do: forward, loss, backward and optimizer on the whole batch."""

    def __init__(self, model, settings, adding: bool) -> None:
        import open_clip
        import torch

        self.adding = adding  # gradients stay allocated from step to step

        self.clip, self.preprocess = model.clip.to(memory_format=torch.channels_last).train(), model.preprocess
        self.loss = open_clip.ClipLoss()
        betas = (settings.beta1, settings.beta2)
        self.optimizer = torch.optim.AdamW(self.clip.parameters(), settings.learning_rate, betas, fused=True)

    def step(self, step: int, batch) -> float:
        """Learn from one batch, pixels and tokens of which are tensors; return the loss."""
        from ofclip.models import normalise

        self.optimizer.zero_grad(set_to_none=not self.adding)
        loss = self.loss(*self.clip(normalise(batch.pixels, self.preprocess), batch.tokens[:, 0])[:3])
        loss.backward()
        self.optimizer.step()
        return loss.item()


def make(kind: str, batch_size: int, options: argparse.Namespace) -> tuple[Callable[[], float], int]:
    """Return a function that makes one step, and the bytes that are there before it, once one was made.

    A step is of gradient caching, of the plain loop, or of the plain loop on one micro-batch: "micro", or "adding" if
    its gradients are there before. The bytes are those of weights, gradients, the optimizer's state and the batch.
    """
    import torch

    from ofclip.models import build_model
    from ofclip.training import devices
    from ofclip.training.feeding import Batch
    from ofclip.training.learner import Learner
    from ofclip.training.sampling import generator
    from ofclip.training.settings import Training

    micro = batch_size // options.parts
    model, n = build_model(options.architecture), micro if kind in ("micro", "adding") else batch_size
    settings = Training(sources={"random": 1.0}, samples=10**6, batch=batch_size, micro_batch=micro)
    if kind == "caching":
        learner = Learner(model, settings, devices.fabric(settings, model.clip))
        learner.wrap()
    else:
        learner = Plain(model, settings, kind == "adding")
    rng, side, tokens = generator(0), model.preprocess.size, model.tokenizer
    pixels = rng.integers(0, 256, (n, side, side, 3), np.uint8)
    texts = rng.integers(1, tokens.sot_token_id, (n, 1, tokens.context_length))
    texts[..., -1] = tokens.eot_token_id
    numbers = np.arange(n)
    batch = Batch(pixels, texts, numbers[:, None], numbers, np.ones((n, 1), bool)).map(torch.from_numpy)
    # AdamW has two moments to each weight
    held = (4 if kind == "adding" else 3) * sum(parameter.nbytes for parameter in model.clip.parameters())
    return lambda: learner.step(0, batch), held + batch.pixels.nbytes + batch.tokens.nbytes


def peak(kind: str, batch_size: int, options: argparse.Namespace) -> int:
    """Return the most bytes that tensors take during one step: those held before it, and the most on top of them."""
    from torch.profiler import ProfilerActivity, profile

    step, held = make(kind, batch_size, options)
    step()  # makes the optimizer's state
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        step()
    changes = [event for event in found.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    # a step frees the last one's gradients first, if it does, and the profiler counts only what it saw come
    return held + int(np.cumsum([event.nbytes() for event in changes]).max())


def apart(kind: str, batch_size: int, options: argparse.Namespace) -> int:
    """Return the largest peak of some processes, each of which makes one step under the profiler."""
    words = [sys.executable, __file__, *sys.argv[1:], "--inside", kind, str(batch_size)]
    found = [
        int(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[-1])
        for _ in range(options.repeats)
    ]
    print(f"{kind}, batch {batch_size}: {', '.join(f'{value / MB:.1f}' for value in found)} MB", flush=True)
    return max(found)


def seconds(kinds: tuple[str, ...], batch_size: int, options: argparse.Namespace) -> Iterator[list[float]]:
    """Yield the seconds of one step of each kind, round after round; they take turns in going first."""
    steps = [make(kind, batch_size, options)[0] for kind in kinds]
    for number in range(options.rounds + 2):
        found = [0.0] * len(steps)
        for place in range(len(steps)) if number % 2 else reversed(range(len(steps))):
            start = time.perf_counter()
            steps[place]()
            found[place] = time.perf_counter() - start
        if number >= 2:  # the first two warm up
            yield found


def compare(batch_size: int, options: argparse.Namespace) -> list[tuple]:
    """Return the rows of one batch size: its time, and its memory beside that of three plain loops."""
    from ofclip.models import build_model

    caching, plain, *ones = (apart(kind, batch_size, options) for kind in KINDS)
    width = build_model(options.architecture).clip.text_projection.shape[1]
    features = 2 * batch_size * width * 4  # of pictures and texts, float32
    times = list(seconds(("caching", "plain"), batch_size, options))
    mine, whole = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(first / second for first, second in times)
    micro = batch_size // options.parts
    name = f"caching, {options.parts} micro-batches of {micro}"
    one = f"plain loop, {micro}, and the features of {batch_size}"
    peers = [(one, ones[0] + features, MEMORY), (f"{one}, gradients added up", ones[1] + features, MEMORY)]
    peers += [(f"plain loop, {batch_size}", plain, None)]
    rows = [(name, f"plain loop, {batch_size}", "s a step", mine, whole, ratio, TIME)]
    return rows + [(name, peer, "MB", caching / MB, value / MB, caching / value, most) for peer, value, most in peers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", default="ofclip-ViT-16-64")
    parser.add_argument("--batch", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--parts", type=int, default=8, help="micro-batches to a batch")
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=2, help="of the processes in which memory is read")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    parser.add_argument("--inside", nargs=2, metavar=("KIND", "BATCH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        kind, batch_size = options.inside
        print(peak(kind, int(batch_size), options))
        return

    rows = [row for batch_size in options.batch for row in compare(batch_size, options)]
    frame = pd.DataFrame(rows, columns=["contender", "peer", "unit", "value", "peer_value", "ratio", "at_most"])
    print(frame.to_string(index=False))
    if options.save:
        parameters = {name: value for name, value in vars(options).items() if name not in ("save", "inside")}
        about = (
            f"One training step of {options.architecture}, 32-bit, with exact gradient caching, beside a plain loop of "
            "the same model: time, and peak memory of all tensors, with weights, gradients and the optimizer's state."
        )
        save("caching", "generated", frame, MODULES, parameters, "python benchmarks/caching.py --save", about)


if __name__ == "__main__":
    main()

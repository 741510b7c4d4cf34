"""Shards: reading rate beside a bare tar read with decoding, and memory over an epoch of a million samples.

`OFCLIP_DATA=DIR python benchmarks/shards.py rate` writes KAGL's 168x224 pictures as shards and reads them both ways in
turn, a few minutes on two cores. `python benchmarks/shards.py memory` lists a few shards of small pictures again
and again until they are a million samples, and reads them once, some minutes on two cores.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from saving import save

CHUNK = 32  # pictures per task of a thread, as in ofclip.shards.stream
MODULES = ["ofclip.shards.read", "ofclip.images.decoding"]
SMALL = 10  # shards that stand for all in the memory run


def bare(folder: Path, size: int, threads: int) -> int:
    """The peer: tarfile from front to back, and the same decoder on as many threads."""
    from ofclip.images import decode, fit

    def work(chunk: list[tuple[str, bytes]]) -> list[np.ndarray]:
        return [fit(decode(data, name, size), size) for name, data in chunk]

    count, pending, chunk = 0, deque(), []
    with ThreadPoolExecutor(threads) as pool:
        for path in sorted(folder.glob("*.tar")):
            with tarfile.open(path, "r:") as archive:
                for member in archive:
                    if member.name.endswith(".jpg"):
                        chunk.append((member.name, archive.extractfile(member).read()))
                    if len(chunk) == CHUNK:
                        pending.append(pool.submit(work, chunk))
                        chunk = []
                    if len(pending) > 2 * threads:
                        count += len(pending.popleft().result())
        pending.append(pool.submit(work, chunk))
        return count + sum(len(task.result()) for task in pending)


def ours(folder: Path, size: int, threads: int) -> int:
    """One shuffled epoch of the same pictures, with their texts."""
    from ofclip.shards import open_shards

    return sum(1 for _ in open_shards(folder).stream(size, threads=threads))


def parameters(options: argparse.Namespace) -> dict[str, object]:
    """Return the options that decide what is measured."""
    return {name: value for name, value in vars(options).items() if name not in ("data", "folder", "save")}


def rate(options: argparse.Namespace) -> None:
    """Print samples per second of both, and their ratio in each round."""
    from ofclip.shards import write_shards
    from ofclip.shards.pixels import cores
    from ofclip.sources import load_catalog

    threads = options.threads or cores()
    catalog = load_catalog("kagl", data=options.data, size="168x224")
    catalog = catalog.take(np.arange(min(options.pictures or len(catalog), len(catalog))))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        start = time.perf_counter()
        index = write_shards(catalog, folder, progress=False)
        seconds = time.perf_counter() - start
        print(f"{len(index):,} pictures in {len(index.shards)} shards, written at {len(index) / seconds:,.0f} a second")
        for run in (bare, ours):
            run(folder, options.size, threads)  # warms the file cache and imports
        ratios = []
        for number in range(options.rounds):
            rates = {}
            for run in (bare, ours) if number % 2 else (ours, bare):
                start = time.perf_counter()
                count = run(folder, options.size, threads)
                rates[run.__name__] = count / (time.perf_counter() - start)
            ratios.append(rates["ours"] / rates["bare"])
            print(f"round {number + 1}: bare tar {rates['bare']:,.0f}, shards {rates['ours']:,.0f}, {ratios[-1]:.2f}")
    ratio = statistics.median(ratios)
    print(f"{threads} threads, {options.size} pixels: median ratio {ratio:.2f} (floor 0.90)")
    if options.save:
        row = ("shards, one shuffled epoch", "bare tar with decoding", len(index), options.size, threads, ratio, 0.9)
        frame = pd.DataFrame([row], columns=["contender", "peer", "pictures", "side", "threads", "ratio", "floor"])
        about = "Pictures per second of a shuffled epoch, by those of tarfile from front to back with the same decoder."
        command = "python benchmarks/shards.py rate --save"
        save("shards-rate", "kagl", frame, MODULES, parameters(options), command, about)


def resident() -> float:
    """Memory of this process now, in MB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def repeated(folder: Path, samples: int) -> None:
    """Write SMALL shards of drawn pictures, and list them in the index as often as it takes."""
    from PIL import Image

    from ofclip.catalog import Catalog
    from ofclip.shards import write_shards
    from ofclip.tree import Tree

    n = SMALL * 1000
    (folder / "pictures").mkdir()
    rng = np.random.default_rng(0)
    names = [f"{i}.jpg" for i in range(n)]
    for name in names:
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)).resize((32, 32)).save(buffer, "JPEG")
        (folder / "pictures" / name).write_bytes(buffer.getvalue())
    texts = [(f"a red dress, number {i}", f"number {i} as it hangs in a shop, with long sleeves") for i in range(n)]
    ids = [str(i) for i in range(n)]
    table = pd.DataFrame({"id": ids, "split": "train", "group": ids, "texts": texts})
    out = folder / "shards"
    index = write_shards(Catalog("small", table, Tree(folder / "pictures").images(names)), out, progress=False)
    listed = []
    for number in range(-(-samples // 1000)):
        shard = index.shards[number % SMALL]
        listed.append(replace(shard, name=f"shard-{number:06d}.tar"))
        for ending in (".tar", ".jsonl"):
            link = out / f"shard-{number:06d}{ending}"
            if not link.exists():
                link.symlink_to((out / shard.name).with_suffix(ending))
    (out / "index.json").write_text(replace(index, shards=tuple(listed)).dumps())


def epoch(folder: Path, threads: int | None) -> list[tuple[int, float]]:
    """Read one epoch, and print and return the memory of this process on the way, in MB by the samples seen."""
    from ofclip.shards import open_shards

    shards = open_shards(folder)
    marks = {max(1, len(shards) * share // 100): share for share in (1, 10, 25, 50, 75, 100)}
    start, found, rows = time.perf_counter(), [], []
    for count, _ in enumerate(shards.stream(32, threads=threads), start=1):
        if count in marks:
            found.append(resident())
            rows.append((count, found[-1]))
            seconds = time.perf_counter() - start
            print(f"{marks[count]:3d} % {count:11,} samples: {found[-1]:6.0f} MB, {count / seconds:,.0f} a second")
    print(f"{len(shards):,} samples: memory at the end is {found[-1] / found[1]:.2f} of that at 10 %")
    return rows


def memory(options: argparse.Namespace) -> None:
    """Run the epoch in a process of its own, so that nothing else counts."""
    with tempfile.TemporaryDirectory() as place:
        repeated(Path(place), options.samples)
        inside = ["inside", "--folder", str(Path(place) / "shards")]
        inside += ["--threads", str(options.threads)] if options.threads else []
        inside += ["--save"] if options.save else []
        subprocess.run([sys.executable, __file__, *inside], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("rate", "memory", "inside"))
    parser.add_argument("--data", help="rate: the data root; default $OFCLIP_DATA")
    parser.add_argument("--pictures", type=int, help="rate: read fewer than all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, help="default: the cores of this machine")
    parser.add_argument("--samples", type=int, default=1_000_000, help="memory: samples in the epoch")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == "inside":
        rows = epoch(options.folder, options.threads)
        if options.save:
            frame = pd.DataFrame(rows, columns=["samples_read", "memory_mb"])
            about = "Resident memory while one epoch is read; a few shards of small pictures are listed over and over."
            command = "python benchmarks/shards.py memory --save"
            save("shards-memory", "generated", frame, MODULES, parameters(options), command, about)
    else:
        {"rate": rate, "memory": memory}[options.what](options)


if __name__ == "__main__":
    main()

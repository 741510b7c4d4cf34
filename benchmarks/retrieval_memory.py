"""Peak memory and time of the retrieval task at full size, measured in a process of its own.

`python benchmarks/retrieval_memory.py` takes one to three minutes on two cores.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from saving import save


def measured(products: int, width: int, block: int) -> None:
    """Run the task on random vectors in which every tenth product shares its caption with the next one."""
    from ofclip.embeddings import Embeddings
    from ofclip.tasks.retrieval import retrieval

    rng = np.random.default_rng(0)
    images, texts = rng.standard_normal((2, products, width), dtype=np.float32)
    texts += images / 4
    number = np.arange(products)
    caption = number + (number % 10 == 0)
    embeddings = Embeddings(
        dataset="random vectors",
        split="test",
        ids=number.astype(str),
        groups=number.astype(str),
        images=images,
        texts=texts,
        captions=tuple(f"product {i}" for i in caption),
        owner=number,
        catalog_fingerprint="",
        weights_fingerprint="",
    )
    start = time.perf_counter()
    result = retrieval(embeddings, block=block)
    print(f"{time.perf_counter() - start:.0f} s for {len(result.metrics)} metrics")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--block", type=int, default=512)
    parser.add_argument("--inside", action="store_true", help="run the task here instead of in a new process")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()
    if options.inside:
        measured(options.products, options.width, options.block)
        return
    subprocess.run([sys.executable, __file__, *sys.argv[1:], "--inside"], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024  # Linux counts KiB
    print(f"{options.products:,} x {options.products:,} at {options.width}: peak memory {peak / 1e9:.2f} GB")
    if options.save:
        row = (options.products, options.products, options.width, peak / 1e9, 2.0)
        frame = pd.DataFrame([row], columns=["texts", "pictures", "width", "peak_gb", "at_most_gb"])
        about = "All metrics of both directions on random vectors, in a process of its own."
        settings = {"products": options.products, "width": options.width, "block": options.block}
        command = "python benchmarks/retrieval_memory.py --save"
        save("retrieval-memory", "random", frame, ["ofclip.tasks.retrieval"], settings, command, about)


if __name__ == "__main__":
    main()

"""Ranks and all ranking metrics: memory, speed against the matrix product alone, and against two public evaluations.

`python benchmarks/retrieval.py --save` takes about ten minutes on two cores. Contenders take turns, round by round; a
ratio is the median of the rounds'. Intervals are not part of it: the matrix product is what grows with the data.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
from saving import save

WIDTH = 512
KS = (1, 5, 10)


def vectors(products: int, shared: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return texts, pictures and captions: every tenth product shares its caption, and if `shared` its text's vector,
    with the next one. Equal vectors make the product smaller, so rates are measured without."""
    rng = np.random.default_rng(0)
    images, texts = rng.standard_normal((2, products, WIDTH), dtype=np.float32)
    number = np.arange(products)
    caption = np.minimum(number + (number % 10 == 0), products - 1)
    texts += images / 4
    if shared:
        texts = texts[caption]
    for one in (images, texts):
        one /= np.linalg.norm(one, axis=1, keepdims=True)
    return texts, images, caption


def ours(texts: np.ndarray, images: np.ndarray, caption: np.ndarray) -> dict:
    """Every definition of every metric, both directions: the own item, and any of the same caption."""
    from ofclip.metrics.median_rank import median_rank
    from ofclip.metrics.ranking import TIES, ranked_both_ways
    from ofclip.metrics.relevance import of_groups, of_targets
    from ofclip.tasks.definitions import MEASURES

    relevances = [of_targets(np.arange(len(images)), len(images)), of_groups(caption, caption)]
    values = {}
    for own, both in zip((True, False), ranked_both_ways(texts, images, relevances), strict=True):
        for direction, found in enumerate(both):
            for ties in TIES:
                values[direction, own, ties, "median rank"] = median_rank(found, ties)
                for measure in MEASURES:
                    if measure.own if own else measure.many:
                        for k in measure.ks(KS):
                            name = measure.metric, measure.definition, k
                            values[direction, own, ties, *name] = measure.values(found, k=k, ties=ties).mean()
    return values


def product_rate(texts: np.ndarray, images: np.ndarray, seconds: float = 8.0) -> float:
    """The float32 matrix product alone, in operations per second: the best of two libraries and two shapes."""
    import torch

    torch.set_num_threads(os.cpu_count())

    def with_numpy(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
        np.matmul(left, right.T, out=out)

    def with_torch(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
        torch.mm(torch.from_numpy(left), torch.from_numpy(right).T, out=torch.from_numpy(out))

    rates = []
    for height, width in ((512, len(images)), (4096, 8192)):
        height, width = min(height, len(texts)), min(width, len(images))
        right, out = images[:width], np.empty((height, width), np.float32)
        for multiply in (with_numpy, with_torch):
            multiply(texts[:height], right, out)
            start, done = time.perf_counter(), 0
            while time.perf_counter() - start < seconds / 4:
                low = done * height % (len(texts) - height + 1)
                multiply(texts[low : low + height], right, out)
                done += 1
            rates.append(2 * done * height * width * WIDTH / (time.perf_counter() - start))
    return max(rates)


def marqo(texts: np.ndarray, images: np.ndarray, queries: int) -> float:
    """Seconds of marqo-FashionCLIP's search, from text to picture only, without encoding and without its metrics.

    A loop over queries: the cosine of one query with all documents, the best ten, and a dictionary of them. The
    first `queries` are timed and the time is scaled to all: each costs the same.
    """
    import torch

    cosine = torch.nn.CosineSimilarity(dim=1, eps=1e-6)
    documents, names = torch.from_numpy(images), [str(i) for i in range(len(images))]
    results = {}
    start = time.perf_counter()
    for query in range(queries):
        features = torch.from_numpy(texts[query : query + 1])
        features = features / features.norm(dim=-1, keepdim=True)
        scores, places = torch.topk(cosine(features, documents), max(KS))
        pairs = zip(list(places.numpy()), list(scores.numpy()), strict=True)
        results[query] = {names[place]: float(score) for place, score in pairs}
    return (time.perf_counter() - start) * len(texts) / queries


def clip_benchmark(texts: np.ndarray, images: np.ndarray) -> float:
    """Seconds of CLIP_benchmark's own `evaluate`, with a model that hands vectors on, in batches of its default 64."""
    import torch
    from clip_benchmark.metrics.zeroshot_retrieval import evaluate

    images, texts = torch.from_numpy(images), torch.from_numpy(texts)
    model = SimpleNamespace(encode_image=lambda batch: batch, encode_text=lambda batch: batch)
    batches = [(images[low : low + 64], [[i] for i in range(low, min(low + 64, len(images)))])
               for low in range(0, len(images), 64)]  # fmt: skip
    start = time.perf_counter()
    evaluate(model, batches, lambda places: texts[places], "cpu", amp=False, recall_k_list=list(KS))
    return time.perf_counter() - start


def timed(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def inside(products: int) -> None:
    """Print the share of the matrix product's rate that all metrics reach: the product is timed before and after."""
    made = vectors(products)
    before = product_rate(*made[:2])
    seconds = timed(ours, *made)
    after = product_rate(*made[:2])
    rate = 2 * products**2 * WIDTH / seconds
    print(f"{seconds:.1f} s; {rate / 1e9:.0f} of {before / 1e9:.0f} and {after / 1e9:.0f} GFLOP/s", file=sys.stderr)
    print(2 * rate / (before + after))


def alone(products: int) -> None:
    """Only the metrics, for their peak memory."""
    ours(*vectors(products, shared=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000, help="texts, and pictures, of the first two rows")
    parser.add_argument("--loop", type=int, default=20_000, help="... against the per-query loop")
    parser.add_argument("--benchmark", type=int, default=10_000, help="... against CLIP_benchmark")
    parser.add_argument("--queries", type=int, default=200, help="of the per-query loop that are timed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=["inside", "alone"], help="run this here instead of in a new process")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()
    if options.part:
        {"inside": inside, "alone": alone}[options.part](options.products)
        return

    again = [sys.executable, __file__, "--products", str(options.products), "--part"]
    subprocess.run([*again, "alone"], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9  # Linux counts KiB
    shares = [
        float(subprocess.run([*again, "inside"], check=True, stdout=subprocess.PIPE, text=True).stdout)
        for _ in range(options.rounds)
    ]
    rows = [
        ("peak memory, GB", "", options.products, peak, None, 2.0),
        ("rate, ratio", "float32 matrix product alone", options.products, float(np.median(shares)), 0.7, None),
    ]
    for peer, floor, size, run in (
        ("marqo-FashionCLIP, loop over queries", 20.0, options.loop, lambda *pair: marqo(*pair, options.queries)),
        ("CLIP_benchmark", 2.0, options.benchmark, clip_benchmark),
    ):
        made = vectors(size)
        timed(ours, *made)  # starts the libraries
        ratios = [run(*made[:2]) / timed(ours, *made) for _ in range(options.rounds)]
        rows.append(("speed, ratio", peer, size, float(np.median(ratios)), floor, None))
    frame = pd.DataFrame(rows, columns=["measured", "peer", "texts_and_pictures", "value", "at_least", "at_most"])
    print(frame.to_string(index=False))
    if options.save:
        about = (
            "Recall, precision, hits, MRR, mAP, nDCG and median rank by every definition, under three tie rules, with "
            "the own item and with any of the same caption, from text to picture and back: all from one matrix product "
            "of random vectors with 512 numbers each. Peak memory is that of a process of its own, vectors included. "
            "The loop over queries goes from text to picture only and computes no metric; CLIP_benchmark gives recall "
            "of any hit in both directions."
        )
        modules = ["ofclip.metrics.ranking", "ofclip.tasks.definitions"]
        command = "python benchmarks/retrieval.py --save"
        settings = {name: value for name, value in vars(options).items() if name not in ("part", "save")}
        save("retrieval", "random", frame, modules, settings, command, about)


if __name__ == "__main__":
    main()

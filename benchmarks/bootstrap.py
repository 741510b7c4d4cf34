"""10,000 bootstrap samples of a mean over 4,381 queries, side by side with scipy.stats.bootstrap.

`python benchmarks/bootstrap.py --save` takes about two minutes on one core. Ours and scipy's take turns, round by
round, on the same values in one process; a ratio is the median of the rounds'.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from saving import save
from scipy import stats

from ofclip.metrics.comparisons import paired_permutation
from ofclip.metrics.intervals import bootstrap_mean

QUERIES, SAMPLES = 4381, 10_000  # KAGL's test split, and what the interval of a printed number deserves
SECONDS = 2.0  # at most, for ours
BATCH = 1000  # resamples that scipy holds at once: 35 MB of values; all at once would take 350


def values(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Hits, reciprocal ranks, and values that are all different: few, many, and as many distinct ones as queries."""
    return {
        "hits": (rng.random(QUERIES) < 0.4).astype(float),
        "reciprocal ranks": 1 / rng.integers(1, QUERIES, QUERIES),
        "continuous": rng.random(QUERIES),
    }


def scipys(sample: np.ndarray, groups: np.ndarray | None, method: str) -> tuple[float, float]:
    """scipy's bootstrap; of groups it draws pairs of sum and size."""
    settings = {"n_resamples": SAMPLES, "method": method, "vectorized": True, "batch": BATCH, "rng": 1}
    if groups is None:
        return tuple(stats.bootstrap((sample,), np.mean, **settings).confidence_interval)
    content = np.bincount(groups, weights=sample), np.bincount(groups)
    ratio = stats.bootstrap(content, lambda s, n, axis: s.sum(axis) / n.sum(axis), paired=True, **settings)
    return tuple(ratio.confidence_interval)


def cases() -> dict[tuple[str, str, str], tuple[Callable[[], object], Callable[[], object]]]:
    """Return (values, drawn, method) -> ours, scipy's."""
    rng = np.random.default_rng(0)
    groups = np.unique(rng.integers(0, 3800, QUERIES), return_inverse=True)[1]
    found = {}
    for name, sample in values(rng).items():
        for drawn, own in (("queries", None), ("groups", groups)):
            for ours, theirs in (("percentile", "percentile"), ("bca", "BCa")):
                found[name, drawn, ours] = (
                    lambda s=sample, g=own, m=ours: bootstrap_mean(s, g, SAMPLES, method=m),
                    lambda s=sample, g=own, m=theirs: scipys(s, g, m),
                )
    other = values(np.random.default_rng(1))["continuous"]
    sample = values(rng)["continuous"]
    found["continuous", "signs", "permutation"] = (
        lambda: paired_permutation(sample, other, permutations=SAMPLES),
        lambda: stats.permutation_test(
            (sample, other), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples", batch=BATCH,
            n_resamples=SAMPLES, vectorized=True, rng=1,
        ).pvalue,
    )  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()

    rows = []
    for (name, drawn, method), pair in cases().items():
        taken: list[list[float]] = [[], []]
        for turn in range(options.rounds + 1):
            for place, run in enumerate(pair):
                start = time.perf_counter()
                found = run()
                if turn:  # the first round warms caches and imports
                    taken[place].append(time.perf_counter() - start)
                elif place == 0:
                    first = found
        apart = float(np.max(np.abs(np.subtract(first, found))))
        ours, theirs = np.median(taken[0]), np.median(taken[1])
        ratio = float(np.median(np.divide(taken[1], taken[0])))
        rows.append((name, drawn, method, QUERIES, SAMPLES, float(ours), SECONDS, float(theirs), ratio, apart))
        what = f"{name:<17}{drawn:<9}{method:<12}"
        print(f"{what}{ours:7.2f} s, scipy {theirs:6.2f} s, ratio {ratio:6.1f}, apart {apart:.5f}")
    if options.save:
        columns = [
            "values", "drawn", "method", "queries", "samples", "seconds", "at_most", "scipy_seconds", "ratio", "apart",
        ]  # fmt: skip
        about = (
            "The 95 % interval of a mean over as many queries as KAGL's test split has, by queries or by groups of "
            "them, and a sign-flip test: seconds of ours and of scipy.stats on one thread, and how far the two results "
            "(intervals, p) are apart, which is the noise of drawing."
        )
        modules = ["ofclip.metrics.intervals", "ofclip.metrics.comparisons"]
        frame = pd.DataFrame(rows, columns=columns)
        save("bootstrap", "generated", frame, modules, vars(options), "python benchmarks/bootstrap.py --save", about)


if __name__ == "__main__":
    main()

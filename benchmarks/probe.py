"""A linear probe of ten classes at KAGL's size, beside LogisticRegressionCV at scikit-learn's defaults.

`python benchmarks/probe.py --save` takes about three minutes on two cores. Both choose the regularisation by cross-
validation and fit once more on everything; their settings are each one's own defaults, so it is the whole that is
compared, and both accuracies stand beside the times. Vectors are drawn: unit vectors around ten centres.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from saving import save
from sklearn.linear_model import LogisticRegressionCV

from ofclip.metrics.vectors import unit
from ofclip.tasks.probe import cross_validate, fit

CLASSES = 10
AT_MOST = 60.0  # seconds
NOISE = 8.0  # times the centres' length: classes overlap, so that regularisation matters


def draw(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors (n, d) and class numbers (n,)."""
    centres = np.random.default_rng(0).normal(size=(CLASSES, d)) / np.sqrt(d)
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=n)
    return unit("drawn", centres[labels] + NOISE * rng.normal(size=(n, d)) / np.sqrt(d)), labels


def ours(vectors: np.ndarray, labels: np.ndarray):
    """The probe: our grid and folds, each fit started from the one before, weak regularisation left untried."""
    scores = cross_validate(vectors, labels, np.arange(len(labels)))
    return fit(vectors, labels, float(scores.loc[scores["accuracy"].idxmax(), "C"]))


def plain(vectors: np.ndarray, labels: np.ndarray):
    """LogisticRegressionCV as it comes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of defaults that will change
        return LogisticRegressionCV().fit(vectors, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=44_072)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()

    vectors, labels = draw(options.pictures, options.width, seed=1)
    test, answers = draw(10_000, options.width, seed=2)
    contenders = {"ofclip, linear probe": ours, "scikit-learn, LogisticRegressionCV": plain}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    accuracy = {}
    for _ in range(options.rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            model = run(vectors, labels)
            seconds[name].append(time.perf_counter() - start)
            accuracy[name] = float(model.score(test, answers))
    rows = []
    for name, found in seconds.items():
        limit = AT_MOST if name.startswith("ofclip") else None
        rows.append((name, options.pictures, options.width, float(np.median(found)), limit, accuracy[name]))
        print(f"{name:<36}{np.median(found):>8.1f} s, accuracy {accuracy[name]:.3f}")
    if options.save:
        frame = pd.DataFrame(rows, columns=["contender", "pictures", "width", "seconds", "at most", "accuracy"])
        about = (
            "Choosing the regularisation of a ten-class logistic regression by cross-validation and fitting it, on "
            "drawn unit vectors of KAGL's number: our probe, and scikit-learn's own class with its default settings."
        )
        command = "python benchmarks/probe.py --save"
        save("probe", "atelier", frame, ["ofclip.tasks.probe"], vars(options), command, about)


if __name__ == "__main__":
    main()

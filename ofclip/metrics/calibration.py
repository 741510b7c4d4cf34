"""Calibration: do answers given with a confidence of 0.8 hold in 80 % of the cases?

The expected calibration error (ECE) is that of Guo et al., On Calibration of Modern Neural Networks, 2017: answers
are sorted into bins by their confidence, and the distances between a bin's mean confidence and its accuracy are
averaged, weighted by its share of the answers. Bins of equal width leave most of them nearly empty where confidences
are alike; with bins of equal mass, as in Nixon et al., Measuring Calibration in Deep Learning, 2019, each holds as
many answers. (Their ACE looks at the probabilities of all classes; here only the answer's own counts.)
"""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError, unknown
from ofclip.metrics.intervals import RESAMPLES, bootstrap_rows

BINS = 15  # as in Guo et al.'s tables
SCHEMES = ("width", "mass")


def softmax(scores: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return the probabilities (n, C) that scores (n, C) times `scale` stand for; CLIP's scale is 1 / temperature.

    Raises SettingError for scores or a scale that are not finite.
    """
    scores = np.asarray(scores, dtype=np.float64) * scale
    if not np.isfinite(scores).all():
        row = int((~np.isfinite(scores)).any(axis=1).argmax())
        raise SettingError(f"scores: row {row} times the scale {scale} is not finite")
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def bins_of(confidences: np.ndarray, bins: int = BINS, scheme: str = "width") -> np.ndarray:
    """Return the bin number (n,) from 0 of each confidence (n,) between 0 and 1.

    "width": bin m of M holds (m / M, (m + 1) / M], as in Guo et al.; 0 belongs to the first. torchmetrics closes
    the other end, which matters for values on an edge only. "mass": the sorted values are cut into M parts of one
    size; equal ones stay together, in the part of the first of them. Raises SettingError for no value, one outside
    0 to 1, fewer than one bin and an unknown scheme.

    >>> bins_of(np.array([0.2, 0.5, 0.9, 1.0]), bins=2).tolist()
    [0, 0, 1, 1]
    >>> bins_of(np.array([0.7, 0.8, 0.9, 1.0]), bins=2, scheme="mass").tolist()
    [0, 0, 1, 1]
    """
    confidences = np.asarray(confidences, dtype=np.float64)
    if scheme not in SCHEMES:
        raise unknown("scheme of bins", scheme, SCHEMES)
    if bins < 1:
        raise SettingError(f"bins must be at least 1, got {bins}")
    bad = np.flatnonzero(~((confidences >= 0) & (confidences <= 1)))
    if not len(confidences) or len(bad):
        what = f"confidence {bad[0]} is {confidences[bad[0]]}" if len(bad) else "there are none"
        raise SettingError(f"confidences must lie between 0 and 1, but {what}")
    if scheme == "width":
        return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidences, side="left")
    smaller = np.searchsorted(np.sort(confidences), confidences, side="left")
    return smaller * bins // len(confidences)


def expected_calibration_error(
    confidences: np.ndarray, hits: np.ndarray, bins: int = BINS, scheme: str = "width"
) -> float:
    """Return the ECE of answers: confidences (n,) between 0 and 1, hits (n,) whether they are right.

    Errors are those of `bins_of`.

    >>> expected_calibration_error(np.array([0.75, 0.75, 0.75, 0.75]), np.array([1, 1, 1, 0]))
    0.0
    """
    gaps = np.asarray(hits, dtype=np.float64) - confidences
    return float(np.abs(np.bincount(bins_of(confidences, bins, scheme), weights=gaps)).sum() / len(gaps))


def bootstrap_ece(
    confidences: np.ndarray,
    hits: np.ndarray,
    groups: np.ndarray | None = None,
    bins: int = BINS,
    scheme: str = "width",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the ECE; bins stay as they are. Arguments as above, groups (n,).

    A resample adds noise that absolute values never cancel: the interval is moved back around the value.
    """
    gaps = np.asarray(hits, dtype=np.float64) - confidences
    table = np.zeros((len(gaps), bins))
    table[np.arange(len(gaps)), bins_of(confidences, bins, scheme)] = gaps
    value = float(np.abs(table.sum(axis=0)).sum() / len(gaps))

    def error(drawn: np.ndarray) -> np.ndarray:
        return np.abs(drawn @ table).sum(axis=1) / drawn.sum(axis=1)

    low, high = bootstrap_rows(error, len(gaps), groups, resamples, seed, value)
    return max(low, 0.0), min(high, 1.0)


def calibrated_ece(
    confidences: np.ndarray, bins: int = BINS, scheme: str = "width", draws: int = 200, seed: int = 0
) -> float:
    """Return the mean ECE of a perfectly calibrated model of the same confidences (n,): what noise alone gives.

    Each answer is right with the probability of its confidence. The fewer answers, the larger it is: no
    measured ECE can be expected below it.
    """
    rng = np.random.default_rng(seed)
    values = [
        expected_calibration_error(confidences, rng.random(len(confidences)) < confidences, bins, scheme)
        for _ in range(draws)
    ]
    return float(np.mean(values))


def reliability(
    confidences: np.ndarray, hits: np.ndarray, bins: int = BINS, scheme: str = "width"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per bin that holds an answer its mean confidence, its accuracy and its number of answers.

    This is what a reliability diagram draws; errors are those of `bins_of`.
    """
    places = bins_of(confidences, bins, scheme)
    counts = np.bincount(places, minlength=bins)
    kept = counts > 0
    means = [np.bincount(places, weights=values, minlength=bins)[kept] / counts[kept] for values in (confidences, hits)]
    return means[0], means[1], counts[kept]

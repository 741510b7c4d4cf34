"""Multi-label recognition: every picture has any number of a family's attributes, and all are ranked for it.

Recall@k looks at the k best attributes of a picture. DeepFashion's "top-k recall rate" (Liu et al., CVPR 2016,
section 2.3) ranks the scores of a picture and counts how many of its attributes are among the first k; whether the
counts are averaged over attributes or over pictures the paper does not say. mmfashion, the toolbox of
the same group, averages over attributes. So all three readings have a name here:

- per attribute: of the pictures with an attribute, the share that has it among its k best; averaged over attributes;
- pooled: of all (picture, attribute) pairs that are true, the share among the k best;
- per picture: of a picture's attributes, the share among its k best; averaged over the pictures that have any.

Ties are pessimistic: of attributes with equal scores the wrong ones rank first, right ones follow in their order.
"""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.intervals import RESAMPLES, bootstrap_rows

#: Pictures sorted at once: with 1,000 attributes 32 MB of places.
_BLOCK = 4096
#: Resamples of a mean average precision, and the numbers that they may go through all together.
_RESAMPLES, _WORK = (100, 500), 2_000_000_000


def check(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores (n, A) and truth (n, A) as float and bool arrays.

    Raises SettingError for shapes that differ or are empty, scores that are not finite, truth other than 0 and 1,
    and if nothing is true anywhere.
    """
    scores, truth = np.asarray(scores), np.asarray(truth)
    if scores.ndim != 2 or 0 in scores.shape or scores.shape != truth.shape:
        raise SettingError(
            f"scores {scores.shape} and truth {truth.shape} must both be (pictures, attributes), and not empty"
        )
    if not np.isfinite(scores).all():
        row, column = np.argwhere(~np.isfinite(scores))[0]
        raise SettingError(f"scores: row {row}, attribute {column} is {scores[row, column]}, not finite")
    if truth.dtype != bool and not np.isin(truth, (0, 1)).all():
        raise SettingError("truth must be 0 or 1 for every picture and attribute")
    if not truth.any():
        raise SettingError("no picture has any of the attributes")
    return scores, truth.astype(bool)


def in_top(scores: np.ndarray, truth: np.ndarray, k: int) -> np.ndarray:
    """Return (n, A) bool: which attributes are true of a picture and among its k best scores (n, A).

    Errors are those of `check`, and k below 1.

    >>> in_top(np.array([[0.9, 0.5, 0.5]]), np.array([[1, 1, 0]]), k=2).tolist()
    [[True, False, False]]
    """
    if k < 1:
        raise SettingError(f"k must be at least 1, got {k}")
    scores, truth = check(scores, truth)
    best = np.zeros_like(truth)
    for low in range(0, len(scores), _BLOCK):
        here = slice(low, low + _BLOCK)
        order = np.lexsort((truth[here], -scores[here]))[:, :k]
        np.put_along_axis(best[here], order, True, axis=1)
    return best & truth


def recall_of_attributes(hits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return per attribute (A,) the share of its pictures that are hits (n, A); NaN where no picture has it."""
    support = np.count_nonzero(truth, axis=0)
    return np.divide(hits.sum(axis=0), support, out=np.full(len(support), np.nan), where=support > 0)


def recall_per_attribute(hits: np.ndarray, truth: np.ndarray) -> float:
    """Return recall averaged over the attributes that occur, for hits of `in_top` and truth (n, A)."""
    return float(np.nanmean(recall_of_attributes(hits, truth)))


def recall_pooled(hits: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of true (picture, attribute) pairs that are hits, for both (n, A)."""
    return float(hits.sum() / np.count_nonzero(truth))


def recall_of_pictures(hits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return per picture that has any attribute the share of them that are hits, for both (n, A)."""
    own = np.count_nonzero(truth, axis=1)
    return hits.sum(axis=1)[own > 0] / own[own > 0]


def precision_of_pictures(hits: np.ndarray, k: int) -> np.ndarray:
    """Return per picture (n,) the share of its min(k, A) best attributes that are true, for hits of `in_top`."""
    return hits.sum(axis=1) / min(k, hits.shape[1])


def bootstrap_recall_per_attribute(
    hits: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of `recall_per_attribute` over pictures, or groups (n,) of them.

    An attribute that a resample does not hold is left out of its average.
    """
    hits, truth = hits.astype(np.float64), np.asarray(truth, dtype=np.float64)

    def mean_recall(drawn: np.ndarray) -> np.ndarray:
        support = drawn @ truth
        recall = np.divide(drawn @ hits, support, out=np.full_like(support, np.nan), where=support > 0)
        return _mean_of_known(recall, axis=1)

    return bootstrap_rows(mean_recall, len(hits), groups, resamples, seed)


def ceiling_recall_per_attribute(truth: np.ndarray, k: int) -> float:
    """Return the best `recall_per_attribute` of truth (n, A): a picture with more than k gives its k rarest.

    A hit of an attribute that N pictures have adds 1/N to the sum, so the rarest add most, picture by picture.
    """
    truth = np.asarray(truth, dtype=bool)
    rarity = np.broadcast_to(-truth.sum(axis=0), truth.shape)
    return recall_per_attribute(in_top(np.where(truth, rarity, -len(truth) - 1), truth, k), truth)


def ceiling_recall_of_pictures(truth: np.ndarray, k: int) -> np.ndarray:
    """Return the best recall@k of each picture that has any attribute, for truth (n, A): min(k, t) / t of t."""
    own = np.count_nonzero(truth, axis=1)
    return np.minimum(k, own[own > 0]) / own[own > 0]


def frequent(truth: np.ndarray, k: int) -> np.ndarray:
    """Return (n, A) bool: the hits of a baseline that gives every picture the k most frequent attributes of truth."""
    truth = np.asarray(truth, dtype=bool)
    best = np.argsort(-truth.sum(axis=0), kind="stable")[:k]
    return truth & np.isin(np.arange(truth.shape[1]), best)


def average_precisions(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the average precision (A,) of each attribute over the pictures; NaN where no picture has it.

    As scikit-learn's `average_precision_score`: the sum over thresholds of precision times the gain in recall, not
    interpolated; pictures of equal scores pass a threshold together. Errors are those of `check`.

    >>> average_precisions(np.array([[0.9], [0.8], [0.1]]), np.array([[1], [0], [1]])).round(3).tolist()
    [0.833]
    """
    scores, truth = check(scores, truth)
    once = np.ones((1, len(scores)))
    return np.concatenate([_weighted(*column, once) for column in zip(scores.T, truth.T, strict=True)])


def mean_average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the average precision averaged over the attributes that occur (macro), for scores and truth (n, A)."""
    return float(np.nanmean(average_precisions(scores, truth)))


def bootstrap_mean_average_precision(
    scores: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray | None = None,
    resamples: int | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95 % percentile interval of `mean_average_precision` over pictures, or groups (n,) of them.

    A picture drawn twice stands beside itself in the ranking, which raises the precision of rare attributes in
    every resample: the interval is moved back around the value. By default 500 resamples, and as few as 100 where
    pictures times attributes are many: each is as much work as the metric itself.
    """
    scores, truth = check(scores, truth)
    columns = [(score, own) for score, own in zip(scores.T, truth.T, strict=True) if own.any()]
    if resamples is None:
        resamples = int(np.clip(_WORK // (len(scores) * len(columns)), *_RESAMPLES))

    def mean(drawn: np.ndarray) -> np.ndarray:
        return _mean_of_known(np.array([_weighted(score, own, drawn) for score, own in columns]), axis=0)

    around = mean_average_precision(scores, truth)
    low, high = bootstrap_rows(mean, len(scores), groups, resamples, seed, around)
    return max(low, 0.0), min(high, 1.0)


def chance_average_precision(relevant: int | np.ndarray, n: int) -> np.ndarray:
    """Return the expected average precision of a random order without ties of n pictures, `relevant` of them right.

    At rank i a right one is found with the probability r/n, and then 1 + (i - 1)(r - 1)/(n - 1) of the first i
    are right; the sum over all ranks of that over i, divided by r, is (H + (r - 1)/(n - 1) (n - H)) / n with
    the harmonic number H of n. A little more than r/n.
    """
    harmonic = (1 / np.arange(1, n + 1)).sum()
    return (harmonic + (np.asarray(relevant) - 1) / max(n - 1, 1) * (n - harmonic)) / n


def _mean_of_known(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean over an axis without NaN; NaN where there is nothing else."""
    known = np.count_nonzero(~np.isnan(values), axis=axis)
    return np.divide(np.nansum(values, axis=axis), known, out=np.full(known.shape, np.nan), where=known > 0)


def _weighted(scores: np.ndarray, truth: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the average precision (b,) of scores (n,) when picture i counts `drawn[:, i]` times; NaN without any."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(ordered[1:] != ordered[:-1], True)  # of the pictures of one score
    counts = drawn[:, order]
    found = (counts * truth[order]).cumsum(axis=1)[:, last]
    passed = counts.cumsum(axis=1)[:, last]
    gained = np.diff(found, axis=1, prepend=0)
    precision = np.divide(found, passed, out=np.zeros_like(found), where=passed > 0)
    total = found[:, -1]
    return np.divide((precision * gained).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)

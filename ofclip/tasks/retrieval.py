"""Retrieval between the pictures and the first texts of products, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import ranking
from ofclip.metrics.intervals import bootstrap_mean, bootstrap_median
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows
from ofclip.tasks.result import Result

TIES = "an equal score ranks before it (pessimistic ties)"


def retrieval(
    embeddings: Embeddings, ks: Sequence[int] = (1, 5, 10), block: int = ranking.BLOCK, examples: int = 8
) -> Result:
    """Return recall@k, median rank and MRR from text to image and from image to text.

    Product i's first text and its picture are the pair that counts (the diagonal); products without a text
    take no part. Where products share a caption, or a group, recall@k is also given with any product
    of the same caption (group) as a hit. Only `block` queries are scored at once. Intervals draw queries
    independently. Tables: "ranks" (how many queries fall between two ranks) and "queries" (`examples`
    text queries, evenly spaced over the products, with the ids of the five pictures found first). Raises
    SettingError if no product has a text, if ks, block or examples are below 1, and for vectors not finite.

    >>> import ofclip                                                     # doctest: +SKIP
    >>> result = retrieval(ofclip.embed(model, catalog))                  # doctest: +SKIP
    >>> result["text-to-image recall@10"].value                           # doctest: +SKIP
    """
    if any(k < 1 for k in ks):
        raise SettingError(f"ks must be positive ranks, got {list(ks)}")
    if examples < 1:
        raise SettingError(f"examples must be at least 1, got {examples}")
    if not len(embeddings.captions):
        raise SettingError(
            f"no product of {embeddings.dataset} has a text, so there is nothing to retrieve by"
        )
    products, first = np.unique(embeddings.owner, return_index=True)
    captions = np.array(embeddings.captions, dtype=object)[first]
    # One vector per distinct caption: equal texts may come out of different batches with different rounding.
    _, representative, caption = np.unique(captions, return_index=True, return_inverse=True)
    texts = rows(f"texts of {embeddings.dataset}", embeddings.texts)[first][representative][caption]
    images = rows(f"pictures of {embeddings.dataset}", embeddings.images)[products]
    ids, diagonal = embeddings.ids[products], np.arange(len(products))
    shared = [("caption", caption), ("group", np.unique(embeddings.groups[products], return_inverse=True)[1])]

    result = Result([])
    for direction, item, queries, items, best_ranks in (
        ("text-to-image", "picture", texts, images, ranking.best_ranks_of_shared_queries),
        ("image-to-text", "text", images, texts, ranking.best_ranks_of_shared_items),
    ):
        metric = partial(Metric, dataset=embeddings.dataset, split=embeddings.split, n=len(queries))
        own = ranking.ranks(queries, items, diagonal, block)
        best = best_ranks(caption, diagonal)
        metrics = []
        for k in ks:
            meaning = (
                f"share of queries whose own {item} (one per query, the diagonal) is among the first {k}"
            )
            metrics.append(_recall(metric, f"{direction} recall@{k}", meaning, own, best, k, relevant=1))
        metrics.append(
            metric(
                f"{direction} median rank",
                f"median over queries of the rank, from 1, of the own {item}; {TIES}",
                "lower",
                value=float(np.median(own)),
                interval=bootstrap_median(own),
                chance=ranking.chance_median_rank(len(items)),
                ceiling=float(np.median(best)),
            )
        )
        metrics.append(
            metric(
                f"{direction} MRR",
                f"mean over queries of 1 / rank of the own {item}, not cut at any rank; {TIES}",
                "higher",
                value=ranking.mean_reciprocal_rank(own),
                interval=bootstrap_mean(1 / own),
                chance=ranking.chance_mean_reciprocal_rank(len(items)),
                ceiling=ranking.mean_reciprocal_rank(best),
            )
        )
        for what, labels in shared:
            relevant = np.bincount(labels)[labels]
            if relevant.max() == 1:
                continue
            hit = ranking.any_hit_ranks(queries, items, labels, labels, block)
            best = best_ranks(caption, labels)
            for k in ks:
                name = f"{direction} recall@{k}, any of the same {what}"
                meaning = f"share of queries with any {item} of the same {what} among the first {k}"
                metrics.append(_recall(metric, name, meaning, hit, best, k, relevant))
        result += Result(metrics, {"ranks": _histogram(embeddings.dataset, direction, own, len(items))})
        if direction == "text-to-image":
            shown = np.unique(np.linspace(0, len(ids) - 1, examples).astype(int))
            found = ids[ranking.top(texts[shown], images, 5)]
            result.tables["queries"] = pd.DataFrame(
                {"dataset": embeddings.dataset, "query": captions[shown], "id": ids[shown], "rank": own[shown]}
                | {f"retrieved {place + 1}": column for place, column in enumerate(found.T)}
            )
    return result


def _recall(
    metric: partial[Metric],
    name: str,
    meaning: str,
    ranks: np.ndarray,
    best: np.ndarray,
    k: int,
    relevant: int | np.ndarray,
) -> Metric:
    return metric(
        name,
        f"{meaning}; {TIES}",
        "higher",
        value=ranking.recall_at(ranks, k),
        interval=bootstrap_mean(ranks <= k),
        chance=ranking.chance_recall(len(ranks), k, relevant),
        ceiling=ranking.recall_at(best, k),
    )


def _histogram(dataset: str, direction: str, ranks: np.ndarray, items: int) -> pd.DataFrame:
    """Return how many ranks lie in 1, 2, 3-5, 6-10, 11-20, 21-50 ... up to the number of items."""
    steps = np.outer(10 ** np.arange(len(str(items))), (1, 2, 5)).ravel()
    highest = np.append(steps[steps < items], items)
    counts = np.bincount(np.searchsorted(highest, ranks), minlength=len(highest))
    lowest = np.append(1, highest[:-1] + 1)
    return pd.DataFrame(
        {"dataset": dataset, "direction": direction, "lowest": lowest, "highest": highest, "queries": counts}
    )

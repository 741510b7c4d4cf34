"""Retrieval between the pictures and the first texts of products, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import ceilings, median_rank, ranking, recall, reciprocal_rank
from ofclip.metrics.groups import linked
from ofclip.metrics.intervals import bootstrap_mean, bootstrap_median
from ofclip.metrics.metric import Metric
from ofclip.metrics.ranking import Ranked
from ofclip.metrics.relevance import Relevance, of_groups, of_targets
from ofclip.metrics.vectors import rows
from ofclip.tasks.result import Result

TIES = "an equal score ranks before it (pessimistic ties)"
#: Each direction, and what is searched in it.
DIRECTIONS = {"text-to-image": "picture", "image-to-text": "text"}


@dataclass(frozen=True)
class Pairs:
    """Products with a text: their ids, first captions, and the vectors of those (n, d) and of their pictures (n, d).

    `shared` holds a label per product for "caption" and for "group", each only where products share one.
    """

    ids: np.ndarray
    captions: np.ndarray
    caption: np.ndarray
    texts: np.ndarray
    images: np.ndarray
    shared: dict[str, np.ndarray]

    @property
    def relevances(self) -> dict[str, Relevance]:
        """What counts as found: the "own" item, and any of the same caption or group."""
        own = of_targets(np.arange(len(self.ids)), len(self.ids))
        return {"own": own} | {what: of_groups(labels, labels) for what, labels in self.shared.items()}

    @property
    def drawn_together(self) -> np.ndarray | None:
        """Group numbers (n,) for intervals: what shares a caption has one ranking, so it is one observation."""
        return linked(*self.shared.values()) if self.shared else None

    def best_ranks(self, direction: str, what: str) -> np.ndarray:
        """Return the best ranks (n,) of the first right item that the captions allow; see `metrics.ceilings`."""
        labels = np.arange(len(self.ids)) if what == "own" else self.shared[what]
        if direction == "text-to-image":
            return ceilings.best_ranks_of_shared_queries(self.caption, labels)
        return ceilings.best_ranks_of_shared_items(self.caption, labels)


def pairs_of(embeddings: Embeddings) -> Pairs:
    """Return the pairs of first text and picture; products without a text take no part.

    Raises SettingError if there is none, and for vectors that are not finite or have no direction.
    """
    if not len(embeddings.captions):
        raise SettingError(f"no product of {embeddings.dataset} has a text, so there is nothing to retrieve by")
    products, first = np.unique(embeddings.owner, return_index=True)
    captions = np.array(embeddings.captions, dtype=object)[first]
    # One vector per distinct caption: equal texts may come out of different batches with different rounding.
    _, representative, caption = np.unique(captions, return_index=True, return_inverse=True)
    texts = rows(f"texts of {embeddings.dataset}", embeddings.texts)[first][representative][caption]
    images = rows(f"pictures of {embeddings.dataset}", embeddings.images)[products]
    ids = embeddings.ids[products]
    for what, vectors in (("text", texts), ("picture", images)):
        nothing = np.flatnonzero(~vectors.any(axis=1))
        if len(nothing):
            raise SettingError(
                f"the {what} of product {str(ids[nothing[0]])!r} of {embeddings.dataset} has a vector of zeros "
                f"({len(nothing)} in all): check the weights and inputs that made it"
            )
    labels = {"caption": caption, "group": np.unique(embeddings.groups[products], return_inverse=True)[1]}
    shared = {what: label for what, label in labels.items() if label.max() < len(label) - 1}
    return Pairs(ids, captions, caption, texts, images, shared)


def retrieval(
    embeddings: Embeddings, ks: Sequence[int] = (1, 5, 10), block: int = ranking.BLOCK, examples: int = 8
) -> Result:
    """Return recall@k, median rank and MRR from text to image and from image to text.

    Product i's first text and its picture are the pair that counts (the diagonal); products without a text
    take no part. Where products share a caption, or a group, recall@k is also given with any product
    of the same caption (group) as a hit. Both directions come from one matrix product, of which a tile of `block`
    texts is held per thread. Intervals draw queries that share a caption or a group together. Tables: "ranks" (how
    many queries fall between two ranks) and "queries" (`examples` text queries, evenly spaced over the products, with
    the ids of the five pictures found first). Raises SettingError if no product has a text, if ks, block or examples
    are below 1, and for vectors that are not finite, of zeros, or of unequal width.

    >>> import ofclip                                                     # doctest: +SKIP
    >>> result = retrieval(ofclip.embed(model, catalog))                  # doctest: +SKIP
    >>> result["text-to-image recall@10"].value                           # doctest: +SKIP
    """
    if any(k < 1 for k in ks):
        raise SettingError(f"ks must be positive ranks, got {list(ks)}")
    if examples < 1:
        raise SettingError(f"examples must be at least 1, got {examples}")
    pairs = pairs_of(embeddings)
    relevances = pairs.relevances
    both = ranking.ranked_both_ways(pairs.texts, pairs.images, list(relevances.values()), block)

    result = Result([])
    for way, (direction, item) in enumerate(DIRECTIONS.items()):
        found = {what: ranks[way] for what, ranks in zip(relevances, both, strict=True)}
        own, best = found["own"], ceilings.one_each(pairs.best_ranks(direction, "own"), len(pairs.ids))
        metric = partial(Metric, dataset=embeddings.dataset, split=embeddings.split, n=len(own))
        metrics, together = [], pairs.drawn_together
        for k in ks:
            meaning = f"share of queries whose own {item} (one per query, the diagonal) is among the first {k}"
            metrics.append(_recall(metric, f"{direction} recall@{k}", meaning, own, best, k, together))
        metrics.append(
            metric(
                f"{direction} median rank",
                f"median over queries of the rank, from 1, of the own {item}; {TIES}",
                "lower",
                value=median_rank.median_rank(own),
                interval=bootstrap_median(own.first(), together),
                chance=median_rank.chance(own.items),
                ceiling=median_rank.median_rank(best),
            )
        )
        metrics.append(
            metric(
                f"{direction} MRR",
                f"mean over queries of 1 / rank of the own {item}, not cut at any rank; {TIES}",
                "higher",
                value=float(reciprocal_rank.reciprocal_rank(own).mean()),
                interval=bootstrap_mean(reciprocal_rank.reciprocal_rank(own), together),
                chance=reciprocal_rank.chance(own.items),
                ceiling=float(reciprocal_rank.reciprocal_rank(best).mean()),
            )
        )
        for what in pairs.shared:
            best = ceilings.one_each(pairs.best_ranks(direction, what), len(pairs.ids))
            for k in ks:
                name = f"{direction} recall@{k}, any of the same {what}"
                meaning = f"share of queries with any {item} of the same {what} among the first {k}"
                metrics.append(_recall(metric, name, meaning, found[what], best, k, together))
        result += Result(metrics, {"ranks": _histogram(embeddings.dataset, direction, own.first(), own.items)})
        if direction == "text-to-image":
            shown = np.unique(np.linspace(0, len(pairs.ids) - 1, examples).astype(int))
            nearest = pairs.ids[ranking.top(pairs.texts[shown], pairs.images, 5)]
            queries = {"query": pairs.captions[shown], "id": pairs.ids[shown], "rank": own.first()[shown]}
            result.tables["queries"] = pd.DataFrame(
                {"dataset": embeddings.dataset}
                | queries
                | {f"retrieved {place + 1}": column for place, column in enumerate(nearest.T)}
            )
    return result


def _recall(
    metric: partial[Metric], name: str, meaning: str, found: Ranked, best: Ranked, k: int, groups: np.ndarray | None
) -> Metric:
    hits = recall.any_hit(found, k)
    return metric(
        name,
        f"{meaning}; {TIES}",
        "higher",
        value=float(hits.mean()),
        interval=bootstrap_mean(hits, groups),
        chance=recall.chance_any_hit(found.items, k, found.sizes),
        ceiling=float(recall.any_hit(best, k).mean()),
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

"""What a number of retrieval means: every definition in use, computed from the same vectors and ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import average_precision as ap
from ofclip.metrics import ceilings, hits, median_rank, ndcg, precision, ranking, recall
from ofclip.metrics import reciprocal_rank as rr
from ofclip.metrics.intervals import bootstrap_mean, bootstrap_median
from ofclip.metrics.ranking import TIES, Ranked
from ofclip.tasks.result import Result
from ofclip.tasks.retrieval import DIRECTIONS, Pairs, pairs_of


@dataclass(frozen=True)
class Measure:
    """One definition of one metric: values per query, the chance level, and where it is worth a row.

    It is cut at `each` k, at the `last` one, or not at all (`full`); given where the `own` item alone is right, and
    where `many` may be. `first`: only the first right item counts, so the ceiling knows of shared captions.
    """

    metric: str
    definition: str
    values: Callable[..., np.ndarray]
    chance: Callable[..., float]
    cuts: tuple[str, ...] = ("each",)
    own: bool = True
    many: bool = True
    first: bool = False

    def ks(self, ks: Sequence[int]) -> list[int | None]:
        """Return the ks of its rows; None stands for the whole list."""
        known: dict[str, list[int | None]] = {"each": list(ks), "last": [max(ks)], "full": [None]}
        return list(dict.fromkeys(k for cut in self.cuts for k in known[cut]))


FIRST, FRACTION, TORCHMETRICS = "first relevant item", "fraction of relevant", "torchmetrics"
#: With one right item per query several definitions are the same, and are given once.
MEASURES = (
    *(
        measure
        for name, module in (("recall", recall), ("precision", precision))
        for measure in (
            Measure(name, "diagonal", module.diagonal, module.chance_any_hit, many=False, first=True),
            Measure(name, "any hit", module.any_hit, module.chance_any_hit, own=False, first=True),
            Measure(name, FRACTION, module.fraction, module.chance_fraction, own=False),
            Measure(name, TORCHMETRICS, module.positive_scores, module.chance_fraction),
        )
    ),
    Measure("hits", "any hit", hits.hits_at, hits.chance, first=True),
    Measure("MRR", FIRST, rr.reciprocal_rank, rr.chance, ("full", "last"), first=True),
    Measure("MRR", TORCHMETRICS, rr.positive_scores, rr.chance, ("full",), first=True),
    Measure("mAP", "all relevant", ap.average_precision, ap.chance, ("full", "last"), own=False),
    Measure("mAP", TORCHMETRICS, ap.positive_scores, ap.chance, ("full",), own=False),
    Measure("nDCG", "binary gains", ndcg.ndcg, ndcg.chance, ("full", "each")),
)


def definitions(embeddings: Embeddings, ks: Sequence[int] = (1, 5, 10), block: int = ranking.BLOCK) -> Result:
    """Return every definition of the ranking metrics side by side, for both directions, from one matrix product.

    Relevant is the "own" item alone and, where products share them, any of the same "caption" or "group". Tables:

    - "definitions": a row per direction, relevance, metric, definition and k (empty: not cut), ties pessimistic, with
      value, interval (queries that share a caption or a group drawn together), chance level (random orders without
      ties; torchmetrics' is bounded by it) and ceiling. Where only the first right item counts, the ceiling knows
      that equal texts cannot be told apart; elsewhere it is the best order for each query on its own, an upper bound.
    - "ties": metrics of the own item under each tie rule, and how many queries the rule concerns.
    - "duplicates": how many captions, groups and vectors are distinct.

    Raises SettingError as `ofclip.tasks.retrieval` does.
    """
    if not ks or any(k < 1 for k in ks):
        raise SettingError(f"ks must be positive ranks, got {list(ks)}")
    pairs = pairs_of(embeddings)
    relevances = pairs.relevances
    both = ranking.ranked_both_ways(pairs.texts, pairs.images, list(relevances.values()), block)
    table, ties = [], []
    for way, direction in enumerate(DIRECTIONS):
        where = {"dataset": embeddings.dataset, "split": embeddings.split, "direction": direction}
        for what, ranks in zip(relevances, both, strict=True):
            table += [where | row for row in _rows(pairs, direction, what, ranks[way], ks)]
        ties += [where | row for row in _ties(both[0][way], ks)]
    contents = {"definitions": table, "ties": ties, "duplicates": [_duplicates(embeddings, pairs)]}
    tables = {name: pd.DataFrame(content) for name, content in contents.items()}
    tables["definitions"] = tables["definitions"].astype({"k": "Int64"})  # a whole number, or missing
    return Result([], tables)


def _rows(pairs: Pairs, direction: str, what: str, found: Ranked, ks: Sequence[int]) -> list[dict]:
    """Return the rows of one direction and relevance."""
    first = ceilings.one_each(pairs.best_ranks(direction, what), found.items)
    ideal = ceilings.ideal(found.sizes, found.items)
    rows, together = [], pairs.drawn_together
    for measure in MEASURES:
        if not (measure.own if what == "own" else measure.many):
            continue
        best = first if measure.first or what == "own" else ideal
        for k in measure.ks(ks):
            values = measure.values(found, k=k)
            low, high = bootstrap_mean(values, together)
            rows.append(
                {
                    "relevant": what,
                    "metric": measure.metric,
                    "definition": measure.definition,
                    "k": k,
                    "value": float(values.mean()),
                    "low": low,
                    "high": high,
                    "chance": measure.chance(items=found.items, relevant=found.sizes, k=k),
                    "ceiling": float(measure.values(best, k=k).mean()),
                    "n": len(found),
                }
            )
    low, high = bootstrap_median(found.first(), together)
    rows.append(
        {
            "relevant": what,
            "metric": "median rank",
            "definition": FIRST,
            "k": None,
            "value": median_rank.median_rank(found),
            "low": low,
            "high": high,
            "chance": median_rank.chance(found.items, found.sizes),
            "ceiling": median_rank.median_rank(first),
            "n": len(found),
        }
    )
    return rows


def _ties(own: Ranked, ks: Sequence[int]) -> list[dict]:
    """Return a row per tie rule, for one right item per query."""
    concerned = int((own.pessimistic > own.optimistic).sum())
    rows = []
    for ties in TIES:
        row = {"rule": ties} | {f"recall@{k}": float(recall.diagonal(own, k, ties).mean()) for k in ks}
        row["MRR"] = float(rr.reciprocal_rank(own, ties=ties).mean())
        row["median_rank"] = median_rank.median_rank(own, ties)
        rows.append(row | {"tied_queries": concerned, "n": len(own)})
    return rows


def _duplicates(embeddings: Embeddings, pairs: Pairs) -> dict:
    """Return how much of the data is there more than once."""
    sizes = np.bincount(pairs.caption)
    return {
        "dataset": embeddings.dataset,
        "split": embeddings.split,
        "products": len(pairs.ids),
        "captions": len(sizes),
        "sharing_a_caption": int(sizes[sizes > 1].sum()),
        "largest_caption": int(sizes.max()),
        "groups": len(np.unique(pairs.shared["group"])) if "group" in pairs.shared else len(pairs.ids),
        "text_vectors": len(np.unique(pairs.texts, axis=0)),
        "picture_vectors": len(np.unique(pairs.images, axis=0)),
        "without_text": len(embeddings) - len(pairs.ids),
    }

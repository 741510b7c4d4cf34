"""Long queries against short ones: FashionCLIP's card suspects that it does better on long ones."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import ranking, recall
from ofclip.metrics.ceilings import best_ranks_of_shared_queries
from ofclip.metrics.comparisons import paired_bootstrap
from ofclip.metrics.correlation import bootstrap_spearman, spearman
from ofclip.metrics.groups import linked
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.metrics.relevance import of_sets
from ofclip.metrics.vectors import rows
from ofclip.tasks.result import Result

K = 10
TIES = "an equal score ranks before it"


def query_length(embeddings: Embeddings, bins: int = 5) -> Result:
    """Return text-to-image recall@10 by the number of words of the query, for every text of every product.

    A word is what stands between spaces. The bins hold about equally many queries; lengths are never parted, so there
    may be fewer. Short texts are shared by many products, of which ten can be found at best: the ceiling of a bin
    says so, and a second recall takes any product that has the text for a hit. Products with texts of several
    lengths are also asked by their shortest and by their longest. Queries of one product group or one text are drawn
    together. Table "query_lengths": a row per bin. Raises SettingError for fewer than two bins, if no product has a
    text, and if all texts are equally long.
    """
    if bins < 2:
        raise SettingError(f"bins must be at least 2, got {bins}")
    if not len(embeddings.captions):
        raise SettingError(f"no product of {embeddings.dataset} has a text, so there are no queries")
    captions = np.asarray(embeddings.captions, dtype=str)
    words = np.array([len(caption.split()) for caption in captions])
    if len(set(words.tolist())) < 2:
        raise SettingError(f"all texts of {embeddings.dataset} are {words[0]} words long: length explains nothing")
    owner, where = embeddings.owner, partial(Metric, dataset=embeddings.dataset, split=embeddings.split)
    _, first, caption = np.unique(captions, return_index=True, return_inverse=True)
    texts = rows(f"texts of {embeddings.dataset}", embeddings.texts)[first][caption]
    own = ranking.ranks(texts, embeddings.images, owner)
    order = np.argsort(caption, kind="stable")
    ends = np.flatnonzero(np.diff(caption[order])) + 1
    sets = [np.unique(members).tolist() for members in np.split(owner[order], ends)]
    distinct = ranking.ranked(texts[first], embeddings.images, of_sets(sets, len(embeddings)))
    shared = distinct.first()[caption]
    best = best_ranks_of_shared_queries(caption, owner)
    counts = distinct.sizes[caption]
    groups = linked(embeddings.groups[owner], caption)

    edges = np.unique(np.quantile(words, np.arange(1, bins) / bins, method="lower"))
    place = np.searchsorted(edges, words)  # up to and with the edge
    metrics, table = [], []
    for number, part in enumerate(np.unique(place), start=1):
        here = place == part
        low, high = words[here].min(), words[here].max()
        span = f"{low} words" if low == high else f"{low} to {high} words"
        said = f"texts of {span}, part {number} of {len(np.unique(place))} by length"
        found, value = own[here] <= K, float((own[here] <= K).mean())
        interval = bootstrap_mean(found, groups[here])
        chance = recall.chance_any_hit(len(embeddings), K)
        ceiling = float((best[here] <= K).mean())
        metrics.append(
            where(
                f"recall@{K}, queries by length: part {number}",
                f"share of {said} whose own picture is among the first {K}; {TIES}",
                "higher", n=int(here.sum()), value=value, interval=interval, chance=chance, ceiling=ceiling,
            )
        )  # fmt: skip
        any_low, any_high = bootstrap_mean(shared[here] <= K, groups[here])
        table.append(
            (embeddings.dataset, number, int(low), int(high), int(here.sum()), value, *interval, chance, ceiling,
             float((shared[here] <= K).mean()), any_low, any_high,
             recall.chance_any_hit(len(embeddings), K, counts[here]))
        )  # fmt: skip
    for name, found, meaning in (
        ("own picture", own, f"the rank of the own picture; {TIES}"),
        ("any product of the text", shared, f"the rank of the first picture of a product that has the text; {TIES}"),
    ):
        metrics.append(
            where(
                f"length and success of queries ({name})",
                f"Spearman's rank correlation, over texts, of their number of words with {meaning}; above 0 where "
                "longer ones are found earlier (the sign is turned)",
                "nearer 0", n=len(words), value=float(np.nan_to_num(spearman(words, -found))),
                interval=bootstrap_spearman(words, -found, groups), chance=0.0, ceiling=0.0,
            )
        )  # fmt: skip
    metrics += _longest_against_shortest(where, embeddings, words, own, shared)
    columns = ["dataset", "part", "words_from", "words_to", "queries", "recall", "low", "high", "chance", "ceiling"]
    columns += ["any_recall", "any_low", "any_high", "any_chance"]
    return Result(metrics, {"query_lengths": pd.DataFrame(table, columns=columns)})


def _longest_against_shortest(
    where: partial[Metric], embeddings: Embeddings, words: np.ndarray, own: np.ndarray, shared: np.ndarray
) -> list[Metric]:
    """Return the differences in recall@10 between each product's longest and shortest text, where lengths differ."""
    order = np.lexsort((words, embeddings.owner))
    product = embeddings.owner[order]
    starts = np.flatnonzero(np.diff(product, prepend=-1))
    shortest, longest = order[starts], order[np.append(starts[1:], len(order)) - 1]
    differ = words[shortest] < words[longest]
    if not differ.any():
        return []
    shortest, longest = shortest[differ], longest[differ]
    groups = embeddings.groups[embeddings.owner[shortest]]
    metrics = []
    for name, ranks in (("own picture", own), ("any product of the text", shared)):
        change, interval = paired_bootstrap(ranks[longest] <= K, ranks[shortest] <= K, groups)
        metrics.append(
            where(
                f"recall@{K}, longest minus shortest text ({name})",
                f"difference in recall@{K} of the same products, asked by their longest and by their shortest text, "
                f"{words[longest].mean():.1f} and {words[shortest].mean():.1f} words on average; {TIES}",
                "nearer 0", n=len(shortest), value=change, interval=interval, chance=0.0, ceiling=0.0,
            )
        )  # fmt: skip
    return metrics

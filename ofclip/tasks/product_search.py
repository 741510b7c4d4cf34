"""Product search by Marqo's protocol: words of customers ask a whole catalogue for products.

The protocol is that of marqo-ai/marqo-FashionCLIP (eval.py, utils/retrieval.py, utils/metrics.py, 2024): vectors of
pictures and of texts have length 1 before they are weighted, and so has their weighted sum; queries and products are
compared by cosine; the first 10 products count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import DataError, SettingError
from ofclip.metrics import precision, recall, reciprocal_rank
from ofclip.metrics.ceilings import ideal
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.metrics.ranking import Ranked, ranked
from ofclip.metrics.relevance import of_sets
from ofclip.metrics.vectors import unit
from ofclip.models import Model
from ofclip.sources.ground_truth import PICTURE, TEXT, GroundTruth
from ofclip.tasks.result import Result
from ofclip.text.templates import PLAIN, fill

#: How far down a list Marqo looks, and the weights of picture and text in a product.
CUT = 10
WEIGHTS = (0.9, 0.1)
#: A task of at most so many queries has a table with a row for each.
LISTED = 50
#: What these weights are compared with: the picture alone, and both alike (our choice).
OTHERS = ((1.0, 0.0), WEIGHTS, (0.5, 0.5))


def product_search(
    embeddings: Embeddings,
    truth: GroundTruth,
    queries: np.ndarray,
    template: str,
    weights: tuple[float, float] = WEIGHTS,
) -> Result:
    """Return Marqo's metrics of one task, over the embedded products as the gallery.

    `queries` (n, d) are the vectors of `truth.queries` in the `template`. Where texts ask, the metrics are Recall@1
    and Recall@10 (the share of a query's relevant products) and their mean AvgRecall, else P@1, P@10 and their mean
    AvgP; and MRR cut at 10. Relevant products that are not in the gallery do not
    count, and a query that has none there is left out: the table "ground truth" says how many. The table "asked" has
    a row per query for tasks of few queries. Intervals draw queries independently. Raises SettingError for
    vectors of another width, ids that repeat and a gallery of fewer than 10 products, and DataError if no query has a
    product there.
    """
    place = {identity: row for row, identity in enumerate(embeddings.ids.tolist())}
    if len(place) < len(embeddings.ids):
        raise SettingError(
            f"{embeddings.dataset}: an id is there more than once, so a hit cannot be told; make ids differ"
        )
    if len(queries) != len(truth.queries):
        raise SettingError(f"{truth.task.name}: {len(queries)} vectors for {len(truth.queries)} queries")
    if len(embeddings) < CUT:
        raise SettingError(f"{embeddings.dataset}: {len(embeddings)} products, but the first {CUT} are asked for")
    relevance = of_sets(
        ([place[identity] for identity in ids if identity in place] for ids in truth.relevant), len(embeddings)
    )
    if not len(relevance.indices):
        raise DataError(
            f"{truth.task.name}: the gallery {embeddings.dataset} holds no product of the ground truth {truth.name}; "
            "check that both are of the same data set"
        )
    alone = truth.task.fields == PICTURE
    products = product_vectors(embeddings, (1.0, 0.0) if alone else weights)
    found = ranked(unit(f"queries of {truth.task.name}", queries), products, relevance)
    tables = {"ground truth": _coverage(embeddings, truth, found)}
    if len(found) <= LISTED:
        tables["asked"] = _asked(embeddings, truth, found)
    made = "" if alone else ", each normalise({:g} picture + {:g} text)".format(*weights)
    return Result(_metrics(embeddings, truth, found, f"queries in the template {template!r}", made), tables)


def product_vectors(embeddings: Embeddings, weights: tuple[float, float] = WEIGHTS) -> np.ndarray:
    """Return the vector (n, d) of each product: its picture's and its first text's, weighted, added and of length 1.

    Both have length 1 before. A product without a text is its picture alone. Raises SettingError for weights that
    are negative or all zero, and for a sum without direction.

    >>> import ofclip                                                                # doctest: +SKIP
    >>> product_vectors(ofclip.embed(model, catalog), weights=(0.9, 0.1)).shape      # doctest: +SKIP
    """
    picture, text = weights
    if min(weights) < 0 or not sum(weights):
        raise SettingError(f"weights of picture and text are {weights}: give numbers from 0, not both 0")
    vectors = unit(f"pictures of {embeddings.dataset}", embeddings.images)
    if not text or not len(embeddings.texts):
        return vectors
    owner, first = np.unique(embeddings.owner, return_index=True)
    texts = unit(f"texts of {embeddings.dataset}", embeddings.texts[first])
    made = vectors.copy()
    made[owner] = unit(f"products of {embeddings.dataset}", picture * vectors[owner] + text * texts)
    return made


def ask(model: Model, embeddings: Embeddings, truths: Sequence[GroundTruth], template: str = PLAIN) -> Result:
    """Return `product_search` of every task, the queries put into `template` and encoded by the model.

    Marqo puts "a photo of a " before the queries of OpenFashionCLIP and nothing before those of other models; a
    product's own text stays as it is.

    >>> import ofclip                                                                # doctest: +SKIP
    >>> catalog = ofclip.load_catalog("kagl")                                        # doctest: +SKIP
    >>> truths = ground_truth.load("kagl", catalog)                                  # doctest: +SKIP
    >>> ask(model, ofclip.embed(model, catalog), truths, "a photo of a {}")          # doctest: +SKIP
    """
    results = [
        product_search(embeddings, truth, model.encode_texts(fill(template, truth.queries)), template)
        for truth in truths
    ]
    return sum(results, Result([]))


def galleries(embeddings: Embeddings, catalog: Catalog) -> list[Embeddings]:
    """Return what there is to search in: all embedded products and, if they are of several splits, those of test alone.

    Marqo searches all products. Of a model that was trained on some of them this says little, so the part that it has
    not seen stands beside it. The split of the first is called "all".
    """
    split = catalog.products.set_index("id")["split"].reindex(embeddings.ids).to_numpy()
    tested = split == "test"
    if tested.all() or not tested.any():
        return [embeddings]
    return [replace(embeddings, split="all"), gallery(embeddings, tested, "test")]


def gallery(embeddings: Embeddings, keep: np.ndarray, split: str) -> Embeddings:
    """Return the Embeddings of the products for which `keep` (n,) is true, as those of `split`."""
    kept = np.flatnonzero(keep)
    number = np.full(len(embeddings), -1)
    number[kept] = np.arange(len(kept))
    texts = np.flatnonzero(number[embeddings.owner] >= 0)
    return replace(
        embeddings,
        split=split,
        ids=embeddings.ids[kept],
        groups=embeddings.groups[kept],
        images=embeddings.images[kept],
        texts=embeddings.texts[texts],
        captions=tuple(embeddings.captions[row] for row in texts),
        owner=number[embeddings.owner[texts]],
    )


def variants(
    model: Model,
    embeddings: Embeddings,
    truth: GroundTruth,
    templates: Sequence[str],
    weights: Sequence[tuple[float, float]] = OTHERS,
) -> pd.DataFrame:
    """Return what the query's template and the weights change: a row per template, pair of weights and metric.

    Products that are pictures alone have no weights. Raises as `product_search` does.
    """
    pairs = [(1.0, 0.0)] if truth.task.fields == PICTURE else weights
    queries = {template: model.encode_texts(fill(template, truth.queries)) for template in templates}
    rows = [
        {
            "dataset": metric.dataset,
            "split": metric.split,
            "metric": metric.name,
            "query": template,
            "picture": picture,
            "text": text,
            "value": metric.value,
            "low": low,
            "high": high,
        }
        for template, vectors in queries.items()
        for picture, text in pairs
        for metric in product_search(embeddings, truth, vectors, template, (picture, text)).metrics
        if "Avg" in metric.name or "MRR" in metric.name
        for low, high in [metric.interval or (None, None)]
    ]
    return pd.DataFrame(rows)


def best_recall(truth: GroundTruth, dataset: str) -> Metric:
    """Return the best Recall@1 that a ground truth allows: of r relevant products only one can be first.

    It is that of all its queries and all products that it names, whatever the gallery; queries without any are left
    out.
    """
    best = ideal(np.array([len(ids) for ids in truth.relevant if ids]), items=1)
    return Metric(
        f"{truth.task.name} best Recall@1",
        "mean over the queries of 1 / the number of their relevant products: what a perfect order reaches",
        "higher",
        dataset,
        "ground truth",
        len(best),
        float(recall.fraction(best, 1).mean()),
    )


def _metrics(embeddings: Embeddings, truth: GroundTruth, found: Ranked, asked: str, made: str) -> list[Metric]:
    items, sizes, best = len(embeddings), found.sizes, ideal(found.sizes, len(embeddings))
    if truth.task.column == TEXT:
        short, kind, measure = "Recall", "the share of its relevant products among the first {}", recall.fraction
        chances = [recall.chance_fraction(items, k) for k in (1, CUT)]
    else:
        short, kind, measure = "P", "the share of the first {} products that are relevant", precision.fraction
        chances = [precision.chance_fraction(items, k, sizes) for k in (1, CUT)]
    one, ten = ((measure(found, k), measure(best, k)) for k in (1, CUT))
    columns = {
        f"{short}@1": (kind.format(1), *one, chances[0]),
        f"{short}@{CUT}": (kind.format(CUT), *ten, chances[1]),
        f"Avg{short}": (
            f"the mean of {short}@1 and {short}@{CUT}",
            (one[0] + ten[0]) / 2,
            (one[1] + ten[1]) / 2,
            float(np.mean(chances)),
        ),
        "MRR": (
            f"1 / rank of its first relevant product, 0 beyond rank {CUT}",
            reciprocal_rank.reciprocal_rank(found, CUT),
            reciprocal_rank.reciprocal_rank(best, CUT),
            reciprocal_rank.chance(items, sizes, CUT),
        ),
    }
    rule = (
        f"the gallery is {items:,} products{made}; {asked}, from {truth.name}; an irrelevant product with an equal "
        "score ranks before (pessimistic ties)"
    )
    return [
        Metric(
            f"{truth.task.name} {name}",
            f"mean over queries of {meaning}; {rule}",
            "higher",
            embeddings.dataset,
            embeddings.split,
            len(found),
            float(values.mean()),
            bootstrap_mean(values),
            chance,
            float(ceiling.mean()),
        )
        for name, (meaning, values, ceiling, chance) in columns.items()
    ]


def _coverage(embeddings: Embeddings, truth: GroundTruth, found: Ranked) -> pd.DataFrame:
    """Return one row: how much of the ground truth the gallery holds."""
    named = {identity for ids in truth.relevant for identity in ids}
    row = {
        "dataset": embeddings.dataset,
        "split": embeddings.split,
        "task": truth.task.name,
        "ground truth": truth.name,
        "products in the gallery": len(embeddings),
        "queries": len(found),
        "queries left out": found.left_out,
        "products named": len(named),
        "named but not in the gallery": len(named.difference(embeddings.ids.tolist())),
        "relevant per query, median": float(np.median(found.sizes)),
    }
    return pd.DataFrame([row])


def _asked(embeddings: Embeddings, truth: GroundTruth, found: Ranked) -> pd.DataFrame:
    """Return a row per query: how many products are relevant, how many of the first 10 are, and the first's rank."""
    return pd.DataFrame(
        {
            "dataset": embeddings.dataset,
            "split": embeddings.split,
            "task": truth.task.name,
            "query": [truth.queries[row] for row in found.queries],
            "relevant": found.sizes,
            f"P@{CUT}": precision.fraction(found, CUT),
            "first rank": found.first(),
        }
    )

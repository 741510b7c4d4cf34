"""Improbable products: combinations that training has hardly or never shown, against common ones.

After the improbable products of FashionCLIP (Chia et al. 2022). The protocol is ours: many products with exact labels,
and beside each answer the same model's on common combinations, matched by raking.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import ceilings, classification, ranking, recall
from ofclip.metrics.metric import Metric
from ofclip.metrics.raking import effective_size, imbalance, rake, resampled_means
from ofclip.models import Model
from ofclip.sources.atelier import held_out_combinations
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result

K = 10  # of recall@k
RARE = 10  # a pair that fewer products of the training split show (our choice)
LEAST = 30  # matched pictures below which unseen pairs alone are not compared: the interval would say nothing
NAMED, FOUND = "pair accuracy@1", f"text-to-image recall@{K}"
MEANINGS = {
    NAMED: "share of pictures whose own pair of {kind} and type, in a prompt, is the nearest of all pairs; a tie "
    "counts against it",
    FOUND: f"share of captions whose own picture is among the first {K} of its data set; an equal score ranks before "
    "it",
}


def outcomes(
    model: Model,
    vectors: Embeddings,
    catalog: Catalog,
    kind: str,
    type_: str,
    pairs: Sequence[tuple[str, str]],
    template: str,
) -> pd.DataFrame:
    """Return one row per picture that shows both labels: what the model makes of it.

    `kind` and `type_` are label columns of the catalogue that was embedded, `pairs` the (kind, type) values to choose
    among. Columns: dataset, group, value, type; whether the picture is named by its own pair (`NAMED`) and found by
    its own caption among all pictures of the catalogue (`FOUND`); and for both " chance" and " ceiling", the latter
    below 1 where products share a caption. Pictures without a text take no part. Raises SettingError for an unknown
    label, if no picture shows both, and for a picture whose pair is not among `pairs`.
    """
    labels = pd.DataFrame({"value": catalog.label(kind).array, "type": catalog.label(type_).array}, dtype=object)
    labels = labels.set_axis(catalog.products["id"].astype(str)).reindex(vectors.ids)
    owners, first = np.unique(vectors.owner, return_index=True)
    shown = labels.notna().all(axis=1).to_numpy()
    place = np.flatnonzero(shown[owners])
    products = owners[place]
    if not len(products):
        raise SettingError(f"no picture of {catalog.name} shows both {kind} and {type_} and has a text")
    labels = labels.iloc[products]
    known = {pair: number for number, pair in enumerate(pairs)}
    codes = np.array([known.get(pair, -1) for pair in zip(labels["value"], labels["type"], strict=True)])
    if (codes < 0).any():
        row = labels.iloc[int((codes < 0).argmax())]
        raise SettingError(f"pairs: lack {row['value']} {row['type']}, which {catalog.name} shows; add it")
    prompts = prompt_vectors(model.encode_texts, [f"{value} {kind_}".lower() for value, kind_ in pairs], [template])
    named = classification.hits_at(vectors.images[products] @ prompts.T, codes, 1)
    found = ranking.ranks(vectors.texts[first[place]], vectors.images, products) <= K
    captions = np.array(vectors.captions, dtype=object)[first[place]].astype(str)
    best = ceilings.best_ranks_of_shared_queries(captions, np.arange(len(captions))) <= K
    return pd.DataFrame(
        {
            "dataset": vectors.dataset,
            "group": vectors.groups[products],
            "value": labels["value"].to_numpy(),
            "type": labels["type"].to_numpy(),
            NAMED: named,
            f"{NAMED} chance": 1 / len(pairs),
            f"{NAMED} ceiling": 1.0,
            FOUND: found,
            f"{FOUND} chance": recall.chance_any_hit(len(vectors), K),
            f"{FOUND} ceiling": best,
        }
    )


def pairs(catalog: Catalog, kind: str, type_: str, pool: Catalog | None = None) -> list[tuple[str, str]]:
    """Return the (kind, type) values to choose among, sorted: with a `pool`, all that it or the catalogue shows.

    Without one they are all that can be made of the catalogue's values, whether anything shows them or not.
    """
    labels = [part.products[[kind, type_]].dropna().astype(str) for part in (catalog, pool) if part is not None]
    table = pd.concat(labels)
    if pool is not None:
        return sorted(set(zip(table[kind], table[type_], strict=True)))
    return list(product(sorted(table[kind].unique()), sorted(table[type_].unique())))


def improbable(
    rows: pd.DataFrame, kind: str, type_: str, source: str, pool: Catalog | None = None, of: str = ""
) -> Result:
    """Return `contrast` of Atelier's reserved pairs with all others, or of rare pairs with common ones.

    With a `pool`, the training pictures, a pair is "unseen" if none of its products shows it, "rare" if fewer than
    `RARE` do, the unseen ones among them, and "common" otherwise; without, pairs are those that Atelier has reserved.
    Unseen pairs alone are compared where `LEAST` pictures or more can be matched. With a pool the table "frequencies"
    gives the plain scores by how often training shows a pair. `rows` are those of `outcomes`.
    """
    if pool is None:
        held_out = reserved(rows, kind)
        return contrast(rows, held_out, ~held_out, kind, ("held out", "seen"), source, "test", of)
    counts = frequency(rows, pool, kind, type_)
    result = Result([], {"frequencies": frequencies(rows, counts, kind, of)})
    for name, these in {"unseen": counts == 0, "rare": counts < RARE}.items():
        if name == "rare" or _matchable(rows, these, counts >= RARE)[0].sum() >= LEAST:
            result += contrast(rows, these, counts >= RARE, kind, (name, "common"), source, "test", of)
    return result


def frequencies(rows: pd.DataFrame, counts: np.ndarray, kind: str, of: str = "") -> pd.DataFrame:
    """Return the plain scores of rows whose pair is shown 0, 1 to 9, 10 to 99 ... times: counts (n,).

    Columns: model, kind, least, most (how often training shows the pair), pairs, pictures, and a score per measure.
    """
    steps = [0, *(10**power for power in range(len(str(counts.max())) + 1))]
    table = []
    for least, beyond in zip(steps, steps[1:], strict=False):
        own = rows[(counts >= least) & (counts < beyond)]
        if len(own):
            scores = {measure: float(own[measure].mean()) for measure in MEANINGS}
            shown = {"pairs": len(own[["value", "type"]].drop_duplicates()), "pictures": len(own)}
            table.append({"model": of or "model", "kind": kind, "least": least, "most": beyond - 1} | shown | scores)
    return pd.DataFrame(table)


def reserved(rows: pd.DataFrame, kind: str) -> np.ndarray:
    """Return (n,) whether the pair of each row is reserved by Atelier: no training domain ever shows it.

    `kind` is "colour" or "pattern"; a type has two reserved colours and at most one reserved pattern.
    """
    held_out = held_out_combinations()
    return np.array([(kind, value, name) in held_out for value, name in zip(rows["value"], rows["type"], strict=True)])


def frequency(rows: pd.DataFrame, pool: Catalog, kind: str, type_: str) -> np.ndarray:
    """Return (n,) how many products of `pool` show the pair of each row, by its label columns `kind` and `type_`."""
    counts = pd.DataFrame({"value": pool.label(kind).array, "type": pool.label(type_).array}, dtype=object)
    counts = counts.dropna().groupby(["value", "type"]).size()
    return counts.reindex(pd.MultiIndex.from_frame(rows[["value", "type"]])).fillna(0).to_numpy(dtype=int)


def contrast(
    rows: pd.DataFrame,
    rare: np.ndarray,
    common: np.ndarray,
    kind: str,
    names: tuple[str, str],
    dataset: str,
    split: str,
    of: str = "",
) -> Result:
    """Return each outcome on rare pairs, on common pairs raked to the same make-up, and the difference.

    `rows` (n) as `outcomes` gives them, of one or several catalogues; `rare` and `common` (n,) say which rows are
    compared. The common rows are weighted so that their shares of data sets, of values and of types are those of the
    rare rows: what is left between the two is that the pairs are rare. Rare rows whose value or type no common row
    shows cannot be matched and are left out, and counted in the table "combinations" together with how well the
    matching went. Both sides are resampled by product. `names` are those of the two sides, and `of` that of the model
    where it is not the one under test. Raises SettingError if nothing is left to compare.
    """
    rare, common = np.asarray(rare, bool), np.asarray(common, bool)
    asked = int(rare.sum())
    rare, common = _matchable(rows, rare, common)
    if not rare.any():
        raise SettingError(
            f"{dataset}: of {asked} pictures of {names[0]} {kind} pairs none has its {kind} and its type among the "
            f"{names[1]} ones: nothing to compare"
        )
    margins = [name for name in ("dataset", "value", "type") if rows[name].nunique() > 1]
    sample, target = ([rows.loc[side, name].to_numpy(str) for name in margins] for side in (common, rare))
    weights = rake(sample, target) if margins else np.ones(common.sum())
    off = imbalance(sample, target, weights) if margins else 0.0
    groups = [rows.loc[side, "group"].to_numpy(str) for side in (rare, common)]
    suffix = f" ({of})" if of else ""
    match = (
        f"; {names[1]} pairs are weighted to the data sets, {kind}s and types of the {names[0]} ones; intervals over "
        "products, the weights taken as given"
    )
    metrics, table = [], []
    for measure, meaning in MEANINGS.items():
        hits, base = (rows.loc[side, measure].to_numpy(float) for side in (rare, common))
        spread = resampled_means(hits, np.ones(len(hits)), groups[0], seed=0)
        base_spread = resampled_means(base, weights, groups[1], seed=1)
        value, matched = float(hits.mean()), float(base @ weights / weights.sum())
        bounds: dict[str, Any] = {
            name: float(rows.loc[rare, f"{measure} {name}"].astype(float).mean()) for name in ("chance", "ceiling")
        }
        base_bounds: dict[str, Any] = {
            name: float(rows.loc[common, f"{measure} {name}"].to_numpy(float) @ weights / weights.sum())
            for name in bounds
        }
        metric = partial(Metric, direction="higher", dataset=dataset, split=split)
        means = meaning.format(kind=kind)
        low, high = _interval(spread - base_spread)
        metrics += [
            metric(
                f"{kind} {measure}, {names[0]}{suffix}",
                f"{means}; on {names[0]} pairs of {kind} and type",
                n=len(hits),
                value=value,
                interval=_interval(spread),
                **bounds,
            ),
            metric(
                f"{kind} {measure}, {names[1]}{suffix}",
                f"{means}; on {names[1]} pairs of {kind} and type{match}",
                n=len(base),
                value=matched,
                interval=_interval(base_spread),
                **base_bounds,
            ),
            metric(
                f"{kind} {measure}, {names[0]} minus {names[1]}{suffix}",
                f"{means}; the difference{match}",
                n=len(hits),
                value=value - matched,
                interval=(low, high),
                chance=0.0,
            ),
        ]
        side = {"rare": names[0], "common": names[1], "rare_n": len(hits), "left_out": asked - len(hits)}
        side |= {"common_n": len(base), "effective_n": effective_size(weights), "worst_share_off": off}
        values = {"rare_value": value, "rare_low": _interval(spread)[0], "rare_high": _interval(spread)[1]}
        values |= {"common_value": matched, "common_low": _interval(base_spread)[0]}
        values |= {"common_high": _interval(base_spread)[1], "unmatched_value": float(base.mean())}
        table.append({"dataset": dataset, "model": of or "model", "kind": kind, "measure": measure} | side | values)
    return Result(metrics, {"combinations": pd.DataFrame(table)})


def _interval(spread: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(spread, (0.025, 0.975))
    return float(low), float(high)


def _matchable(rows: pd.DataFrame, rare: np.ndarray, common: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both sides without rows of a data set, value or type that the other side does not show."""
    while True:
        before = rare.sum(), common.sum()
        for name in ("dataset", "value", "type"):
            labels = rows[name].to_numpy(str)
            shared = np.intersect1d(labels[rare], labels[common])
            rare, common = rare & np.isin(labels, shared), common & np.isin(labels, shared)
        if (rare.sum(), common.sum()) == before:
            return rare, common

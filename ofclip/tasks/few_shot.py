"""Few-shot curves: probes on a few pictures per class, beside a probe on all of them, prompts, and plain pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings, embed
from ofclip.errors import SettingError
from ofclip.images import pixels
from ofclip.images.thumbnails import thumbnails
from ofclip.metrics import classification
from ofclip.metrics.crossed import bootstrap_crossed
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import unit
from ofclip.models import Model
from ofclip.tasks.probe import fit, linear_probe, prepare, score
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result
from ofclip.tasks.zero_shot import zero_shot

SHOTS, DRAWS = (1, 2, 4, 8, 16), 5
#: C of few-shot probes: one picture per class leaves none to choose it by (our choice).
STRENGTH = 10.0
#: What the probes' vectors are called where they are not those of the trained model.
START, PIXELS = "starting model", "raw pixels"


def few_shot(
    train: Embeddings,
    test: Embeddings,
    train_labels: Sequence[object],
    test_labels: Sequence[object],
    ks: Sequence[int] = SHOTS,
    draws: int = DRAWS,
    strength: float = STRENGTH,
    seed: int = 0,
    features: str = "",
) -> Result:
    """Return accuracy@1 of probes on k training pictures per class, the mean over several draws of them.

    A class with fewer than k pictures gives all that it has, which the table "shots" counts (dataset, features, k,
    train, short, accuracy, low, high, lowest, highest). Draw i takes the first k of one shuffled order of each class,
    so that more shots hold the fewer. Intervals are over draws and test pictures. Raises SettingError as `prepare`
    does, for ks or draws below 1, and for a k that no class reaches.
    """
    if any(k < 1 for k in ks) or draws < 1:
        raise SettingError(f"ks and draws must be 1 or more, got {list(ks)} and {draws}")
    data = prepare(train, test, train_labels, test_labels)
    sizes = np.bincount(data.labels)
    if ks and max(ks) > sizes.max():
        raise SettingError(
            f"no class of {train.dataset} has {max(ks)} training pictures (the largest has {sizes.max()}): ask for "
            "fewer shots"
        )
    kind = f" ({features})" if features else ""
    places = [_places(data.labels, np.random.default_rng((seed, draw))) for draw in range(draws)]
    metrics, table = [], []
    for k in ks:
        hits = np.stack(
            [score(fit(data.train[place < k], data.labels[place < k], strength), data)[0] for place in places]
        )
        interval = bootstrap_crossed(hits, data.test_groups)
        short = int((sizes < k).sum())
        metrics.append(
            Metric(
                f"{k}-shot accuracy@1{kind}",
                f"share of test pictures whose class a linear probe on {k} training pictures per class gives, the "
                f"mean of {draws} draws of them; C is {strength:g}; a class with fewer gives all it has; a tie, and a "
                "class without training pictures, count against it; interval over draws and products",
                "higher",
                test.dataset,
                test.split,
                hits.shape[1],
                float(hits.mean()),
                interval,
                1 / len(data.classes),
                float(data.known.mean()),
            )
        )
        used = int((places[0] < k).sum())
        means = hits.mean(axis=1)
        where = (test.dataset, features or "model", k, used, short)
        table.append((*where, float(hits.mean()), *interval, float(means.min()), float(means.max())))
    columns = ["dataset", "features", "k", "train", "short", "accuracy", "low", "high", "lowest", "highest"]
    return Result(metrics, {"shots": pd.DataFrame(table, columns=columns)})


def _places(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the place (n,) from 0 of each picture in a shuffled order of its class."""
    order = rng.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.cumsum(np.bincount(labels)) - np.bincount(labels)
    places = np.empty(len(labels), dtype=np.int64)
    places[by_class] = np.arange(len(labels)) - starts[labels[by_class]]
    return places


def compare(
    model: Model,
    start: Model,
    pool: Catalog,
    test: Catalog,
    label: str,
    templates: Sequence[str],
    words: Mapping[str, Sequence[str]] | None = None,
    ks: Sequence[int] = SHOTS,
    draws: int = DRAWS,
) -> Result:
    """Return probes and few-shot curves on the pictures of `pool`, beside zero-shot, on the pictures of `test`.

    Zero-shot chooses among the values of the label column that occur on either side, put into the templates in lower
    case or in the `words` given for a value; the probe among those of `pool`. The same probe is fitted to vectors of
    `start`, the model that training started from, less their mean, since those of fresh weights all point one way,
    and to raw pixels. Metrics carry the label's name in front. Raises SettingError as `prepare`, `few_shot` and
    `zero_shot` do.

    >>> compare(model, start, pool, test, "articleType", ["a photo of a {}"])         # doctest: +SKIP
    """
    sides = pool, test
    train, tested = (embed(model, bare(side)) for side in sides)
    labels, answers = (_labels(side, vectors, label) for side, vectors in zip(sides, (train, tested), strict=True))
    classes = sorted({value for value in (*labels, *answers) if value is not None})
    names = [(words or {}).get(name, (str(name).lower(),)) for name in classes]
    vectors = prompt_vectors(model.encode_texts, names, templates)
    asked = zero_shot(tested, answers, classes, vectors, templates)
    known = np.flatnonzero([value is not None for value in answers])
    hits = np.zeros(len(tested), dtype=bool)
    codes = pd.Index(classes).get_indexer([answers[row] for row in known])
    hits[known] = classification.hits_at(tested.images[known] @ vectors.T, codes, 1)

    result = linear_probe(train, tested, labels, answers, against={"zero-shot": hits})
    result += few_shot(train, tested, labels, answers, ks, draws)
    for features, (own_train, own_test) in (
        (START, _centred([embed(start, bare(side)) for side in sides])),
        (PIXELS, [_raw(side, model, made) for side, made in zip(sides, (train, tested), strict=True)]),
    ):
        result += linear_probe(own_train, own_test, labels, answers, features=features)
    zero = [asked["accuracy@1"], asked["weighted F1"], asked["majority-class accuracy"]]
    zero = [replace(metric, name=f"zero-shot {metric.name}") for metric in zero[:2]] + zero[2:]
    metrics = [replace(metric, name=f"{label} {metric.name}") for metric in [*result.metrics, *zero]]
    return Result(metrics, result.tables)


def sampled(catalog: Catalog, most: int, seed: int = 0) -> Catalog:
    """Return `most` products of a catalogue drawn at random, or all if it has no more, in their order.

    Raises SettingError for fewer than 1.
    """
    if most < 1:
        raise SettingError(f"a sample needs 1 product or more, got {most}")
    if len(catalog) <= most:
        return catalog
    return catalog.take(np.sort(np.random.default_rng(seed).choice(len(catalog), most, replace=False)))


def bare(catalog: Catalog) -> Catalog:
    """Return a catalogue without its texts: a probe looks at pictures alone, and encoding texts takes time."""
    return replace(catalog, products=catalog.products.assign(texts=[()] * len(catalog)))


def _labels(catalog: Catalog, vectors: Embeddings, label: str) -> list[str | None]:
    """Return the label of each picture that was embedded, None where it is missing."""
    values = catalog.label(label).set_axis(catalog.products["id"].astype(str)).reindex(vectors.ids)
    return [None if pd.isna(value) else str(value) for value in values]


def _centred(sides: list[Embeddings]) -> list[Embeddings]:
    """Return both sides' vectors less the mean of the first's, at unit length."""
    mean = sides[0].images.mean(axis=0)
    return [replace(side, images=unit(f"pictures of {side.dataset}", side.images - mean)) for side in sides]


def _raw(catalog: Catalog, model: Model, vectors: Embeddings) -> Embeddings:
    """Return the embeddings with thumbnails of the same pictures in place of their vectors."""
    array = pixels(catalog.images, model.preprocess.size, model.preprocess.how).array
    return replace(vectors, images=thumbnails(array), weights_fingerprint=PIXELS)

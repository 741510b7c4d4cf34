"""Linear probe: what labels add to a model whose pictures' vectors are frozen.

The probe is the one of CLIP (Radford et al. 2021, arXiv 2103.00020): logistic regression by L-BFGS on the pictures'
vectors. Its regularisation is chosen by cross-validation, where CLIP's own example asks for a sweep on a validation
split (README of openai/CLIP): the sets here are small, and two of them have none.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd

from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import classification
from ofclip.metrics.crossed import bootstrap_crossed
from ofclip.metrics.intervals import bootstrap_confusion
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows
from ofclip.tasks.result import Result

#: Inverse strengths of the L2 penalty, scikit-learn's C, from strong to weak. Unit vectors want a weak one.
#: Above the last, the penalty weighs less than what L-BFGS stops at, and nothing changes any more; below the first,
#: tens of thousands of pictures are not enough to be heard.
GRID = tuple(10.0**power for power in range(-2, 5))
FOLDS = 3  # our choice: the chosen strength hardly depends on it, and the time does
#: The grid is left after so many strengths in a row that do not beat the best: the weak ones are slow to fit.
PATIENCE = 2
ITERATIONS = 1000  # of L-BFGS at most, as in CLIP's own example


@dataclass(frozen=True)
class Probed:
    """Training and test pictures ready for a probe: vectors, class numbers, and what was left out.

    `known` (t,) says of each test picture whether its class has a training picture; the class number of one
    without is -1. `kept` (t,) are the rows of the test pictures among those that were embedded.
    """

    train: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    test_groups: np.ndarray
    kept: np.ndarray
    classes: tuple[str, ...]
    rows: pd.DataFrame

    @property
    def known(self) -> np.ndarray:
        return self.test_labels >= 0


def prepare(
    train: Embeddings, test: Embeddings, train_labels: Sequence[object], test_labels: Sequence[object]
) -> Probed:
    """Return the labelled pictures of both sides, with the classes that have a training picture.

    Pictures without a label are left out. Test pictures whose class has no training picture stay and can only be
    missed. The table "rows" counts both, and test pictures of a group that is among the training pictures. Raises
    SettingError for labels that are not one per picture, for vectors of different models, and where fewer than two
    classes are left to tell apart or no test picture has a label.
    """
    if train.weights_fingerprint != test.weights_fingerprint or train.images.shape[1] != test.images.shape[1]:
        raise SettingError(
            f"{train.dataset} and {test.dataset} were embedded by different models: embed both with the same weights"
        )
    sides = []
    for side, labels in ((train, train_labels), (test, test_labels)):
        labels = pd.Series(list(labels), dtype=object)
        if len(labels) != len(side):
            raise SettingError(f"{len(labels)} labels for {len(side)} pictures of {side.dataset}")
        kept = np.flatnonzero(labels.notna())
        if not len(kept):
            raise SettingError(f"no picture of {side.dataset}@{side.split} has a label")
        vectors = rows(f"pictures of {side.dataset}@{side.split}", side.images)[kept]
        sides.append((vectors, labels.iloc[kept].astype(str).to_numpy(dtype=str), side.groups[kept], kept))
    (vectors, names, groups, labelled), (test_vectors, test_names, test_groups, test_labelled) = sides
    classes, codes = np.unique(names, return_inverse=True)
    if len(classes) < 2:
        raise SettingError(
            f"all {len(names)} labelled training pictures of {train.dataset} are {str(classes[0])!r}: a probe needs "
            "two classes or more"
        )
    test_codes = pd.Index(classes).get_indexer(test_names)
    counted = {
        "dataset": test.dataset,
        "train": len(names),
        "test": len(test_names),
        "classes": len(classes),
        "train without label": len(train) - len(labelled),
        "test without label": len(test) - len(test_labelled),
        "test of a class without training pictures": int((test_codes < 0).sum()),
        "test of a group among the training pictures": int(np.isin(test_groups, groups).sum()),
    }
    return Probed(
        train=vectors,
        labels=codes,
        groups=groups,
        test=test_vectors,
        test_labels=test_codes,
        test_groups=test_groups,
        kept=test_labelled,
        classes=tuple(map(str, classes)),
        rows=pd.DataFrame([counted]),
    )


def linear_probe(
    train: Embeddings,
    test: Embeddings,
    train_labels: Sequence[object],
    test_labels: Sequence[object],
    grid: Sequence[float] = GRID,
    folds: int = FOLDS,
    features: str = "",
    against: Mapping[str, np.ndarray] | None = None,
) -> Result:
    """Return accuracy@1 and weighted F1 of logistic regression on the training pictures' vectors, on test pictures.

    `grid` are values of scikit-learn's C, of which `cross_validate` chooses. `features` says in names what the
    vectors are where they are not those of the model under test, as in "starting model". `against` holds the hits of
    other methods on all test pictures (n,), by name; the difference of accuracies is given for each. Tables: "rows"
    and "strength" (C and its accuracy on held-out folds). Raises SettingError as `prepare` and `cross_validate` do.
    """
    data = prepare(train, test, train_labels, test_labels)
    scores = cross_validate(data.train, data.labels, data.groups, grid, folds)
    strength = float(scores.loc[scores["accuracy"].idxmax(), "C"])
    hits, predicted = score(fit(data.train, data.labels, strength), data)
    kind = f" ({features})" if features else ""
    support = np.bincount(data.test_labels[data.known], minlength=len(data.classes))
    metric = partial(
        Metric,
        direction="higher",
        dataset=test.dataset,
        split=test.split,
        n=len(hits),
        ceiling=float(data.known.mean()),
    )
    how = (
        f"logistic regression on {len(data.labels)} training pictures' {features or 'frozen'} vectors, its strength "
        f"chosen by {folds}-fold cross-validation over whole products; a tie, and a class without training pictures, "
        "count against it"
    )
    confusion = classification.confusion_matrix(
        np.where(data.known, data.test_labels, len(data.classes)), predicted, len(data.classes) + 1
    )
    counts = classification.marginals(confusion)
    metrics = [
        metric(
            f"probe accuracy@1{kind}",
            f"share of test pictures whose class a linear probe gives: {how}",
            value=float(hits.mean()),
            interval=bootstrap_crossed(hits[None], data.test_groups),
            chance=1 / len(data.classes),
        ),
        metric(
            f"probe weighted F1{kind}",
            f"F1 of each class averaged by its share of the test pictures: {how}",
            value=float(classification.weighted_f1(*counts)),
            interval=bootstrap_confusion(confusion, classification.weighted_f1),
            chance=classification.chance_weighted_f1(support),
        ),
    ]
    for name, others in (against or {}).items():
        gain = hits.astype(np.float64) - np.asarray(others)[data.kept]
        metrics.append(
            metric(
                f"probe minus {name} accuracy@1{kind}",
                f"accuracy@1 of the probe minus that of {name} on the same test pictures, resampled together: {how}",
                value=float(gain.mean()),
                interval=bootstrap_crossed(gain[None], data.test_groups),
                chance=0.0,
                ceiling=None,
            )
        )
    strengths = scores.assign(dataset=test.dataset, features=features or "model", chosen=scores["C"] == strength)
    return Result(
        metrics,
        {
            "rows": data.rows.assign(features=features or "model"),
            "strength": strengths[["dataset", "features", "C", "accuracy", "chosen"]],
        },
    )


def cross_validate(
    vectors: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    grid: Sequence[float] = GRID,
    folds: int = FOLDS,
    patience: int = PATIENCE,
) -> pd.DataFrame:
    """Return C and its mean accuracy on held-out folds, in the order of `grid`, from strong to weak regularisation.

    vectors (n, d), labels (n,) class numbers, groups (n,): whole groups are held out, so that no product's views
    stand on both sides, in folds of classes as even as that allows. Each fold's fit starts from the one before
    (same optimum, fewer steps), and the grid is left after `patience` values in a row that are no better. Of equal
    accuracies the first, the stronger regularisation, is to be chosen. Raises SettingError for a grid that is empty,
    not positive or not ascending, and for fewer than 2 folds, or more than groups or pictures of the largest class.
    """
    from joblib import Parallel, cpu_count, delayed
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    grid = list(grid)
    if not grid or grid[0] <= 0 or any(b <= a for a, b in zip(grid, grid[1:], strict=False)):
        raise SettingError(f"grid must be positive and ascending, got {grid}")
    if folds < 2 or len(np.unique(groups)) < folds:
        raise SettingError(f"{folds} folds of {len(np.unique(groups))} products: ask for 2 or more, and fewer folds")
    if (largest := np.bincount(labels).max()) < folds:
        raise SettingError(f"{folds} folds of classes of {largest} pictures at most: ask for fewer folds")
    # the same rule where no product has two views, without its search through all products
    alone = len(np.unique(groups)) == len(groups)
    kind = StratifiedKFold if alone else StratifiedGroupKFold
    vectors = np.asarray(vectors, dtype=np.float64)  # what L-BFGS works on, converted once

    def right(model, strength: float, kept: np.ndarray, held_out: np.ndarray) -> int:
        _fit(model.set_params(C=strength), vectors[kept], labels[kept])
        return int((model.predict(vectors[held_out]) == labels[held_out]).sum())

    found: list[float] = []
    with fitting(), Parallel(n_jobs=min(folds, cpu_count()), prefer="threads") as folds_at_once:
        splits = list(kind(folds, shuffle=True, random_state=0).split(labels, labels, groups))
        models = [_regression(grid[0], warm_start=True) for _ in splits]
        for strength in grid:
            tasks = (delayed(right)(model, strength, *split) for model, split in zip(models, splits, strict=True))
            found.append(sum(folds_at_once(tasks)) / len(labels))
            if len(found) - 1 - int(np.argmax(found)) >= patience:
                break
    return pd.DataFrame({"C": grid[: len(found)], "accuracy": found})


def fit(vectors: np.ndarray, labels: np.ndarray, strength: float):
    """Return scikit-learn's LogisticRegression (L-BFGS) with C = `strength`, fitted to vectors (n, d), labels (n,).

    Raises SettingError where all labels are one.
    """
    with fitting():
        return _fit(_regression(strength), vectors, labels)


def _fit(model, vectors: np.ndarray, labels: np.ndarray):
    if len(np.unique(labels)) < 2:
        raise SettingError("all training pictures of a fold are of one class: use fewer folds, or more products")
    return model.fit(vectors, labels)


@contextmanager
def fitting() -> Iterator[None]:
    """While probes are fitted: one thread of linear algebra, and no warnings of classes with few pictures.

    Several threads wait for each other between the many short steps of L-BFGS: one alone was two to five times as
    fast on two cores, for 600 pictures of 30 classes as for 20,000 of ten. Rare classes miss some folds and look
    like a regression, and many classes of fashion are rare.
    """
    with _libraries().limit(limits=1, user_api="blas"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        yield


@cache
def _libraries():
    import sklearn.linear_model  # noqa: F401  (what it computes with has to be loaded to be found)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks through all that is loaded, so once is enough


def _regression(strength: float, warm_start: bool = False):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=ITERATIONS, warm_start=warm_start)


def score(model, data: Probed) -> tuple[np.ndarray, np.ndarray]:
    """Return for each test picture (t,) whether a fitted classifier hits its class, and the class it gives.

    A tie counts against it, and so does a class that the classifier does not know.
    """
    scores = model.decision_function(data.test)
    if scores.ndim == 1:  # two classes: one number, for the second
        scores = np.stack([-scores, scores], axis=1)
    place = np.full(len(data.classes) + 1, -1)  # the last place is for test pictures of no class
    place[model.classes_] = np.arange(len(model.classes_))
    own = place[data.test_labels]
    given = model.classes_[classification.predict(scores, np.maximum(own, 0))]
    best = model.classes_[scores.argmax(axis=1)]
    given = np.where(own >= 0, given, best)
    return (own >= 0) & (given == data.test_labels), given

"""Ensembles: what is gained by averaging a class over many prompts, picture by picture."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.metrics.classification import hits_at
from ofclip.metrics.comparisons import holm, paired_bootstrap, paired_permutation
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows
from ofclip.models import Model
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result
from ofclip.tasks.zero_shot import asked, codes_of


def ensemble_gain(
    model: Model,
    embeddings: Embeddings,
    catalog: Catalog,
    labels: Sequence[str],
    single: str,
    ensemble: Sequence[str],
) -> Result:
    """Return how much accuracy@1 an `ensemble` of templates gains over the `single` one, for each label column.

    Both are asked about the same pictures, so the differences are resampled, and their signs flipped, in pairs and by
    whole groups of products. Table "ensembles": dataset, label, both accuracies, difference, interval, `p` of the
    sign-flip test, and `p_holm`, corrected for having asked about all `labels`. Errors are those of `classify`.
    """
    metrics, found = [], []
    for label in labels:
        values, classes, names = asked(embeddings, catalog, label)
        true, kept = codes_of(embeddings, values.tolist(), classes)
        pictures, groups = rows(f"pictures of {embeddings.dataset}", embeddings.images)[kept], embeddings.groups[kept]
        one, many = (
            hits_at(pictures @ prompt_vectors(model.encode_texts, names, templates).T, true, 1)
            for templates in ([single], ensemble)
        )
        gain, (low, high) = paired_bootstrap(many, one, groups)
        p = paired_permutation(many, one, groups)
        found.append((embeddings.dataset, label, one.mean(), many.mean(), gain, low, high, p))
        metrics.append(
            Metric(
                f"{label} accuracy@1 gain of an ensemble",
                f"accuracy@1 with the mean of {len(ensemble)} prompts less that with {single!r}, on the same pictures; "
                "a tie counts against both; chance is no gain",
                "higher",
                embeddings.dataset,
                embeddings.split,
                len(true),
                gain,
                (low, high),
                chance=0.0,
                ceiling=float(1 - one.mean()),
            )
        )
    columns = ["dataset", "label", "single", "ensemble", "difference", "low", "high", "p"]
    table = pd.DataFrame(found, columns=columns)
    return Result(metrics, {"ensembles": table.assign(p_holm=holm(table["p"].tolist()))})

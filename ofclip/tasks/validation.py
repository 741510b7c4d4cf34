"""Validation while training: a few numbers, quickly, on data that the model is not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ofclip.catalog import Catalog
from ofclip.embeddings import embed
from ofclip.metrics import ranking
from ofclip.models import Model
from ofclip.tasks.prompts import prompt_vectors


def validator(catalogs: Sequence[tuple[Catalog, str | None]], template: str) -> Callable[[Model], dict[str, float]]:
    """Return a function of a model that gives, for each catalogue, recall@10 and the accuracy by its label.

    Each catalogue comes with the label column to classify by, or None for retrieval alone; retrieval is left
    out where all captions of a label are the same. Names are "val <dataset> recall@10" (text to image, own
    picture, pessimistic ties) and "val <dataset> <label> accuracy".
    """

    def validate(model: Model) -> dict[str, float]:
        found: dict[str, float] = {}
        for catalog, label in catalogs:
            vectors = embed(model, catalog, template, cache=False)
            if len(set(catalog.captions)) > len(catalog) / 2:  # class names as captions have no own picture
                _, first = np.unique(vectors.owner, return_index=True)
                ranks = ranking.ranks(vectors.texts[first], vectors.images, np.arange(len(vectors)))
                found[f"val {catalog.name} recall@10"] = ranking.recall_at(ranks, 10)
            if label:
                values = catalog.label(label)
                classes = sorted(values.dropna().unique())
                prompts = prompt_vectors(model.encode_texts, [name.lower() for name in classes], [template])
                known = values.notna().to_numpy()
                answers = np.take(classes, (vectors.images[known] @ prompts.T).argmax(axis=1))
                found[f"val {catalog.name} {label} accuracy"] = float(np.mean(answers == values[known].to_numpy()))
        return found

    return validate

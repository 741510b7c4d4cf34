"""What the words around a class name or a caption change at test time: none, one prompt, each template, ensembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError
from ofclip.metrics import classification, ranking, recall
from ofclip.metrics.ceilings import best_ranks_of_shared_queries
from ofclip.metrics.groups import linked
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import rows, unit
from ofclip.models import Model
from ofclip.tasks.paired import compare
from ofclip.tasks.result import Result
from ofclip.text.phrases import phrases
from ofclip.text.templates import ENSEMBLE, PLAIN, TEST, fill

#: The kinds of ways to ask. A template of training has its own words for a name.
NONE, SINGLE, TEMPLATE = "no prompt", "test prompt", "one template"
VECTORS, SCORES, PHRASES = "mean of vectors", "mean of probabilities", "extracted phrases"
K = 10


def class_prompts(
    model: Model,
    embeddings: Embeddings,
    catalog: Catalog,
    label: str,
    single: str = TEST,
    templates: Sequence[str] = ENSEMBLE,
) -> Result:
    """Return zero-shot accuracy by one label column under every way to ask, each against the `single` prompt.

    Classes are all values of the column that occur. The ensemble is the mean of a class's unit vectors (Radford et
    al. 2021, arXiv 2103.00020, section 3.1.4), or else the mean of the probabilities that the softmax of each
    template's scores gives at the model's own scale. Pictures of one product are drawn together. Table "prompts": a
    row per way. Raises SettingError for an unknown label, and for one of fewer than two classes.
    """
    values = catalog.label(label)
    values = values.set_axis(catalog.products["id"].astype(str)).reindex(embeddings.ids)
    kept = np.flatnonzero(values.notna())
    classes = sorted(values.dropna().unique())
    if len(classes) < 2:
        raise SettingError(f"{label} has {len(classes)} class in {embeddings.dataset}: prompts change no answer")
    true = pd.Index(classes).get_indexer(values.iloc[kept])
    names = [str(name).lower() for name in classes]
    asked = _ways(single, templates)
    texts = [text for template in asked.values() for text in fill(template, names)]
    spoken = unit("prompts", model.encode_texts(texts)).reshape(len(asked), len(names), -1)
    vectors = dict(zip(asked, spoken, strict=True))

    pictures = rows(f"pictures of {embeddings.dataset}", embeddings.images)[kept]
    scores = {way: pictures @ own.T for way, own in vectors.items()}
    of_templates = [way for way, template in asked.items() if template in templates]
    scores[VECTORS] = pictures @ unit("classes", np.mean([vectors[way] for way in of_templates], axis=0)).T
    scores[SCORES] = np.mean([_softmax(model.scale * scores[way]) for way in of_templates], axis=0)
    hits = {way: classification.hits_at(own, true, 1) for way, own in scores.items()}
    definition = f"share of pictures whose true class is the nearest of {len(classes)} classes; a tie counts against it"
    return _result(
        f"{label} accuracy@1", definition, embeddings, hits, asked, embeddings.groups[kept], 1 / len(classes), {}
    )


def query_prompts(
    model: Model,
    embeddings: Embeddings,
    single: str = TEST,
    templates: Sequence[str] = ENSEMBLE,
    queries: int | None = None,
) -> Result:
    """Return text-to-image recall@10 of the first captions under every way to ask, each against the `single` prompt.

    The own picture is sought among all pictures; `queries` (all if None) are evenly spaced over the products. Way
    "extracted phrases" puts the caption's noun phrases into the single prompt in the caption's place. A mean of scores
    over templates ranks pictures as the mean of vectors does, which differs by a factor per query alone, so there is
    one ensemble. Products of one group or caption are drawn together. Table "prompts": a row per way. Raises
    SettingError for fewer than one query, or if no product has a text.
    """
    asked = _ways(single, templates)
    owner, captions = sought(embeddings, queries)
    vectors = {way: encode(model, fill(template, captions.tolist())) for way, template in asked.items()}
    of_templates = [vectors[way] for way, template in asked.items() if template in templates]
    vectors[VECTORS] = unit("captions", np.mean(of_templates, axis=0))
    extracted = [extract(caption) for caption in captions]
    vectors[PHRASES] = encode(model, fill(single, extracted))
    found = {way: ranking.ranks(own, embeddings.images, owner) <= K for way, own in vectors.items()}
    definition = f"share of captions whose own picture is among the first {K}; an equal score ranks before it"
    ceilings = {way: caption_ceiling(extracted if way == PHRASES else captions) for way in found}
    groups = linked(embeddings.groups[owner], captions)
    chance = recall.chance_any_hit(len(embeddings), K)
    return _result(f"text-to-image recall@{K}", definition, embeddings, found, asked, groups, chance, ceilings)


def sought(embeddings: Embeddings, queries: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return row numbers (q,) and first captions (q,) of products with a text, evenly spaced if not all are asked for.

    Raises SettingError for fewer than one query, or if no product has a text.
    """
    if queries is not None and queries < 1:
        raise SettingError(f"queries must be at least 1, got {queries}")
    products, first = np.unique(embeddings.owner, return_index=True)
    if not len(products):
        raise SettingError(f"no product of {embeddings.dataset} has a text, so there is nothing to retrieve by")
    if queries is not None and queries < len(products):
        chosen = np.linspace(0, len(products) - 1, queries).astype(int)
        products, first = products[chosen], first[chosen]
    return products, np.array(embeddings.captions, dtype=object)[first].astype(str)


def encode(model: Model, texts: Sequence[str] | np.ndarray) -> np.ndarray:
    """Return unit vectors (n, d) of texts; equal texts are encoded once, so that their vectors are equal to the bit."""
    distinct, place = np.unique(np.asarray(texts, dtype=str), return_inverse=True)
    return unit("texts", model.encode_texts(distinct.tolist()))[place]


def extract(caption: str) -> str:
    """Return the noun phrases of a caption joined by commas; a caption without one stays as it is.

    >>> extract("Red dresses with pockets")
    'red dress, pocket'
    """
    return ", ".join(phrases(caption)) or caption


def _ways(single: str, templates: Sequence[str]) -> dict[str, str]:
    """Return the template of each way to ask with one; each of `templates` but the single one goes by its words."""
    if not len(templates):
        raise SettingError("an ensemble needs at least one prompt template")
    others = {template: template for template in templates if template not in (single, PLAIN)}
    return {NONE: PLAIN, SINGLE: single} | others


def caption_ceiling(texts: Sequence[str] | np.ndarray) -> float:
    """Return the best recall@10 of texts (n,) that each want a picture of their own: equal ones share a ranking."""
    codes = np.unique(np.asarray(texts), return_inverse=True)[1]
    return float((best_ranks_of_shared_queries(codes, np.arange(len(codes))) <= K).mean())


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _result(
    task: str,
    definition: str,
    embeddings: Embeddings,
    hits: Mapping[str, np.ndarray],
    asked: Mapping[str, str],
    groups: np.ndarray,
    chance: float,
    ceilings: Mapping[str, float],
) -> Result:
    table = compare(hits, SINGLE, groups)
    said = {
        NONE: "asked by its name alone" if task.endswith("@1") else "asked by the caption alone",
        SINGLE: f"asked as {asked[SINGLE]!r}",
        VECTORS: "asked by the mean of the unit vectors of all templates, renormalised",
        SCORES: "asked by the mean over all templates of the softmax of the scores at the model's own scale",
        PHRASES: f"asked by the caption's noun phrases, joined by commas, in {asked[SINGLE]!r}",
    }
    metrics = [
        Metric(
            f"{task} ({way})", f"{definition}; {said[way]}", "higher", embeddings.dataset, embeddings.split,
            int(row["n"]), row["value"], (row["low"], row["high"]), chance, ceilings.get(way, 1.0),
        )
        for way, row in table.iterrows() if way in said
    ]  # fmt: skip
    kinds = [way if way in said else TEMPLATE for way in table.index]
    where = {"dataset": embeddings.dataset, "task": task, "kind": kinds}
    return Result(metrics, {"prompts": table.reset_index(names="prompt").assign(**where)[[*where, "prompt", *table]]})

"""Embeddings: one model's vectors for one Catalog, computed once and kept on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ofclip.catalog import Catalog
from ofclip.errors import DataError
from ofclip.files import atomic, cache_dir, digest
from ofclip.images import pixels
from ofclip.models import Model
from ofclip.text.templates import PLAIN, fill


@dataclass(frozen=True)
class Embeddings:
    """Unit-length float32 vectors of a Catalog's pictures (n, d) and texts (m, d).

    Text j is `captions[j]` and belongs to product `owner[j]`; each product's first text comes before its
    others. `groups` (n,) says which products count as the same. The two fingerprints name the data and
    the weights that the vectors came from.
    """

    dataset: str
    split: str
    ids: np.ndarray
    groups: np.ndarray
    images: np.ndarray
    texts: np.ndarray
    captions: tuple[str, ...]
    owner: np.ndarray
    catalog_fingerprint: str
    weights_fingerprint: str

    def __len__(self) -> int:
        return len(self.ids)


def embed(
    model: Model, catalog: Catalog, template: str = PLAIN, skip_bad: bool = False, cache: bool = True
) -> Embeddings:
    """Return the vectors of a catalogue's pictures and texts, from the cache where data and weights are the same.

    Each text is put into `template`. Captions are kept as they are, without the template. With `skip_bad`
    products whose picture is damaged are left out; without, they raise DataError.
    """
    key = digest(catalog.fingerprint, model.fingerprint, template, skip_bad)
    path = cache_dir() / "embeddings" / f"{key}.safetensors"
    if cache and (found := _read(path, key)) is not None:
        return found
    cached = pixels(catalog.images, model.preprocess.size, model.preprocess.how, skip_bad=skip_bad)
    array, kept = cached.array, catalog
    if cached.bad:
        sound = np.setdiff1d(np.arange(len(catalog)), [row for row, _ in cached.bad])
        array, kept = array[sound], catalog.take(sound)
    if not len(kept):
        raise DataError(f"{catalog.name}: no sound picture is left to embed")
    captions = [text for texts in kept.products["texts"] for text in texts]
    distinct = list(dict.fromkeys(captions))  # shops repeat themselves: each text is encoded once
    place = {text: i for i, text in enumerate(distinct)}
    vectors = model.encode_texts(fill(template, distinct))
    made = Embeddings(
        dataset=kept.name,
        split=kept.split,
        ids=kept.products["id"].to_numpy(dtype=str),
        groups=kept.products["group"].to_numpy(dtype=str),
        images=model.encode_images(array),
        texts=vectors[[place[text] for text in captions]] if captions else np.zeros((0, 0), np.float32),
        captions=tuple(captions),
        owner=np.repeat(np.arange(len(kept)), [len(texts) for texts in kept.products["texts"]]),
        catalog_fingerprint=catalog.fingerprint,
        weights_fingerprint=model.fingerprint,
    )
    if cache:
        _write(path, key, made)
    return made


def _write(path: Path, key: str, made: Embeddings) -> None:
    from safetensors.numpy import save_file

    plain = {
        "key": key,
        "dataset": made.dataset,
        "split": made.split,
        "ids": made.ids.tolist(),
        "groups": made.groups.tolist(),
        "captions": list(made.captions),
        "catalog": made.catalog_fingerprint,
        "weights": made.weights_fingerprint,
    }
    arrays = {"images": made.images, "texts": made.texts, "owner": made.owner}
    with atomic(path) as temporary:
        save_file(arrays, temporary, metadata={"plain": json.dumps(plain)})


def _read(path: Path, key: str) -> Embeddings | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            plain = json.loads(file.metadata()["plain"])
            arrays = {name: file.get_tensor(name) for name in ("images", "texts", "owner")}
    except (FileNotFoundError, SafetensorError, KeyError, TypeError):
        return None  # absent or damaged: it is made anew
    if plain["key"] != key:
        return None
    return Embeddings(
        dataset=plain["dataset"],
        split=plain["split"],
        ids=np.asarray(plain["ids"], dtype=str),
        groups=np.asarray(plain["groups"], dtype=str),
        captions=tuple(plain["captions"]),
        catalog_fingerprint=plain["catalog"],
        weights_fingerprint=plain["weights"],
        **arrays,
    )

import numpy as np
import pytest

from ofclip.embeddings import Embeddings


@pytest.fixture
def embeddings():
    """Return a function that makes Embeddings of given vectors, by default with one caption per product."""

    def make(images, texts, captions=None, owner=None, groups=None):
        n = len(images)
        captions = tuple(captions if captions is not None else (f"caption {i}" for i in range(len(texts))))
        return Embeddings(
            dataset="toy",
            split="test",
            ids=np.array([f"id{i}" for i in range(n)]),
            groups=np.array(groups if groups is not None else [f"group {i}" for i in range(n)]),
            images=np.asarray(images, dtype=np.float32),
            texts=np.asarray(texts, dtype=np.float32),
            captions=captions,
            owner=np.arange(n) if owner is None else np.asarray(owner),
            catalog_fingerprint="c",
            weights_fingerprint="w",
        )

    return make

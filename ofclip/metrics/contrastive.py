"""The contrastive loss as a number to watch: what training minimises, on pairs that it does not see."""

from __future__ import annotations

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.vectors import rows


def contrastive_losses(images: np.ndarray, texts: np.ndarray, scale: float, batch: int) -> np.ndarray:
    """Return the loss (m,) of each of the first m pairs, m the largest multiple of `batch`; their mean is the loss.

    images and texts (n, d) are unit vectors, row i of the one and of the other a pair, and `scale` is the factor on
    their cosines. A pair's loss is the mean of two cross-entropies: that of its text among those of its batch, given
    the picture, and the other way round (Radford et al. 2021, figure 3). A batch is `batch` rows in their order. Rows
    beyond the last whole batch are left out, since a smaller batch would be an easier question. Guessing gives the
    logarithm of `batch`. Raises SettingError for fewer pairs than a batch, a batch below 2, and vectors that do not
    pair up or are not finite.

    >>> contrastive_losses(np.eye(2), np.eye(2)[::-1], scale=1.0, batch=2).round(3).tolist()
    [1.313, 1.313]
    """
    images, texts = rows("images", images), rows("texts", texts)
    if images.shape != texts.shape:
        raise SettingError(f"images {images.shape} and texts {texts.shape}: give one text per picture, of one width")
    if batch < 2:
        raise SettingError(f"batch {batch}: at least two pairs are needed to tell one from the other")
    if len(images) < batch:
        raise SettingError(f"{len(images)} pairs are fewer than one batch of {batch}: give more, or a smaller batch")
    whole = len(images) // batch * batch
    left, right = (vectors[:whole].reshape(-1, batch, vectors.shape[1]) for vectors in (images, texts))
    logits = scale * (left @ right.transpose(0, 2, 1)).astype(np.float64)
    own = np.einsum("bii->bi", logits)
    return np.ravel((_log_sum_exp(logits, 2) + _log_sum_exp(logits, 1)) / 2 - own)


def _log_sum_exp(logits: np.ndarray, axis: int) -> np.ndarray:
    highest = logits.max(axis=axis, keepdims=True)
    return np.log(np.exp(logits - highest).sum(axis=axis)) + highest.squeeze(axis)

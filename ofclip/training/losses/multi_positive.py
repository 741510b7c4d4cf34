"""A contrastive loss with several positives per row, for shops where many products share a caption."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ofclip.errors import SettingError
from ofclip.training.losses.clip import both_ways, require_negatives


def multi_positive_loss(
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    positives: torch.Tensor,
    rows: slice = slice(None),
) -> torch.Tensor:
    """Return the mean of image-to-text and text-to-image cross-entropy over `rows`, all positives being right.

    `images` and `texts` are unit vectors (n, d); `positives` (n, n) bool says that image i and text j belong
    together. The target of a row is uniform over its positives, outside of the logarithm: equation 2 of Khosla
    et al. 2020 (L_out, which they found better than L_in), from images to texts and back as Yang et al. 2022
    (UniCL) do. With the identity it is CLIP's loss. Its minimum is not 0 but the mean logarithm of the number of
    positives. Raises SettingError for a batch of one, or when an image or a text has no positive.

    >>> one_hot, same = torch.eye(2), torch.ones(2, 2, dtype=torch.bool)
    >>> round(float(multi_positive_loss(one_hot, one_hot, torch.tensor(0.0), same)), 4)   # both right: log 2
    0.6931
    """
    require_negatives(len(images))
    # every process sees every row, so that all of them stop, none waiting for the other
    if not (positives.any(0) & positives.any(1)).all():
        raise SettingError("positives: an image or a text has none; mark at least its own pair")
    return row_losses(images, texts, scale, positives, rows).mean()


def row_losses(
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    positives: torch.Tensor,
    rows: slice | torch.Tensor,
) -> torch.Tensor:
    """Return the loss of each row (m,), the mean of its two directions; `rows` may be a mask (n,) bool too."""
    to_texts, to_images = both_ways(images, texts, scale, rows)
    return (_cross_entropy(to_texts, positives[rows]) + _cross_entropy(to_images, positives.T[rows])) / 2


def _cross_entropy(logits: torch.Tensor, positives: torch.Tensor) -> torch.Tensor:
    target = positives / positives.sum(1, keepdim=True, dtype=logits.dtype)
    return F.cross_entropy(logits, target, reduction="none")


def shared(captions: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """Return which pairs (n, n) bool share a caption or a group, given the number of each (n,) int64.

    It does not carry over: of three products, where the first two share a caption and the last two a group, the
    first and the last are negatives (our choice, as the text of one need not be true of the other). Give a
    product without a group a number of its own.

    >>> shared(torch.tensor([5, 5, 7]), torch.tensor([0, 1, 1])).int().tolist()
    [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    """
    return (captions[:, None] == captions) | (groups[:, None] == groups)

"""CLIP's symmetric contrastive loss (InfoNCE)."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ofclip.errors import SettingError


def clip_loss(
    images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor, rows: slice = slice(None)
) -> torch.Tensor:
    """Return the mean of image-to-text and text-to-image cross-entropy over `rows` of a batch.

    `images` and `texts` are unit vectors (n, d), row i of each belonging together; `scale` is 1 / temperature
    (Radford et al. 2021, figure 3). On several processes it is open_clip's loss with `local_loss` and
    `gather_with_grad`. Raises SettingError for a batch of one, whose loss is zero whatever the model does.

    >>> one_hot = torch.eye(4)
    >>> round(float(clip_loss(one_hot, one_hot, torch.tensor(0.0))), 4)   # all alike: log 4
    1.3863
    """
    require_negatives(len(images))
    target = torch.arange(len(images), device=images.device)[rows]
    to_texts, to_images = both_ways(images, texts, scale, rows)
    return (F.cross_entropy(to_texts, target) + F.cross_entropy(to_images, target)) / 2


def both_ways(
    images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor, rows: slice | torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits (m, n) of `rows`: their images against all texts, and their texts against all images."""
    to_texts = scale * images[rows] @ texts.T
    # a process that has every row needs one product only, which saves a third of the loss's time
    return to_texts, to_texts.T if len(to_texts) == len(texts) else scale * texts[rows] @ images.T


def require_negatives(n: int) -> None:
    """Raise SettingError for a batch of fewer than two pairs: without a negative there is nothing to tell apart."""
    if n < 2:
        raise SettingError(f"batch: a contrastive loss needs at least two pairs in a batch, got {n}; raise batch")

"""The symmetric contrastive loss of CLIP."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def clip_loss(images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return the mean of picture-to-text and text-to-picture cross-entropy over a batch.

    `images` and `texts` are unit vectors (n, d), row i of each belonging together; `scale` is
    1 / temperature (Radford et al. 2021, figure 3). Raises ValueError for a batch of one, whose loss is
    zero whatever the model does.

    >>> one_hot = torch.eye(4)
    >>> round(float(clip_loss(one_hot, one_hot, torch.tensor(0.0))), 4)   # no temperature: log 4
    1.3863
    """
    if len(images) < 2:
        raise ValueError("a contrastive loss needs at least two pairs in a batch")
    logits = scale * images @ texts.T
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2

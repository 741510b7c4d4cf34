"""Distillation of the starting model's image features, against forgetting."""

from __future__ import annotations

import torch


def distillation_loss(images: torch.Tensor, reference: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
    """Return the mean over `rows` of 1 - cosine between image features and those of the starting model.

    Both are unit vectors (n, d); `reference` gets no gradient. Our choice, near to Mukhoti et al. 2023 (LDIFS),
    who hold the features by their l2 distance: the cosine is what zero-shot and retrieval read. For unit vectors
    1 - cosine is half of the squared distance, and computed so, since 1 - cosine of nearly equal vectors is
    mostly rounding: at the start the loss and its gradient are exactly 0.

    >>> one_hot = torch.eye(3)
    >>> float(distillation_loss(one_hot, one_hot.roll(1, 0)))   # at right angles
    1.0
    """
    return (images[rows] - reference[rows].detach()).square().sum(1).mean() / 2

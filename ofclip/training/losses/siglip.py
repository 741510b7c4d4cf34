"""SigLIP's pairwise sigmoid loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ofclip.training.losses.clip import require_negatives


def siglip_loss(
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor | None,
    rows: slice = slice(None),
) -> torch.Tensor:
    """Return the mean over `rows` of the sum over texts of -log sigmoid(+-(scale x cosine + bias)).

    `images` and `texts` are unit vectors (n, d); the sign is + for pair (i, i), - for all others. It is
    algorithm 1 of Zhai et al. 2023, which divides the sum over all pairs by n, not by n^2. `bias` None is 0, as
    in open_clip; the paper starts it at -10, since all pairs but one of a row are negatives. Raises SettingError
    for a batch of one (our choice: with no negative, a model that says yes to every pair is perfect).

    >>> one_hot = torch.eye(4)
    >>> round(float(siglip_loss(one_hot, one_hot, torch.tensor(0.0), None)), 4)   # 4 texts a row: 4 log 2
    2.7726
    """
    require_negatives(len(images))
    logits = scale * images[rows] @ texts.T
    if bias is not None:
        logits = logits + bias
    own = torch.arange(len(texts), device=texts.device)[rows, None]
    sign = torch.full_like(logits, -1.0).scatter_(1, own, 1.0)
    return -F.logsigmoid(sign * logits).sum() / len(logits)

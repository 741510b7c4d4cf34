"""A weighted sum of contrastive losses, one per text field: title, category, colour, description."""

from __future__ import annotations

import torch

from ofclip.errors import SettingError
from ofclip.training.losses.clip import require_negatives
from ofclip.training.losses.multi_positive import row_losses


def field_loss(
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    weights: torch.Tensor,
    keys: torch.Tensor,
    present: torch.Tensor,
    rows: slice = slice(None),
) -> torch.Tensor:
    """Return the weighted mean over fields of each field's contrastive loss against the image.

    `images` (n, d) and `texts` (n, f, d) are unit vectors; `weights` (f,) are above 0; products with equal `keys`
    (n, f) int64 in a field have the same text there and are positives of each other; `present` (n, f) bool says
    which products have the field. Whatever stands at an absent field, NaN included, has no effect.

    Marqo reports training its fashion models with a loss of seven such parts, by Generalized Contrastive Learning
    (Zhu et al. 2024); that method also weights single query-document pairs by relevance, which products and
    their own texts do not have. Our choice is the rest: equal texts are positives, since a batch holds many equal
    colours; products that lack a field are left out of its rows and columns; a field that fewer than two products
    of the batch have is left out of the mean, weight and all. Raises SettingError for a batch of one, or when no
    field is left.

    >>> one_hot, has = torch.eye(2), torch.ones(2, 1, dtype=torch.bool)
    >>> keys = torch.tensor([[0], [1]])
    >>> loss = field_loss(one_hot, one_hot[:, None], torch.tensor(0.0), torch.tensor([3.0]), keys, has)
    >>> round(float(loss), 4)   # one field: CLIP's loss, whatever its weight
    0.6931
    """
    n = len(images)
    require_negatives(n)
    counts = present.sum(0).tolist()
    used = [field for field, count in enumerate(counts) if count >= 2]
    if not used:
        raise SettingError("fields: no field is there for two products of the batch; name others, or raise batch")
    own = torch.zeros_like(present[:, 0])
    own[rows] = True
    # processes differ in how many of their rows have a field: dividing by the count of all, and multiplying by
    # the number of processes, makes the mean over processes the mean over all rows
    processes = n / len(range(n)[rows])
    total = 0.0
    for field in used:
        has = present[:, field]
        key = keys[has, field]
        losses = row_losses(images[has], texts[has, field], scale, key[:, None] == key, own[has])
        total = total + weights[field] * losses.sum() * (processes / counts[field])
    return total / weights[used].sum()

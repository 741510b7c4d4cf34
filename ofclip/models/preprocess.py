"""How a picture becomes a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

#: Smallest deviation, in levels of 255, by which "own" levels divide: an even picture has no noise to blow up.
LEAST_CONTRAST = 8.0


@dataclass(frozen=True)
class Preprocess:
    """How a picture becomes an input: side in pixels, how it is fitted, and the mean and deviation of each channel.

    `how` is a rule of `ofclip.images.fit`. "pad" keeps the whole garment, which a centre crop ("crop", CLIP's own)
    would cut at neck and hem. With `levels="own"` each picture's own mean and deviation, over all its pixels and
    channels, are used in place of the fixed ones: photographs from elsewhere are darker than a shop's on white, and
    a small model that was trained on the one reads nothing else out of the other (our choice; CLIP's models have
    "fixed" levels).
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    how: str = "pad"
    levels: str = "fixed"


def normalise(pixels: torch.Tensor, preprocess: Preprocess) -> torch.Tensor:
    """Return float32 inputs (n, 3, h, w) in channels-last memory of pictures (n, h, w, 3) uint8."""
    import torch

    if preprocess.levels == "own":
        values = pixels.to(torch.float32)
        mean = values.mean(dim=(1, 2, 3), keepdim=True)
        std = values.std(dim=(1, 2, 3), keepdim=True, correction=0).clamp_min(LEAST_CONTRAST)
        return ((values - mean) / std).permute(0, 3, 1, 2)
    mean = pixels.new_tensor(preprocess.mean, dtype=torch.float32) * 255
    std = pixels.new_tensor(preprocess.std, dtype=torch.float32) * 255
    # NHWC in, so a permuted view is channels-last already: the layout in which CPU convolutions are fastest
    return ((pixels - mean) / std).permute(0, 3, 1, 2)

"""Heat maps: where in a picture a model sees what a text says.

Every kind of map is a function of (model, pixels (n, s, s, 3) uint8, vectors (q, d), owner (q,)), where text
vector j asks for something in picture `owner[j]`, that returns maps (q, s, s) float32 at the size of the pixels.
"""

from ofclip.grounding.gradients import gradient_maps
from ofclip.grounding.masks import fit_mask
from ofclip.grounding.occlusion import occlusion_maps
from ofclip.grounding.similarity import similarity_maps

__all__ = ["fit_mask", "gradient_maps", "occlusion_maps", "similarity_maps"]

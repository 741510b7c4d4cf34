"""Pictures: where they come from, how they are decoded, and the cache of their pixels."""

from ofclip.images.cache import Pixels, pixels
from ofclip.images.decoding import decode, rgb
from ofclip.images.fitting import fit
from ofclip.images.stores import AbsentImages, ArrayImages, EncodedImages, FileImages, Images, JoinedImages

__all__ = [
    "AbsentImages", "ArrayImages", "EncodedImages", "FileImages", "Images", "JoinedImages", "Pixels", "decode", "fit",
    "pixels", "rgb",
]  # fmt: skip

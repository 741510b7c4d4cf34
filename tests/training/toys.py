"""A tiny catalogue that can be learned in seconds: squares whose colour and place the caption names."""

import numpy as np
import pandas as pd

from ofclip.catalog import Catalog
from ofclip.images import ArrayImages

COLOURS = {"red": (220, 30, 30), "green": (30, 170, 40), "blue": (30, 60, 220), "yellow": (240, 220, 40)}
PLACES = {"top": (4, 20), "bottom": (44, 20), "left": (22, 2), "right": (22, 42)}


def squares(n=64, name="squares", seed=0, size=64):
    rng = np.random.default_rng(seed)
    pictures, rows = [], []
    for i in range(n):
        colour = list(COLOURS)[rng.integers(4)]
        place = list(PLACES)[rng.integers(4)]
        picture = rng.normal(235, 6, (size, size, 3))
        y, x = PLACES[place]
        picture[y : y + 18, x : x + 18] = COLOURS[colour]
        pictures.append(picture.clip(0, 255).astype(np.uint8))
        texts = (f"{colour} square at the {place}", f"{place} {colour}")
        rows.append((f"{name}-{i}", "train", f"{colour}-{place}", texts, colour, place))
    table = pd.DataFrame(rows, columns=["id", "split", "group", "texts", "colour", "place"])
    return Catalog(name, table, ArrayImages(np.stack(pictures), name))

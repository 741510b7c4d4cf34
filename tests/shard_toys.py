"""A small catalogue of every kind of picture: its files and its table."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from PIL import Image


def encode(seed: int, kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 60)) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 3, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def pictures(n: int) -> dict[str, bytes]:
    """Names and files: mostly JPEG, with the other formats and modes at the start."""
    special = [
        ("img/a.b.png", encode(0, "PNG", "P")),
        ("img/cmyk.jpg", encode(1, "JPEG", "CMYK")),
        ("img/w.webp", encode(2, "WEBP")),
        ("img/g.gif", encode(3, "GIF")),
        ("img/caf\u00e9 1.JPG", encode(4, "JPEG", "L")),
    ]
    return dict(special[:n] + [(f"img/{i}.jpg", encode(i, "JPEG")) for i in range(len(special), n)])


def table(n: int) -> pd.DataFrame:
    texts = [(f"dress {i}", f'a "red",\tdress \u2028 \u00e9 {i}') if i % 7 else () for i in range(n)]
    return pd.DataFrame(
        {
            "id": [f"../{i}/x" if i == 2 else f"id {i}" for i in range(n)],
            "split": ["train" if i % 3 else "test" for i in range(n)],
            "group": [f"g{i // 2}" for i in range(n)],
            "texts": pd.Series(texts, dtype=object),
            "type": pd.array([f"type{i % 4}" if i % 5 else pd.NA for i in range(n)], dtype="string"),
            "attributes": pd.Series([("red", "long")[: i % 3] for i in range(n)], dtype=object),
            "unknown": pd.array([pd.NA] * n, dtype="string"),
        }
    )

"""A small data set in Fashion-MNIST's official format, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_idx(data: Path, seed: int) -> None:
    """Write 20 random pictures per split in Fashion-MNIST's format."""
    folder = data / "fashion-mnist"
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for split in ("train", "t10k"):
        pictures = random.integers(0, 256, (20, 28, 28), dtype=np.uint8)
        header = np.array([2051, 20, 28, 28], dtype=">i4").tobytes()
        (folder / f"{split}-images-idx3-ubyte").write_bytes(header + pictures.tobytes())
        labels = np.arange(20, dtype=np.uint8) % 10
        header = np.array([2049, 20], dtype=">i4").tobytes()
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())

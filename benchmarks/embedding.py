"""Embedding real pictures from their files, side by side with the model alone on pixels in memory and a usual loader.

`OFCLIP_DATA=... python benchmarks/embedding.py --save` takes about twenty minutes on two cores. The contenders take
turns, round by round, on the same weights (fresh ones: speed does not ask for trained ones); a ratio is the median of
the rounds'.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from saving import save

#: architecture -> its pictures: the papers' model on the larger ones, the laptop's on those that it is used on
CASES = {"ViT-B-32": ("168x224", 1024), "ofclip-RN-16-64": ("60x80", 20_000)}
BATCH = 256


def alone(model, images, ready: np.ndarray) -> np.ndarray:
    """The model on pixels that are ready in memory: no reading, no decoding, no resizing."""
    return model.encode_images(ready, BATCH)


def cold(model, images, ready: np.ndarray) -> np.ndarray:
    """What `embed` does the first time: read, decode, fit, keep the pixels, encode."""
    shutil.rmtree(Path(os.environ["OFCLIP_CACHE"]) / "pixels", ignore_errors=True)
    return warm(model, images, ready)


def warm(model, images, ready: np.ndarray) -> np.ndarray:
    """What `embed` does where the pixels are in the cache: with other weights, or another model of that size."""
    from ofclip.images import pixels

    cfg = model.preprocess
    return model.encode_images(pixels(images, cfg.size, cfg.how, progress=False).array, BATCH)


class Pictures:
    """A plain map-style data set: what most scripts have."""

    def __init__(self, images, transform) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int):
        return self.transform(Image.open(io.BytesIO(self.images.read(i))).convert("RGB"))


def loader(model, images, ready: np.ndarray) -> np.ndarray:
    """A DataLoader over Pillow and open_clip's own transform, with one worker per core."""
    import torch
    from open_clip.transform import image_transform
    from torch.utils.data import DataLoader

    cfg = model.preprocess
    transform = image_transform(cfg.size, is_train=False, mean=cfg.mean, std=cfg.std)
    with torch.inference_mode():
        batches = DataLoader(Pictures(images, transform), batch_size=BATCH, num_workers=os.cpu_count())
        return np.concatenate([model.clip.encode_image(batch, normalize=True).numpy() for batch in batches])


CONTENDERS = {
    "model alone": alone,
    "ofclip, cache cold": cold,
    "ofclip, cache warm": warm,
    "DataLoader over Pillow": loader,
}
#: contender, peer -> least ratio that is asked for; decoding has the same cores as the model, and the laptop's small
#: model encodes a picture in little more time than it takes to decode one
FLOORS = {
    "ViT-B-32": {
        ("ofclip, cache cold", "model alone"): 0.95,
        ("ofclip, cache warm", "model alone"): 0.95,
        ("ofclip, cache cold", "DataLoader over Pillow"): 1.0,
    },
    "ofclip-RN-16-64": {
        ("ofclip, cache warm", "model alone"): 0.95,
        ("ofclip, cache cold", "DataLoader over Pillow"): 1.5,
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the pictures of each case")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()

    from ofclip.images import pixels
    from ofclip.models import build_model, own_architectures
    from ofclip.sources import data_root
    from ofclip.tree import Tree

    rows = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["OFCLIP_CACHE"] = cache
        for architecture, (size, most) in CASES.items():
            tree = Tree(data_root() / "kagl" / f"kagl_{size}.zip")
            names = [name for name in tree.names if name.endswith(".jpg")][: int(most * options.share)]
            images = tree.images(names)
            # each with its own rule: open_clip's for the papers' model, as it was measured, and ours for ours
            model = build_model(architecture, how="pad" if architecture in own_architectures() else None)
            model.clip.eval()
            cfg = model.preprocess
            ready = np.array(pixels(images, cfg.size, cfg.how, progress=False).array)
            rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
            for turn in range(options.rounds + 1):
                for name, run in CONTENDERS.items():
                    start = time.perf_counter()
                    run(model, images, ready)
                    if turn:  # the first round starts worker processes and warms the file cache
                        rates[name].append(len(images) / (time.perf_counter() - start))
            for name, found in rates.items():
                print(f"{architecture}  {name:<24}{np.median(found):>10,.1f} pictures/s")
            for (name, peer), floor in FLOORS[architecture].items():
                ratio = float(np.median(np.divide(rates[name], rates[peer])))
                rows.append((architecture, size, name, peer, len(images), ratio, floor))
                print(f"{architecture}  {name} / {peer}: {ratio:.3f} (floor {floor})")
    if options.save:
        columns = ["model", "pictures", "contender", "peer", "n", "ratio", "floor"]
        about = (
            "From picture files to vectors on the processor, turn by turn: ratios of pictures per second. The model "
            "alone encodes pixels that are ready in memory. The cold cache reads the archive, decodes, resizes, and "
            "keeps the pixels for the next time; the DataLoader decodes anew each time."
        )
        command = "python benchmarks/embedding.py --save"
        modules = ["ofclip.embeddings", "ofclip.images.cache", "ofclip.tree"]
        save("embedding", "kagl", pd.DataFrame(rows, columns=columns), modules, vars(options), command, about)


if __name__ == "__main__":
    main()

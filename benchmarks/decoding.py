"""Decoding and resizing real pictures to training size, side by side with the decoder alone and two usual loaders.

`OFCLIP_DATA=... python benchmarks/decoding.py --save` takes about three minutes on two cores. The contenders take
turns, round by round, with one worker process per core each; a ratio is the median of the rounds'.
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

SIZE = 64  # side in pixels: what the laptop profile trains on


def ours(images, jobs: int) -> None:
    """The pixel cache from nothing: read, decode, fit, write to disk."""
    from ofclip.images import pixels

    shutil.rmtree(Path(os.environ["OFCLIP_CACHE"]) / "pixels", ignore_errors=True)
    pixels(images, SIZE, jobs=jobs, progress=False)


def warm(images, jobs: int) -> None:
    """The pixel cache that is there: every pixel read once, batch by batch as the loaders give them."""
    from ofclip.images import pixels

    array = pixels(images, SIZE, jobs=jobs, progress=False).array
    for start in range(0, len(array), 256):
        np.array(array[start : start + 256])


def alone(images, jobs: int) -> None:
    """Pillow on bytes in memory: decode and resize, nothing kept."""
    from joblib import Parallel, delayed

    chunks = [range(start, min(start + 256, len(images))) for start in range(0, len(images), 256)]
    work = (delayed(_bare)([images.read(i) for i in rows]) for rows in chunks)
    for _ in Parallel(jobs, return_as="generator")(work):
        pass


def _bare(files: list[bytes]) -> int:
    for data in files:
        Image.open(io.BytesIO(data)).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return len(files)


class Pictures:
    """A plain map-style data set: what most training scripts have."""

    def __init__(self, images) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> np.ndarray:
        image = Image.open(io.BytesIO(self.images.read(i))).convert("RGB")
        return np.array(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def loader(images, jobs: int) -> None:
    """A DataLoader over Pillow."""
    from torch.utils.data import DataLoader

    for _ in DataLoader(Pictures(images), batch_size=256, num_workers=jobs):
        pass


def hub(images, jobs: int) -> None:
    """A DataLoader over `datasets`, its own decoding and a transform."""
    from torch.utils.data import DataLoader

    for _ in DataLoader(_table(images), batch_size=256, num_workers=jobs):
        pass


_tables: dict = {}


def _table(images):
    import datasets

    if id(images) not in _tables:  # written before the clock starts, see `main`
        rows = {"image": [{"bytes": images.read(i), "path": None} for i in range(len(images))]}
        features = datasets.Features({"image": datasets.Image()})
        _tables[id(images)] = datasets.Dataset.from_dict(rows, features=features).with_transform(_transform)
    return _tables[id(images)]


def _transform(rows: dict) -> dict:
    resized = [picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC) for picture in rows["image"]]
    return {"image": [np.array(picture) for picture in resized]}


CONTENDERS = {
    "ofclip, cache cold": ours,
    "Pillow alone": alone,
    "DataLoader over Pillow": loader,
    "DataLoader over datasets": hub,
    "ofclip, cache warm": warm,
}
#: contender, peer -> least ratio that is asked for
FLOORS = {
    ("ofclip, cache cold", "Pillow alone"): 0.9,
    ("ofclip, cache cold", "DataLoader over Pillow"): 1.5,
    ("ofclip, cache cold", "DataLoader over datasets"): 1.5,
    ("ofclip, cache warm", "DataLoader over Pillow"): 20.0,
    ("ofclip, cache warm", "DataLoader over datasets"): 20.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=20_000, help="of each archive, at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()

    from ofclip.sources import data_root
    from ofclip.tree import Tree

    rows = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["OFCLIP_CACHE"] = os.environ["HF_HOME"] = cache
        for size in ("60x80", "168x224"):
            tree = Tree(data_root() / "kagl" / f"kagl_{size}.zip")
            names = [name for name in tree.names if name.endswith(".jpg")][: options.pictures]
            images = tree.images(names)
            _ = images.fingerprint
            _table(images)
            rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
            for turn in range(options.rounds + 1):
                for name, run in CONTENDERS.items():
                    start = time.perf_counter()
                    run(images, options.jobs)
                    if turn:  # the first round starts worker processes and warms the file cache
                        rates[name].append(len(images) / (time.perf_counter() - start))
            for name, found in rates.items():
                print(f"{size}  {name:<26}{np.median(found):>10,.0f} pictures/s")
            for (name, peer), floor in FLOORS.items():
                ratio = float(np.median(np.divide(rates[name], rates[peer])))
                rows.append((size, name, peer, len(images), ratio, floor))
                print(f"{size}  {name} / {peer}: {ratio:.2f} (floor {floor})")
    if options.save:
        frame = pd.DataFrame(rows, columns=["pictures", "contender", "peer", "n", "ratio", "floor"])
        modules = ["ofclip.images.cache", "ofclip.images.decoding", "ofclip.images.stores", "ofclip.tree"]
        about = (
            "Reading, decoding and resizing real pictures to 64 pixels with one worker per core, turn by turn: ratios "
            "of pictures per second. Pillow alone decodes and resizes bytes in memory and keeps nothing; the cold "
            "cache also reads the archive and writes the pixels to disk."
        )
        save("decoding", "kagl", frame, modules, vars(options), "python benchmarks/decoding.py --save", about)


if __name__ == "__main__":
    main()

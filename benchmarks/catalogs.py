"""Time and peak memory until a Catalog of texts and labels is ready, each measured in a process of its own.

`python benchmarks/catalogs.py` generates a Fashion-Gen training file of official size with made-up texts in a temporary
folder (half a minute; its pictures take no room, as none is stored), loads its texts, and loads those of the real KAGL
if the data root has it. Each is loaded twice, since the first time also fills the file cache.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from saving import save

#: Bytes of a description and of the long one; what the official tables hold is not documented.
WIDTHS = {"input_description": 1000, "input_concat_description": 1500}
NARROW = 100
#: Data set -> seconds and megabytes that are allowed, None where nothing was set.
FLOORS = {"fashion-gen": (10.0, 1000.0), "kagl": (1.0, None)}
WORDS = (
    "long short sleeve cotton wool silk denim jersey leather jacket dress shirt trousers skirt coat knit black white "
    "navy red green grey blue ribbed cuffs collar hem pocket zip button tonal stitching logo printed embroidered at in"
).split()


def generate(root: Path, rows: int, views: int = 4) -> None:
    """Write fashiongen_256_256_train.h5 with `views` pictures of each product, which share all texts but the pose."""
    import h5py

    from ofclip.sources.fashion_gen import FILE, LABELS, PICTURES, PRODUCT, TEXTS, UNUSED

    rng = np.random.default_rng(0)
    path = root / "fashion-gen" / FILE.format("train")
    path.parent.mkdir(parents=True)
    products = -(-rows // views)

    def texts(words: int, width: int, different: int) -> np.ndarray:
        known = [" ".join(rng.choice(WORDS, words)).capitalize() + "." for _ in range(different)]
        return np.array(known, f"S{width}")[rng.integers(0, different, products) if different < products else ...]

    with h5py.File(path, "w") as file:
        for key in (*TEXTS, *LABELS.values()):
            words, different = (60, products) if key in WIDTHS else (4, products) if key in TEXTS else (2, 120)
            width = WIDTHS.get(key, NARROW)
            column = np.repeat(texts(words, width, different), views)[:rows]
            file.create_dataset(key, data=column.reshape(rows, 1), chunks=(4096, 1), compression="gzip")
        file.create_dataset(PRODUCT, data=np.repeat(np.arange(products, dtype=np.int32), views)[:rows].reshape(rows, 1))
        for key in UNUSED:
            file.create_dataset(key, data=np.arange(rows).reshape(rows, 1))
        file.create_dataset(PICTURES, (rows, 256, 256, 3), np.uint8, chunks=(1, 256, 256, 3), compression="gzip")


def measure(name: str, root: Path, split: str | None) -> None:
    """Load texts and labels in this process; print rows, texts, seconds and peak megabytes as JSON."""
    from ofclip.sources import get

    load = get(name).load
    start = time.perf_counter()
    catalog = load(root, split=split, pictures=False)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # Linux counts KiB
    texts = sum(map(len, catalog.products["texts"]))
    print(json.dumps([name, len(catalog), texts, seconds, peak]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=260_480, help="of the generated file")
    parser.add_argument("--data", default=os.environ.get("OFCLIP_DATA"), help="data root with the real KAGL")
    parser.add_argument("--generate", metavar="ROOT", help="only write the generated file, here")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    parser.add_argument("--inside", nargs=2, metavar=("NAME", "ROOT"), help="only measure, here")
    options = parser.parse_args()
    if options.generate:
        generate(Path(options.generate), options.rows)
        return
    if options.inside:
        name, root = options.inside
        measure(name, Path(root), "train" if name == "fashion-gen" else None)
        return
    with tempfile.TemporaryDirectory() as folder:
        # not here: a new process starts with the peak of the one that starts it
        subprocess.run([sys.executable, __file__, "--generate", folder, "--rows", str(options.rows)], check=True)
        places = {"fashion-gen": folder}
        if options.data:
            places["kagl"] = options.data
        else:
            print("kagl: left out; name the data root with --data or OFCLIP_DATA")
        rows = []
        for name, root in places.items():
            for turn in ("first", "second"):
                command = [sys.executable, __file__, "--inside", name, root]
                found = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
                name, n, texts, seconds, peak = json.loads(found)
                print(f"{name}, {turn} time: {n:,} rows with {texts:,} texts in {seconds:.2f} s, peak {peak:.0f} MB")
                rows.append((name, turn, n, texts, seconds, FLOORS[name][0], peak, FLOORS[name][1]))
    if options.save:
        columns = ["data", "load", "rows", "texts", "seconds", "at_most_s", "peak_mb", "at_most_mb"]
        modules = ["ofclip.sources.fashion_gen", "ofclip.sources.kagl", "ofclip.catalog"]
        about = (
            "Until a Catalog of texts and labels is ready, imports not counted, each in a new process. Fashion-Gen is "
            "a generated file of official size with made-up texts."
        )
        frame = pd.DataFrame(rows, columns=columns)
        save("catalogs", "texts", frame, modules, {"rows": options.rows}, "python benchmarks/catalogs.py --save", about)


if __name__ == "__main__":
    main()

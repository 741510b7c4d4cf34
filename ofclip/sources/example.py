"""Example data: a small shop of Atelier's drawings as anybody's own data would lie, a folder of pictures and a CSV."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from ofclip.errors import SettingError
from ofclip.sources import load_catalog
from ofclip.sources.folder import TABLE

#: Short captions and plain pictures, as a small shop has them.
DOMAIN = "atelier/phrases"
LABELS = ("type", "colour", "pattern")
SIDE = 128  # pixels: twice what a laptop's model sees


def write_example(out: str | Path, products: int = 2000, seed: int = 0) -> Path:
    """Write `products.csv` (id, image, text and three labels) and the pictures it names to a new folder; return it.

    Equal arguments give equal files. The folder appears whole or not at all. Raises SettingError for a folder that
    holds something already, for fewer than one product, and for a negative seed.

    >>> write_example("shop", products=100)                                        # doctest: +SKIP
    PosixPath('shop')
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"{out}: is there already; name a new folder")
    catalog = load_catalog(DOMAIN, n=products, seed=seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        (temporary / "pictures").mkdir()
        with (temporary / TABLE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["id", "image", "text", *LABELS])
            for i, row in enumerate(catalog.products.to_dict("records")):
                name = f"pictures/{row['id']}.jpg"
                Image.fromarray(catalog.images.rgb(i, SIDE)).save(temporary / name, quality=90)
                labels = ["" if row[label] is None or row[label] != row[label] else row[label] for label in LABELS]
                writer.writerow([row["id"], name, row["texts"][0], *labels])
        temporary.chmod(0o755)
        os.replace(temporary, out)  # an empty folder may be replaced
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out

"""Occlusion maps of one picture, side by side with fashion-clip's own `_get_heatmap`, on the same weights.

`python benchmarks/occlusion.py --save` takes about six minutes on two cores. The contenders take turns, round by round;
a ratio is the median of the rounds'. fashion-clip is asked as it is, its encoding of pictures included; only modules
that a heat map does not need are stand-ins, and the model behind both is open_clip's, of FashionCLIP's shape, with
fresh weights.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
from PIL import Image
from saving import save

ARCHITECTURE = "ViT-B-32"  # FashionCLIP's
TEXTS = ("dress", "sleeve of a dress", "collar of a dress", "red dress")
PIXEL, ITERATIONS = 15, 5  # the defaults of fashion-clip's `display_attention`
FLOOR = 5.0


def fashion_clip(model):
    """fashion-clip's class around a model, without its download and its index."""
    for name in ("annoy", "validators", "fashion_clip.utils"):
        sys.modules[name] = MagicMock()
    Image.ANTIALIAS = Image.Resampling.LANCZOS  # gone since Pillow 10
    from fashion_clip import fashion_clip as module
    from transformers import CLIPImageProcessor

    processor = CLIPImageProcessor()

    class Model:
        def get_image_features(self, pixel_values):
            return model.clip.encode_image(pixel_values)

        def get_text_features(self, input_ids):
            return model.clip.encode_text(input_ids)

    def preprocess(images=None, text=None, **_):
        return {"input_ids": model.tokenizer(text)} if images is None else processor(images=images, return_tensors="pt")

    module.tqdm = MagicMock()
    theirs = object.__new__(module.FashionCLIP)
    theirs.model, theirs.preprocess, theirs.device = Model(), preprocess, "cpu"
    return theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()

    import datasets
    import torch

    from ofclip.grounding.occlusion import BATCH, bands, occluded, occlusion, square
    from ofclip.models import build_model
    from ofclip.sources.atelier import product, render

    datasets.disable_progress_bars()
    torch.set_grad_enabled(False)
    model = build_model(ARCHITECTURE)
    model.clip.eval()
    theirs = fashion_clip(model)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        render(product(0, "studio", 0), "studio", 256).crop((32, 0, 224, 256)).save(path)  # a shop's 3 to 4

        def ours(texts):
            def encode(pictures):
                return model.encode_images(pictures, batch=BATCH)

            return occlusion(encode, square(Image.open(path)), model.encode_texts(texts), PIXEL, ITERATIONS)

        def peer(texts):
            return np.stack([theirs._get_heatmap(str(path), text, PIXEL, ITERATIONS)[0][:, :, 0] for text in texts])

        distinct = len(occluded(square(Image.open(path)), *bands(224, PIXEL))[0])
        for texts in (TEXTS[:1], TEXTS):
            seconds: dict[str, list[float]] = {"ofclip": [], "fashion-clip": []}
            made = {}
            for turn in range(options.rounds + 1):
                for name, run in (("ofclip", ours), ("fashion-clip", peer)):
                    start = time.perf_counter()
                    made[name] = run(list(texts))
                    if turn:  # the first round warms memory and libraries
                        seconds[name].append(time.perf_counter() - start)
            ratio = float(np.median(np.divide(seconds["fashion-clip"], seconds["ofclip"])))
            apart = float(np.abs(made["ofclip"] - made["fashion-clip"]).max())
            own, other = (float(np.median(seconds[name])) for name in ("ofclip", "fashion-clip"))
            rows.append((ARCHITECTURE, len(texts), distinct, own, other, ratio, FLOOR, apart))
            print(f"{len(texts)} texts: {own:.2f} s, fashion-clip {other:.2f} s, {ratio:.2f} times, {apart:.1e} apart")
    if options.save:
        columns = ["model", "texts", "encodings", "seconds", "fashion-clip seconds", "ratio", "floor", "difference"]
        about = (
            "All occlusion maps that are asked of one picture, in turn with fashion-clip's `_get_heatmap` on the same "
            "weights: the ratio of seconds, and the largest difference between the maps. On a processor the model "
            "itself takes most of the time, so one text gains what fashion-clip spends around it; further texts "
            "about the same picture cost nothing, since its encodings are shared."
        )
        frame = pd.DataFrame(rows, columns=columns)
        modules, command = ["ofclip.grounding.occlusion", "ofclip.models"], "python benchmarks/occlusion.py --save"
        save("occlusion", "atelier", frame, modules, vars(options), command, about)


if __name__ == "__main__":
    main()

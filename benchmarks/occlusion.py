"""Occlusion maps of one picture, side by side with fashion-clip's own `_get_heatmap`, on the same weights.

`python benchmarks/occlusion.py --save` takes about ten minutes on two cores. The contenders take turns, round by round;
a ratio is the median of the rounds'. fashion-clip is asked as it is, its encoding of pictures included; only modules
that a heat map does not need are stand-ins, and the model behind both is open_clip's, of FashionCLIP's shape, with
fresh weights, three times as large in the blocks of its image tower: as drawn they hardly tell one picture from
another, and maps of two levels would agree too easily.

No ratio can exceed a bound: the model's own operations on the distinct pictures take some time even at the rate of
the float32 matrix product alone, and any exact way to these maps has to do them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
from PIL import Image
from retrieval import product_rate
from retrieval import vectors as random_vectors
from saving import save

ARCHITECTURE = "ViT-B-32"  # FashionCLIP's
TEXTS = ("red dress", "sleeve", "collar", "button", "pocket", "belt", "dress", "striped dress")
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


def operations(model, picture: np.ndarray) -> int:
    """Floating-point operations of one encoding, as shortened as ours is: matrix products only."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ofclip.grounding.encoding import encode

    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # what is fused into one is not counted
    with FlopCounterMode(display=False) as counter:
        encode(model, picture[None])
    torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--texts", type=int, default=len(TEXTS), help="asked of one picture in the second row")
    parser.add_argument("--save", action="store_true", help="write the Record that the book shows")
    options = parser.parse_args()

    import datasets
    import torch

    from ofclip.grounding.encoding import encode
    from ofclip.grounding.occlusion import bands, occluded, occlusion, square
    from ofclip.models import build_model
    from ofclip.sources.atelier import product, render

    datasets.disable_progress_bars()
    torch.set_grad_enabled(False)
    model = build_model(ARCHITECTURE)
    model.clip.eval()
    for weight in model.clip.visual.transformer.parameters():
        if weight.ndim == 2:
            weight.mul_(3)
    theirs = fashion_clip(model)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        render(product(0, "studio", 0), "studio", 256).crop((32, 0, 224, 256)).save(path)  # a shop's 3 to 4

        def ours(texts):
            vectors = model.encode_texts(texts)
            return occlusion(partial(encode, model), square(Image.open(path)), vectors, PIXEL, ITERATIONS)

        def peer(texts):
            return np.stack([theirs._get_heatmap(str(path), text, PIXEL, ITERATIONS)[0][:, :, 0] for text in texts])

        pictures, which = occluded(square(Image.open(path)), *bands(224, PIXEL))
        least = len(pictures) * operations(model, pictures[0]) / product_rate(*random_vectors(10_000)[:2])
        print(f"{len(which)} pictures, {len(pictures)} distinct, {least:.2f} s at the rate of the matrix product")
        for texts in (TEXTS[:number] for number in sorted({1, options.texts})):
            seconds: dict[str, list[float]] = {"ofclip": [], "fashion-clip": []}
            made = {}
            for turn in range(options.rounds + 1):
                for name, run in (("ofclip", ours), ("fashion-clip", peer)):
                    start = time.perf_counter()
                    made[name] = run(list(texts if turn else TEXTS[:1]))
                    if turn:  # the first round warms memory and libraries
                        seconds[name].append(time.perf_counter() - start)
            ratio = float(np.median(np.divide(seconds["fashion-clip"], seconds["ofclip"])))
            apart = float(np.abs(made["ofclip"] - made["fashion-clip"]).max())
            levels = [len(np.unique(one.round(4))) for one in made["fashion-clip"]]
            own, other = (float(np.median(seconds[name])) for name in ("ofclip", "fashion-clip"))
            bound = other / least
            rows.append((ARCHITECTURE, len(texts), len(pictures), own, other, ratio, FLOOR, bound, apart, min(levels)))
            print(f"{len(texts)} texts: {own:.2f} s, fashion-clip {other:.2f} s: {ratio:.2f} times of {bound:.2f}")
            print(f"  {apart:.1e} apart; a map has {min(levels)} to {max(levels)} levels")
    if options.save:
        columns = ["model", "texts", "encodings", "seconds", "fashion-clip seconds", "ratio", "floor", "bound"]
        columns += ["difference", "fewest levels"]
        about = (
            "All occlusion maps that are asked of one picture, in turn with fashion-clip's `_get_heatmap` on the same "
            "weights: the ratio of seconds, and the largest difference between the maps. The model itself takes most "
            "of the time. The bound is the ratio that would be reached if every distinct picture were encoded at the "
            "rate of the float32 matrix product alone, with nothing around it: where it lies below the floor, no exact "
            "way to these maps reaches the floor. Further texts about the same picture cost nothing here, since its "
            "encodings are shared; fashion-clip encodes them again for each. The last column says how many values "
            "the plainest map has, to four digits: equal maps of one value would mean nothing."
        )
        frame = pd.DataFrame(rows, columns=columns)
        modules, command = ["ofclip.grounding.occlusion", "ofclip.models"], "python benchmarks/occlusion.py --save"
        save("occlusion", "atelier", frame, modules, vars(options), command, about)


if __name__ == "__main__":
    main()

"""Accumulation: how near the gradients of micro-batches come to those of the full batch, ours and open_clip's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace

import numpy as np
import open_clip
import pandas as pd
import torch
from open_clip_train.train import train_one_epoch
from torch import Tensor

from ofclip.catalog import Catalog
from ofclip.errors import SettingError
from ofclip.images import pixels
from ofclip.metrics.metric import Metric
from ofclip.models import Preprocess, normalise
from ofclip.tasks.result import Result
from ofclip.training.caching import backward, split
from ofclip.training.losses import clip_loss

SIZE, CONTEXT = 64, 16  # pixels and tokens: enough for a model of milliseconds, and the arithmetic is that of any
OURS, THEIRS = "gradient caching", "open_clip"

Gradients = dict[str, Tensor]
#: Inputs of one forward pass with a graph, and the random state before it.
Pass = tuple[tuple[Tensor, ...], Tensor]


def compare(
    catalog: Catalog,
    parts: Sequence[int] = (1, 2, 4, 8),
    patch_dropout: Sequence[float] = (0.0, 0.5),
    batch: int = 64,
    seed: int = 0,
) -> Result:
    """Return how far gradients through micro-batches are from those of the full batch in one pass.

    The batch is the first products of `catalog`, the model a tiny CLIP with fresh weights in float64, so that what
    differs by more than rounding is no rounding. Methods: "gradient caching" is `ofclip.training.caching`;
    "open_clip" is `train_one_epoch` of the installed open_clip_train with `accum_freq`, called as it is, with an
    optimizer that moves nothing. The full batch sees the masks of patch dropout that a method saw when it took
    gradients: each of its micro-batches' forward passes is repeated from the same random state, and all graphs
    are kept for one loss and one backward pass. A parameter's error is the length of the difference over the
    length of the full batch's gradient.

    Table "accumulation": method, patch_dropout, parts, `error` (the largest of all parameters), `others` (of all but
    logit_scale) and `ratio` of the gradients of logit_scale. Raises SettingError for a batch that does not
    divide into `parts`, or is larger than the catalogue.
    """
    for k in parts:
        if k < 1 or batch % k:
            raise SettingError(f"batch {batch} does not divide into {k} equal parts: choose another batch or parts")
    if batch > len(catalog):
        raise SettingError(f"batch {batch}: {catalog.name} has only {len(catalog)} products, choose a smaller one")
    images, tokens = _inputs(catalog.take(np.arange(batch)))
    rows = []
    with torch.random.fork_rng(devices=[]):
        for dropout in patch_dropout:
            clip = _tiny(dropout, seed)
            for k in parts:
                for method, run in ((OURS, _cached), (THEIRS, _accumulated)):
                    torch.manual_seed(seed)
                    found, passes = _watched(clip, partial(run, clip, images, tokens, k, seed))
                    full = _full(clip, passes)
                    errors = {name: _relative(found[name], gradient) for name, gradient in full.items()}
                    others = max(error for name, error in errors.items() if name != "logit_scale")
                    ratio = float(found["logit_scale"] / full["logit_scale"])
                    rows.append((method, dropout, k, max(errors.values()), others, ratio))
    table = pd.DataFrame(rows, columns=["method", "patch_dropout", "parts", "error", "others", "ratio"])
    return Result(_metrics(table, catalog, batch), {"accumulation": table})


def _cached(clip: open_clip.CLIP, images: Tensor, tokens: Tensor, parts: int, seed: int) -> None:
    def encode(rows: slice) -> dict[str, Tensor]:
        out = clip(images[rows], tokens[rows])
        return {"images": out["image_features"], "texts": out["text_features"], "scale": out["logit_scale"]}

    def loss(features: dict[str, Tensor]) -> Tensor:
        return clip_loss(features["images"], features["texts"], features["scale"])

    backward(encode, loss, len(images), len(images) // parts, seed_of=lambda part: seed + part)


class _Loader(list):
    """Batches as open_clip's loop wants them: a list that knows its numbers."""

    def __init__(self, batches: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__(batches)
        self.num_batches, self.num_samples = len(batches), sum(len(images) for images, _ in batches)


def _accumulated(clip: open_clip.CLIP, images: Tensor, tokens: Tensor, parts: int, seed: int) -> None:
    micro = len(images) // parts
    loader = _Loader([(images[rows], tokens[rows]) for rows in split(len(images), micro)])
    settings = SimpleNamespace(
        accum_freq=parts, batch_size=micro, precision="fp32", device="cpu", distill=False, skip_scheduler=True,
        grad_clip_norm=None, horovod=False, rank=0, local_rank=0, world_size=1, log_local=False, log_every_n_steps=1,
        wandb=False,
    )  # fmt: skip
    train_one_epoch(
        model=clip,
        data={"train": SimpleNamespace(dataloader=loader, set_epoch=lambda epoch: None)},
        loss=open_clip.ClipLoss(),
        epoch=0,
        optimizer=torch.optim.SGD(clip.parameters(), lr=0.0),
        scaler=None,
        scheduler=None,
        dist_model=None,
        args=settings,
    )


def _watched(clip: open_clip.CLIP, run: Callable[[], None]) -> tuple[Gradients, list[Pass]]:
    """Return the gradients that `run` leaves, and each of its forward passes that had a graph."""
    passes = []

    def note(module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if torch.is_grad_enabled():
            passes.append((inputs, torch.get_rng_state()))

    clip.zero_grad()
    hook = clip.register_forward_pre_hook(note)
    try:
        run()
    finally:
        hook.remove()
    return _taken(clip), passes


def _full(clip: open_clip.CLIP, passes: list[Pass]) -> Gradients:
    """Return the gradients of all passes' samples as one batch; the order of the samples changes nothing."""
    outputs = []
    for inputs, state in passes:
        torch.set_rng_state(state)
        outputs.append(clip(*inputs))
    images, texts = (torch.cat([out[name] for out in outputs]) for name in ("image_features", "text_features"))
    clip_loss(images, texts, outputs[0]["logit_scale"]).backward()
    return _taken(clip)


def _taken(clip: open_clip.CLIP) -> Gradients:
    gradients = {name: parameter.grad for name, parameter in clip.named_parameters()}
    clip.zero_grad(set_to_none=True)
    return gradients


def _relative(found: Tensor, full: Tensor) -> float:
    return float(torch.dist(found, full) / full.norm())


def _inputs(catalog: Catalog) -> tuple[Tensor, Tensor]:
    own_levels = Preprocess(SIZE, (0.0,) * 3, (1.0,) * 3, levels="own")
    images = normalise(torch.from_numpy(np.array(pixels(catalog.images, SIZE, "pad").array)), own_levels)
    return images.double(), open_clip.SimpleTokenizer(context_length=CONTEXT)(list(catalog.captions))


def _tiny(patch_dropout: float, seed: int) -> open_clip.CLIP:
    torch.manual_seed(seed)
    vision = {"image_size": SIZE, "patch_size": 16, "width": 64, "head_width": 32, "layers": 2}
    text = {"context_length": CONTEXT, "width": 64, "heads": 2, "layers": 2}
    clip = open_clip.CLIP(32, {**vision, "patch_dropout": patch_dropout}, text, output_dict=True)
    return clip.double().train()


def _metrics(table: pd.DataFrame, catalog: Catalog, batch: int) -> list[Metric]:
    def metric(name: str, definition: str, value: float, best: float) -> Metric:
        return Metric(name, definition, "lower", catalog.name, catalog.split, batch, value, ceiling=best)

    metrics = []
    for method, own in table.groupby("method", sort=False):
        version = f" {open_clip.__version__}" if method == THEIRS else ""
        what = f"{method}{version}, up to {own['parts'].max()} micro-batches of one batch"
        metrics += [
            metric(
                f"gradient error ({method})",
                f"largest relative difference of a parameter's gradient from the full batch's: {what}",
                float(own["error"].max()),
                0.0,
            ),
            metric(
                f"logit_scale ratio ({method})",
                f"largest gradient of logit_scale over the full batch's: {what}, without patch dropout",
                float(own.loc[own["patch_dropout"] == own["patch_dropout"].min(), "ratio"].max()),
                1.0,
            ),
        ]
    return metrics

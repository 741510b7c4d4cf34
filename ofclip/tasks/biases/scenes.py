"""Background, position and scale: the same products on other grounds, moved and made smaller, each against plain white.

FashionCLIP's model card admits a bias towards standard product pictures, centred on white. Here everything but the
one thing that is probed stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ofclip.errors import SettingError
from ofclip.metrics import classification, ranking, recall
from ofclip.metrics.groups import linked
from ofclip.metrics.metric import Metric
from ofclip.metrics.vectors import unit
from ofclip.models import Model
from ofclip.tasks.paired import compare
from ofclip.tasks.prompt_choice import caption_ceiling, encode
from ofclip.tasks.prompts import prompt_vectors
from ofclip.tasks.result import Result
from ofclip.text.templates import TEST, fill

K = 10


@dataclass(frozen=True)
class Scene:
    """One way to show all products: which probe it belongs to, its step, and how `cutouts.staged` makes it."""

    probe: str
    step: str
    ground: str = "white"
    share: float = 0.8
    shift: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.probe}: {self.step}"


#: The first of each probe is what its others are compared with. Shifted products are small enough to stay in the frame.
SCENES = (
    *(Scene("ground", ground, ground) for ground in ("white", "grey", "noise", "clutter", "street")),
    *(Scene("shift", f"{shift:.0%} of the frame", share=0.6, shift=shift) for shift in (0.0, 0.07, 0.14, 0.2)),
    *(Scene("size", f"{share:.0%} of the frame", share=share) for share in (0.95, 0.8, 0.6, 0.4, 0.25)),
)


@dataclass(frozen=True)
class Shown:
    """The products that are shown: their name and split, labels, captions and groups, each (n,)."""

    dataset: str
    split: str
    labels: Sequence[str]
    captions: Sequence[str]
    groups: np.ndarray


def measure_scenes(model: Model, shown: Shown, pictures: Mapping[Scene, np.ndarray], label: str) -> Result:
    """Return accuracy and recall of the same products in every scene, each against the first of its probe.

    `pictures` holds (n, size, size, 3) uint8 for each scene. A picture's class is the nearest of those that occur,
    asked in the test prompt; a caption's own picture is sought among those of the same scene, so a shop whose
    pictures are all alike is what is measured. Products of one group are drawn together. Table "scenes": a row per
    scene and measure. Raises SettingError where numbers of pictures, labels and captions differ, and for one class.
    """
    n = len(shown.labels)
    first: dict[str, Scene] = {}
    for scene, own in pictures.items():
        first.setdefault(scene.probe, scene)
        if not len(own) == n == len(shown.captions) == len(shown.groups):
            raise SettingError(f"{scene.name}: {len(own)} pictures for {n} labels and {len(shown.captions)} captions")
    classes, true = np.unique(np.asarray(shown.labels, dtype=str), return_inverse=True)
    if len(classes) < 2:
        raise SettingError(f"{shown.dataset} has one {label} only: every picture is right")
    vectors = prompt_vectors(model.encode_texts, [name.lower() for name in classes], [TEST])
    texts = encode(model, fill(TEST, shown.captions))
    right: dict[str, np.ndarray] = {}
    found: dict[str, np.ndarray] = {}
    for scene, own in pictures.items():
        images = unit(scene.name, model.encode_images(own))
        right[scene.name] = classification.hits_at(images @ vectors.T, true, 1)
        found[scene.name] = ranking.ranks(texts, images, np.arange(n)) <= K
    against = {scene.name: first[scene.probe].name for scene in pictures}
    tasks = {
        f"{label} accuracy@1": (
            right, shown.groups, 1 / len(classes), 1.0,
            f"share of pictures whose true {label} is the nearest of {len(classes)}; a tie counts against it",
        ),
        f"recall@{K}": (
            found, linked(shown.groups, np.asarray(shown.captions, dtype=str)), recall.chance_any_hit(n, K),
            caption_ceiling(shown.captions),
            f"share of captions whose own picture is among the first {K}; an equal score ranks before it",
        ),
    }  # fmt: skip
    metrics, tables = [], []
    for task, (hits, groups, chance, ceiling, meaning) in tasks.items():
        table = compare(hits, against, groups)
        bounds = list(zip(table["low"], table["high"], strict=True))
        metrics += [
            Metric(
                f"{task} ({scene.name})", f"{meaning}; all pictures shown as: {scene.name}", "higher", shown.dataset,
                shown.split, n, value, interval, chance, ceiling,
            )
            for scene, value, interval in zip(pictures, table["value"], bounds, strict=True)
        ]  # fmt: skip
        where = {"dataset": shown.dataset, "task": task, "probe": [scene.probe for scene in pictures]}
        where["step"] = [scene.step for scene in pictures]
        table["against"] = [first[scene.probe].step if scene != first[scene.probe] else None for scene in pictures]
        tables.append(table.reset_index(drop=True).assign(**where)[[*where, *table]])
    return Result(metrics, {"scenes": pd.concat(tables, ignore_index=True)})

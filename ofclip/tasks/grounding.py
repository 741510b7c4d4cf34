"""Grounding: do heat maps of a text point at the thing that it names?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ofclip.errors import SettingError
from ofclip.grounding import gradient_maps, occlusion_maps, similarity_maps
from ofclip.grounding.scenes import Scenes
from ofclip.grounding.towers import enlarge, kind
from ofclip.metrics import localization
from ofclip.metrics.intervals import bootstrap_mean
from ofclip.metrics.metric import Metric
from ofclip.models import Model
from ofclip.tasks.result import Result
from ofclip.text.templates import fill

#: What the maps of a model are held against.
CENTRE = "centre"

DEFINITIONS = {
    "pointing game": "share of maps whose highest pixel lies on the mask, without tolerance; of tied highest pixels, "
    "the share that does",
    "average precision": "average precision of the map's pixels, ranked from high to low, against the mask, mean over "
    "questions; pixels of one value are taken together",
    "IoU": "intersection over union of the mask and the pixels at or above half of the map's range, mean over "
    "questions; of a constant map all pixels are taken",
    "mass": "share of the map's total above its lowest value that lies on the mask, mean over questions; a constant "
    "map counts as spread evenly",
}
SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "pointing game": localization.pointing_game,
    "average precision": localization.average_precision,
    "IoU": localization.iou,
    "mass": localization.mass,
}


def make_maps(model: Model, scenes: Scenes, template: str) -> dict[str, np.ndarray]:
    """Return every kind of map (q, s, s) of the questions, each text put into `template`, and the baselines'.

    "occlusion", "similarity" and "gradient" are those of `ofclip.grounding`; of a ResNet "gradient, finer" is
    that of its second stage. "centre" is highest in the middle and looks at nothing. "mask, as coarse" is the
    mask itself, averaged over the cells of the similarity maps: what a perfect map of their size would reach.
    """
    texts = list(dict.fromkeys(scenes.questions["text"]))
    vectors = model.encode_texts(fill(template, texts))[[texts.index(text) for text in scenes.questions["text"]]]
    owner = scenes.questions["picture"].to_numpy()
    visual: Any = model.clip.visual
    size = scenes.pixels.shape[1]
    kinds: dict[str, Callable[..., np.ndarray]] = {"occlusion": occlusion_maps, "similarity": similarity_maps}
    kinds["gradient"] = gradient_maps
    if kind(visual) == "resnet":
        kinds["gradient, finer"] = partial(gradient_maps, layer="layer2")
        cells = size // 32
    else:
        cells = visual.grid_size[0]
    maps = {name: make(model, scenes.pixels, vectors, owner) for name, make in kinds.items()}
    maps[CENTRE] = np.broadcast_to(localization.centre_map(size, size), scenes.masks.shape)
    blocks = scenes.masks.reshape(len(scenes), cells, size // cells, cells, size // cells)
    maps["mask, as coarse"] = enlarge(blocks.mean(axis=(2, 4)), size)
    return maps


def grounding(scenes: Scenes, maps: Mapping[str, np.ndarray]) -> Result:
    """Return pointing game, average precision, IoU and mass of every kind of map on every kind of question.

    Metrics are named "<score> of <question> (<map>)"; their intervals are of pictures drawn anew with all of their
    questions. Chance is the mean share of the picture that the masks cover, which is what a constant map gets.
    Tables: "grounding" has a row for each map, question and score, with that of the centre map beside it; "parts"
    each part's mean scores; "questions" how many there are, and how many were left out. Raises SettingError for
    maps that do not fit the masks.
    """
    metrics, table, parts = [], [], []
    asked = scenes.questions
    cover = localization.share(scenes.masks)
    scores = {name: _scored(name, own, scenes) for name, own in maps.items()}
    for question in asked["kind"].unique():
        rows = np.flatnonzero(asked["kind"] == question)
        chance = float(cover[rows].mean())
        for score, definition in DEFINITIONS.items():
            centre = float(scores[CENTRE][score][rows].mean()) if CENTRE in scores else None
            for name, own in scores.items():
                values = own[score][rows]
                interval = bootstrap_mean(values, asked["picture"].to_numpy()[rows])
                metrics.append(
                    Metric(
                        f"{score} of {question} ({name})",
                        f"{definition}; map: {name}",
                        "higher",
                        scenes.dataset,
                        scenes.split,
                        len(rows),
                        float(values.mean()),
                        interval,
                        chance,
                        1.0,
                    )
                )
                low_high = dict(zip(("low", "high"), interval, strict=True))
                table.append(
                    {"dataset": scenes.dataset, "map": name, "question": question, "score": score}
                    | {"value": float(values.mean()), **low_high, "chance": chance, "centre": centre}
                )
        for part, group in asked.iloc[rows].groupby("part"):
            for name, own in scores.items():
                row = {"dataset": scenes.dataset, "question": question, "part": part, "map": name, "n": len(group)}
                means = {score: float(own[score][group.index].mean()) for score in DEFINITIONS}
                parts.append(row | {"share of picture": float(cover[group.index].mean())} | means)
    counts = asked["kind"].value_counts(sort=False).rename_axis("question").reset_index(name="asked")
    counts.insert(0, "dataset", scenes.dataset)
    counts["pictures"] = asked["picture"].nunique()
    counts["left out of all"] = scenes.left_out
    return Result(
        metrics, {"grounding": pd.DataFrame(table), "parts": pd.DataFrame(parts), "questions": counts}
    )


def _scored(name: str, maps: np.ndarray, scenes: Scenes) -> dict[str, np.ndarray]:
    if np.shape(maps) != scenes.masks.shape:
        raise SettingError(f"{name}: maps have the shape {np.shape(maps)}, the masks {scenes.masks.shape}")
    return {score: measure(maps, scenes.masks) for score, measure in SCORES.items()}

"""Results of each experiment with made-up numbers, in the shapes that tasks give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from ofclip.metrics.metric import Metric
from ofclip.tasks.result import Result

#: Text that would be a list, emphasis, a link and a formula if it were taken for Markdown.
AWKWARD = "* 1. _red_ [dress](x) $9$ | <b>"


def share(rng: np.random.Generator, name: str, dataset: str, definition: str) -> Metric:
    value = float(rng.uniform(0.2, 0.7))
    interval = (value - 0.021, value + 0.023)
    return Metric(name, definition, "higher", dataset, "test", 1500, value, interval, 1 / 1500, 0.93)


def data(rng: np.random.Generator, dataset: str) -> Result:
    words = np.arange(2, 18)
    captions = {"dataset": dataset, "captions": 1500, "words_mean": 7.25, "type_entropy_bits": None}
    tables = {
        "domains": pd.DataFrame([{"dataset": dataset, "role": "held out", "train": 37400, "test": 1500}]),
        "splits": pd.DataFrame({"dataset": dataset, "split": ["train", "test"], "products": [37400, 1500]}),
        "captions": pd.DataFrame([captions]),
        "lengths": pd.DataFrame({"dataset": dataset, "words": words, "count": rng.integers(1, 90, len(words))}),
    }
    return Result([], tables)


def overlap(rng: np.random.Generator, dataset: str) -> Result:
    leaks = {"dataset": dataset, "split": "test", "training": "atelier/studio", "kind": "picture near", "products": 3}
    rates = pd.DataFrame({"batch": [64, 256, 1024, 4096], "same": "caption", "rate": [0.125, 0.25, 0.5, None]})
    rates.insert(0, "dataset", dataset)
    return Result(
        [share(rng, "shared captions", dataset, "share of products whose caption is known")],
        {"leaks": pd.DataFrame([leaks]), "false_negatives": rates},
    )


def training(rng: np.random.Generator, dataset: str) -> Result:
    steps = np.arange(1, 41) * 20
    log = pd.DataFrame(
        {
            "step": steps,
            "samples": steps * 256,
            "loss": 5 * np.exp(-steps / 300) + rng.uniform(0, 0.2, 40),
            "learning_rate": 1e-3 * np.cos(steps / 520),
            "logit_scale": 14 + steps / 40,
            "seconds": steps * 1.3,
            "text-to-image recall@10 atelier/street@val": [i / 90 if i % 8 == 7 else None for i in range(40)],
        }
    )
    loss = Metric("final loss", "mean loss of the last steps", "lower", dataset, "train", 9600, 1.234)
    speed = Metric("samples per second", "samples over time", "higher", dataset, "train", 96000, 297.4)
    return Result([loss, speed], {"log": log})


def accumulation(rng: np.random.Generator, dataset: str) -> Result:
    rows = [
        (method, dropout, parts, rng.random() * scale, rng.random() * scale / 2, 1 + scale * (parts - 1))
        for method, scale in (("gradient caching", 1e-15), ("open_clip", 1.0))
        for dropout in (0.0, 0.5)
        for parts in (1, 4)
    ]
    columns = ["method", "patch_dropout", "parts", "error", "others", "ratio"]
    error = Metric("gradient error (open_clip)", "largest relative difference", "lower", dataset, "train", 64, 0.75)
    return Result([error], {"accumulation": pd.DataFrame(rows, columns=columns)})


def sweep(rng: np.random.Generator, dataset: str) -> Result:
    if not dataset.endswith("street"):  # one sweep, measured on several data sets
        return Result([])
    first = "rate 0.002, batch 64"
    runs = [
        ("learning rate and batch", first, 2e-3, 64, first),
        ("learning rate and batch", "rate 0.001, batch 64", 1e-3, 64, first),
        ("loss", "siglip", 2e-3, 64, first),
        ("frozen part", "before", None, None, None),
        ("frozen part", "all trained", 2e-4, 16, "before"),
    ]
    measured = []
    for _, run, _, _, against in runs:
        for data in ("home", "held out"):
            value = float(rng.uniform(0.2, 0.6))
            change = (None,) * 3 if against in (None, run) else (0.05, 0.01, 0.09)
            measured.append((run, data, value, value - 0.03, value + 0.03, against, *change))
    columns = ["run", "data", "recall", "low", "high", "against", "change", "change_low", "change_high"]
    tables = {
        "sweep": pd.DataFrame([run[:4] for run in runs], columns=["question", "run", "learning_rate", "batch"]),
        "measured": pd.DataFrame(measured, columns=columns),
    }
    return Result([share(rng, "text-to-image recall@10 (siglip)", dataset, "recall@10 of a run")], tables)


def zero_shot(rng: np.random.Generator, dataset: str) -> Result:
    names = ["dress", "coat", "t-shirt", AWKWARD, *(f"type {chr(97 + i)}" for i in range(11))]
    pairs = [(true, answer) for true in names for answer in names if rng.random() < 0.4 or true == answer]
    confusion = pd.DataFrame(pairs, columns=["true", "predicted"])
    classes = pd.DataFrame({"class": names, "support": 100, "recall": rng.random(len(names))})
    where = {"dataset": dataset, "label": "type"}
    tables = {
        "classes": classes.assign(**where)[["dataset", "label", *classes]],
        "confusion": confusion.assign(count=rng.integers(1, 60, len(pairs)), **where),
    }
    confidence = np.sort(rng.random(9))
    reliability = pd.DataFrame({"confidence": confidence, "accuracy": confidence**2, "pictures": 100})
    tables["reliability"] = reliability.assign(**where)[["dataset", "label", *reliability]]
    names = [f"{label} {what}" for label in ("type", "colour") for what in ("accuracy@1", "weighted F1")]
    metrics = [share(rng, name, dataset, f"share of pictures, {name}") for name in names]
    return Result(metrics, tables)


def attributes(rng: np.random.Generator, dataset: str) -> Result:
    names = [f"{family} {what}" for family in ("colour", "fit", "all") for what in ("recall@3", "recall@5", "mAP")]
    values = pd.DataFrame({"dataset": dataset, "family": "fit", "value": ["slim", AWKWARD], "pictures": 50})
    tables = {"attributes": values.assign(**{"recall@3": [0.25, None], "average precision": rng.random(2)})}
    return Result([share(rng, name, dataset, name) for name in names], tables)


def retrieval(rng: np.random.Generator, dataset: str) -> Result:
    definitions = {
        f"{way} {what}": f"{what} of {way} queries; pessimistic ties"
        for way in ("text-to-image", "image-to-text")
        for what in ("recall@1", "recall@10", "MRR", "recall@10, any of the same caption")
    }
    metrics = [share(rng, name, dataset, text) for name, text in definitions.items()]
    ranks = pd.DataFrame({"lowest": [1, 2, 3, 6, 11], "highest": [1, 2, 5, 10, 1500]})
    ranks = [
        ranks.assign(dataset=dataset, direction=way, queries=rng.integers(10, 400, 5))
        for way in ("text-to-image", "image-to-text")
    ]
    queries = pd.DataFrame({"query": [AWKWARD], "id": ["12"], "rank": [1234], "retrieved 1": ["street-12"]})
    queries.insert(0, "dataset", dataset)
    readings = [("own", "diagonal"), ("caption", "any hit"), ("caption", "fraction of relevant")]
    rows = [
        (dataset, way, relevant, name, definition, 10, value := rng.uniform(0.2, 0.7), value - 0.02, value + 0.03, 0.93)
        for way in ("text-to-image", "image-to-text")
        for relevant, definition in readings
        for name in ("recall", "precision")
    ]
    columns = ["dataset", "direction", "relevant", "metric", "definition", "k", "value", "low", "high", "ceiling"]
    definitions = pd.DataFrame(rows, columns=columns)
    return Result(metrics, {"ranks": pd.concat(ranks), "queries": queries, "definitions": definitions})


def activation(rng: np.random.Generator, dataset: str) -> Result:
    rows, metrics = [], []
    ways = [("as trained", "as trained"), ("activation", "QuickGELU"), ("prompt", "no prompt")]
    for measure in ("type accuracy@1", "text-to-image recall@10"):
        for factor, way in ways:
            value, change = float(rng.uniform(0.2, 0.6)), float(rng.uniform(-0.1, 0.1))
            changes = (None,) * 3 if factor == "as trained" else (change, change - 0.02, change + 0.03)
            rows.append((dataset, measure, factor, way, 1500, value, *changes, 12, 15))
            metrics.append(share(rng, f"{measure} ({way})", dataset, f"{measure}, {way}"))
    columns = ["dataset", "measure", "factor", "way", "n", "value", "change", "low", "high", "gained", "lost"]
    return Result(metrics, {"effects": pd.DataFrame(rows, columns=columns)})


def mixture(rng: np.random.Generator, dataset: str) -> Result:
    if not dataset.endswith("street"):  # one study, measured on several data sets
        return Result([])
    runs = {"studio alone": ["atelier/studio"], "all": ["atelier/studio", "atelier/tags"]}
    rows = []
    for run, own in runs.items():
        roles = {name: "trained on" if name in own else "left out" for name in runs["all"]} | {dataset: "held out"}
        for data, role in [*roles.items(), *((role, role) for role in dict.fromkeys(roles.values()))]:
            value = float(rng.uniform(0.2, 0.6))
            change = (None,) * 3 if run == "all" else (-0.05, -0.09, -0.01)
            rows.append((run, data, role, value, value - 0.03, value + 0.03, *change))
    columns = ["run", "data", "role", "recall", "recall_low", "recall_high"]
    columns += ["recall_change", "recall_change_low", "recall_change_high"]
    metric = share(rng, "text-to-image recall@10 (all)", "domains held out", "recall@10 of a run")
    return Result([metric], {"matrix": pd.DataFrame(rows, columns=columns)})


def selection(rng: np.random.Generator, dataset: str) -> Result:
    if not dataset.endswith("street"):
        return Result([])
    rows = []
    for question in ("checkpoints of one run", "all checkpoints"):
        for criterion in ("in-domain loss", "the domain itself"):
            rho, lost = float(rng.uniform(-0.2, 0.9)), float(rng.uniform(0.02, 0.1))
            rows.append((question, criterion, rho, rho - 0.1, rho + 0.1, lost, lost - 0.01, lost + 0.02, 0.12))
    columns = ["question", "criterion", "spearman", "spearman_low", "spearman_high"]
    columns += ["regret", "regret_low", "regret_high", "regret_chance"]
    metric = share(rng, "regret (in-domain loss)", "atelier: all checkpoints", "what is lost")
    return Result([metric], {"selection": pd.DataFrame(rows, columns=columns)})


def forgetting(rng: np.random.Generator, dataset: str) -> Result:
    if not dataset.endswith("street"):
        return Result([])
    points = [("interpolation", alpha, 0.3 + 0.4 * alpha**0.5, 0.8 - 0.3 * alpha**2) for alpha in (0.0, 0.5, 1.0)]
    points.append(("distillation", None, 0.6, 0.7))
    points = [(*row, row[2] - 0.05, row[2] + 0.05, row[3] - 0.02, row[3] + 0.02) for row in points]
    columns = ["way", "alpha", "target", "others", "target_low", "target_high", "others_low", "others_high"]
    forgotten = [
        (way, data, 0.5, *((None,) * 3 if way == "before" else (-0.1, -0.15, -0.05)))
        for way in ("before", "fine-tuned", "distillation", "at the knee")
        for data in ("atelier/studio", dataset)
    ]
    changes = ["recall change", "recall change_low", "recall change_high"]
    tables = {
        "interpolation": pd.DataFrame(points, columns=columns),
        "knee": pd.DataFrame([{"alpha": 0.5, "low": 0.25, "high": 0.75, "height": 0.4}]),
        "forgotten": pd.DataFrame(forgotten, columns=["way", "data", "recall", *changes]),
    }
    return Result([share(rng, "text-to-image recall@10 (at the knee)", "the target", "recall@10 of a way")], tables)


def product_search(rng: np.random.Generator, dataset: str) -> Result:
    names = [("text-to-image", ("Recall@1", "Recall@10", "AvgRecall", "MRR"))]
    names += [(f"{kind}-to-product", ("P@1", "P@10", "AvgP", "MRR")) for kind in ("category", "sub-category")]
    metrics = [
        replace(share(rng, f"{task} {name}{start}", dataset, f"{name} of {task}"), split=split)
        for task, own in names
        for name in own
        for split in (("all", "test") if dataset == "kagl" else ("test",))
        for start in (("", " (start)") if split == "test" else ("",))
    ]
    best = replace(share(rng, "text-to-image best Recall@1", dataset, "of a perfect order"), split="ground truth")
    asked = {"dataset": dataset, "task": "category-to-product", "query": AWKWARD, "relevant": 12, "P@10": 0.3}
    variants = {"dataset": dataset, "query": "a photo of a {}", "picture": 0.9, "text": 0.1, "value": 0.37}
    tables = {"asked": pd.DataFrame([asked]), "variants": pd.DataFrame([variants])}
    return Result([*metrics, best], tables)


def probe(rng: np.random.Generator, dataset: str) -> Result:
    kinds = ("", " (starting model)", " (raw pixels)")
    names = ["type zero-shot accuracy@1", *(f"type probe accuracy@1{kind}" for kind in kinds)]
    metrics = [share(rng, name, dataset, f"share of pictures, {name}") for name in names]
    shots = pd.DataFrame({"dataset": dataset, "features": "model", "k": [1, 2, 4], "train": [15, 30, 58], "short": 1})
    value = np.sort(rng.uniform(0.2, 0.6, 3))
    shots = shots.assign(accuracy=value, low=value - 0.05, high=value + 0.05, lowest=value - 0.02, highest=value + 0.02)
    return Result(metrics, {"shots": shots})


def composition(rng: np.random.Generator, dataset: str) -> Result:
    asked = ["swapped colours", "word order", "colour denied"]
    value = rng.uniform(0.3, 0.9, 3)
    choices = {"dataset": dataset, "model": "model", "choice": asked, "pictures": 300, "not_asked": 9, "ties": 0}
    choices = pd.DataFrame(choices | {"accuracy": value, "low": value - 0.04, "high": value + 0.04})
    metrics = [share(rng, f"{name} accuracy", dataset, f"share of right captions, {name}") for name in asked]
    if not dataset.endswith(("street", "kagl")):  # one comparison over all data sets
        return Result(metrics, {"choices": choices})
    pairs = {"dataset": dataset, "model": "model", "kind": "colour", "measure": ["pair accuracy@1", "recall@10"]}
    pairs |= {"rare": "held out", "common": "seen", "rare_n": 80, "left_out": 0, "common_n": 900}
    for side, base in (("rare", 0.3), ("common", 0.4)):
        pairs |= {f"{side}_value": base, f"{side}_low": base - 0.05, f"{side}_high": base + 0.05}
    return Result(metrics, {"combinations": pd.DataFrame(pairs), "choices": choices})


def grounding(rng: np.random.Generator, dataset: str) -> Result:
    metrics, rows = [], []
    for question in ("product", "part"):
        for score in ("pointing game", "average precision"):
            for name in ("occlusion", "similarity", "centre"):
                made = share(rng, f"{score} of {question} ({name})", dataset, f"{score}; map: {name}")
                metrics.append(made)
                row = {"dataset": dataset, "map": name, "question": question, "score": score, "value": made.value}
                rows.append(row | {"low": made.interval[0], "high": made.interval[1], "chance": 0.1, "centre": 0.3})
    return Result(metrics, {"grounding": pd.DataFrame(rows)})


def prompts(rng: np.random.Generator, dataset: str) -> Result:
    kinds = {"no prompt": "no prompt", "test prompt": "test prompt", "a {} here": "one template"}
    kinds |= {"the {}": "one template", "mean of vectors": "mean of vectors"}
    rows = []
    for task in ("type accuracy@1", "text-to-image recall@10"):
        for prompt, kind in kinds.items():
            value = float(rng.uniform(0.2, 0.6))
            change = (None,) * 4 if kind == "test prompt" else ("test prompt", *_around(rng.uniform(-0.1, 0.1)))
            rows.append((dataset, task, kind, prompt, 500, value, value - 0.03, value + 0.03, *change))
    columns = ["dataset", "task", "kind", "prompt", *COMPARED]
    tables = {"prompts": pd.DataFrame(rows, columns=columns)}
    if dataset.endswith("street"):
        runs = []
        for asked in ("no prompt", "test prompt", "extracted phrases"):
            for run in ("captions, no templates", "phrases, templates"):
                value, first = float(rng.uniform(0.1, 0.3)), run.startswith("captions")
                change = (None,) * 4 if first else ("captions, no templates", *_around(0.02))
                runs.append((dataset, asked, not first, not first, run, 500, *_around(value), *change))
        columns = ["dataset", "asked", "templates", "phrases", "run", *COMPARED]
        tables["training"] = pd.DataFrame(runs, columns=columns)
    return Result([share(rng, "type accuracy@1 (no prompt)", dataset, "accuracy without a prompt")], tables)


def biases(rng: np.random.Generator, dataset: str) -> Result:
    recall = {"words_from": [2, 3], "words_to": [2, 7], "queries": [40, 60], "recall": [0.2, 0.4], "low": [0.1, 0.3]}
    recall |= {"high": [0.3, 0.5], "chance": 0.1, "ceiling": [0.6, 1.0], "any_recall": [0.5, 0.4]}
    recall |= {"any_low": [0.4, 0.3], "any_high": [0.6, 0.5], "any_chance": 0.2}
    shown, said = [], []
    for task in ("type accuracy@1", "recall@10"):
        for probe, steps in {"ground": ("white", "street"), "size": ("80% of the frame", "40% of the frame")}.items():
            for step in steps:
                change = (None,) * 4 if step == steps[0] else (steps[0], *_around(rng.uniform(-0.3, 0)))
                shown.append((dataset, task, probe, step, 500, *_around(rng.uniform(0.2, 0.8)), *change))
        for products in ("women's", "men's"):
            for way in ("neutral", "own gender", "other gender"):
                change = (None,) * 4 if way == "neutral" else ("neutral", *_around(rng.uniform(-0.1, 0.1)))
                said.append((dataset, task, products, way, 200, *_around(rng.uniform(0.2, 0.8)), *change))
    sizes = {"dataset": dataset, "label": "type", "class": ["hat", "bag"], "trained_on": [90, 3000], "pictures": 20}
    sizes |= {"accuracy": [0.3, 0.7], "low": [0.2, 0.6], "high": [0.4, 0.8]}
    tables = {
        "query_lengths": pd.DataFrame({"dataset": dataset, "part": [1, 2]} | recall),
        "scenes": pd.DataFrame(shown, columns=["dataset", "task", "probe", "step", *COMPARED]),
        "wording": pd.DataFrame(said, columns=["dataset", "task", "products", "wording", *COMPARED]),
        "class_sizes": pd.DataFrame(sizes),
    }
    return Result([share(rng, "recall@10 (ground: street)", dataset, "recall@10 before a street")], tables)


COMPARED = ["n", "value", "low", "high", "against", "change", "change_low", "change_high"]


def _around(value: float) -> tuple[float, float, float]:
    return value, value - 0.02, value + 0.03


RESULTS: dict[str, Callable[[np.random.Generator, str], Result]] = {
    "01-data": data,
    "01-duplicates": overlap,
    "02-training": training,
    "02-settings": sweep,
    "02-gradient-caching": accumulation,
    "03-zero-shot": zero_shot,
    "04-retrieval": retrieval,
    "05-attributes": attributes,
    "06-product-search": product_search,
    "07-probe": probe,
    "08-grounding": grounding,
    "09-composition": composition,
    "10-prompts": prompts,
    "11-mixture": mixture,
    "12-selection": selection,
    "13-biases": biases,
    "14-forgetting": forgetting,
    "15-activation": activation,
}

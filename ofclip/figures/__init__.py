"""Figures drawn from a Record, two of them also from pictures: equal input gives equal files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ofclip.figures.against import against
from ofclip.figures.attributes import families
from ofclip.figures.biases import class_sizes, query_lengths, scenes, wording
from ofclip.figures.charts import confusion, contradictions, curves, headlines, intervals, lengths, ranks
from ofclip.figures.composition import chosen, improbable
from ofclip.figures.definitions import definitions
from ofclip.figures.effects import effects
from ofclip.figures.forgetting import forgetting
from ofclip.figures.gradients import accumulation
from ofclip.figures.grounding import heat_maps, localization
from ofclip.figures.mixture import mixture
from ofclip.figures.pictures import retrieved, samples
from ofclip.figures.probes import shots
from ofclip.figures.product_search import product_search
from ofclip.figures.prompts import prompts
from ofclip.figures.reliability import reliability
from ofclip.figures.selection import selection
from ofclip.figures.style import Drawing, save
from ofclip.figures.sweep import sweep

if TYPE_CHECKING:
    from ofclip.records import Record

#: experiment -> (name, function, caption) of the figures that a Record alone can draw
FIGURES: dict[str, list[tuple[str, Callable[[Record], Drawing], str]]] = {
    "01-data": [("lengths", lengths, "How many words a caption has: the share of captions of each length.")],
    "01-duplicates": [
        ("contradictions", contradictions, "Samples of a batch that meet another product with their caption."),
    ],
    "02-gradient-caching": [
        ("accumulation", accumulation, "Gradients through micro-batches against those of the full batch."),
    ],
    "02-settings": [
        (
            "sweep",
            sweep,
            "Recall@10 by learning rate and batch, by loss and by trained part. Dashed: what a run is compared with; "
            "in these panels intervals are those of the difference.",
        )
    ],
    "02-training": [
        ("curves", curves, "Training over the samples seen; each validation is on data not trained on.")
    ],
    "03-zero-shot": [
        ("intervals", intervals, "Zero-shot classification: value and interval, chance and ceiling."),
        ("confusion", confusion, "Which class is answered for which, as shares of each true class."),
        (
            "reliability",
            reliability,
            "How often answers of one confidence are right, in bins of equal mass. Dashed: confidence as it should be.",
        ),
    ],
    "04-retrieval": [
        ("intervals", intervals, "Retrieval: value and interval, chance and ceiling."),
        ("ranks", ranks, "How many queries have found their own product up to each rank. Dashed: chance."),
        (
            "definitions",
            definitions,
            "One ranking, several definitions of recall and precision among the first ten, with interval and ceiling. "
            "The diagonal counts the own product alone, the others any of the same caption (or group).",
        ),
    ],
    "05-attributes": [
        (
            "families",
            families,
            "Attribute recognition by family: value and interval, with the mark of chance and the ceiling.",
        ),
    ],
    "06-product-search": [
        (
            "tasks",
            product_search,
            "Product search: what of the first ten products is right, with its interval; chance and ceiling are those "
            "of the uppermost mark.",
        ),
    ],
    "07-probe": [
        (
            "shots",
            shots,
            "Accuracy of linear probes over the training pictures per class, with intervals over draws and test "
            "pictures; beside them, at the right, probes on all training pictures. Dashed: zero-shot; dotted: chance.",
        ),
    ],
    "08-grounding": [
        (
            "localization",
            localization,
            "How well each kind of heat map finds what was asked for, with intervals. Dashed: chance, the share of the "
            "picture that the masks cover.",
        ),
    ],
    "09-composition": [
        (
            "improbable",
            improbable,
            "Combinations that training never or hardly shows, against common ones matched by what they are made of.",
        ),
        ("chosen", chosen, "How often the right caption wins over a wrong one of like words. Dotted: guessing."),
    ],
    "10-prompts": [
        (
            "prompts",
            prompts,
            "What each way to ask changes against the test prompt, with intervals of the paired differences; and what "
            "runs reach whose texts were treated otherwise in training.",
        ),
    ],
    "11-mixture": [
        (
            "mixture",
            mixture,
            "Recall@10 of runs of equal length: on the domains that each is trained on, on those left out, and on "
            "those held out from all; and on each domain.",
        )
    ],
    "12-selection": [
        (
            "selection",
            selection,
            "How well each criterion orders checkpoints for a domain that no run has seen, and what choosing by it "
            "loses. Ticks: a random choice.",
        )
    ],
    "13-biases": [
        ("lengths", query_lengths, "Recall by the number of words of the query."),
        (
            "scenes",
            scenes,
            "The same products on other grounds, off the centre, smaller, and in other styles. Hollow: what the others "
            "of a panel are compared with.",
        ),
        ("wording", wording, "What naming a gender changes against the neutral wording."),
        ("sizes", class_sizes, "Accuracy of each class over the number of its products that were trained on."),
    ],
    "14-forgetting": [
        (
            "forgetting",
            forgetting,
            "What a fine-tuned domain gains against what the others lose. Left: models between the two, and the knee; "
            "dashed: the chord. Right: each domain.",
        )
    ],
    "15-activation": [
        (
            "effects",
            effects,
            "What running the same checkpoint otherwise changes, with the interval of the paired difference.",
        )
    ],
}

__all__ = [
    "Drawing",
    "FIGURES",
    "accumulation",
    "against",
    "chosen",
    "class_sizes",
    "confusion",
    "contradictions",
    "curves",
    "definitions",
    "effects",
    "families",
    "forgetting",
    "headlines",
    "heat_maps",
    "improbable",
    "intervals",
    "lengths",
    "localization",
    "mixture",
    "product_search",
    "prompts",
    "query_lengths",
    "ranks",
    "reliability",
    "retrieved",
    "samples",
    "save",
    "scenes",
    "selection",
    "shots",
    "sweep",
    "wording",
]

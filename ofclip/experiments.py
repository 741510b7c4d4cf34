"""The experiments: which notebook is run for which sources, and whose weights each run needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ofclip.errors import unknown

#: The checkout: the folder that holds `ofclip/`, `notebooks/`, `results/` and `work/`.
ROOT = Path(__file__).resolve().parent.parent

#: The experiment whose Records say which weights were made.
TRAINING = "02-training"


@dataclass(frozen=True)
class Experiment:
    """One notebook: `sources` maps each source it is run for to the one whose weights it needs, or None.

    `reads` names the experiment whose Record of the same source it reads, if it reads one; `long` ones take a minute
    or more, so they are started before others: then little is left to wait for when one core has nothing more to do.
    """

    name: str
    title: str
    sources: Mapping[str, str | None]
    reads: str | None = None
    long: bool = False


@dataclass(frozen=True)
class Job:
    """One run of one notebook, which makes one Record."""

    experiment: str
    source: str
    trained: str | None
    reads: str | None = None


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            "01-data",
            "The data",
            {"atelier": None, "kagl": None, "clothing-dataset-small": None, "fashion-mnist": None, "fashion-iq": None},
        ),
        Experiment(
            "01-duplicates",
            "Duplicates and false negatives",
            {"atelier": None, "kagl": None, "clothing-dataset-small": None, "fashion-mnist": None},
        ),
        Experiment(TRAINING, "Training", {"atelier": None, "kagl": None}, long=True),
        Experiment("02-settings", "Settings that work", {"atelier": "atelier"}, long=True),
        Experiment("02-gradient-caching", "Gradient caching", {"atelier": None}),
        Experiment(
            "03-zero-shot",
            "Zero-shot classification",
            {"atelier": "atelier", "kagl": "kagl", "clothing-dataset-small": "kagl", "fashion-mnist": "kagl"},
        ),
        Experiment("04-retrieval", "Retrieval", {"atelier": "atelier", "kagl": "kagl"}),
        Experiment(
            "05-attributes",
            "Attribute recognition",
            {"atelier": "atelier", "kagl": "kagl", "deepfashion": "kagl", "imaterialist": "kagl"},
        ),
        Experiment("06-product-search", "Product search", {"atelier": "atelier", "kagl": "kagl"}),
        Experiment(
            "07-probe",
            "Linear probe",
            {"atelier": "atelier", "kagl": "kagl", "clothing-dataset-small": "kagl", "fashion-mnist": "kagl"},
            long=True,
        ),
        Experiment("08-grounding", "Grounding", {"atelier": "atelier", "clothing-co-parsing": "kagl"}, long=True),
        Experiment("09-composition", "Composition", {"atelier": "atelier", "kagl": "kagl"}),
        Experiment("10-prompts", "Prompts", {"atelier": "atelier", "kagl": "kagl"}, long=True),
        Experiment("11-mixture", "Mixing training domains", {"atelier": None}, long=True),
        Experiment("12-selection", "Choosing a checkpoint", {"atelier": None}, reads="11-mixture"),
        Experiment("13-biases", "Biases", {"atelier": "atelier", "kagl": "kagl"}, long=True),
        Experiment("14-forgetting", "Forgetting", {"atelier": "atelier"}, long=True),
        Experiment("15-activation", "Activation, prompt and resizing", {"atelier": "atelier", "kagl": "kagl"}),
    )
}


def get(name: str) -> Experiment:
    """Return an experiment by name; raises SettingError with the nearest known one."""
    if name not in EXPERIMENTS:
        raise unknown("experiment", name, EXPERIMENTS)
    return EXPERIMENTS[name]


def threads(experiment: str, cores: int) -> int:
    """Return how many of the machine's cores a run takes: all while weights are made that others wait for, else half.

    Two runs side by side on half of the cores each do more than one after the other, since imports, tokens and
    metrics keep one core busy, and a small network hardly more.

    >>> threads("02-training", cores=2), threads("04-retrieval", cores=2)
    (2, 1)
    """
    return cores if experiment == TRAINING else max(1, cores // 2)


def trained(experiment: str, source: str) -> str | None:
    """Return the source whose weights a run needs, or None (also for a run that is not planned here)."""
    return EXPERIMENTS[experiment].sources.get(source) if experiment in EXPERIMENTS else None


def jobs(present: Collection[str]) -> list[Job]:
    """Return the runs that are possible with the sources `present`, in the order of the book.

    >>> [job.experiment for job in jobs({"atelier"})][:3]
    ['01-data', '01-duplicates', '02-training']
    >>> {job.source for job in jobs({"atelier"})}
    {'atelier'}
    """
    return [
        Job(experiment.name, source, needs, experiment.reads)
        for experiment in EXPERIMENTS.values()
        for source, needs in experiment.sources.items()
        if source in present and (needs is None or needs in present)
    ]

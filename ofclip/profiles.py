"""Profiles: smoke, laptop, gpu and paper; every default stands here or in Training, with its reason beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ofclip.catalog import Catalog
from ofclip.errors import SettingError, unknown
from ofclip.sources import available, get, load_catalog
from ofclip.text.templates import TEST
from ofclip.training.settings import Augmentation, Settings, Training

if TYPE_CHECKING:
    from ofclip.models import Model

#: Atelier's four training domains in equal parts: the paper does not state its weights (our choice).
ATELIER = {"atelier/studio": 1.0, "atelier/pairs": 1.0, "atelier/phrases": 1.0, "atelier/tags": 1.0}

#: The paper's four training sets in proportion to their products, as one data loader that merges them all draws them;
#: the paper does not state its weights (our choice).
PAPER = {
    name: float(get(name).expected["train"]) for name in ("fashion-gen", "fashion-iq", "fashion200k", "imaterialist")
}


class Profile(Settings):
    """How large an experiment is: model, data, training per source trained on, and test settings."""

    name: str
    size: int = Field(64, gt=0)  # side of the pictures in pixels; must be that of the architecture
    architecture: str  # open_clip's name; see ofclip/model_configs for ours
    start: str = ""  # weights that training starts from, a file or open_clip's name; empty: fresh ones
    training: dict[str, Training]  # what is trained on -> settings
    products: int = Field(3000, gt=0)  # drawn per Atelier training domain: four make the 12,000 of a small shop
    held_out_products: int = Field(6000, gt=0)  # per held-out domain; a tenth is the test split
    kagl_size: str = "60x80"  # the pictures that are larger than the model's input cost time and give nothing
    template: str = TEST  # around class names and captions at test time, as OpenFashionCLIP's inference has it
    seed: int = 0  # of Atelier's products and of the first weights

    def options(self, source: str) -> dict[str, Any]:
        """Return the options with which this profile loads a source."""
        base = source.partition("/")[0]
        if base == "atelier":
            return {"n": self.products if source in ATELIER else self.held_out_products, "seed": self.seed}
        return {"size": self.kagl_size} if base == "kagl" else {}

    def load(self, source: str, split: str | None = None, pictures: bool | None = True) -> Catalog:
        """Return a source's Catalog as this profile draws it, from the data root.

        Without a split it is whole, but for Atelier's held-out domains, whose training split nobody uses. With
        `pictures=None` a source of which no picture is there gives its texts and labels alone.
        """
        catalog = load_catalog(source, split=split, pictures=pictures, **self.options(source))
        unused = split is None and source.startswith("atelier/") and source not in ATELIER
        return catalog.where(split=["val", "test"]) if unused else catalog

    def parts(self, source: str) -> dict[str, str]:
        """Return the names to load of a source, each with its role: "training", "held out" or "photographs".

        >>> load_profile("laptop").parts("atelier")["atelier/street"]
        'held out'
        """
        parts = get(source).parts
        return {f"{source}/{part}": "training" if f"{source}/{part}" in ATELIER else "held out" for part in parts} or {
            source: get(source).pictures
        }

    def tests(self, source: str) -> list[str]:
        """Return the names of what a source offers for testing: its held-out parts, or the whole."""
        return [name for name, role in self.parts(source).items() if role != "training"]

    def validation(self, trained: str) -> tuple[str, ...]:
        """Return what a training run is watched on, in the words of `ofclip.watching`: data it is not trained on.

        Atelier is watched on its street scenes; KAGL on its own validation split and, where it is there, on
        the photographs of clothing-dataset-small, which come from another domain. Those have class names for
        captions, so there is no own picture to retrieve.

        >>> load_profile("laptop").validation("atelier")
        ('retrieval:atelier/street@val', 'zero-shot:atelier/street@val:type')
        """
        if trained == "atelier":
            return "retrieval:atelier/street@val", "zero-shot:atelier/street@val:type"
        if trained == "open-fashion":
            return "retrieval:kagl@val", "zero-shot:kagl@val:articleType"  # a benchmark, not among the four
        own = (f"retrieval:{trained}@val", f"zero-shot:{trained}@val:{get(trained).labels[0]}")
        other = "clothing-dataset-small"
        return (*own, f"zero-shot:{other}@validation:class") if other in available() else own

    def model(self) -> Model:
        """Return the model that training starts from: `start`, or `architecture` with fresh weights."""
        from ofclip.models import build_model, load_model

        return load_model(self.start) if self.start else build_model(self.architecture, seed=self.seed)

    def run(self, trained: str) -> Training:
        """Return the settings of the training run on `trained`; SettingError with the nearest known name."""
        if trained not in self.training:
            raise unknown(f"training run of profile {self.name}", trained, self.training)
        return self.training[trained]


def _profiles() -> dict[str, Profile]:
    small = "ofclip-RN-16-64"  # learns 1.6 times as much per minute on two cores as a ViT with patches of 16 pixels
    laptop = Training(sources=ATELIER, samples=80_000)  # eight epochs: what two cores do in less than four minutes
    kagl = Training(sources={"kagl": 1.0}, samples=200_000)  # more than five epochs: what two cores do in nine minutes
    return {
        "smoke": Profile(
            name="smoke",
            architecture="ofclip-RN-8-64",
            products=300,  # a minute, and still enough to beat chance on all that is held out
            training={
                "atelier": Training(
                    sources=ATELIER,
                    samples=40_000,
                    batch=64,
                    evaluations=2,
                    augmentation=Augmentation(grey=0.35),  # so short a run learns too little of greys from fewer
                ),
                "kagl": Training(sources={"kagl": 1.0}, samples=6_400, batch=64, evaluations=2),
            },
        ),
        "laptop": Profile(name="laptop", architecture=small, training={"atelier": laptop, "kagl": kagl}),
        "gpu": Profile(
            name="gpu",
            size=224,
            architecture="ViT-B-32",  # the papers' architecture; from scratch unless a checkpoint is given
            products=25_000,  # rendering stays at minutes
            held_out_products=20_000,
            kagl_size="168x224",  # the larger pictures that are at hand
            training={
                name: Training(
                    sources=sources,
                    samples=4_000_000,  # tens of minutes
                    batch=2048,  # as in the related recipe of the same group (arXiv 2304.02051)
                    learning_rate=5e-4,  # from scratch; that recipe's 1e-6 is for fine-tuning
                    weight_decay=0.2,  # as in that recipe
                    augmentation=Augmentation(shift=14),  # pixels of 224: the same share as 4 of 64
                    accelerator="cuda",
                    precision="bf16-mixed",
                )
                for name, sources in {"atelier": ATELIER, "kagl": {"kagl": 1.0}}.items()
            },
        ),
        "paper": Profile(
            name="paper",
            size=224,
            architecture="ViT-B-32",
            start="ViT-B-32/laion2b_s34b_b79k",  # what OpenFashionCLIP starts from
            products=25_000,
            held_out_products=20_000,
            kagl_size="168x224",
            training={
                "open-fashion": Training(
                    sources=PAPER,
                    samples=7_500_000,  # five epochs: our choice, hours on one GPU
                    batch=2048,  # batch, rate and decay as in the related recipe of the same group (arXiv 2304.02051)
                    learning_rate=1e-6,
                    weight_decay=0.2,
                    augmentation=Augmentation(shift=14, ground=0, grey=0),  # pre-training has shown enough grounds
                    evaluations=20,
                    select_by="text-to-image recall@10 kagl@val",  # of a domain that is not trained on
                    accelerator="cuda",
                    precision="bf16-mixed",
                )
            },
        ),
    }


PROFILES = _profiles()
NAMES = tuple(PROFILES)


def load_profile(name: str, trained: str | None = None, **overrides: Any) -> Profile:
    """Return a profile by name, some settings replaced; with `trained`, also those of that training run.

    Raises SettingError with the nearest known name for an unknown profile or setting.

    >>> load_profile("laptop", trained="atelier", learning_rate=1e-3).run("atelier").learning_rate
    0.001
    """
    if name not in PROFILES:
        raise unknown("profile", name, NAMES)
    profile = PROFILES[name]
    own = {key: value for key, value in overrides.items() if key in Profile.model_fields and key != "training"}
    rest = {key: value for key, value in overrides.items() if key not in own}
    if rest:
        if trained is None:
            raise unknown(f"setting of profile {name}", next(iter(rest)), set(Profile.model_fields) - {"training"})
        for key in rest:
            if key not in Training.model_fields:
                known = (set(Profile.model_fields) | set(Training.model_fields)) - {"training"}
                raise unknown(f"setting of profile {name}", key, known)
        own["training"] = {**profile.training, trained: profile.run(trained).but(**rest)}
    return profile.but(**own) if own else profile


def parse(assignments: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """Return settings from the words of a command line, "name=value", values read as JSON where they are.

    >>> parse(["batch=128", "accelerator=cpu", "flip=false"])
    {'batch': 128, 'accelerator': 'cpu', 'flip': False}
    """
    values = {}
    for word in assignments:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise SettingError(f"setting {word!r}: write name=value")
        try:
            values[key] = json.loads(text)
        except json.JSONDecodeError:
            values[key] = text
    return values

"""Training: every setting of a training run, validated; a wrong name or value is an error."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ofclip.errors import SettingError, unknown


class Settings(BaseModel):
    """Base of all settings: unchangeable, and an unknown name is an error that gives the nearest known one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def make(cls, **values: object):
        """Build from keywords; raises SettingError that names the setting at fault."""
        for key in values:
            if key not in cls.model_fields:
                raise unknown(f"setting of {cls.__name__.lower()}", key, cls.model_fields)
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or cls.__name__.lower()
            raise SettingError(f"setting {where}: {first['msg']} (got {first.get('input')!r})") from error

    def but(self, **values: object):
        """Return a copy with some settings changed, validated again."""
        return type(self).make(**{**{key: getattr(self, key) for key in type(self).model_fields}, **values})


class Augmentation(Settings):
    """How pictures are changed at random while training (our choice: the papers do not state theirs)."""

    flip: bool = True  # mirrored garments are garments
    shift: float = Field(4.0, ge=0)  # pixels, of 64: framing differs between shops
    zoom: float = Field(0.0, ge=0)  # natural logarithm of the factor, each way; off: not measured on its own
    ground: float = Field(0.2, ge=0, le=1)  # share whose plain ground is painted over: helps elsewhere, costs at home
    grey: float = Field(0.1, ge=0, le=1)  # share shown without colours: some shops, and Fashion-MNIST, have none
    light: float = Field(0.0, ge=0, le=1)  # brightness and contrast, each way; off: 0.3 cost recall and gave nothing


class Training(Settings):
    """Settings of one training run; what a paper does not state is our choice, with the reason beside it."""

    sources: dict[str, float]  # source -> weight in the mixture; shares of the samples, not of the products
    mixing: Literal["sample", "batch"] = "sample"  # "batch": one source per batch, so that negatives share its style
    samples: int = Field(gt=0)  # picture-text pairs seen in all: comparable between batch sizes, as epochs are not
    batch: int = Field(256, gt=1)  # global, over all processes; on a CPU larger ones cost time and gain little
    learning_rate: float = Field(2e-3, gt=0)  # from scratch and small; fine-tuning wants 1000 times less
    weight_decay: float = Field(0.1, ge=0)  # on matrices only, not on norms, biases or the temperature
    beta1: float = Field(0.9, ge=0, lt=1)  # AdamW's own
    beta2: float = Field(0.98, ge=0, lt=1)  # CLIP's: the second moment must follow a fast-moving loss
    warmup: float = Field(0.05, ge=0, le=1)  # share of the steps until the full learning rate
    max_logit_scale: float = Field(100.0, gt=1)  # CLIP's bound on 1 / temperature
    template_share: float = Field(0.4, ge=0, le=1)  # texts put into a random template; the rest stays as it is
    first_caption_share: float = Field(0.75, ge=0, le=1)  # draws of the first caption, the one that retrieval asks for
    augmentation: Augmentation = Augmentation()
    split: str = "train"  # the split that is trained on
    skip_bad: bool = False  # damaged rows and pictures stop the run unless this is set
    window: int = Field(8, ge=1)  # shards shuffled together: enough to mix, few enough to keep open
    evaluations: int = Field(5, ge=0)  # validations during the run, evenly spaced, the last at its end
    checkpoint_seconds: float = Field(30.0, ge=0)  # at most this much work is lost when a run is killed
    seed: int = 0
    accelerator: Literal["cpu", "cuda", "mps"] = "cpu"  # named, never guessed: no silent fallback
    devices: int = Field(1, ge=1)  # processes
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"  # bf16 is many times slower on CPUs without AMX

    @model_validator(mode="after")
    def _consistent(self):
        if not self.sources or any(weight <= 0 for weight in self.sources.values()):
            raise ValueError("name at least one source, each with a weight above 0")
        if self.batch % self.devices:
            raise ValueError(f"batch {self.batch} is not a multiple of devices {self.devices}")
        if self.samples < self.batch:
            raise ValueError(f"samples {self.samples} are fewer than one batch of {self.batch}")
        return self

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.samples // self.batch

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

    loss: Literal["clip", "siglip", "multi-positive", "fields"] = "clip"  # the papers'; the others are for comparison
    fields: dict[str, float] = {}  # loss=fields: label columns, or "text" for the caption, each with its weight
    distillation: float = Field(0.0, ge=0)  # weight of staying near the starting model's image features
    micro_batch: int | None = Field(None, ge=1)  # pairs per pass, per process; None: all at once, which is quickest

    image_blocks: int | None = Field(None, ge=0)  # last blocks of the tower that are trained; None: all, 0: locked
    text_blocks: int | None = Field(None, ge=0)
    layer_decay: float = Field(1.0, gt=0, le=1)  # learning rate of a layer over that of the next; 1: from scratch
    frozen_norms: bool = False  # batch norms keep their statistics: wanted when a small set fine-tunes a large one's
    patch_dropout: float = Field(0.0, ge=0, lt=1)  # share of a ViT's patches left out; off: it costs small models
    gradient_checkpointing: bool = False  # less memory for a third more time: only where memory is short
    clip_norm: float = Field(0.0, ge=0)  # bound on the gradient's norm; 0: none, as in the CLIP paper
    ema: float = Field(0.0, ge=0, lt=1)  # decay of the averaged weights, which are then the result; 0: the last ones

    evaluations: int = Field(5, ge=0)  # validations during the run, evenly spaced, the last at its end
    select_by: str = ""  # metric of the validations by which the best weights are kept; empty: the last ones
    keep_best: int = Field(1, ge=1)  # how many of the best are kept
    checkpoint_seconds: float = Field(30.0, ge=0)  # at most this much work is lost when a run is killed
    loggers: tuple[Literal["tensorboard", "wandb"], ...] = ()  # beside the table, which is always there
    seed: int = 0

    accelerator: Literal["cpu", "cuda", "mps"] = "cpu"  # named, never guessed: no silent fallback
    devices: int = Field(1, ge=1)  # processes per node
    nodes: int = Field(1, ge=1)
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"  # ddp where there are several processes
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"  # bf16 is many times slower on CPUs without AMX
    tf32: bool = False  # matrix products of a GPU in 19 bits: quicker, and no longer the same as on a CPU
    compile: bool = False  # costs a minute at the start, so only long runs on a GPU gain

    @model_validator(mode="after")
    def _consistent(self):
        if not self.sources or any(weight <= 0 for weight in self.sources.values()):
            raise ValueError("name at least one source, each with a weight above 0")
        if self.batch % self.processes:
            raise ValueError(f"batch {self.batch} is not a multiple of the {self.processes} processes")
        if self.samples < self.batch:
            raise ValueError(f"samples {self.samples} are fewer than one batch of {self.batch}")
        if (self.loss == "fields") != bool(self.fields):
            raise ValueError("loss=fields and fields={name: weight} go together")
        if any(weight <= 0 for weight in self.fields.values()):
            raise ValueError("each of the fields needs a weight above 0")
        if self.image_blocks == 0 and self.text_blocks == 0:
            raise ValueError("image_blocks=0 and text_blocks=0 lock both towers: nothing is left to train")
        if self.patch_dropout and self.image_blocks == 0:
            raise ValueError("patch_dropout needs a trained image tower, and image_blocks=0 locks it")
        if self.select_by and not self.evaluations:
            raise ValueError("select_by needs evaluations above 0")
        if self.strategy == "fsdp" and (self.ema or self.accelerator != "cuda"):
            raise ValueError("strategy=fsdp needs accelerator=cuda and ema=0: no process holds all weights to average")
        return self

    @property
    def processes(self) -> int:
        """Processes that share each batch."""
        return self.devices * self.nodes

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.samples // self.batch

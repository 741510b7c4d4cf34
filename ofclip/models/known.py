"""The models that reviewers will look for: what each is, its terms, where it comes from, and whether it is here.

Facts were read in repositories, model cards and open_clip's own list; a question mark stands behind what was not
seen on the original files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ofclip.models.activations import GELU, QUICK_GELU, activation

#: Where files and folders of others are looked for, below the current folder.
FOLDER = Path("models")
HUB = "https://huggingface.co/"
#: What says that a hub's model has been fetched: its weights, under one of these names.
WEIGHTS = (
    "open_clip_model.safetensors", "open_clip_pytorch_model.bin", "model.safetensors", "pytorch_model.bin",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A model that can be loaded: `load` is what `load_model` takes, once it is there or the hub can be reached.

    `file` is its name below FOLDER if it is a file, `repository` its name on the hub if it is there.
    """

    name: str
    title: str
    load: str
    architecture: str
    activation: str
    base: str
    terms: str
    obtain: str
    file: str = ""
    repository: str = ""
    home: str = ""
    notes: tuple[str, ...] = ()


LAION = "LAION-2B ViT-B/32"
MODELS = {
    model.name: model
    for model in (
        Known(
            "openfashionclip",
            "OpenFashionCLIP (Cartella et al., ICIAP 2023)",
            "models/finetuned_clip.pt",
            "ViT-B-32",
            GELU,
            LAION,
            "CC BY-NC 4.0",
            "github.com/aimagelab/open-fashion-clip/releases/download/open-fashion-clip/finetuned_clip.pt",
            file="finetuned_clip.pt",
            home="https://github.com/aimagelab/open-fashion-clip",
            notes=('Weights are under the key "CLIP".', 'At test time "a photo of a " stands before a text.'),
        ),
        Known(
            "fashionclip-2",
            "FashionCLIP 2.0 (Chia et al., Scientific Reports 2022; version of March 2023)",
            "patrickjohncyh/fashion-clip",
            "ViT-B-32",
            f"{QUICK_GELU}?",
            LAION,
            "MIT",
            "from the hub",
            repository="patrickjohncyh/fashion-clip",
            home=HUB + "patrickjohncyh/fashion-clip",
            notes=(
                "Its config.json seems to be that of version 1.0 and to leave hidden_act at QuickGELU, while the "
                "weights that it was fine-tuned from have GELU. It is loaded as config.json says, as transformers "
                "loads it, and a warning says so.",
            ),
        ),
        Known(
            "fashionclip-1",
            "FashionCLIP 1.0 (Chia et al., Scientific Reports 2022)",
            "a folder in Hugging Face's format",
            "ViT-B-32-quickgelu",
            QUICK_GELU,
            "OpenAI ViT-B/32",
            "MIT",
            "a revision of the hub's patrickjohncyh/fashion-clip from before March 2023?",
            home="https://github.com/patrickjohncyh/fashion-clip",
        ),
        Known(
            "laion2b",
            "LAION-2B's ViT-B/32: what OpenFashionCLIP and FashionCLIP 2.0 start from",
            "ViT-B-32/laion2b_s34b_b79k",
            "ViT-B-32",
            GELU,
            "",
            "MIT",
            "from the hub",
            repository="laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
            home=HUB + "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        ),
        Known(
            "openai",
            "OpenAI's ViT-B/32: what FashionCLIP 1.0 starts from",
            "ViT-B-32-quickgelu/openai",
            "ViT-B-32-quickgelu",
            QUICK_GELU,
            "",
            "MIT?",
            "from the hub",
            repository="timm/vit_base_patch32_clip_224.openai",
            home="https://github.com/openai/CLIP",
            notes=("Under plain GELU (ViT-B-32) the same weights load and score differently: a warning says so.",),
        ),
        Known(
            "marqo-fashionclip",
            "Marqo-FashionCLIP (2024)",
            "hf-hub:Marqo/marqo-fashionCLIP",
            "ViT-B-16",
            f"{GELU}?",
            "LAION-2B ViT-B/16",
            "Apache-2.0",
            "from the hub",
            repository="Marqo/marqo-fashionCLIP",
            home=HUB + "Marqo/marqo-fashionCLIP",
        ),
        Known(
            "marqo-fashionsiglip",
            "Marqo-FashionSigLIP (2024)",
            "hf-hub:Marqo/marqo-fashionSigLIP",
            "ViT-B-16-SigLIP",
            f"{GELU}?",
            "WebLI ViT-B/16 SigLIP",
            "Apache-2.0",
            "from the hub",
            repository="Marqo/marqo-fashionSigLIP",
            home=HUB + "Marqo/marqo-fashionSigLIP",
            notes=("Its tokenizer needs the package transformers, which is not installed with this one.",),
        ),
    )
}


def here(model: Known, folder: Path = FOLDER) -> str:
    """Return the path of a model that is here, in `folder` or in the hub's cache, or an empty text."""
    if model.file:
        return str(folder / model.file) if (folder / model.file).is_file() else ""
    if not model.repository:
        return ""
    if any((folder / model.repository / name).is_file() for name in WEIGHTS):
        return str(folder / model.repository)

    from huggingface_hub import try_to_load_from_cache

    found = (try_to_load_from_cache(model.repository, name) for name in WEIGHTS)
    return next((str(Path(path).parent) for path in found if isinstance(path, str)), "")


def ours(root: Path) -> Iterator[Known]:
    """Yield the models that runs below `root` have trained, by what their files say of themselves."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(root.glob("work/*/*/*/weights.safetensors")):
        try:
            with safe_open(path, framework="numpy") as file:
                header = file.metadata() or {}
        except (OSError, SafetensorError):
            continue  # half written by a run that goes on: not yet to be loaded
        if architecture := header.get("architecture"):
            profile, experiment, source = path.relative_to(root).parts[1:4]
            yield Known(
                f"{profile}/{source}", f"Trained by {experiment} on {source}", str(path.relative_to(root)),
                architecture, activation(architecture), "", "this package's", f"ofclip run {experiment}",
                file=str(path.relative_to(root)),
            )  # fmt: skip

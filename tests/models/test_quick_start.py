"""The steps of OpenFashionCLIP's published example, and the same numbers through this package."""

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from PIL import Image

from ofclip.catalog import Catalog
from ofclip.embeddings import embed
from ofclip.models import build_model, load_model
from ofclip.models.activations import variant
from ofclip.tasks.prompts import prompt_vectors
from ofclip.text.templates import TEST
from ofclip.tree import Tree

GARMENTS = ["blue cowl neck maxi-dress", "red t-shirt", "white shirt"]


@pytest.fixture
def photograph(tmp_path):
    """A portrait JPEG, larger than the model's input by more than a JPEG may be reduced by in decoding."""
    coarse = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    path = tmp_path / "dress.jpg"
    Image.fromarray(coarse).resize((700, 1050), Image.Resampling.BICUBIC).save(path, quality=92)
    return path


def official(checkpoint, photograph, architecture):
    """Probabilities of the garments, as quick_start.py of aimagelab/open-fashion-clip computes them."""
    clip, _, transform = open_clip.create_model_and_transforms(architecture)
    clip.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["CLIP"])
    clip.eval()
    tokens = open_clip.get_tokenizer(architecture.replace("/", "-"))([f"a photo of a {text}" for text in GARMENTS])
    with torch.no_grad():
        picture = clip.encode_image(transform(Image.open(photograph)).unsqueeze(0))
        texts = clip.encode_text(tokens)
        picture, texts = (vectors / vectors.norm(dim=-1, keepdim=True) for vectors in (picture, texts))
        return (100 * picture @ texts.T).softmax(dim=-1)[0].numpy()


def ours(checkpoint, photograph, architecture=None):
    model = load_model(checkpoint, architecture=architecture)
    products = pd.DataFrame({"id": ["dress"], "split": ["test"], "group": ["dress"], "texts": [("a dress",)]})
    catalog = Catalog("one photograph", products, Tree(photograph.parent).images([photograph.name]))
    classes = prompt_vectors(model.encode_texts, GARMENTS, [TEST])
    scores = 100 * embed(model, catalog, cache=False).images @ classes.T
    odds = np.exp(scores[0] - scores[0].max())
    return odds / odds.sum()


def generated(path, architecture):
    """Write a checkpoint in the release's format, with weights that tell garments apart; fresh ones hardly do."""
    clip = build_model(architecture).clip
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in clip.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1 if parameter.ndim < 2 else 0.02)
    torch.save({"CLIP": clip.state_dict()}, path)
    return path


def test_the_published_examples_numbers_come_out_the_same(tmp_path, photograph):
    checkpoint = generated(tmp_path / "finetuned_clip.pt", "ViT-B-32")
    expected = official(checkpoint, photograph, "ViT-B/32")
    assert expected.max() - expected.min() > 0.01, "weights that tell nothing apart would hide a difference"
    np.testing.assert_allclose(ours(checkpoint, photograph), expected, atol=1e-5)


def test_another_activation_gives_other_numbers(tmp_path, photograph):
    checkpoint = generated(tmp_path / "finetuned_clip.pt", "ViT-S-32-alt")
    expected = official(checkpoint, photograph, "ViT-S-32-alt")
    np.testing.assert_allclose(ours(checkpoint, photograph, "ViT-S-32-alt"), expected, atol=1e-5)
    found = ours(checkpoint, photograph, variant("ViT-S-32-alt", "quick_gelu"))
    assert np.abs(found - expected).max() > 1e-4

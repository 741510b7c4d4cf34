"""Class vectors: what stands for a class when no classifier is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.vectors import unit


def prompt_vectors(
    encode_text: Callable[[list[str]], np.ndarray], classes: Sequence[str], templates: Sequence[str]
) -> np.ndarray:
    """Return one unit vector per class, (C, d): the mean of its unit vectors in all templates, renormalised.

    Radford et al. 2021 (arXiv 2103.00020), section 3.1.4; with one template it is the prompt's own vector.
    `encode_text` maps a list of texts to vectors (len, d). Raises SettingError for no class, no template,
    a template without {}, and for vectors that are zero or not finite.
    """
    if not len(classes) or not len(templates):
        raise SettingError("zero-shot needs at least one class and one prompt template")
    for template in templates:
        if "{}" not in template:
            raise SettingError(f"prompt template {template!r} has no {{}} for the class name")
    prompts = [template.replace("{}", name) for template in templates for name in classes]
    vectors = unit("prompts", encode_text(prompts)).reshape(len(templates), len(classes), -1)
    return unit("classes", vectors.mean(axis=0))

"""Class vectors: what stands for a class when no classifier is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ofclip.errors import SettingError
from ofclip.metrics.vectors import unit


def prompt_vectors(
    encode_text: Callable[[list[str]], np.ndarray], classes: Sequence[str | Sequence[str]], templates: Sequence[str]
) -> np.ndarray:
    """Return one unit vector per class, (C, d): the mean of those of its names in all templates, renormalised.

    Radford et al. 2021 (arXiv 2103.00020), section 3.1.4; with one name and one template it is the prompt's
    own vector. A class is a name or several. `encode_text` maps a list of texts to vectors (len, d). Raises
    SettingError for no class, a class without name, no template, a template without {}, and for vectors
    that are zero or not finite.
    """
    if not len(classes) or not len(templates):
        raise SettingError("zero-shot needs at least one class and one prompt template")
    for template in templates:
        if "{}" not in template:
            raise SettingError(f"prompt template {template!r} has no {{}} for the class name")
    names = [[one] if isinstance(one, str) else list(one) for one in classes]
    if not all(names):
        raise SettingError(f"class number {names.index([]) + 1} has no name")
    prompts = [template.replace("{}", name) for own in names for name in own for template in templates]
    vectors = unit("prompts", encode_text(prompts))
    starts = np.cumsum([0, *(len(own) * len(templates) for own in names[:-1])])
    return unit("classes", np.add.reduceat(vectors, starts, axis=0))

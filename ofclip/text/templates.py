"""Fashion-context prompt templates: drawn at random while training, one fixed at test time.

OpenFashionCLIP trains with templates "drawn at random" of which three are printed; they come first.
The others are our choice: the same pattern for the kinds of picture that the training sets hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from ofclip.errors import SettingError

#: The template at test time, as OpenFashionCLIP's inference uses it.
TEST = "a photo of a {}"

#: The template that leaves a text as it is.
PLAIN = "{}"

#: Templates drawn at random while training.
TRAINING = (
    "a fashion catalog photo of a {}",  # OpenFashionCLIP
    "a zalando photo of a {}",  # OpenFashionCLIP
    "a fashion studio shot of a {}",  # OpenFashionCLIP
    "a photo of a {}",  # the test template must be familiar
    "a picture of a {}",
    "a product photo of a {}",
    "a studio photo of a {}",
    "a shop photo of a {}",
    "an online shop picture of a {}",
    "a fashion magazine photo of a {}",
    "a lookbook photo of a {}",
    "a close-up photo of a {}",
    "a cropped photo of a {}",
    "a street style photo of a {}",
    "a photo of someone wearing a {}",
    "a model wearing a {}",
    "a {} on a plain background",
)

#: Templates whose vectors are averaged when zero-shot classification asks for an ensemble.
ENSEMBLE = TRAINING


def check(template: str) -> str:
    """Return the template, or raise SettingError unless it has exactly one {} as a word of its own.

    >>> check("a photo of a {}")
    'a photo of a {}'
    """
    if template.count("{}") != 1 or any(ch in "{}" for ch in template.replace("{}", "")):
        raise SettingError(f"template {template!r} must contain {{}} exactly once, as in 'a photo of a {{}}'")
    before, after = template.split("{}")
    if (before and not before[-1].isspace()) or (after and not after[0].isspace()):
        raise SettingError(f"template {template!r}: {{}} must stand apart from other words by spaces")
    return template


def fill(template: str, texts: Sequence[str]) -> list[str]:
    """Return each text in the template.

    >>> fill("a photo of a {}", ["red dress"])
    ['a photo of a red dress']
    """
    before, after = check(template).split("{}")
    return [before + text + after for text in texts]

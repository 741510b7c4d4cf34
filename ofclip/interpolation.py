"""Interpolation between the weights before and after fine-tuning."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from ofclip.errors import SettingError
from ofclip.models import Model

if TYPE_CHECKING:
    import torch


def interpolate(start: Model, end: Model, alpha: float) -> Model:
    """Return the model whose weights are (1 - alpha) * start + alpha * end, of WiSE-FT (Wortsman et al. 2022).

    A model that was fine-tuned is better on its own data and worse elsewhere than the one it started from;
    between the two there is often a model that is good at both. `alpha` runs from 0, which gives the start, to
    1, which gives the end, both to the bit. In between, every weight is blended in double precision and rounded
    once, and so are the running statistics of batch norms (our choice, so that they stay with their weights);
    counts are the end's. `logit_scale` is blended as it is stored, as a logarithm, so the factor is the weighted
    geometric mean of the two. Pictures are fitted ("pad" or "crop") as for the end. Neither model is changed.

    Raises SettingError for an `alpha` outside [0, 1], and for models that differ in architecture, in size or
    levels of their inputs, or in the name or shape of a weight.
    """
    if not 0 <= alpha <= 1:
        raise SettingError(f"alpha {alpha}: must be between 0, which gives the start, and 1, which gives the end")
    first, last = start.clip.state_dict(), end.clip.state_dict()
    _compare(start, end, first, last)
    if alpha in (0, 1):
        clip = copy.deepcopy(end.clip if alpha else start.clip)
    else:
        clip = copy.deepcopy(end.clip)
        clip.load_state_dict({name: _blend(first[name], value, alpha) for name, value in last.items()})
    clip.eval()
    made = {"alpha": alpha, "start": start.fingerprint, "end": end.fingerprint}
    name = f"{start.name} to {end.name}, alpha {alpha:g}"
    notes = {**end.notes, "name": name, "interpolation": made}
    return Model(clip, end.architecture, end.preprocess, name, notes)


def _blend(first: torch.Tensor, last: torch.Tensor, alpha: float) -> torch.Tensor:
    if not last.is_floating_point():
        return last
    return ((1 - alpha) * first.to(last.device).double() + alpha * last.double()).to(last.dtype)


def _compare(start: Model, end: Model, first: dict[str, torch.Tensor], last: dict[str, torch.Tensor]) -> None:
    """Raise SettingError for the first thing in which two models differ."""
    if start.architecture != end.architecture:
        raise SettingError(
            f"{start.name} is a {start.architecture} and {end.name} a {end.architecture}: "
            "only weights of one architecture can be interpolated"
        )
    # how a picture is fitted is not in the weights: the same ones are at home with padded and cropped pictures
    inputs = [{**vars(model.preprocess), "how": None} for model in (start, end)]
    if differ := [name for name, value in inputs[0].items() if value != inputs[1][name]]:
        raise SettingError(
            f"{start.name} and {end.name} differ in the {' and '.join(differ)} of their pictures: weights between "
            "the two would fit neither; interpolate from the weights that training started with"
        )
    shapes = [{name: tuple(value.shape) for name, value in state.items()} for state in (first, last)]
    for name in sorted(set(first) | set(last)):
        if shapes[0].get(name) != shapes[1].get(name):
            raise SettingError(
                f"{name} is {shapes[0].get(name, 'missing')} in {start.name} and {shapes[1].get(name, 'missing')} "
                f"in {end.name}: only weights of one architecture can be interpolated"
            )

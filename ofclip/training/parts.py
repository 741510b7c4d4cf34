"""Parts of a model: which layers are trained, at which rate, with which norms in eval mode, and what they drop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Literal, NamedTuple

import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import PatchDropout, TextTransformer, VisionTransformer
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm  # the base of all, of timm's and the synchronised too

from ofclip.errors import SettingError
from ofclip.models.model import Clip

Tower = Literal["image", "text"]
TEMPERATURE = ("logit_scale", "logit_bias")  # of neither tower
KNOWN = "known are open_clip's VisionTransformer, ModifiedResNet and TextTransformer, and timm's with blocks or stages"
#: Under these names timm's models keep their blocks, or stages of blocks.
TIMM_BLOCKS = ("blocks", "stages", "layers")


class Layer(NamedTuple):
    """A layer of a tower: its name, such as "image block 3", and its parameters by their names in the model."""

    name: str
    parameters: dict[str, torch.nn.Parameter]


def layers(clip: Clip, tower: Tower) -> list[Layer]:
    """Return the layers of one tower from bottom to top: the stem, each block, and the head.

    The stem is everything before the first block, embeddings included; the head is the final norm, the pooling
    and the projection. A residual network's blocks are its bottlenecks, over all four stages. Every parameter
    of the tower is in exactly one layer. Raises SettingError for a tower whose build is not known.
    """
    _check(clip)
    parameters = dict(clip.named_parameters())
    parts = _split_timm(clip.visual) if tower == "image" and _is_timm(clip.visual) else _split(clip, tower)
    titles = ["stem", *(f"block {i}" for i in range(len(parts) - 2)), "head"]
    return [
        Layer(f"{tower} {title}", {name: parameters[name] for name in part})
        for title, part in zip(titles, parts, strict=True)
    ]


def tower_of(name: str) -> Tower | None:
    """Return the tower of a parameter or module of an open_clip model by its name; None for the temperature.

    >>> tower_of("visual.conv1.weight"), tower_of("token_embedding.weight"), tower_of("logit_scale")
    ('image', 'text', None)
    """
    first = name.partition(".")[0]
    return None if first in TEMPERATURE else "image" if first == "visual" else "text"


def freeze(clip: Clip, image_blocks: int | None = None, text_blocks: int | None = None) -> list[str]:
    """Decide by `requires_grad` what is trained, and return its names, compressed.

    Of each tower None trains all, 0 nothing (locked, as the image tower in LiT, Zhai et al. 2022), and n the
    last n blocks and the head. Temperature and bias are always trained. Calling it again starts anew, but
    what was fixed when it first saw the model (such as sine-cosine position embeddings) stays fixed. open_clip's
    own `lock` is not used: it counts in groups that differ between towers, and a residual network's cannot be
    locked in part. Raises SettingError if a tower has fewer blocks, or if both towers would be locked.

    A name stands for all below it, and a range for neighbours: "visual.transformer.resblocks.10-11".
    """
    _check(clip)
    if image_blocks == text_blocks == 0:
        raise SettingError("image_blocks and text_blocks are both 0: nothing is left to train; unlock one tower")
    if not hasattr(clip, "_fixed"):  # kept on the model, so that copies of it know too
        clip._fixed = frozenset(name for name, p in clip.named_parameters() if not p.requires_grad)
    chosen = {name for name, _ in clip.named_parameters()} - clip._fixed
    chosen -= set(_locked(clip, "image", "image_blocks", image_blocks))
    chosen -= set(_locked(clip, "text", "text_blocks", text_blocks))
    for name, parameter in clip.named_parameters():
        parameter.requires_grad_(name in chosen)
    return compress(chosen, [name for name, _ in clip.named_parameters()])


def modes(clip: Clip, frozen_norms: bool = False) -> list[str]:
    """Put the model into training mode but for what is locked, and return its batch norms in eval mode, compressed.

    A tower without a trained parameter is put into eval mode as a whole, so that nothing is dropped in it. Of
    the others, batch norms that are not trained go on with the statistics they have: with those of the batch, a
    locked layer's output would change all the same. `frozen_norms` does so to every batch norm, for a batch too
    small for statistics. Layer norms compute the same in both modes and are not named. Call it after `freeze`,
    and again after each evaluation, which leaves the model in eval mode.
    """
    clip.train()
    trained = {tower_of(name) for name, p in clip.named_parameters() if p.requires_grad}
    for name, module in clip.named_children():
        if tower_of(name) not in trained:
            module.eval()
    norms = {name: module for name, module in clip.named_modules() if isinstance(module, BatchNorm)}
    for name, norm in norms.items():
        own = list(norm.parameters()) or list(clip.get_submodule(name.rpartition(".")[0]).parameters())
        if frozen_norms or not any(p.requires_grad for p in own):
            norm.eval()
    return compress({name for name, norm in norms.items() if not norm.training}, norms)


def parameter_groups(clip: Clip, weight_decay: float, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """Return the trained parameters as an optimizer's groups, each with "weight_decay", "share" and "name".

    Which parameters decay is open_clip's rule in training: not those of fewer than two dimensions (the class
    embedding is one), nor those with "bn", "ln", "bias" or "logit_scale" in their names; position and token
    embeddings do decay. `share` is what the learning rate is to be multiplied with: `layer_decay` to the power
    of a layer's depth below its tower's head (Clark et al. 2020). As in BEiT (Bao et al. 2021) the head has 1
    and the last block `layer_decay`; the temperature has 1 too (our choice). Without such a decay there are just
    two groups. They come in the order of the layers, from the bottom, image tower first; empty ones are left out.

    Raises SettingError for a `layer_decay` outside (0, 1], or below 1 with a tower whose layers are not known.
    """
    if not 0 < layer_decay <= 1:
        raise SettingError(f"layer_decay {layer_decay}: must be above 0 and at most 1, which turns it off")
    parameters = dict(clip.named_parameters())
    if layer_decay == 1:
        parts = [("all", 1.0, parameters)]
    else:
        parts = [
            (layer.name, layer_decay**depth, layer.parameters)
            for tower in ("image", "text")
            for depth, layer in reversed(list(enumerate(reversed(layers(clip, tower)))))
        ]
        parts.append(("temperature", 1.0, {name: parameters[name] for name in TEMPERATURE if name in parameters}))
    groups = []
    for title, share, part in parts:
        for label, decay in (("", weight_decay), (", no decay", 0.0)):
            own = [p for name, p in part.items() if p.requires_grad and decays(name, p) == (not label)]
            if own:
                groups.append({"params": own, "weight_decay": decay, "share": share, "name": f"{title}{label}"})
    return groups


def decays(name: str, parameter: torch.Tensor) -> bool:
    """Return whether weight decay is for this parameter, by the rule of open_clip's training script.

    >>> decays("positional_embedding", torch.zeros(5, 2)), decays("visual.proj", torch.zeros(2))
    (True, False)
    """
    return parameter.ndim >= 2 and not any(word in name for word in ("bn", "ln", "bias", "logit_scale"))


def patch_dropout(clip: Clip, share: float) -> None:
    """Make the image tower drop this share of its patches at random while it trains (Li et al. 2023, FLIP).

    0 drops none. The class token is never dropped. The draw is from the CPU's generator for open_clip's own
    towers and from the device's for timm's. Raises SettingError for a share outside [0, 1), for a tower other
    than a ViT, and for a locked tower, which drops nothing.
    """
    _check(clip)
    if not 0 <= share < 1:
        raise SettingError(f"patch_dropout {share}: must be at least 0 and below 1")
    visual = clip.visual
    if share and not any(p.requires_grad for p in visual.parameters()):
        raise SettingError("patch_dropout: the image tower is locked and drops nothing; set it to 0, or unlock it")
    if isinstance(visual, VisionTransformer):
        visual.patch_dropout = PatchDropout(share) if share else torch.nn.Identity()
        return
    if isinstance(visual, TimmModel):
        import timm

        if isinstance(visual.trunk, timm.models.VisionTransformer):
            trunk: Any = visual.trunk  # timm's types know one class alone for what drops patches
            dropped = timm.layers.PatchDropout(share, trunk.num_prefix_tokens) if share else torch.nn.Identity()
            trunk.patch_drop = dropped
            return
    if share:
        raise SettingError(f"patch_dropout: {_kind(visual)} cannot drop patches; set it to 0, or take a ViT")


def gradient_checkpointing(clip: Clip) -> None:
    """Keep each block's input only and compute the rest again in the backward pass (Chen et al. 2016).

    It is open_clip's, and gradients stay the same. Raises SettingError where open_clip would silently do
    nothing: for a residual network, and for a model of timm's that has none.
    """
    _check(clip)
    visual = clip.visual
    if isinstance(visual, ModifiedResNet):
        raise SettingError("gradient_checkpointing: open_clip has none for a ModifiedResNet; use micro_batch instead")
    if isinstance(visual, TimmModel):
        try:
            visual.trunk.set_grad_checkpointing(True)
        except (AssertionError, AttributeError) as error:
            raise SettingError(
                f"gradient_checkpointing: timm has none for {_kind(visual)}; use micro_batch instead"
            ) from error
    clip.set_grad_checkpointing(True)


def compress(chosen: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return dotted names in fewer words: a name for all below it, if all are chosen, and a range for neighbours.

    >>> compress({"a.0.w", "a.1.w", "a.1.b", "c.w"}, ["a.0.w", "a.1.w", "a.1.b", "a.2.w", "c.w", "c.b"])
    ['a.0-1', 'c.w']
    """
    chosen, known = set(chosen), list(known)
    partial = {prefix for name in known if name not in chosen for prefix in _prefixes(name)}
    tops = dict.fromkeys(next(p for p in _prefixes(name) if p not in partial) for name in known if name in chosen)
    numbered: list[tuple[str, Any]] = []  # a name and None, or the name above a number and the number
    for top in tops:
        base, _, last = top.rpartition(".")
        numbered.append((base, int(last)) if last.isdigit() else (top, None))
    found = []
    for base, run in groupby(numbered, key=lambda entry: entry[0]):
        numbers = [number for _, number in run]
        if numbers[0] is None:
            found.append(base)
            continue
        # neighbours are those whose number minus place is the same
        for _, pairs in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            row = [number for _, number in pairs]
            found.append(f"{base}.{row[0]}" + (f"-{row[-1]}" if len(row) > 1 else ""))
    return found


def _prefixes(name: str) -> list[str]:
    words = name.split(".")
    return [".".join(words[: i + 1]) for i in range(len(words))]


def _locked(clip: Clip, tower: Tower, setting: str, n: int | None) -> Iterator[str]:
    """Yield the names of a tower's parameters that are not trained."""
    if n is None:
        return
    if n == 0:  # needs no knowledge of the layers
        yield from (name for name, _ in clip.named_parameters() if tower_of(name) == tower)
        return
    stack = layers(clip, tower)
    blocks = len(stack) - 2
    if not 0 < n <= blocks:
        raise SettingError(f"{setting} {n}: the {tower} tower has {blocks} blocks; name 0 to {blocks}, or none for all")
    for layer in stack[: -n - 1]:
        yield from layer.parameters


def _split(clip: Clip, tower: Tower) -> list[list[str]]:
    """Return the names of a tower's parameters, layer by layer, for the towers that are open_clip's own."""
    inside = {"image": "visual.", "text": "text." if isinstance(clip, CustomTextCLIP) else ""}[tower]
    module = clip.get_submodule(inside.rstrip("."))
    head: tuple[str, ...]
    if isinstance(module, (CLIP, TextTransformer)):
        head = ("ln_final", "text_projection")
    elif isinstance(module, VisionTransformer):
        head = ("attn_pool", "attn_pool_contrastive", "ln_post", "proj")
    elif isinstance(module, ModifiedResNet):
        head = ("attnpool",)
    else:
        raise SettingError(f"the layers of {_kind(module)} are not known: train or lock the whole tower; {KNOWN}")
    if isinstance(module, ModifiedResNet):
        blocks = [f"layer{stage}.{i}" for stage in range(1, 5) for i in range(len(getattr(module, f"layer{stage}")))]
    else:
        blocks = [f"transformer.resblocks.{i}" for i in range(len(module.transformer.resblocks))]
    number = {f"{inside}{block}.": i for i, block in enumerate(blocks, start=1)}
    parts: list[list[str]] = [[] for _ in range(len(blocks) + 2)]
    for name, _ in clip.named_parameters():
        if tower_of(name) == tower:
            place = next((i for block, i in number.items() if name.startswith(block)), None)
            in_head = name.removeprefix(inside).partition(".")[0] in head
            parts[-1 if in_head else place or 0].append(name)
    return parts


def _is_timm(visual: torch.nn.Module) -> bool:
    return isinstance(visual, TimmModel) and any(hasattr(visual.trunk, name) for name in TIMM_BLOCKS)


def _split_timm(visual: TimmModel) -> list[list[str]]:
    """Return the names of the parameters, layer by layer, of a model of timm's.

    timm registers parts in the order of their use, so what comes before the blocks is the stem, and what after
    them the head; what a stage has in front of its blocks, such as a downsampling, goes with its first block.
    timm's own `group_matcher` is not asked: it counts the norm before the blocks of CLIP's ViT to the last one.
    """
    container = next(name for name in TIMM_BLOCKS if hasattr(visual.trunk, name))
    staged = any(hasattr(part, "blocks") for part in visual.trunk.get_submodule(container).children())
    block = re.compile(rf"trunk\.{container}\.\d+" + (r"\.blocks\.\d+" if staged else "") + r"\.")
    parts: list[list[str]] = [[]]
    waiting: list[str] = []
    current = None
    for name, _ in visual.named_parameters():
        found = block.match(name)
        if found and found[0] != current:
            current = found[0]
            parts.append(waiting)
            waiting = []
        if found:
            parts[-1].append(f"visual.{name}")
        elif current is None and not name.startswith(f"trunk.{container}."):
            parts[0].append(f"visual.{name}")
        else:
            waiting.append(f"visual.{name}")
    return [*parts, waiting]


def _kind(module: torch.nn.Module) -> str:
    return f"timm's {type(module.trunk).__name__}" if isinstance(module, TimmModel) else type(module).__name__


def _check(clip: Clip) -> None:
    if not isinstance(clip, (CLIP, CustomTextCLIP)):
        raise SettingError(f"a {type(clip).__name__} has towers that are not known: take a CLIP or CustomTextCLIP")

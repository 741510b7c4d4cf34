from __future__ import annotations

import copy

import open_clip
import pytest
import torch
from open_clip.transformer import PatchDropout

from ofclip.errors import SettingError
from ofclip.training import parts

TEXT = {"context_length": 6, "vocab_size": 50, "width": 16, "heads": 2, "layers": 3}
VIT = {"image_size": 16, "patch_size": 4, "width": 16, "layers": 4, "head_width": 8}
RESNET = {"image_size": 32, "layers": [1, 2, 1, 1], "width": 4, "head_width": 64, "patch_size": None}


def timm(name: str, size: int = 32) -> dict:
    return {"image_size": size, "timm_model_name": name, "timm_model_pretrained": False, "timm_pool": "",
            "timm_proj": "linear"}  # fmt: skip


BUILDS = {
    "vit": lambda: open_clip.CLIP(8, VIT, TEXT, init_logit_bias=-10.0),
    "resnet": lambda: open_clip.CLIP(8, RESNET, TEXT),
    "own text": lambda: open_clip.CustomTextCLIP(8, VIT, TEXT),
    "convnext": lambda: open_clip.CustomTextCLIP(8, timm("test_convnext"), TEXT),
    "timm vit": lambda: open_clip.CustomTextCLIP(8, timm("test_vit", 160), TEXT),
    "timm pre-norm": lambda: open_clip.CustomTextCLIP(8, timm("vit_pe_core_tiny_patch16_384", 384), TEXT),
    "unknown": lambda: open_clip.CustomTextCLIP(8, timm("resnet18"), TEXT),
}
RUN = ["vit", "resnet", "own text", "convnext", "timm vit"]  # small enough to be run
KNOWN = [*RUN, "timm pre-norm"]


@pytest.fixture(scope="module")
def built() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    return {name: build() for name, build in BUILDS.items()}


@pytest.fixture
def clip(request, built):
    return copy.deepcopy(built[request.param])


def of(*names):
    return pytest.mark.parametrize("clip", names, indirect=True, ids=names)


def inputs(clip, n=3):
    size = clip.visual.image_size
    generator = torch.Generator().manual_seed(1)
    side = size if isinstance(size, int) else size[0]
    texts = torch.randint(1, TEXT["vocab_size"], (n, TEXT["context_length"]), generator=generator)
    return torch.rand(n, 3, side, side, generator=generator), texts


def gradients(clip) -> dict[str, torch.Tensor]:
    clip.zero_grad()
    torch.manual_seed(5)
    images, texts, scale, *_ = clip(*inputs(clip))
    (scale * images @ texts.T).log_softmax(1).diagonal().sum().backward()
    return {name: p.grad for name, p in clip.named_parameters() if p.grad is not None}


@of(*KNOWN)
def test_every_parameter_is_in_exactly_one_layer(clip):
    found = [name for tower in ("image", "text") for layer in parts.layers(clip, tower) for name in layer.parameters]
    named = dict(clip.named_parameters())
    assert sorted(found) == sorted(set(named) - set(parts.TEMPERATURE))
    assert all(named[n] is p for layer in parts.layers(clip, "text") for n, p in layer.parameters.items())


@pytest.mark.parametrize(
    ("name", "blocks", "stem", "last", "head"),
    [
        ("vit", 4, "visual.class_embedding", "visual.transformer.resblocks.3", ["visual.proj", "visual.ln_post"]),
        ("resnet", 5, "visual.bn3.weight", "visual.layer4.0", ["visual.attnpool"]),
        ("convnext", 9, "visual.trunk.stem.0.weight", "visual.trunk.stages.3.blocks.1",
         ["visual.trunk.head", "visual.head"]),
        ("timm pre-norm", 12, "visual.trunk.norm_pre.weight", "visual.trunk.blocks.11",
         ["visual.trunk.norm", "visual.trunk.attn_pool", "visual.head"]),
    ],
)  # fmt: skip
def test_the_layers_of_an_image_tower(built, name, blocks, stem, last, head):
    stack = parts.layers(built[name], "image")
    known = [n for n, _ in built[name].named_parameters()]
    assert [layer.name for layer in stack] == [
        "image stem", *(f"image block {i}" for i in range(blocks)), "image head"
    ]  # fmt: skip
    assert stem in stack[0].parameters
    assert all(n.startswith(f"{last}.") for n in stack[-2].parameters)
    assert parts.compress(stack[-1].parameters, known) == head


def test_a_downsampling_goes_with_the_block_behind_it(built):
    (layer,) = (each for each in parts.layers(built["convnext"], "image") if each.name == "image block 3")
    stages = {name.partition(".downsample")[0] for name in layer.parameters if "downsample" in name}
    assert stages == {"visual.trunk.stages.2"}
    assert any(name.startswith("visual.trunk.stages.2.blocks.0.") for name in layer.parameters)


@of(*RUN)
def test_only_what_is_named_has_a_gradient_and_below_it_nothing_is_kept(clip):
    """The second half is what locking saves: no graph is built below the lowest trained block."""
    reached = []
    stack = parts.layers(clip, "image")
    low = clip.get_submodule(next(iter(stack[-3].parameters)).rpartition(".")[0])  # in the block below the last
    low.register_forward_hook(lambda module, args, output: reached.append(output.requires_grad))
    parts.freeze(clip, image_blocks=1, text_blocks=2)
    expected = {
        name
        for layer in [*stack[-2:], *parts.layers(clip, "text")[-3:]]
        for name in layer.parameters
    } | {"logit_scale", "logit_bias"} & {name for name, _ in clip.named_parameters()}  # fmt: skip
    assert {name for name, p in clip.named_parameters() if p.requires_grad} == expected
    parts.modes(clip)
    assert set(gradients(clip)) == expected - {"logit_bias"}
    assert reached == [False]


def test_the_names_of_what_is_trained(built):
    vit, resnet = copy.deepcopy(built["vit"]), copy.deepcopy(built["resnet"])
    assert parts.freeze(vit, 2, 0) == [
        "logit_scale", "logit_bias", "visual.proj", "visual.transformer.resblocks.2-3", "visual.ln_post"
    ]  # fmt: skip
    assert parts.freeze(vit) == [
        "positional_embedding", "text_projection", "logit_scale", "logit_bias",
        "visual", "transformer", "token_embedding", "ln_final",
    ]  # fmt: skip
    assert parts.freeze(vit, 0, 1) == [
        "text_projection", "logit_scale", "logit_bias", "transformer.resblocks.2", "ln_final"
    ]  # fmt: skip
    assert parts.freeze(resnet, 3, 0) == [
        "logit_scale", "visual.layer2.1", "visual.layer3", "visual.layer4", "visual.attnpool"
    ]  # fmt: skip


def test_what_was_fixed_stays_fixed_and_what_was_locked_can_be_unlocked():
    clip = open_clip.CLIP(8, {**VIT, "pos_embed_type": "sin_cos_2d"}, TEXT)
    parts.freeze(clip, image_blocks=0)
    later = copy.deepcopy(clip)
    parts.freeze(later)
    assert [n for n, p in later.named_parameters() if not p.requires_grad] == ["visual.positional_embedding"]


def test_wrong_numbers_of_blocks_are_told(built):
    clip = built["vit"]
    with pytest.raises(SettingError, match=r"^image_blocks 5: the image tower has 4 blocks; name 0 to 4"):
        parts.freeze(clip, image_blocks=5)
    with pytest.raises(SettingError, match=r"^text_blocks -1: the text tower has 3 blocks"):
        parts.freeze(clip, text_blocks=-1)
    with pytest.raises(SettingError, match="both 0"):
        parts.freeze(clip, 0, 0)
    assert all(p.requires_grad for p in clip.parameters()), "an error must change nothing"
    parts.freeze(copy.deepcopy(clip), image_blocks=4)


def test_towers_that_are_not_known_can_be_trained_or_locked_whole(built):
    clip = copy.deepcopy(built["unknown"])
    with pytest.raises(SettingError, match=r"timm's ResNet are not known.*VisionTransformer, ModifiedResNet"):
        parts.freeze(clip, image_blocks=1)
    with pytest.raises(SettingError, match="ResNet"):
        parts.parameter_groups(clip, 0.1, layer_decay=0.9)
    assert parts.freeze(clip, image_blocks=0)[0] == "logit_scale"
    assert len(parts.parameter_groups(clip, 0.1)) == 2
    with pytest.raises(SettingError, match="Linear"):
        parts.freeze(torch.nn.Linear(2, 2))


def statistics(clip):
    return {name: b.clone() for name, b in clip.named_buffers() if "running" in name}


def test_a_locked_tower_is_in_eval_mode_and_keeps_its_statistics(built):
    clip = copy.deepcopy(built["resnet"])
    parts.freeze(clip, image_blocks=0)
    assert parts.modes(clip) == ["visual"]
    assert clip.training and not clip.visual.training and clip.transformer.training
    before = statistics(clip)
    gradients(clip)
    assert all(torch.equal(before[name], after) for name, after in statistics(clip).items())
    parts.freeze(clip, text_blocks=0)
    assert parts.modes(clip) == []
    assert clip.visual.training and not clip.transformer.training and not clip.token_embedding.training
    gradients(clip)
    assert not any(torch.equal(before[name], after) for name, after in statistics(clip).items())


def test_only_locked_layers_norms_are_in_eval_mode_or_all(built):
    clip = copy.deepcopy(built["resnet"])
    parts.freeze(clip, image_blocks=2)
    locked = ["visual.bn1", "visual.bn2", "visual.bn3", "visual.layer1", "visual.layer2"]
    assert parts.modes(clip) == locked
    before = statistics(clip)
    gradients(clip)
    same = {name for name, after in statistics(clip).items() if torch.equal(before[name], after)}
    assert same == {name for name in before if name.startswith(tuple(locked))}
    clip.eval()
    assert parts.modes(clip, frozen_norms=True) == ["visual"] and clip.visual.layer4.training
    assert parts.modes(built["vit"]) == []


def test_a_batch_norm_without_parameters_goes_with_its_parent(built):
    clip = copy.deepcopy(built["resnet"])
    clip.visual.layer1[0].bn1 = torch.nn.BatchNorm2d(4, affine=False)
    parts.freeze(clip, image_blocks=2)
    assert "visual.layer1" in parts.modes(clip)
    parts.freeze(clip)
    assert parts.modes(clip) == []


@of(*KNOWN)
def test_without_layer_decay_there_are_two_groups_by_open_clips_rule(clip):
    first, second = parts.parameter_groups(clip, 0.2)
    assert (first["weight_decay"], second["weight_decay"]) == (0.2, 0.0)
    assert (first["share"], second["share"]) == (1.0, 1.0)
    names = {id(p): name for name, p in clip.named_parameters()}
    small = {
        name
        for name, p in clip.named_parameters()
        if p.ndim < 2 or "bn" in name or "ln" in name or "bias" in name or "logit_scale" in name
    }
    assert [names[id(p)] for p in second["params"]] == [n for n, _ in clip.named_parameters() if n in small]
    assert [names[id(p)] for p in first["params"]] == [n for n, _ in clip.named_parameters() if n not in small]


def test_parameters_of_more_dimensions_do_not_all_decay(built):
    by_name = dict(built["vit"].named_parameters())
    assert parts.decays("positional_embedding", by_name["positional_embedding"])
    assert parts.decays("token_embedding.weight", by_name["token_embedding.weight"])
    assert not parts.decays("visual.class_embedding", by_name["visual.class_embedding"])
    assert not parts.decays("visual.transformer.resblocks.0.attn.logit_scale", torch.zeros(4, 1, 1))
    assert not parts.decays("visual.trunk.rel_pos.relative_position_bias_table", torch.zeros(4, 4))


def test_the_share_falls_with_the_depth_below_the_head(built):
    clip = built["vit"]
    groups = parts.parameter_groups(clip, 0.1, layer_decay=0.5)
    share = {id(p): group["share"] for group in groups for p in group["params"]}
    found = {name: share[id(p)] for name, p in clip.named_parameters()}
    assert found["visual.proj"] == found["visual.ln_post.weight"] == found["text_projection"] == 1
    assert found["logit_scale"] == found["logit_bias"] == 1
    blocks = [found[f"visual.transformer.resblocks.{i}.mlp.c_fc.weight"] for i in range(4)]
    assert blocks == [0.5**4, 0.5**3, 0.5**2, 0.5]
    assert found["visual.positional_embedding"] == found["visual.ln_pre.bias"] == 0.5**5
    assert found["token_embedding.weight"] == 0.5**4, "each tower is counted on its own"
    names = [group["name"] for group in groups]
    assert names[:3] == ["image stem", "image stem, no decay", "image block 0"]
    assert names[-1] == "temperature, no decay" and len(set(names)) == len(names)
    assert len(share) == len(found) == sum(len(group["params"]) for group in groups)


def test_a_layer_moves_by_its_share(built):
    """One step of Adam moves every weight by its rate, so the share is seen in the weights."""
    clip = copy.deepcopy(built["vit"])
    groups = parts.parameter_groups(clip, weight_decay=0.0, layer_decay=0.5)
    optimizer = torch.optim.AdamW(groups, lr=1e-3, eps=1e-12)
    for group in optimizer.param_groups:
        group["lr"] = 1e-3 * group["share"]
    before = {name: p.detach().clone() for name, p in clip.named_parameters()}
    gradients(clip)
    optimizer.step()
    for block in range(4):
        name = f"visual.transformer.resblocks.{block}.mlp.c_proj.weight"
        moved = (clip.get_parameter(name) - before[name]).abs().median().item()
        assert moved == pytest.approx(1e-3 * 0.5 ** (4 - block), rel=1e-3)


def test_groups_hold_what_is_trained_only(built):
    clip = copy.deepcopy(built["resnet"])
    parts.freeze(clip, 1, 0)
    for decay in (1.0, 0.7):
        groups = parts.parameter_groups(clip, 0.1, decay)
        held = {id(p) for group in groups for p in group["params"]}
        assert held == {id(p) for p in clip.parameters() if p.requires_grad}
        assert all(group["params"] for group in groups)
    with pytest.raises(SettingError, match="layer_decay 0"):
        parts.parameter_groups(clip, 0.1, 0.0)


def test_patches_are_dropped_while_training_only(built):
    clip = copy.deepcopy(built["vit"])
    lengths = []
    clip.visual.transformer.register_forward_hook(lambda module, args, output: lengths.append(output.shape[1]))
    pictures = inputs(clip)[0]
    for share, expected in ((0.5, 9), (0.75, 5), (0.0, 17)):  # of 16 patches, and the class token
        parts.patch_dropout(clip, share)
        clip.train()
        clip.encode_image(pictures)
        clip.eval()
        clip.encode_image(pictures)
        assert lengths == [expected, 17]
        lengths.clear()
    parts.patch_dropout(clip, 0.5)
    assert isinstance(clip.visual.patch_dropout, PatchDropout)
    assert clip.state_dict().keys() == built["vit"].state_dict().keys()


def test_timms_vit_drops_patches_too(built):
    clip = copy.deepcopy(built["timm vit"])
    lengths = []
    clip.visual.trunk.blocks[0].register_forward_hook(lambda module, args, output: lengths.append(output.shape[1]))
    parts.patch_dropout(clip, 0.5)
    clip.train().encode_image(inputs(clip, 1)[0])
    tokens = clip.visual.trunk.num_prefix_tokens
    patches = (160 // 16) ** 2
    assert tokens == 1 and lengths == [tokens + patches // 2]


def test_patches_that_cannot_be_dropped(built):
    with pytest.raises(SettingError, match="ModifiedResNet cannot drop patches"):
        parts.patch_dropout(built["resnet"], 0.5)
    with pytest.raises(SettingError, match="timm's ConvNeXt cannot drop patches"):
        parts.patch_dropout(built["convnext"], 0.5)
    with pytest.raises(SettingError, match="below 1"):
        parts.patch_dropout(built["vit"], 1.0)
    parts.patch_dropout(built["resnet"], 0.0)
    clip = copy.deepcopy(built["vit"])
    parts.freeze(clip, image_blocks=0)
    with pytest.raises(SettingError, match="locked"):
        parts.patch_dropout(clip, 0.5)


@of("vit", "own text", "convnext", "timm vit")
@pytest.mark.parametrize("blocks", [None, 1])
def test_checkpointing_changes_no_gradient(clip, blocks):
    """With a locked bottom, re-entrant checkpointing would lose gradients without a word."""
    parts.freeze(clip, blocks, blocks)
    if "patch_dropout" in dict(clip.visual.named_children()):
        parts.patch_dropout(clip, 0.5)
    parts.modes(clip)
    expected = gradients(clip)
    calls = []
    original = torch.utils.checkpoint.checkpoint
    parts.gradient_checkpointing(clip)
    with pytest.MonkeyPatch.context() as patch:
        counted = lambda *args, **kwargs: (calls.append(1), original(*args, **kwargs))[1]  # noqa: E731
        patch.setattr("open_clip.transformer.checkpoint", counted)
        found = gradients(clip)
    assert len(calls) >= TEXT["layers"], "the text tower is checkpointed too"
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_checkpointing_that_would_do_nothing_is_told(built):
    with pytest.raises(SettingError, match="none for a ModifiedResNet; use micro_batch"):
        parts.gradient_checkpointing(built["resnet"])
    clip = copy.deepcopy(built["convnext"])
    clip.visual.trunk = torch.nn.Sequential()
    with pytest.raises(SettingError, match="timm has none for timm's Sequential"):
        parts.gradient_checkpointing(clip)


def test_names_are_compressed_without_loss():
    known = ["a.0.w", "a.1.w", "a.2.w", "a.10.w", "b.x.0.w", "b.x.1.w", "c"]
    assert parts.compress(known, known) == ["a", "b", "c"]
    assert parts.compress(["a.1.w", "a.2.w", "a.10.w"], known) == ["a.1-2", "a.10"]
    assert parts.compress(["b.x.1.w", "c"], known) == ["b.x.1", "c"]
    assert parts.compress([], known) == []

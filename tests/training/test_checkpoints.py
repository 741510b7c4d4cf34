import json
import os
import resource
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ofclip.errors import CheckpointError, OfclipError
from ofclip.training import checkpoints
from ofclip.training.checkpoints import Run, State, clear, restore, save

RUN = Run(
    settings={"batch": 64, "learning_rate": 0.002, "sources": {"kagl": 1.0}, "seed": 3, "devices": 1},
    code={"training/loop.py": "aa", "models.py": "bb"},
    data={"kagl": "cc"},
    libraries={"torch": "2.15.0"},
    architecture="small",
    start="dd",
)


def but(**values):
    return replace(RUN, settings={**RUN.settings, **values})


def network():
    """A convolution in channels-last memory, where the order of a fused optimizer's moments matters, and a norm."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(64, 2)
    )
    return layers.to(memory_format=torch.channels_last)


def adamw(model, rate=0.01):
    convolution, *others = model.parameters()
    groups = [{"params": [convolution], "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0, "depth": 2}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.8, 0.9), fused=True)


def work(model, optimizer, first, last):
    for step in range(first, last):
        torch.manual_seed(step)
        loss = model(torch.randn(5, 3, 6, 6).to(memory_format=torch.channels_last)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def state_of(model, optimizer, step, run=RUN, **values):
    return State(step=step, model=model.state_dict(), optimizer=optimizer.state_dict(), run=run, **values)


def trained(step=3, run=RUN, **values):
    model = network()
    optimizer = adamw(model)
    work(model, optimizer, 0, step)
    return state_of(model, optimizer, step, run, **values)


def tiny(step, run=RUN, value=None, **values):
    """A state whose one weight is its step, small enough to damage everywhere."""
    weight = torch.tensor([float(step) if value is None else value, 0.5])
    moments = {"step": torch.tensor(float(step)), "exp_avg": weight * 0.1, "exp_avg_sq": weight * 0.01}
    optimizer = {"state": {0: moments}, "param_groups": [{"lr": 0.01, "betas": (0.9, 0.98), "params": [0]}]}
    return State(step=step, model={"weight": weight}, optimizer=optimizer, run=run, **values)


def same(a, b):
    tensors = (torch.equal(a.model[key], b.model[key]) for key in a.model)
    slots = (
        torch.equal(torch.as_tensor(a.optimizer["state"][key][name]), torch.as_tensor(value))
        for key, slot in b.optimizer["state"].items()
        for name, value in slot.items()
    )
    rest = [(x.step, x.run.key, x.scaler, x.extra, x.world_size, x.ema is None) for x in (a, b)]
    return a.model.keys() == b.model.keys() and all(tensors) and all(slots) and rest[0] == rest[1]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def quiet(folder, run=RUN, **values):
    """Restore, and fail at any warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return restore(folder, run, **values)


def test_all_comes_back_exactly(tmp_path):
    ema = {"n_averaged": torch.tensor(7), "module.weight": torch.tensor([1 / 3, float("inf")])}
    extra = {"seconds": 0.1 + 0.2, "best": [["a", 0.5]], "worst": None}
    before = trained(ema=ema, scaler={"scale": 65536.0, "_growth_tracker": 3}, extra=extra, world_size=2)
    save(tmp_path, before)
    after = quiet(tmp_path, world_size=2)
    assert same(before, after) and after.path == tmp_path / "step-00000003.safetensors"
    assert after.run.settings == RUN.settings and after.run.code == RUN.code
    assert after.ema["n_averaged"] == 7 and torch.equal(after.ema["module.weight"], ema["module.weight"])
    groups = after.optimizer["param_groups"]
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0] and groups[1]["depth"] == 2


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool])
def test_every_type_of_tensor_comes_back(tmp_path, kind):
    state = tiny(1)
    state.model = {"empty": torch.zeros(0, 2).to(kind), "one": torch.ones(()).to(kind), "x": torch.eye(2).to(kind)}
    save(tmp_path, state)
    found = quiet(tmp_path).model
    assert [(value.dtype, value.shape) for value in found.values()] == [(kind, (0, 2)), (kind, ()), (kind, (2, 2))]
    assert torch.equal(found["x"], state.model["x"])


def test_weights_that_share_memory_are_each_saved(tmp_path):
    weight, state = torch.randn(3, 2), tiny(1)
    state.model = {"a": weight, "b": weight, "c": weight[1:]}
    save(tmp_path, state)
    found = quiet(tmp_path).model
    assert all(torch.equal(found[key], state.model[key]) for key in "abc")


def test_going_on_is_bit_identical_even_with_moments_in_channels_last_memory(tmp_path):
    straight = network()
    optimizer = adamw(straight)
    work(straight, optimizer, 0, 9)
    save(tmp_path, trained(4))
    resumed = network()
    optimizer = adamw(resumed, rate=0.5)  # the stored rate and groups count, not these
    quiet(tmp_path).load_into(resumed, optimizer)
    assert optimizer.param_groups[1]["lr"] == 0.01 and optimizer.param_groups[0]["betas"] == (0.8, 0.9)
    moment = optimizer.state[resumed[0].weight]["exp_avg"]
    assert moment.is_contiguous(memory_format=torch.channels_last) and not moment.is_contiguous()
    work(resumed, optimizer, 4, 9)
    pairs = zip(straight.state_dict().values(), resumed.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_an_optimizer_keyed_by_names_and_with_plain_numbers_comes_back(tmp_path):
    state = tiny(2)
    slots = {"layers.0.weight": {"step": 2, "exp_avg": torch.tensor([1.0, 2.0])}, "bias": {"step": 1}}
    groups = [{"lr": torch.tensor(0.25), "betas": (0.9, 0.98), "params": ["layers.0.weight", "bias"]}]
    state.optimizer = {"state": slots, "param_groups": groups}
    save(tmp_path, state)
    found = quiet(tmp_path).optimizer
    assert found["state"]["bias"] == {"step": 1} and found["state"]["layers.0.weight"]["step"] == 2
    assert torch.equal(found["state"]["layers.0.weight"]["exp_avg"], torch.tensor([1.0, 2.0]))
    assert found["param_groups"][0]["lr"] == 0.25 and found["param_groups"][0]["params"] == ["layers.0.weight", "bias"]


def test_a_rate_that_is_a_tensor_stays_one(tmp_path):
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.125))
    save(tmp_path, state_of(model, optimizer, 1))
    optimizer.param_groups[0]["lr"] = torch.tensor(0.5)
    quiet(tmp_path).load_into(model, optimizer)
    assert isinstance(optimizer.param_groups[0]["lr"], torch.Tensor) and optimizer.param_groups[0]["lr"] == 0.125


def test_frozen_weights_are_saved_and_need_no_moments(tmp_path):
    model = network()
    model[0].weight.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], fused=True)
    work(model, optimizer, 0, 2)
    save(tmp_path, state_of(model, optimizer, 2))
    other = network()
    torch.nn.init.zeros_(other[0].weight)
    fresh = torch.optim.AdamW(list(other.parameters())[1:], fused=True)
    quiet(tmp_path).load_into(other, fresh)
    assert torch.equal(other[0].weight, model[0].weight)
    assert torch.equal(fresh.state[other[3].bias]["exp_avg"], optimizer.state[model[3].bias]["exp_avg"])


def test_the_last_two_are_kept_and_what_a_kill_left_is_removed(tmp_path):
    assert quiet(tmp_path) is None and quiet(tmp_path / "none") is None
    (tmp_path / ".step-00000002.safetensors.x7.part").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("not ours")
    for step in (2, 5, 11):
        assert save(tmp_path, tiny(step)).name == f"step-{step:08d}.safetensors"
    assert names(tmp_path) == ["notes.txt", "step-00000005.safetensors", "step-00000011.safetensors"]
    assert quiet(tmp_path).step == 11
    (tmp_path / ".step-00000012.safetensors.x7.part").write_bytes(b"half")
    clear(tmp_path)
    assert names(tmp_path) == ["notes.txt"]


def test_the_same_state_is_the_same_file(tmp_path):
    a, b = (save(tmp_path / name, tiny(4)).read_bytes() for name in "ab")
    assert a == b


def test_no_flipped_byte_is_ever_loaded(tmp_path):
    save(tmp_path, tiny(3, extra={"seconds": 1.5}, ema={"weight": torch.tensor([0.25, 0.75])}))
    path = save(tmp_path, tiny(4, extra={"seconds": 2.5}, ema={"weight": torch.tensor([0.5, 0.125])}))
    whole, before, after = path.read_bytes(), *(checkpoints._read(tmp_path / name) for name in names(tmp_path))
    passed = 0
    for place in range(0, len(whole), 3):
        data = bytearray(whole)
        data[place] ^= (1, 128, 255, 32)[place % 4]
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            state = restore(tmp_path, RUN)
        if caught:
            assert same(state, before) and "step-00000004.safetensors: damaged" in str(caught[0].message), place
        else:  # the padding of the header means nothing
            passed += 1
            assert same(state, after) and torch.equal(state.ema["weight"], after.ema["weight"]), place
    assert passed < 8 < len(whole) / 100


def test_no_cut_or_lengthened_file_is_ever_loaded(tmp_path):
    save(tmp_path, tiny(3))
    path = save(tmp_path, tiny(4))
    whole = path.read_bytes()
    for damaged in [whole[:length] for length in range(0, len(whole), 13)] + [whole[:-1], whole + b"\0", whole * 2]:
        path.write_bytes(damaged)
        with pytest.warns(UserWarning, match="step-00000004.safetensors: damaged"):
            assert restore(tmp_path, RUN).step == 3


def test_exchanged_weights_and_types_are_noticed(tmp_path):
    """Damage that safetensors itself finds sound: the checksum covers names, types and shapes too."""
    save(tmp_path, tiny(3))
    path = save(tmp_path, tiny(4))
    with safe_open(path, framework="pt") as file:
        header, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    one, two = "optimizer/0/exp_avg", "optimizer/0/exp_avg_sq"
    for change in (
        {one: tensors[two], two: tensors[one]},
        {one: tensors[one].view(torch.int32)},
        {one: tensors[one].reshape(2, 1)},
        {"model/other": tensors[one].clone()},
    ):
        save_file({**tensors, **change}, path, metadata=header)
        with pytest.warns(UserWarning, match="checksum differs"):
            assert restore(tmp_path, RUN).step == 3
    text = header[checkpoints.HEADER].replace('"step": 4', '"step": 5', 1)
    save_file(tensors, path, metadata={checkpoints.HEADER: text})
    with pytest.warns(UserWarning, match="checksum differs"):
        assert restore(tmp_path, RUN).step == 3


def test_what_is_no_checkpoint_of_ours_is_passed_over(tmp_path):
    save(tmp_path, tiny(1))
    torch.save({"weight": torch.ones(2)}, tmp_path / "step-00000002.safetensors")  # a pickle, which is not opened
    (tmp_path / "step-00000003.safetensors").write_text("text, and more of it")
    save_file({"weight": torch.ones(2)}, tmp_path / "step-00000004.safetensors")
    save_file({"weight": torch.ones(2)}, tmp_path / "step-00000005.safetensors", metadata={"step": "5", "run": "x"})
    (tmp_path / "step-00000006.safetensors").mkdir()
    (tmp_path / "step-00000007.safetensors").symlink_to(tmp_path / "gone")
    with pytest.warns(UserWarning) as caught:
        assert restore(tmp_path, RUN).step == 1
    assert [str(warning.message).split(": damaged")[0][-20:] for warning in caught] == [
        f"{step:08d}.safetensors" for step in range(7, 1, -1)
    ]


def test_a_damaged_one_does_not_push_out_the_sound_one(tmp_path):
    save(tmp_path, tiny(8))
    path = save(tmp_path, tiny(9))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="damaged"):
        assert restore(tmp_path, RUN).step == 8
    save(tmp_path, tiny(12))
    assert names(tmp_path) == ["step-00000008.safetensors", "step-00000012.safetensors"]


def test_all_damaged_is_told_and_begins_anew(tmp_path):
    for path in [save(tmp_path, tiny(step)) for step in (1, 2)]:
        path.write_bytes(b"")
    with pytest.warns(UserWarning) as caught:
        assert restore(tmp_path, RUN) is None
    told = [str(warning.message) for warning in caught]
    assert len(told) == 3 and told[-1] == f"{tmp_path}: no sound checkpoint is left; training starts from the beginning"


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (but(learning_rate=0.001), "(setting learning_rate was 0.002, now 0.001)"),
        (but(sources={"kagl": 2.0}), "(setting sources.kagl was 1.0, now 2.0)"),
        (but(ema=0.99), "(setting ema was not there, now 0.99)"),
        (replace(RUN, code={**RUN.code, "models.py": "b2"}), "(code models.py has changed)"),
        (replace(RUN, code={"models.py": "bb"}), "(code training/loop.py was 'aa', now gone)"),
        (replace(RUN, data={"kagl": "c2"}), "(data kagl has changed)"),
        (replace(RUN, libraries={"torch": "2.16.0"}), "(library torch was '2.15.0', now '2.16.0')"),
        (replace(RUN, start="d2"), "(starting weights has changed)"),
        (but(batch=8, seed=4), "(setting batch was 64, now 8; setting seed was 3, now 4)"),
        (but(**{f"s{i}": i for i in range(8)}), "; and 2 more)"),
    ],
)
def test_another_run_is_told_by_name_and_never_mixed_in(tmp_path, run, told):
    save(tmp_path, tiny(50))
    with pytest.warns(UserWarning) as caught:
        assert restore(tmp_path, run) is None
    [warning] = caught
    assert told in str(warning.message) and "00000050.safetensors: a checkpoint of another run" in str(warning.message)
    save(tmp_path, tiny(2, run))  # it has fewer steps, and still it is what is kept
    save(tmp_path, tiny(4, run))
    assert names(tmp_path) == ["step-00000002.safetensors", "step-00000004.safetensors"]
    assert quiet(tmp_path, run).step == 4


def test_settings_that_only_change_the_pace_do_not_matter(tmp_path):
    save(tmp_path, tiny(5))
    assert quiet(tmp_path, but(devices=4, nodes=2, checkpoint_seconds=60)).step == 5
    assert but(betas=(0.9, 0.98)).key == but(betas=[0.9, 0.98]).key != RUN.key
    assert json.loads(json.dumps(RUN.settings)) == quiet(tmp_path).run.settings


def test_an_older_checkpoint_of_this_run_is_found_behind_that_of_another(tmp_path):
    save(tmp_path, tiny(3))
    foreign = save(tmp_path / "other", tiny(9, but(seed=1)))
    foreign.rename(tmp_path / foreign.name)
    assert quiet(tmp_path).step == 3


def test_another_number_of_processes_goes_on_and_is_noted(tmp_path):
    save(tmp_path, tiny(5, world_size=2))
    assert quiet(tmp_path, world_size=2).step == 5
    with pytest.warns(UserWarning, match="written by 2 processes, read by 4: the batches and their order stay"):
        assert restore(tmp_path, RUN, world_size=4).step == 5


def test_another_architecture_is_refused(tmp_path):
    save(tmp_path, trained())
    with pytest.raises(CheckpointError, match=r"step-00000003.*another architecture \(small, now large\); train into"):
        restore(tmp_path, replace(RUN, architecture="large"))
    state = quiet(tmp_path)
    for other, reason in (
        (torch.nn.Linear(3, 2), r"0\.bias"),
        (torch.nn.Sequential(torch.nn.Conv2d(3, 4, 5), *network()[1:]), r"0\.weight"),
    ):
        before = {key: value.clone() for key, value in other.state_dict().items()}
        optimizer = torch.optim.AdamW(other.parameters())
        with pytest.raises(CheckpointError, match=f"another architecture.*{reason} does not fit"):
            state.load_into(other, optimizer)
        assert all(torch.equal(before[key], value) for key, value in other.state_dict().items())
    model = network()
    with pytest.raises(CheckpointError, match="the optimizer's groups of parameters"):
        state.load_into(model, torch.optim.AdamW(model.parameters()))
    assert torch.equal(model[0].weight, network()[0].weight)


def test_a_full_disk_names_the_file_and_keeps_the_checkpoints_before(tmp_path):
    save(tmp_path, tiny(1))
    save(tmp_path, tiny(2))
    large = tiny(3)
    large.model = {"weight": torch.zeros(100_000)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OfclipError, match=r"disk full while writing .*step-00000003.safetensors .*make room"):
            save(tmp_path, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == ["step-00000001.safetensors", "step-00000002.safetensors"]
    assert quiet(tmp_path).step == 2


def test_another_failure_of_the_writer_is_passed_on(tmp_path, monkeypatch):
    def fail(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise SafetensorError("no number")

    monkeypatch.setattr("ofclip.training.checkpoints.write_tensors", fail)
    with pytest.raises(SafetensorError, match="no number"):
        save(tmp_path, tiny(1))
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OfclipError, match="file/checkpoints/step-00000001.*cannot be written .Not a directory"):
        save(tmp_path / "file" / "checkpoints", tiny(1))
    save(tmp_path, tiny(1))

    def denied(*args, **values):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", denied)
    with pytest.raises(OfclipError, match=r"step-00000002.*cannot be written \(Permission denied\); make its folder"):
        save(tmp_path, tiny(2))
    assert quiet(tmp_path).step == 1


def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_a_damaged_one(tmp_path, monkeypatch):
    save(tmp_path, tiny(1))

    def denied(*args, **values):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints, "safe_open", denied)
    with pytest.raises(CheckpointError, match="step-00000001.safetensors: may not be read"):
        restore(tmp_path, RUN)


def test_file_then_name_then_folder_reach_the_disk_in_that_order(tmp_path, monkeypatch):
    """What a power cut could undo: a name without content, or a removal of the old one before the new is there."""
    done = []

    def watch(module, name, label):
        real = getattr(module, name)

        def watched(*args, **values):
            done.append(label(args))
            return real(*args, **values)

        monkeypatch.setattr(module, name, watched)

    save(tmp_path, tiny(1))
    save(tmp_path, tiny(2))
    watch(os, "fsync", lambda args: "folder" if Path(f"/dev/fd/{args[0]}").is_dir() else "file")
    watch(os, "replace", lambda args: "name")
    watch(Path, "unlink", lambda args: f"remove {args[0].name}")
    save(tmp_path, tiny(3))
    assert done == ["file", "name", "folder", "remove step-00000001.safetensors"]

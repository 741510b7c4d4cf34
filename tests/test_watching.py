import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from idx import write_idx
from PIL import Image

from ofclip import models, watching
from ofclip.cli import main
from ofclip.embeddings import embed
from ofclip.errors import DataError, SettingError
from ofclip.files import cache_dir
from ofclip.profiles import NAMES, load_profile
from ofclip.tasks import TASKS
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import classify
from ofclip.text.templates import TEST
from ofclip.tree import Tree
from ofclip.watching import Wish, modes_kept, some, watch

sys.path.insert(0, str(Path(__file__).parent / "training"))
from toys import squares  # noqa: E402

SMALL = "ofclip-RN-8-64"
RETRIEVAL, COLOURS = "retrieval:atelier/street@val", "zero-shot:atelier/street@val:colour"


@pytest.fixture(scope="module")
def model():
    return models.build_model(SMALL, seed=1)


def load(source, split):
    """Squares under the name of any source, so that nothing need be drawn or downloaded."""
    assert split
    return squares(30, source)


def test_the_numbers_are_those_of_the_tasks_under_flat_names(model):
    found = watch(RETRIEVAL, COLOURS, load=load)(model)
    catalog = squares(30, "atelier/street")
    vectors = embed(model, catalog, TEST, cache=False)
    results = [*retrieval(vectors).metrics, *classify(model, vectors, catalog, "colour", [TEST]).metrics]
    expected = {f"{each.name} atelier/street@val": each.value for each in results if "majority" not in each.name}
    assert found == expected
    assert "text-to-image recall@10 atelier/street@val" in found and "colour accuracy@1 atelier/street@val" in found


def test_names_and_directions_are_known_before_there_is_a_model(model):
    watched = watch(RETRIEVAL, COLOURS, load=load)
    assert list(watched.directions) == list(watched(model))
    assert watched.directions["text-to-image recall@10 atelier/street@val"] == "higher"
    assert watched.directions["text-to-image median rank atelier/street@val"] == "lower"


def test_a_name_does_not_depend_on_what_else_is_watched_and_no_two_are_the_same(model):
    words = [RETRIEVAL, COLOURS, "retrieval:atelier/street@test", "zero-shot:kagl@val:place", "retrieval:kagl@val"]
    together = watch(*words, load=load)
    alone = [watch(each, load=load).directions for each in words]
    assert sum(map(len, alone)) == len(together.directions)
    assert together.directions == {name: way for each in alone for name, way in each.items()}
    assert set(together(model)) == set(together.directions)


def test_several_tasks_on_the_same_data_load_and_embed_them_once(model, monkeypatch):
    loaded, embedded = [], []

    def noting(model, catalog, **more):
        embedded.append(catalog.name)
        return embed(model, catalog, **more)

    monkeypatch.setattr(watching, "embed", noting)
    watched = watch(RETRIEVAL, COLOURS, "retrieval:kagl@val", load=lambda *place: loaded.append(place) or load(*place))
    assert loaded == [("atelier/street", "val"), ("kagl", "val")]
    watched(model), watched(model)
    assert embedded == ["atelier/street", "kagl"] * 2 and len(loaded) == 2
    assert [catalog.name for catalog in watched.catalogs] == ["atelier/street", "kagl"]


def test_zero_shot_takes_the_first_label_of_the_source(model):
    assert Wish.parse("zero-shot:atelier/street@val") == Wish("zero-shot", "atelier/street", "val", "type")
    assert Wish.parse("zero-shot:kagl@val").label == "articleType"


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("retrieval:hub/polyvore@data", ("retrieval", "hub/polyvore", "data", None)),
        ("retrieval:shards:/data/a@b:c@train", ("retrieval", "shards:/data/a@b:c", "train", None)),
        ("zero-shot:shards:s3://bucket/x@val:type", ("zero-shot", "shards:s3://bucket/x", "val", "type")),
    ],
)
def test_sources_with_colons_and_at_signs_are_read(words, wish, monkeypatch):
    any_source = SimpleNamespace(name="any", splits=(wish[2],), labels=())
    monkeypatch.setattr(watching, "get", lambda name: any_source)
    assert Wish.parse(words) == Wish(*wish)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "write TASK:SOURCE@SPLIT"),
        ("retrieval", "watch 'retrieval': write TASK:SOURCE@SPLIT"),
        ("retrieval:kagl", "write TASK:SOURCE@SPLIT"),
        ("retrieval:@val", "write TASK:SOURCE@SPLIT"),
        ("retrieval:kagl@", "write TASK:SOURCE@SPLIT"),
        ("zero-shot:kagl@val:", "write TASK:SOURCE@SPLIT"),
        ("retrival:kagl@val", "unknown task 'retrival': did you mean 'retrieval'"),
        ("retrieval:kgl@val", "unknown source 'kgl': did you mean 'kagl'"),
        ("retrieval:kagl@valid", "unknown split of kagl 'valid': did you mean 'val'"),
        ("retrieval:atelier/streets@val", "unknown part of atelier 'streets': did you mean 'street'"),
        ("retrieval:atelier@val", "atelier: name a part, as in atelier/"),
        ("retrieval:kagl@val:articleType", "retrieval takes no label; leave :articleType out"),
        ("zero-shot:shards:folder@val", "name the label to classify by, as in zero-shot:shards:folder@val:LABEL"),
    ],
)
def test_a_wrong_word_is_told_with_the_nearest_known(words, message):
    with pytest.raises(SettingError, match=message):
        watch(words)


def test_a_wrong_label_a_repetition_and_nothing_at_all_are_told():
    with pytest.raises(SettingError, match="unknown label of atelier/street 'color': did you mean 'colour'"):
        watch(COLOURS.replace("colour", "color"), load=load)
    with pytest.raises(SettingError, match="'zero-shot:kagl@val:articleType': is given twice"):
        watch("zero-shot:kagl@val", "zero-shot:kagl@val:articleType", load=load)
    with pytest.raises(SettingError, match="nothing to watch"):
        watch()
    with pytest.raises(SettingError, match="limit 1"):
        watch(RETRIEVAL, load=load, limit=1)


def test_what_the_data_cannot_answer_is_told_before_training():
    def bare(source, split):
        catalog = load(source, split)
        catalog.products["texts"] = [()] * len(catalog)
        catalog.products["colour"] = None
        return catalog

    with pytest.raises(SettingError, match="no product of atelier/street has a text"):
        watch(RETRIEVAL, load=bare)
    with pytest.raises(SettingError, match="no product of atelier/street has a value in the column 'colour'"):
        watch(COLOURS, load=bare)


def test_missing_data_are_told_before_training(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_DATA", str(tmp_path))
    with pytest.raises(DataError, match="kagl: not found under"):
        watch("retrieval:kagl@val")


def test_a_limit_takes_the_same_products_whatever_their_order():
    catalog = squares(40)
    shuffled = catalog.take(np.random.default_rng(3).permutation(40))
    ids = [set(some(each, 12).products["id"]) for each in (catalog, shuffled)]
    assert ids[0] == ids[1] and len(ids[0]) == 12
    assert set(some(catalog, 5).products["id"]) < ids[0]
    kept, every = some(catalog, 12).products["id"].tolist(), catalog.products["id"].tolist()
    assert kept == [each for each in every if each in ids[0]] and kept != every[:12]
    assert some(catalog, 40) is catalog


def test_a_limit_bounds_what_is_embedded_and_the_whole_is_still_named(model, monkeypatch):
    seen = []

    def noting(model, catalog, **more):
        seen.append(len(catalog))
        return embed(model, catalog, **more)

    monkeypatch.setattr(watching, "embed", noting)
    watched = watch(RETRIEVAL, load=load, limit=7)
    assert watched(model)["text-to-image recall@10 atelier/street@val"] == 1.0  # each is among the first ten of seven
    assert seen == [7] and len(watched.catalogs[0]) == 30


def test_the_cache_of_embeddings_stays_as_it_was(model):
    folder = cache_dir() / "embeddings"
    before = sorted(folder.glob("*"))
    watch(RETRIEVAL, load=load)(model)
    assert sorted(folder.glob("*")) == before


def test_every_module_comes_back_in_the_mode_it_was_in():
    model = models.build_model(SMALL)
    model.clip.train()
    frozen = [each for each in model.clip.modules() if isinstance(each, torch.nn.BatchNorm2d)][::2]
    assert frozen
    for each in frozen:
        each.eval()  # a frozen norm layer in a model that is trained
    before = {name: each.training for name, each in model.clip.named_modules()}
    statistics = [each.running_mean.clone() for each in frozen]
    random = torch.get_rng_state()
    watch(RETRIEVAL, COLOURS, load=load)(model)
    assert {name: each.training for name, each in model.clip.named_modules()} == before
    assert all(torch.equal(each.running_mean, old) for each, old in zip(frozen, statistics, strict=True))
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.clip.parameters())


def test_modes_come_back_after_an_error_too():
    module = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Dropout().eval())
    with pytest.raises(ZeroDivisionError), modes_kept(module):
        module.eval()
        raise ZeroDivisionError
    assert [each.training for each in module] == [True, False] and module.training


def test_damaged_pictures_are_left_out_where_asked(model, tmp_path):
    catalog = squares(12, "kagl")
    names = [f"{i}.png" for i in range(12)]
    for name, picture in zip(names, catalog.images.array, strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / names[4]).write_bytes(b"no picture")
    broken = replace(catalog, images=Tree(tmp_path).images(names))
    words = ("retrieval:kagl@val", "zero-shot:kagl@val:colour")
    with pytest.raises(DataError, match="row 4"):
        watch(*words, load=lambda *_: broken)(model)
    found = watch(*words, load=lambda *_: broken, skip_bad=True)(model)
    assert all(map(math.isfinite, found.values()))


@pytest.mark.parametrize(("name", "trained"), [(name, run) for name in NAMES for run in load_profile(name).training])
def test_a_profiles_validation_is_said_in_the_same_words(name, trained):
    profile = load_profile(name)
    run, wishes = profile.run(trained), [Wish.parse(each) for each in profile.validation(trained)]
    assert {wish.task for wish in wishes} == set(TASKS) and all(wish.split in ("val", "validation") for wish in wishes)
    if trained != "kagl":  # which is watched on its own validation split too
        assert not {wish.source for wish in wishes} & set(run.sources)
    assert not run.select_by or run.select_by.rpartition(" ")[2] in {wish.place for wish in wishes}


def test_a_run_watched_from_the_command_line_ends_with_its_best_weights(tmp_path):
    write_idx(tmp_path, 0)
    out, metric = tmp_path / "out", "class accuracy@1 fashion-mnist@test"
    words = ["train", "--source", "fashion-mnist", "--profile", "smoke", "--out", out, "--data", tmp_path]
    words += ["-s", "samples=48", "-s", "batch=8", "-s", "evaluations=3", "-s", f"select_by={metric}"]
    words += ["--watch", "zero-shot:fashion-mnist@test", "--watch", "retrieval:fashion-mnist@test"]
    with pytest.warns(UserWarning, match="fashion-mnist is trained on"):
        result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, (result.output, result.exception)
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    measured = {row["step"]: row[metric] for row in rows if metric in row}
    assert list(measured) == [2, 4, 6] and any("text-to-image recall@10 fashion-mnist@test" in row for row in rows)
    step = max(measured, key=lambda step: (measured[step], -step))
    ended = models.load_model(out / "weights.safetensors")
    assert {"step": step, "select_by": metric, "value": measured[step]}.items() <= ended.notes.items()
    assert ended.fingerprint == models.load_model(out / "best" / f"step-{step:08d}.safetensors").fingerprint


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--watch", "zero-shot:fashion-mnist@tset"], "did you mean 'test'"),
        (["--watch", "retrieval:fashion-mnist@test", "-s", "select_by=recall@10 fashion-mnist@test"], "unknown metric"),
        (["-s", "select_by=recall@10 fashion-mnist@test"], "unknown metric"),  # of what the profile watches
        (["--watch", "zero-shot:fashion-mnist@test", "-s", "evaluations=0"], "the setting evaluations is 0"),
    ],
)
def test_what_cannot_be_watched_is_told_on_the_command_line(tmp_path, more, message):
    write_idx(tmp_path, 0)
    words = ["train", "--source", "fashion-mnist", "--profile", "smoke", "--out", tmp_path / "out", "--data", tmp_path]
    words += ["-s", "samples=64", "-s", "batch=8", *more]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 2 and message in result.output

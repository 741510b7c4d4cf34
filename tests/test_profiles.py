import pytest

from ofclip.errors import SettingError
from ofclip.profiles import ATELIER, NAMES, PAPER, load_profile, parse
from ofclip.sources.atelier import HELD_OUT, TRAINING


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_is_complete(name):
    import open_clip

    from ofclip import models

    models.register()
    profile = load_profile(name)
    config = open_clip.get_model_config(profile.architecture)
    assert config["vision_cfg"]["image_size"] == profile.size
    for run in profile.training.values():
        assert run.steps > 10 and set(run.sources) <= {*ATELIER, *PAPER, "kagl"}


def test_ateliers_training_mixture_is_its_training_domains():
    assert set(ATELIER) == {f"atelier/{part}" for part in TRAINING}
    roles = load_profile("laptop").parts("atelier")
    assert [name for name, role in roles.items() if role == "held out"] == [f"atelier/{part}" for part in HELD_OUT]
    assert load_profile("laptop").parts("kagl") == {"kagl": "photographs"}


def test_what_is_watched_while_training_is_not_trained_on():
    profile = load_profile("smoke")
    for run in ("atelier", "kagl"):
        for words in profile.validation(run):
            name, _, split = words.split(":")[1].partition("@")
            assert name not in profile.run(run).sources or split == "val"
    for words in load_profile("paper").validation("open-fashion"):
        assert words.split(":")[1].partition("@")[0] not in PAPER


def test_settings_are_changed_by_name_only():
    changed = load_profile("laptop", trained="atelier", batch=64, seed=5, learning_rate=1e-3)
    assert (changed.run("atelier").batch, changed.run("atelier").learning_rate) == (64, 1e-3)
    assert changed.seed == 5 and changed.run("kagl").batch == load_profile("laptop").run("kagl").batch
    for wrong in ({"lerning_rate": 1.0}, {"training": {}}):
        with pytest.raises(SettingError, match="unknown setting of profile laptop"):
            load_profile("laptop", trained="atelier", **wrong)
    with pytest.raises(SettingError, match="did you mean 'laptop'"):
        load_profile("laptob")
    with pytest.raises(SettingError, match="unknown training run of profile laptop 'kagle': did you mean 'kagl'"):
        load_profile("laptop").run("kagle")


def test_words_of_a_command_line():
    assert parse(["batch=128", "precision=32-true", "flip=false"]) == {
        "batch": 128, "precision": "32-true", "flip": False
    }  # fmt: skip
    with pytest.raises(SettingError, match="write name=value"):
        parse(["batch"])

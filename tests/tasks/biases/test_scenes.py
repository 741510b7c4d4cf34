import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.tasks.biases.scenes import SCENES, Scene, Shown, measure_scenes

WHITE, STREET = Scene("ground", "white"), Scene("ground", "street", "street")
LABELS = ["bag", "bag", "hat", "hat"]


class Toy:
    """Sees the mean level of a picture's quarters; "bag" is bright above, "hat" below, a caption one picture."""

    def encode_images(self, pictures):
        halves = pictures.reshape(len(pictures), 2, -1).mean(axis=2)
        return halves / np.linalg.norm(halves, axis=1, keepdims=True)

    def encode_texts(self, texts):
        return np.array([[1.0, 0.0] if "bag" in text else [0.0, 1.0] for text in texts])


def pictures(*tops):
    made = np.full((len(tops), 8, 8, 3), 100, np.uint8)
    for picture, top in zip(made, tops, strict=True):
        picture[:4] = top
    return made


def shown(labels=LABELS, groups=(0, 1, 2, 3)):
    captions = [f"{label} {i}" for i, label in enumerate(labels)]
    return Shown("toy", "test", labels, captions, np.array(groups))


def test_a_scene_is_compared_with_the_first_of_its_probe():
    given = {WHITE: pictures(200, 220, 50, 20), STREET: pictures(200, 50, 50, 20)}
    given[Scene("size", "0")] = pictures(1, 1, 1, 1)
    result = measure_scenes(Toy(), shown(), given, "kind")
    table = result.tables["scenes"].set_index(["task", "probe", "step"])
    own = table.loc["kind accuracy@1"]
    assert own["value"].tolist() == [1, 3 / 4, 2 / 4]
    assert own.loc[("ground", "street"), "change"] == -1 / 4 and own.loc[("ground", "street"), "against"] == "white"
    assert own.loc[("size", "0"), ["change", "against"]].isna().all(), "another probe starts anew"
    metric = result["kind accuracy@1 (ground: street)"]
    assert (metric.value, metric.chance, metric.ceiling, metric.n) == (0.75, 0.5, 1, 4)
    assert table.loc["recall@10", "value"].tolist() == [1, 1, 1] and result["recall@10 (size: 0)"].chance == 1


def test_pictures_alike_do_not_find_their_own():
    n = 20
    given = {WHITE: pictures(*range(100, 140, 2)), STREET: pictures(*[120] * n)}
    table = measure_scenes(Toy(), shown(["bag", "hat"] * 10, range(n)), given, "kind").tables["scenes"]
    recall = table[table["task"] == "recall@10"].set_index("step")["value"]
    assert recall["street"] == 0, "all tie, and a tie ranks before"
    assert recall["white"] == pytest.approx(10 / 20)


def test_what_does_not_fit_is_refused():
    with pytest.raises(SettingError, match="ground: white: 3 pictures for 4 labels"):
        measure_scenes(Toy(), shown(), {WHITE: pictures(1, 2, 3)}, "kind")
    with pytest.raises(SettingError, match="toy has one kind only"):
        measure_scenes(Toy(), shown(["bag"] * 4), {WHITE: pictures(1, 2, 3, 4)}, "kind")


def test_a_model_that_sees_nothing_is_refused():
    blind = Toy()
    blind.encode_images = lambda pictures: np.zeros((len(pictures), 2))
    with pytest.raises(SettingError, match="ground: white: row 0 has length 0"):
        measure_scenes(blind, shown(), {WHITE: pictures(1, 2, 3, 4)}, "kind")


def test_a_probe_changes_one_thing():
    for probe in {scene.probe for scene in SCENES}:
        own = [scene for scene in SCENES if scene.probe == probe]
        names = ("ground", "share", "shift")
        changed = [{name for name in names if getattr(one, name) != getattr(own[0], name)} for one in own]
        assert changed[0] == set() and all(len(each) == 1 for each in changed[1:]) and len(own) >= 4
    assert all(scene.share / 2 + scene.shift <= 0.5 + 1e-9 for scene in SCENES), "nothing leaves the frame"

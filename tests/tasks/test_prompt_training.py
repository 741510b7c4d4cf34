import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.models import build_model
from ofclip.sources import load_catalog
from ofclip.tasks.prompt_choice import NONE, PHRASES, SINGLE
from ofclip.tasks.prompt_training import EXTRACTED, extracted, habits, train_habits
from ofclip.training.settings import Training

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402

RUN = Training.make(sources={"a": 1.0, "b": 2.0}, samples=64_000, batch=256, template_share=0.4)


def test_the_runs_differ_in_templates_and_phrases_alone():
    plan = habits(RUN, samples=800, batch=16)
    assert [(h.settings.template_share, h.phrases) for h in plan] == [(0, False), (0.4, False), (0, True), (0.4, True)]
    assert plan[0].name == "captions, no templates" and plan[-1].name == "phrases, templates"
    plain = [h.settings.but(template_share=0.4, sources=RUN.sources) for h in plan]
    assert len(set(map(str, plain))) == 1 and plain[0].samples == 800 and plain[0].batch == 16
    assert plan[1].settings.sources == RUN.sources
    assert plan[2].settings.sources == {f"a{EXTRACTED}": 1.0, f"b{EXTRACTED}": 2.0}


def test_captions_become_their_phrases_and_a_text_without_any_stays():
    catalog = squares(4)
    catalog.products["texts"] = [("The red dresses, with 2 pockets",), ("12", "a hat"), ("A hat!", "hats"), ()]
    made = extracted(catalog)
    assert made.products["texts"].tolist() == [("red dress, 2 pocket",), ("12", "hat"), ("hat",), ()]
    assert made.name == "squares (phrases)" and made.fingerprint != catalog.fingerprint
    assert catalog.captions[0].startswith("The red"), "the catalogue that was given stays as it is"


def test_relative_captions_become_what_they_say_of_their_target():
    catalog = squares(2)
    catalog.products["texts"] = [("is red with longer sleeves",), ("has stripes instead of dots",)]
    assert extracted(catalog, relative=["squares"]).captions == ["red, long sleeve", "stripe"]


def test_ateliers_pairs_are_read_as_relative():
    pairs = load_catalog("atelier/pairs", n=200, pictures=False)
    texts = " ".join(extracted(pairs).captions)
    assert "instead" in " ".join(pairs.captions) and "instead" not in texts and "rather" not in texts


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    run = Training.make(sources={"squares": 1.0}, samples=64, batch=16, template_share=0.5)
    test = replace(squares(30, seed=5), name="held out")
    test.products["texts"] = [(f"the {text} with number {i}",) for i, text in enumerate(test.captions)]
    start = partial(build_model, "ofclip-RN-8-64", seed=1)
    out = tmp_path_factory.mktemp("habits")
    return train_habits(habits(run, samples=32, batch=16), start, [squares(48)], [test], out), out


def test_each_run_is_asked_in_each_way(made):
    result, out = made
    table = result.tables["training"]
    assert len(table) == 3 * 4 and table["n"].eq(30).all() and set(table["asked"]) == {NONE, SINGLE, PHRASES}
    first = table[table["run"] == "captions, no templates"]
    assert first["change"].isna().all() and not first["templates"].any() and not first["phrases"].any()
    others = table.dropna(subset="change")
    values = table.set_index(["asked", "run"])["value"]
    for row in others.itertuples():
        assert row.change == pytest.approx(row.value - values[row.asked, "captions, no templates"])
    assert sorted(path.name for path in out.iterdir()) == [
        "captions-no-templates", "captions-templates", "phrases-no-templates", "phrases-templates"
    ]  # fmt: skip
    metric = result["text-to-image recall@10 (trained on phrases, templates)"]
    assert metric.chance == pytest.approx(10 / 30) and metric.ceiling == 1 and "after 32 samples" in metric.definition
    assert np.isfinite(metric.interval).all()


def test_no_run_is_refused(tmp_path):
    with pytest.raises(SettingError, match="at least one run"):
        train_habits([], lambda: None, [], [], tmp_path)

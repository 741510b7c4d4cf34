import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ofclip import models
from ofclip.embeddings import embed
from ofclip.errors import SettingError
from ofclip.images.fitting import parse
from ofclip.tasks.activation import OWN, compare, ways
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import classify

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toys import squares  # noqa: E402

TEMPLATE = "a photo of a {}"


@pytest.fixture(scope="module")
def model():
    return models.build_model("ofclip-ViT-32-64", seed=1)


@pytest.fixture(scope="module")
def result(model):
    return compare(model, squares(60, size=80), "colour", TEMPLATE)


def test_each_way_differs_from_the_first_in_one_thing(model):
    first, *others = ways(model, TEMPLATE)
    assert (first.factor, first.model, first.template) == (OWN, model, TEMPLATE)
    for way in others:
        (rule, interpolation), own = parse(way.model.preprocess.how), parse(model.preprocess.how)
        changed = {
            "activation": way.model.architecture != model.architecture,
            "prompt": way.template != TEMPLATE,
            "resizing": rule != own[0],
            "interpolation": interpolation != own[1],
        }
        assert [name for name, differs in changed.items() if differs] == [way.factor]
    assert [way.name for way in others] == ["QuickGELU", "no prompt", "crop", "squash", "bilinear", "nearest"]


def test_a_model_that_crops_under_quickgelu_is_tried_with_the_others(model):
    cropped = replace(model, preprocess=replace(model.preprocess, how="crop bilinear"))
    quick = models.with_activation(cropped, "quick_gelu")
    found = [way.model.preprocess.how for way in ways(quick, TEMPLATE)]
    assert found == ["crop bilinear"] * 3 + ["pad bilinear", "squash bilinear", "crop", "crop nearest"]
    assert [way.name for way in ways(quick, TEMPLATE, resizing=False)] == [OWN, "GELU", "no prompt"]


def test_values_are_those_of_the_two_experiments(model, result):
    catalog = squares(60, size=80)
    for way in ways(model, TEMPLATE):
        vectors = embed(way.model, catalog, way.template)
        pairs = {
            "colour accuracy@1": classify(way.model, vectors, catalog, "colour", [way.template])["colour accuracy@1"],
            "text-to-image recall@10": retrieval(vectors, ks=(10,))["text-to-image recall@10"],
        }
        for name, expected in pairs.items():
            found = result[f"{name} ({way.name})"]
            for field in ("value", "interval", "chance", "ceiling", "n", "dataset", "split"):
                assert getattr(found, field) == pytest.approx(getattr(expected, field)), (name, field)


def test_changes_are_of_the_same_queries_and_have_the_interval_of_their_mean(model, result):
    table = result.tables["effects"]
    assert table["change"].isna().tolist() == (table["factor"] == OWN).tolist()
    for measure, own in table.groupby("measure"):
        first = own.iloc[0]
        assert first["gained"] == first["lost"] == 0, measure
        for row in own.iloc[1:].itertuples():
            assert row.value - first["value"] == pytest.approx(row.change)
            assert (row.gained - row.lost) / row.n == pytest.approx(row.change)
            assert row.low <= row.change <= row.high
            assert (row.low < row.high) == (row.gained + row.lost > 0)
    assert table["change"].abs().max() > 0, "a way that changes nothing anywhere is not run"


def test_products_without_label_or_text_take_no_part(model):
    catalog = squares(40)
    catalog.products.loc[:4, "colour"] = None
    catalog.products["texts"] = [*catalog.products["texts"][:30], *[()] * 10]
    found = compare(model, catalog, "colour", TEMPLATE, resizing=False)
    assert {metric.name.partition("@")[0]: metric.n for metric in found.metrics} == {
        "colour accuracy": 35,
        "text-to-image recall": 30,
    }


def test_what_cannot_be_compared_is_refused(model):
    catalog = squares(12)
    with pytest.raises(SettingError, match="did you mean 'colour'"):
        compare(model, catalog, "color", TEMPLATE)
    catalog.products["colour"] = None
    with pytest.raises(SettingError, match="no product of squares has a value in the column 'colour'"):
        compare(model, catalog, "colour", TEMPLATE)
    catalog.products["colour"], catalog.products["texts"] = "red", [()] * 12
    with pytest.raises(SettingError, match="no product of squares has a text"):
        compare(model, catalog, "colour", TEMPLATE)

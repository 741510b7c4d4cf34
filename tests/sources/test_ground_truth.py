from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from fixtures import hub as hub_fixture
from fixtures import kagl as kagl_fixture

from ofclip.errors import DataError, SettingError
from ofclip.sources import load_catalog, names
from ofclip.sources.ground_truth import BENCHMARKS, GroundTruth, Task, benchmark, files, find, load, read, rebuild
from ofclip.sources.hub import PARTS
from ofclip.tree import Tree

TEXT, CATEGORY = "ground_truth_text-image.json", "ground_truth_category1-image+text.json"
FROZEN = {TEXT: {"Red  Top": {"7": 1, "x9": 1, "8": 0}, "Blue": {}}, CATEGORY: {"Apparel": {"8": 1}}}


def write(folder: Path, files: dict[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def kagl(tmp_path):
    kagl_fixture.write(tmp_path)
    return load_catalog("kagl", data=tmp_path)


def sets(truth: GroundTruth) -> dict[str, set[str]]:
    return {query: set(ids) for query, ids in zip(truth.queries, truth.relevant, strict=True)}


def test_frozen_files_keep_queries_to_the_letter_and_only_what_is_relevant(tmp_path, kagl):
    write(tmp_path / "marqo-kagl", FROZEN)
    text, category = load("kagl", kagl, tmp_path)
    assert text.name == "frozen KAGL" and text.task == Task("text-to-image", "text", ("image",))
    assert text.queries == ("Red  Top", "Blue") and text.relevant == (("7", "x9"), ())
    assert category.task.name == "category-to-product" and category.task.fields == ("image", "text")
    assert category.relevant == (("8",),)


def test_frozen_files_are_found_zipped_and_in_a_clone(tmp_path, kagl):
    assert find("kagl", tmp_path) is None
    clone = write(tmp_path / "marqo-FashionCLIP" / "data" / "KAGL" / "gt_query_doc", FROZEN)
    assert find("kagl", tmp_path) == clone.parent
    assert [path.name for path in files("kagl", tmp_path)] == [CATEGORY, TEXT]
    cloned = load("kagl", kagl, tmp_path)
    folder = tmp_path / "marqo-kagl"
    folder.mkdir()
    with zipfile.ZipFile(folder / "ground_truth.zip", "w") as archive:
        for name, content in FROZEN.items():
            archive.writestr(f"gt_query_doc/{name}", json.dumps(content))
    assert find("kagl", tmp_path) == folder == find("hub/kagl", tmp_path)
    assert files("kagl", tmp_path) == [folder / "ground_truth.zip"] and files("atelier", tmp_path) == []
    zipped = load("kagl", kagl, tmp_path)
    assert zipped == cloned and [one.fingerprint for one in zipped] == [one.fingerprint for one in cloned]
    assert zipped[0].fingerprint != zipped[1].fingerprint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "expected an object, found a list"),
        ('{"a": {"1": 1}, "a": {"2": 1}}', "the key 'a' repeats"),
        ('{"a": {"1": 1, "1": 0}}', "the key '1' repeats"),
        ({"a": ["1"]}, "query 'a': expected an object, found a list"),
        ({"a": {"1": 2}}, "query 'a', id '1': expected 0 or 1, found 2"),
        ({"a": {"1": -1}}, "expected 0 or 1, found -1"),
        ({"a": {"1": "yes"}}, "id '1': expected a whole number, found text"),
        ({" ": {"1": 1}}, "query ' ': is empty"),
        ({}, "ground truth frozen KAGL: holds no query"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, content, message):
    tree = Tree(write(tmp_path / "marqo-kagl", {TEXT: content}))
    with pytest.raises(DataError, match=message) as error:
        read(tree, TEXT, Task("text-to-image", "text", ("image",)), "frozen KAGL")
    assert "\n" not in str(error.value)


def test_a_folder_without_the_files_says_what_it_lacks_and_how_to_obtain_it(tmp_path, kagl):
    write(tmp_path / "marqo-kagl", {"readme.txt": "?"})
    with pytest.raises(DataError, match="holds no ground_truth_text-image.json. Clone https://github.com/marqo-ai"):
        load("kagl", kagl, tmp_path)


def test_ids_and_queries_that_repeat_are_refused():
    task = Task("text-to-image", "text")
    with pytest.raises(DataError, match="the query 'a' repeats"):
        GroundTruth("mine", task, ("a", "b", "a"), ((), (), ()))
    with pytest.raises(DataError, match="the query 'b' names a product twice"):
        GroundTruth("mine", task, ("a", "b"), ((), ("1", "2", "1")))


def test_columns_imply_the_ground_truth_where_none_is_frozen(tmp_path, kagl):
    made = {truth.task.column: truth for truth in load("kagl", kagl, tmp_path)}
    assert set(made) == {"text", "category1", "category2", "category3", "baseColour", "season", "usage"}
    assert sets(made["category1"]) == {
        "Apparel": {"15970", "39386", "21379", "53759"},
        "Accessories": {"59263"},
        "Personal Care": {"1855"},
        "Footwear": {"30805"},
    }
    assert "Navy Blue" in made["baseColour"].queries and "NA" not in made["baseColour"].queries
    assert sets(made["text"])["Peter England Party Jeans"] == {"39386"}  # spare spaces do not count
    assert all(truth.name == "columns kagl" for truth in made.values())


def test_so_many_texts_are_drawn_and_the_draw_repeats(kagl):
    few, again, other = (rebuild("kagl", kagl, limit=3, seed=seed)[0] for seed in (0, 0, 1))
    whole = rebuild("kagl", kagl)[0]
    assert few == again != other and len(few.queries) == 3 and len(whole.queries) == 7
    assert sets(few).items() <= sets(whole).items()
    with pytest.raises(SettingError, match="limit=0"):
        rebuild("kagl", kagl, limit=0)


def test_atelier_asks_for_what_a_domain_shows():
    street, sketch = (
        [truth.task.name for truth in load(name, load_catalog(name, n=40))]
        for name in ("atelier/street", "atelier/sketch")
    )
    assert street == [
        "text-to-image",
        "category-to-product",
        "sub-category-to-product",
        "color-to-product",
    ]
    assert sketch == street[:-1]


def test_hub_sets_have_marqos_tasks(tmp_path):
    hub_fixture.write(tmp_path)
    for part in PARTS:
        catalog = load_catalog(f"hub/{part}", data=tmp_path, pictures=False)
        for truth in load(f"hub/{part}", catalog, tmp_path):
            ids = {identity for answers in truth.relevant for identity in answers}
            assert ids <= set(catalog.products["id"]) and all(truth.relevant)
    polyvore = load("hub/polyvore", load_catalog("hub/polyvore", data=tmp_path, pictures=False), tmp_path)
    assert sets(polyvore[0])["bag"] == {"100010727_1", "100010727_4"}
    assert polyvore[1].task.file == "ground_truth_category-image+text.json"


def test_every_benchmark_is_of_a_known_catalogue():
    assert {name.partition("/")[0] for name in BENCHMARKS} <= set(names())
    assert {f"hub/{part}" for part in PARTS} <= set(BENCHMARKS)
    assert benchmark("atelier/street") is BENCHMARKS["atelier"]
    with pytest.raises(SettingError, match="unknown benchmark of product search 'kagel': did you mean 'kagl'"):
        benchmark("kagel")


def test_a_catalogue_without_any_value_has_nothing_to_ask_for(kagl):
    bare = kagl.take([0])
    bare.products["texts"] = [()]
    for column in ("masterCategory", "subCategory", "articleType", "baseColour", "season", "usage"):
        bare.products[column] = None
    with pytest.raises(DataError, match="no product has a value of text, masterCategory"):
        rebuild("kagl", bare)


@pytest.mark.real("kagl")
@pytest.mark.real("marqo-kagl/ground_truth.zip")
def test_rebuilt_from_columns_it_is_the_frozen_one(real_data):
    catalog = load_catalog("kagl", data=real_data, pictures=False)
    here = set(catalog.products["id"])
    frozen, made = load("kagl", catalog, real_data), rebuild("kagl", catalog)
    for one, other in zip(frozen[1:], made[1:], strict=True):
        known = {query: ids & here for query, ids in sets(one).items()}
        assert {query: ids for query, ids in known.items() if ids} == sets(other)
    text = frozen[0]
    assert len(text.queries) == 2000
    assert len({identity for ids in text.relevant for identity in ids} - here) == 25

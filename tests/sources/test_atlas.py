from __future__ import annotations

import json
import shutil

import pytest
from fixtures.atlas import BRIEF, ENTRIES, FOLDER, PICTURES, TOPS, entry, write

from ofclip.errors import DataError
from ofclip.sources.atlas import SOURCE, captions, load

NAME = "atlas"
TOP = "Women_Western Wear_Tops&Tees"
IDS = [
    "Men_Inner Wear_Underwear/euro-brief-c9f86351-product.jpeg", f"{TOP}/4a69fc38.jpg", f"{TOP}/739299c9.jpg",
    "Men_Ethnic Wear/01.jpg",
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / NAME


def relist(folder, *entries):
    (folder / "atlas_dataset.json").write_text(json.dumps({"images": entries}))


def test_official_layout_becomes_a_catalog(root, folder):
    catalog = load(root)
    products = catalog.products
    assert products["id"].tolist() == IDS
    assert products["split"].tolist() == ["train", "train", "test", "val"]
    assert products["group"].tolist() == [IDS[0], IDS[1], IDS[1], IDS[3]]
    assert products["texts"].tolist() == [
        ("euro fashion men's cotton brief (pack of 3 )", "underwear for men"),
        ("Peach Crop Top", "tops and tees for women"),
        ("PEACH crop top", "tops and tees for women"),
        ("Silk kurta",),
    ]
    assert catalog.labels == ["category", "gender", "wear", "type"]
    assert products["category"].tolist() == [
        "Men/Inner Wear/Underwear", "Women/Western Wear/Tops&Tees", "Women/Western Wear/Tops&Tees", "Men/Ethnic Wear",
    ]  # fmt: skip
    assert products["gender"].tolist() == ["Men", "Women", "Women", "Men"]
    assert products["wear"].tolist() == ["Inner Wear", "Western Wear", "Western Wear", "Ethnic Wear"]
    assert products["type"].tolist()[:3] == ["Underwear", "Tops&Tees", "Tops&Tees"]
    assert products["type"].isna().tolist() == [False, False, False, True]
    assert catalog.images.names == tuple(PICTURES[:4])
    assert [catalog.images.open(i).size for i in range(4)] == [(24, 36)] * 4
    there = f"{folder}/atlas_dataset.json"
    assert catalog.skipped == (
        f"{there} image 6: no title",
        f"{there} image 5: repeats 'Men_Inner Wear_Underwear/images/euro-br...",
        f"{there} image 7: no picture {TOP}/images/gone.jpg",
    )


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_the_same_data(root, folder, tmp_path, ending):
    shutil.make_archive(str(tmp_path / "packed" / NAME), ending, folder)
    assert load(tmp_path / "packed").fingerprint == load(root).fingerprint


def test_an_archive_of_pictures_is_the_same_data(root, folder):
    before = load(root).fingerprint
    shutil.make_archive(str(folder / "pictures"), "tar", folder / "atlas_dataset")
    shutil.rmtree(folder / "atlas_dataset")
    assert load(root).fingerprint == before


def test_folders_named_by_other_versions_of_the_script_are_the_same_data(root, folder):
    before = load(root)
    fingerprint = before.fingerprint
    for path in list((folder / "atlas_dataset").iterdir()):
        path.rename(folder / path.name.replace("_", "-").replace(" ", "_"))
    (folder / "atlas_dataset").rmdir()
    after = load(root)
    assert (folder / "Men-Inner_Wear-Underwear").is_dir()
    assert after.fingerprint == fingerprint and after.skipped == before.skipped


def test_one_split(root):
    catalog = load(root, split="test")
    assert catalog.products["id"].tolist() == [IDS[2]] and catalog.products["group"].tolist() == [IDS[1]]


def test_without_pictures_texts_and_labels_are_read_alone(root, folder):
    shutil.rmtree(folder / "atlas_dataset")
    with pytest.raises(DataError, match="holds none of the 5 pictures, such as Men_Inner Wear.*Get atlas.*=False"):
        load(root)
    catalog = load(root, pictures=False)
    assert catalog.products["id"].tolist() == [*IDS, f"{TOP}/gone.jpg"]
    with pytest.raises(DataError, match="without pictures"):
        catalog.images.open(0)


def test_a_missing_list_is_named(root, folder):
    (folder / "atlas_dataset.json").unlink()
    with pytest.raises(DataError, match="holds no atlas_dataset.json"):
        load(root)


def test_pictures_of_one_url_share_a_group(root, folder):
    relist(folder, *(entry(f"{FOLDER}/{n}.jpg", f"Top {n}", TOPS, "train", url="http://a/1.jpg") for n in (1, 2)))
    assert load(root, pictures=False).products["group"].tolist() == [f"{TOP}/1.jpg"] * 2


def test_equal_titles_of_two_categories_are_two_groups(root, folder):
    relist(folder, entry("1.jpg", "Kurta", ["Men", "Ethnic Wear", "Kurta"], "train"),
           entry("1.jpg", "Kurta", ["Women", "Ethnic Wear", "Kurta"], "train", url="http://a/2.jpg"))  # fmt: skip
    catalog = load(root, pictures=False)
    assert catalog.products["id"].tolist() == ["Men_Ethnic Wear_Kurta/1.jpg", "Women_Ethnic Wear_Kurta/1.jpg"]
    assert catalog.products["group"].nunique() == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (7, "image 8: expected an object, found a whole number"),
        ({}, "image 8: lacks 'filename'"),
        ({**BRIEF, "filename": None}, "image 8: filename: expected text, found nothing"),
        ({**BRIEF, "filename": "a/images/"}, "image 8: filename 'a/images/' names no file"),
        ({**BRIEF, "title": ["brief"]}, "image 8: title: expected text, found a list"),
        ({**BRIEF, "title": 7}, "image 8: title: expected text, found a whole number"),
        ({**BRIEF, "sentences": "Men"}, "image 8: sentences: expected a list, found text"),
        ({**BRIEF, "sentences": []}, "image 8: 0 category paths in sentences instead of one"),
        ({**BRIEF, "sentences": BRIEF["sentences"] * 2}, "image 8: 2 category paths"),
        ({**BRIEF, "sentences": [["Men"]]}, "image 8: sentences: expected an object, found a list"),
        ({**BRIEF, "sentences": [{"tokens": "Men"}]}, "image 8: sentences: tokens: expected a list, found text"),
        ({**BRIEF, "sentences": [{"tokens": ["Men", 7]}]}, "image 8: tokens: expected text, found a whole number"),
        ({**BRIEF, "sentences": [{"tokens": []}]}, "are no path of one to 3 categories"),
        ({**BRIEF, "sentences": [{"tokens": ["Men", ""]}]}, "are no path of one to 3 categories"),
        ({**BRIEF, "sentences": [{"tokens": list("abcd")}]}, "are no path of one to 3 categories"),
        ({**BRIEF, "split": "restval"}, "image 8: split 'restval' is none of train, val, test"),
        ({**BRIEF, "image_url": 7}, "image 8: image_url: expected text, found a whole number"),
        ({**BRIEF, "split": "test"}, "image 8: repeats .* with other values"),
        ({**BRIEF, "title": "other"}, "image 8: repeats .* with other values"),
    ],
)
def test_a_bad_entry_raises_with_its_number_or_is_listed(root, folder, bad, reason):
    relist(folder, *ENTRIES, bad)
    with pytest.raises(DataError, match=f"atlas_dataset.json image 8.*{reason.removeprefix('image 8')}.*; mend it"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.products["id"].tolist() == IDS
    assert sum("image 8: " in reason for reason in catalog.skipped) == 1


@pytest.mark.parametrize("title", [None, "", " \n"])
def test_an_empty_title_is_listed(root, folder, title):
    relist(folder, *ENTRIES[:2], {**ENTRIES[2], "title": title})
    catalog = load(root)
    assert len(catalog) == 2 and catalog.skipped == (f"{folder}/atlas_dataset.json image 3: no title",)


def test_a_name_that_leads_out_finds_only_what_is_in_the_data(root, folder):
    (root / "secret.jpg").write_bytes((folder / "atlas_dataset" / PICTURES[0]).read_bytes())
    relist(folder, ENTRIES[0], entry("../secret.jpg", "Secret", TOPS, "train"), entry("..", "Up", TOPS, "train"))
    catalog = load(root)
    assert catalog.products["id"].tolist() == IDS[:1] and len(catalog.skipped) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps({"images": ENTRIES})[:-30], "atlas_dataset.json line 1: not JSON"),
        (json.dumps(ENTRIES), "atlas_dataset.json: expected an object, found a list"),
        ('{"pictures": []}', "atlas_dataset.json: lacks 'images'"),
        ('{"images": {}}', "atlas_dataset.json: images: expected a list, found an object"),
        ('{"images": [], "images": []}', "atlas_dataset.json: the key 'images' repeats"),
    ],
)
def test_a_list_of_another_shape_is_refused(root, folder, text, reason):
    (folder / "atlas_dataset.json").write_text(text)
    with pytest.raises(DataError, match=reason):
        load(root)


def test_captions_do_not_repeat():
    assert captions("kurta for men", ("Men", "Ethnic Wear", "Kurta")) == ("kurta for men",)


def test_the_card_is_complete():
    assert all(vars(SOURCE)[name] for name in ("summary", "text", "citation", "home", "fields", "defects"))

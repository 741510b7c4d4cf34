from __future__ import annotations

import copy
import json
import shutil

import pytest
from fixtures.polyvore import CATEGORIES, OUTFITS, item, outfit, write

from ofclip.errors import DataError
from ofclip.sources.polyvore import OUTFITS as OFFICIAL
from ofclip.sources.polyvore import SOURCE, load, outfits

NAME = "polyvore"
IDS = [
    "100002074_1", "100002074_6", "100002074_8", "100029003_1", "147361785_2", "147361785_3",
    "119704139_1", "119704139_2",
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / NAME


def rewrite(folder, change, split="train"):
    """Change the outfits of one split in their file."""
    found = copy.deepcopy(OUTFITS[split])
    change(found)
    (folder / f"{split}_no_dup.json").write_text(json.dumps(found))


def test_official_layout_becomes_a_catalog(root, folder):
    catalog = load(root)
    products = catalog.products
    assert products["id"].tolist() == IDS
    assert products["split"].tolist() == ["train"] * 4 + ["valid"] * 2 + ["test"] * 2
    # 147361785_2 shows what 100002074_6 does, though another host had it; the two "coat" are two things
    assert products["group"].tolist() == [*IDS[:4], "100002074_6", *IDS[5:]]
    assert products["texts"].tolist() == [
        ("tibi knit dress",), ("coat",), ("coat",), ("silk shirt",), ("long coat",), ("tank",), ("stem",), ("vase",),
    ]  # fmt: skip
    assert catalog.labels == ["category", "category_id", "outfit"]
    assert products["category"].tolist()[:7] == [
        "Day Dresses", "Coats", "Coats", "Blouses", "Coats", "Men's Tank Tops", "Floral Decor",
    ]  # fmt: skip
    assert products["category"].isna().tolist() == [False] * 7 + [True]
    assert products["category_id"].tolist() == ["4", "24", "24", "17", "24", "343", "4438", "139"]
    assert products["outfit"].tolist() == [name.split("_")[0] for name in IDS]
    assert catalog.images.names[1] == "images/100002074/6.jpg"
    assert [catalog.images.open(i).size for i in range(8)] == [(20, 20)] * 8
    assert catalog.skipped == (
        f"{folder}/train_no_dup.json outfit 2 item 2: item 100029003_7 has no name",
        f"{folder}/test_no_dup.json outfit 1 item 3: no picture images/119704139/4.jpg",
    )


def test_outfits_are_counted_as_the_official_sizes_are(root):
    assert outfits(load(root)) == {"train": 2, "valid": 1, "test": 1}
    assert set(OFFICIAL) == set(SOURCE.splits) and sum(OFFICIAL.values()) == 21_889


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_the_same_data(root, folder, tmp_path, ending):
    shutil.make_archive(str(tmp_path / "packed" / NAME), ending, folder)
    assert load(tmp_path / "packed").fingerprint == load(root).fingerprint


def test_the_two_official_archives_are_the_same_data(root, folder):
    before = load(root).fingerprint
    shutil.make_archive(str(folder / "polyvore-images"), "gztar", folder, "images")
    shutil.rmtree(folder / "images")
    (folder / "label").mkdir()
    for split in OUTFITS:
        (folder / f"{split}_no_dup.json").rename(folder / "label" / f"{split}_no_dup.json")
    shutil.make_archive(str(folder / "polyvore"), "gztar", folder, "label")
    shutil.rmtree(folder / "label")
    assert load(root).fingerprint == before
    folder.rename(root / "polyvore-dataset")
    assert load(root).fingerprint == before


def test_one_split_keeps_the_groups_of_all(root):
    catalog = load(root, split="valid")
    assert catalog.products["group"].tolist() == ["100002074_6", "147361785_3"]
    assert catalog.images.names == ("images/147361785/2.jpg", "images/147361785/3.jpg")


def test_without_pictures_texts_and_labels_are_read_alone(root, folder):
    with_pictures = load(root).products
    shutil.rmtree(folder / "images")
    with pytest.raises(DataError, match="none of the 9 pictures, such as images/100002074/1.jpg. Clone .*=False"):
        load(root)
    catalog = load(root, pictures=False)
    assert catalog.products["id"].tolist() == [*IDS, "119704139_4"]
    assert catalog.products.iloc[:8].equals(with_pictures)
    with pytest.raises(DataError, match="without pictures"):
        catalog.images.open(0)


@pytest.mark.parametrize("split", list(OUTFITS))
def test_a_missing_split_is_named(root, folder, split):
    (folder / f"{split}_no_dup.json").unlink()
    with pytest.raises(DataError, match=f"holds no {split}_no_dup.json"):
        load(root, split="train")


def test_without_a_list_of_categories_they_are_unknown_and_that_is_listed(root, folder):
    (folder / "category_id.txt").unlink()
    catalog = load(root)
    assert catalog.label("category").isna().all() and catalog.label("category_id").notna().all()
    assert catalog.skipped[0] == "category_id.txt: not there, so that the category of every item is unknown"


@pytest.mark.parametrize("line", ["24 Jackets", "25", "x Jackets", "25Jackets"])
def test_a_bad_category_raises_with_its_number_or_is_listed(root, folder, line):
    (folder / "category_id.txt").write_text(f"{CATEGORIES}\n{line}\n")
    with pytest.raises(DataError, match=f"category_id.txt row 9: '{line}' is no new <number> <name>; mend it"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.label("category")[1] == "Coats" and "row 9" in catalog.skipped[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda found: found[0]["items"].insert(1, "coat"), "outfit 1 item 2: expected an object, found text"),
        (lambda found: found[0]["items"].insert(1, {}), "outfit 1 item 2: lacks 'index'"),
        (lambda found: found[0]["items"].insert(1, item("2", "coat", 24, 5)), "outfit 1 item 2: index: expected a wh"),
        (lambda found: found[0]["items"].insert(1, item(2, 7, 24, 5)), "outfit 1 item 2: name: expected text, found a"),
        (lambda found: found[0]["items"].insert(1, item(2, "coat", None, 5)), "outfit 1 item 2: categoryid: expected"),
        (lambda found: found[0]["items"].insert(1, {**item(2, "a", 24, 5), "image": None}), "item 2: image: expected"),
        (lambda found: found[0]["items"].insert(1, item(1, "coat", 24, 5)), "item 2: item '100002074_1' repeats"),
        (lambda found: found.insert(0, 7), "outfit 1: expected an object, found a whole number"),
        (lambda found: found.insert(0, {"items": []}), "outfit 1: lacks 'set_id'"),
        (lambda found: found.insert(0, {"set_id": 1, "items": []}), "outfit 1: set_id: expected text, found a whole"),
        (lambda found: found.insert(0, {"set_id": "1"}), "outfit 1: lacks 'items'"),
        (lambda found: found.insert(0, {"set_id": "1", "items": {}}), "outfit 1: items: expected a list, found an ob"),
        (lambda found: found.insert(0, outfit("../1")), "outfit 1: set_id '../1' is no number of an outfit"),
    ],
)
def test_a_bad_outfit_or_item_raises_with_its_number_or_is_listed(root, folder, change, reason):
    rewrite(folder, change)
    with pytest.raises(DataError, match=f"train_no_dup.json .*{reason}.*; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.products["id"].tolist() == IDS
    assert sum(reason.split(":")[-1][:20] in skipped for skipped in catalog.skipped) == 1


def test_an_outfit_in_two_splits_raises_or_stays_in_the_first(root, folder):
    rewrite(folder, lambda found: found.append(OUTFITS["train"][0]), "test")
    with pytest.raises(DataError, match="test_no_dup.json outfit 2 item 1: item '100002074_1' repeats"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.products["id"].tolist() == IDS and len(catalog.skipped) == 5


def test_an_outfit_without_items_is_listed(root, folder):
    rewrite(folder, lambda found: found.append(outfit("5")))
    assert f"{folder}/train_no_dup.json outfit 3: no items" in load(root).skipped


def test_urls_of_another_kind_are_compared_whole(root, folder):
    def change(found):
        found[0]["items"][0]["image"] = found[1]["items"][0]["image"] = "data/images/1.jpg"
        found[0]["items"][1]["image"] = ""

    rewrite(folder, change)
    groups = load(root).products["group"].tolist()
    assert groups[3] == "100002074_1" and groups[1] == "100002074_6" and groups[4] == "147361785_2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps(OUTFITS["valid"], indent=4)[:200], r"valid_no_dup.json line \d+: not JSON"),
        ('{"items": []}', "valid_no_dup.json: expected a list, found an object"),
        ('[{"set_id": "1", "set_id": "2", "items": []}]', "valid_no_dup.json: the key 'set_id' repeats"),
    ],
)
def test_outfits_of_another_shape_are_refused(root, folder, text, reason):
    (folder / "valid_no_dup.json").write_text(text)
    with pytest.raises(DataError, match=reason):
        load(root)


def test_the_card_is_complete():
    assert all(vars(SOURCE)[name] for name in ("summary", "text", "citation", "home", "fields", "defects"))

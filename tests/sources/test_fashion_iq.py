from __future__ import annotations

import json
import shutil

import pytest
from fixtures.fashion_iq import CAPTIONS, PICTURES, told, write

from ofclip.errors import DataError, NoPictures, SettingError
from ofclip.images import AbsentImages
from ofclip.sources.fashion_iq import SOURCE, find, galleries, load, urls

NAME = "fashion-iq"
IDS = [
    "dress/B00DRESS01", "dress/B00DRESS03", "dress/B00DRESS04", "shirt/B00BOTH001", "shirt/B00CROSS01",
    "shirt/B00SHIRT03", "toptee/B00BOTH001", "toptee/B00CROSS01",
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / NAME


def rewrite(folder, name, entries):
    (folder / "captions" / f"cap.{name}.json").write_text(json.dumps(entries))


def test_official_layout_becomes_a_catalog(root, folder):
    catalog = load(root)
    products = catalog.products
    assert products["id"].tolist() == IDS
    assert products["split"].tolist() == ["train", "train", "val", "train", "train", "val", "train", "val"]
    assert products["group"].tolist() == [name.partition("/")[2] for name in IDS]
    assert products["texts"].tolist() == [
        ("solid green, thin strap", "green"),
        ("no sleeve, red belt",),
        ("long maxi dress, polka dot", "long maxi dress", "polka dot"),
        ("plaid, pocket, short sleeve", "plaid, pocket", "short sleeve"),
        ("white t-shirt, large logo", "white t-shirt", "large logo"),
        ("black, skull", "black"),
        ("plaid, button-up",),
        ("white, not striped", "white", "not striped"),
    ]
    assert catalog.labels == ["category"]
    assert products["category"].tolist() == [name.partition("/")[0] for name in IDS]
    assert catalog.images.names[:2] == ("images/B00DRESS01.jpg", "images/B00DRESS03.png")
    assert [catalog.images.open(i).size for i in range(8)] == [(18, 24)] * 8
    assert catalog.images.open(3).tobytes() == catalog.images.open(6).tobytes()
    assert catalog.skipped == (
        f"{folder}/captions/cap.dress.train.json annotation 2: nothing is said of B00DRESS02 but how it differs",
        f"{folder}/captions/cap.toptee.val.json annotation 2: no picture images/B00TOPTE02.jpg",
    )


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_the_same_data(root, folder, tmp_path, ending):
    shutil.make_archive(str(tmp_path / "packed" / NAME), ending, folder)
    assert load(tmp_path / "packed").fingerprint == load(root).fingerprint


def test_captions_in_an_archive_of_their_own_are_the_same_data(root, folder):
    before = load(root).fingerprint
    shutil.make_archive(str(folder / "captions"), "zip", folder, "captions")
    shutil.rmtree(folder / "captions")
    shutil.move(folder / "images", folder / "resized_images")  # as other people's tools lay them out
    assert load(root).fingerprint == before


def test_a_clone_from_the_hub_is_found_as_it_is_packed(root, folder, tmp_path):
    before = load(root).fingerprint
    (tmp_path / "clone").mkdir()
    folder.rename(tmp_path / "clone" / "fashion-iq-master")
    shutil.make_archive(str(root / "fashion-iq-master"), "zip", tmp_path / "clone")
    assert find(root) == root / "fashion-iq-master.zip"
    assert load(root).fingerprint == before


def test_texts_and_labels_need_no_pictures(root, folder):
    whole = load(root).products
    shutil.rmtree(folder / "images")
    catalog = load(root, pictures=False)
    assert isinstance(catalog.images, AbsentImages) and catalog.images.name(0) == "images/B00DRESS01.jpg"
    assert catalog.products["id"].tolist() == [*IDS, "toptee/B00TOPTE02"]
    assert catalog.products["texts"].tolist() == [*whole["texts"], ("v-neck",)]
    with pytest.raises(NoPictures, match="holds none of the 9 pictures.*pictures=False"):
        load(root)


def test_one_split_or_one_category(root, folder):
    assert load(root, split="val").products["id"].tolist() == [IDS[2], IDS[5], IDS[7]]
    (folder / "captions" / "cap.dress.train.json").unlink()
    shirts = load(root, category="shirt")
    assert shirts.products["id"].tolist() == IDS[3:6]
    with pytest.raises(DataError, match=r"holds no captions/cap\.dress\.train\.json"):
        load(root)
    with pytest.raises(SettingError, match="unknown category of fashion-iq 'shirts': did you mean 'shirt'"):
        load(root, category="shirts")


def test_relative_captions_are_kept_if_wanted(root):
    catalog = load(root, relative=True)
    products = catalog.products.set_index("id")["texts"]
    assert products["dress/B00DRESS01"] == (
        "solid green, thin strap", "green", "is solid green with thin straps", "Is green and longer",
    )  # fmt: skip
    assert products["dress/B00DRESS02"] == ("is darker", "is shorter and more revealing")
    assert len(catalog) == 9 and len(catalog.skipped) == 1


def test_a_target_told_twice_is_one_product(root, folder):
    again = told("B00SHIRT03", "B00SHIRT02", "has no buttons", "is black")
    rewrite(folder, "shirt.val", [*CAPTIONS["shirt.val"], again])
    products = load(root).products
    assert products["id"].tolist() == IDS
    assert products["texts"][5] == ("black, skull", "no button, black", "black", "no button")


def test_a_target_in_two_splits_of_one_category_is_a_fault(root, folder):
    rewrite(folder, "dress.val", CAPTIONS["dress.train"][:1])
    fault = r"cap\.dress\.val\.json annotation 1: target B00DRESS01 is in train already"
    with pytest.raises(DataError, match=fault):
        load(root)
    catalog = load(root, skip_bad=True)
    assert sum("is in train already" in reason for reason in catalog.skipped) == 1
    assert catalog.products["split"][0] == "train"


def test_zero_size_pictures_are_named_when_they_are_opened(root, folder):
    (folder / "images" / "B00DRESS01.jpg").write_bytes(b"")  # what a dead URL leaves behind
    with pytest.raises(DataError, match=r"B00DRESS01\.jpg: empty file"):
        load(root).images.open(0)


@pytest.mark.parametrize(
    "entry, fault",
    [
        ({"candidate": "B00DRESS02", "captions": ["is red"]}, "lacks 'target'"),
        ({"target": "B00DRESS09", "candidate": "B00DRESS02"}, "lacks 'captions'"),
        (told("../DRESS09", "B00DRESS02", "is red"), r"target '\.\./DRESS09' is no ASIN"),
        (told("B00DRESS09", "B00DRESS02"), "no captions"),
        ({"target": "B00DRESS09", "captions": "is red"}, "captions: expected a list, found text"),
        ({"target": "B00DRESS09", "captions": ["is red", None]}, "captions: expected text, found nothing"),
        ({"target": 9, "captions": ["is red"]}, "target: expected text, found a whole number"),
        ("B00DRESS09", "expected an object, found text"),
    ],
)
def test_bad_annotations_are_named_and_can_be_skipped(root, folder, entry, fault):
    rewrite(folder, "dress.train", [*CAPTIONS["dress.train"], entry])
    with pytest.raises(DataError, match=rf"cap\.dress\.train\.json annotation 4: {fault}; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.products["id"].tolist() == IDS and len(catalog.skipped) == 3


@pytest.mark.parametrize(
    "data, fault",
    [
        (b"[{", "line 1: not JSON"),
        (b'{"target": 1}', "expected a list, found an object"),
        (b"", "line 1: not JSON"),
        (b'["\x81"]', "line 1: neither utf-8"),
    ],
)
def test_damaged_files_are_named(root, folder, data, fault):
    (folder / "captions" / "cap.toptee.val.json").write_bytes(data)
    with pytest.raises(DataError, match=rf"cap\.toptee\.val\.json.*{fault}"):
        load(root, skip_bad=True)


def test_galleries_are_counted(root):
    found = galleries(root)
    assert found["dress", "train"] == (3, 0) and found["dress", "val"] == (2, 1)
    assert found["dress", "test"] == (2, 2) and found["shirt", "train"] == (3, 1)
    assert len(found) == 9


def test_urls_have_official_names(root, folder):
    assert urls(root) == [
        ("images/B00DRESS01.jpg", "http://pictures.example.com/I/51a._SY445_.jpg"),
        ("images/B00DRESS03.png", "http://pictures.example.com/I/3.PNG"),
        ("images/B00BOTH001.jpg", "http://pictures.example.com/I/both%2B1.jpg"),
        ("images/B00CROSS01.jpg", "https://pictures.example.com/I/x"),
    ]
    shutil.rmtree(folder / "image_url")
    with pytest.raises(DataError, match=r"holds no image_url/asin2url\.\*\.txt\. Clone"):
        urls(root)


@pytest.mark.parametrize(
    "line", ["B00DRESS09 http://pictures.example.com/a.jpg", "B00DRESS09 \t ", "B00DRESS09 \t file:///etc/a.jpg",
             "../../0000 \t http://pictures.example.com/a.jpg", "B00DRESS09 \t http://[a/b.jpg"],
)  # fmt: skip
def test_bad_lines_of_url_lists_are_named(root, folder, line):
    with (folder / "image_url" / "asin2url.dress.txt").open("a") as file:
        file.write(f"\n{line}\n")
    with pytest.raises(DataError, match=r"asin2url\.dress\.txt line 4: .* is no ASIN, tab and URL; mend it"):
        urls(root)


def test_the_fixture_has_its_traps():
    targets = [(entry["target"], name) for name, rows in CAPTIONS.items() for entry in rows if "target" in entry]
    assert len(targets) > len({asin for asin, _ in targets})
    assert any(not "".join(entry["captions"][:1]).strip() for rows in CAPTIONS.values() for entry in rows)
    assert {name.rpartition(".")[2] for name in PICTURES} == {"jpg", "png"}


@pytest.mark.real("fashion-iq")
def test_real_captions_have_the_official_counts(real_data):
    whole = load(real_data, pictures=False, relative=True)
    assert whole.products["split"].value_counts().to_dict() == dict(SOURCE.expected) == {"train": 18_000, "val": 6_016}
    assert whole.skipped == ()
    assert whole.products.groupby(["category", "split"]).size().to_dict() == {
        ("dress", "train"): 5_985, ("dress", "val"): 2_017, ("shirt", "train"): 5_988, ("shirt", "val"): 2_038,
        ("toptee", "train"): 6_027, ("toptee", "val"): 1_961,
    }  # fmt: skip
    groups = whole.products.groupby("group")
    assert len(groups) == 23_742
    assert (groups["category"].nunique() > 1).sum() == 274 and (groups["split"].nunique() > 1).sum() == 100

    catalog = load(real_data, pictures=False)
    assert len(catalog) + len(catalog.skipped) == 24_016
    assert 0.96 < len(catalog) / 24_016 < 0.98
    assert catalog.products["texts"][0] == ("solid black, no sleeve, strap", "solid black, no sleeve", "black, strap")


@pytest.mark.real("fashion-iq")
def test_real_galleries_have_the_official_counts(real_data):
    assert galleries(real_data) == {
        ("dress", "train"): (11_452, 5_467), ("dress", "val"): (3_817, 1_800), ("dress", "test"): (3_818, 3_818),
        ("shirt", "train"): (19_036, 13_048), ("shirt", "val"): (6_346, 4_308), ("shirt", "test"): (6_346, 6_346),
        ("toptee", "train"): (16_121, 10_094), ("toptee", "val"): (5_373, 3_412), ("toptee", "test"): (5_374, 5_374),
    }  # fmt: skip

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from fixtures import imaterialist as fixture

from ofclip.errors import DataError, SettingError
from ofclip.images import pixels
from ofclip.sources import imaterialist
from ofclip.sources.imaterialist import SOURCE, label_map, load
from ofclip.sources.imaterialist_labels import LABEL_MAP, MD5, TASKS, phrase
from ofclip.tree import Tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fixture.write(tmp_path)
    return tmp_path


def change(root: Path, name: str, edit) -> None:
    """Edit a JSON file in place."""
    path = root / "imaterialist" / name
    data = json.loads(path.read_text())
    path.write_text(json.dumps(edit(data) or data))


def test_official_layout_becomes_a_catalog(root):
    catalog = load(root)
    table = catalog.products
    assert list(table["id"]) == ["train/1", "train/2", "train/3", "train/5", "validation/1", "validation/2"]
    assert list(table["split"]) == ["train"] * 4 + ["validation"] * 2
    assert list(table["group"]) == list(table["id"])
    assert catalog.captions == [
        "women's red floral silk short sleeve v-neck summer casual dress",
        "men's black and white cotton t-shirt",
        "women's blue and red casual dress and dress",
        "red",
        "unisex hosiery, stockings, tights",
        "women's leather boots",
    ]
    assert all(len(texts) == len(set(texts)) for texts in table["texts"])
    assert [len(texts) for texts in table["texts"]] == [4, 4, 4, 1, 4, 4]
    assert table["category"].tolist() == [
        "Casual Dresses", "T-Shirts", pd.NA, pd.NA, "Hosiery, Stockings, Tights", "Boots",
    ]  # fmt: skip
    assert table["categories"].tolist()[2:4] == [("Casual Dresses", "Dresses"), ()]
    assert table["colors"].tolist() == [("Red",), ("Black", "White"), ("Blue", "Red"), ("Red",), (), ()]
    assert table["genders"].tolist()[:4] == [("Female",), ("Male",), ("Female",), ()]
    one = table.iloc[0]
    assert [one[name] for name in ("materials", "necklines", "patterns", "sleeves", "styles")] == [
        ("Silk",), ("V-Necks",), ("Floral",), ("Short Sleeves",), ("Summer",),
    ]  # fmt: skip
    assert [catalog.images.open(row).size for row in range(6)] == [
        (14, 16), (15, 16), (16, 16), (17, 16), (19, 16), (20, 16),
    ]  # fmt: skip
    assert catalog.images.name(2).endswith("imaterialist/train/3.jpeg")
    assert catalog.skipped == ("imaterialist: no picture train/4.jpg",)
    assert set(SOURCE.labels) <= set(catalog.labels)


def test_both_spellings_are_the_same_data(root, tmp_path):
    fixture.write(tmp_path / "kaggle", kaggle=True)
    kaggle, authors = load(tmp_path / "kaggle"), load(root)
    assert kaggle.fingerprint == authors.fingerprint and kaggle.skipped == authors.skipped


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_are_the_same_data(root, tmp_path, kind):
    path = tmp_path / "packed" / f"imaterialist.{kind}"
    path.parent.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in fixture.files().items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(root / "imaterialist", "imaterialist")
    assert load(path.parent).fingerprint == load(root).fingerprint


def test_json_files_may_stay_zipped_and_pictures_lie_as_other_tools_put_them(root):
    folder = root / "imaterialist"
    expected = load(root).fingerprint
    for name in ("train.json", "val.json"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.write(folder / name, name)
        (folder / name).unlink()
    (folder / "images").mkdir()
    (folder / "train").rename(folder / "images" / "train_images")
    (folder / "validation").rename(folder / "images" / "val")
    folder.rename(root / "imaterialist-challenge-fashion-2018")
    moved = load(root)
    assert moved.images.name(4).endswith("images/val/1.jpg") and moved.images.names[4] == "validation/1.jpg"
    assert moved.fingerprint == expected


def test_one_split(root):
    assert list(load(root, split="validation").products["id"]) == ["validation/1", "validation/2"]
    (root / "imaterialist" / "train.json").unlink()
    assert len(load(root, split="validation")) == 2
    with pytest.raises(DataError, match="train.json: not there; name the split that is, or get it. Download"):
        load(root)


def test_texts_alone_need_no_pictures(root):
    for name in ("train", "validation", "test"):
        for path in (root / "imaterialist" / name).iterdir():
            path.unlink()
    catalog = load(root, pictures=False)
    assert len(catalog) == 7 and catalog.products["id"][3] == "train/4" and catalog.skipped == ()
    assert catalog.images.name(3) == "train/4.jpg"
    with pytest.raises(DataError, match="none of the pictures .* `ofclip sources fetch imaterialist`.*pictures=F"):
        load(root)


def test_pictures_without_labels_come_only_when_asked_for(root):
    with pytest.raises(SettingError, match="the test part has no labels; load it with unlabelled=True"):
        load(root, split="test")
    test = load(root, split="test", unlabelled=True)
    assert test.products["texts"].tolist() == [(), ()] and test.captions == ["", ""]
    assert test.products["category"].isna().all() and test.products["colors"].tolist() == [(), ()]

    def edit(data):
        del data["annotations"][1]
        data["annotations"][0]["label_id"] = []

    change(root, "train.json", edit)
    catalog = load(root)
    assert list(catalog.products["id"])[:2] == ["train/3", "train/5"]
    assert [reason.partition("json ")[2] for reason in catalog.skipped[:2]] == [
        "image 1: has no labels", "image 2: has no labels",
    ]  # fmt: skip
    everything = load(root, unlabelled=True)
    assert len(everything) == 8 and everything.captions[:2] == ["", ""]


def test_captions_say_how_many_texts(root):
    assert [len(texts) for texts in load(root, captions=1).products["texts"]] == [1] * 6
    assert len(load(root, captions=7).products["texts"][0]) == 7


def test_texts_of_a_picture_do_not_depend_on_what_else_is_loaded(root):
    texts = dict(zip(*(load(root).products[name] for name in ("id", "texts")), strict=True))
    part = load(root, split="validation").products
    assert [texts[product] for product in part["id"]] == part["texts"].tolist()


BAD = {
    "no id": (lambda data: data["images"][1].pop("image_id"), "image 2: has no image id"),
    "id is no number": (lambda data: data["images"][1].update(image_id="two"), "image 2: has no image id"),
    "id is true": (lambda data: data["images"][1].update(image_id=True), "image 2: has no image id"),
    "id repeats": (lambda data: data["images"][1].update(image_id=1), "image 2: repeats image id 1 of image 1"),
    "image is no object": (lambda data: data["images"].insert(1, 7), "image 2: has no image id"),
    "annotation without image": (
        lambda data: data["annotations"][2].update(image_id=99), "annotation 3: image id 99 is not among the images",
    ),
    "annotation repeats": (lambda data: data["annotations"][2].update(image_id=2), "annotation 3: repeats image id 2"),
    "annotation is no object": (lambda data: data["annotations"].insert(2, None), "annotation 3: has no image id"),
    "unknown label": (
        lambda data: data["annotations"][2]["label_id"].append(229), "annotation 3: label id 229 is not in the map",
    ),
    "label zero": (
        lambda data: data["annotations"][2].update(label_id=[0]), "annotation 3: label id 0 is not in the map",
    ),
    "label is a list": (
        lambda data: data["annotations"][2].update(label_id=[[66]]), r"annotation 3: label id \[66\] is not in the map",
    ),
    "labels in a string": (lambda data: data["annotations"][2].update(label_id="66"), "annotation 3: has no list"),
    "no labels key": (lambda data: data["annotations"][2].pop("label_id"), "annotation 3: has no list of label ids"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_raises_with_its_number_or_is_listed(root, name):
    edit, reason = BAD[name]
    change(root, "train.json", lambda data: edit(data) and None)
    with pytest.raises(DataError, match=f"train.json {reason}.*; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert any(reason.replace("\\", "")[:30] in skipped for skipped in catalog.skipped)
    assert len(catalog) >= 4
    # a product whose labels are doubtful is left out whole: it never keeps some of them
    if "label" in name and "annotation" in reason:
        assert "train/3" not in set(catalog.products["id"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a whole JSON file"),
        ('{"images": [', "not a whole JSON file"),
        ("[" * 100_000, "not a whole JSON file"),
        ('{"images": [{"image_id": ' + "9" * 5000 + "}]}", "not a whole JSON file"),
        ("[]", "holds no list of images"),
        ("{}", "holds no list of images"),
        ('{"images": []}', "holds no list of images"),
        ('{"images": 3}', "holds no list of images"),
        ('{"images": [{"image_id": 1}], "annotations": {}}', "holds no list of images"),
        ('{"url": 3, "images": [{"image_id": 1}]}', "holds no list of images"),
        ('{"images": [{"image_id": 1, "image_id": 2}]}', r"not a whole JSON file \(a key repeats"),
    ],
)
def test_a_damaged_file_is_named(root, text, reason):
    (root / "imaterialist" / "train.json").write_text(text)
    for skip_bad in (False, True):
        with pytest.raises(DataError, match=f"train.json: {reason}"):
            load(root, skip_bad=skip_bad)


def test_label_map_has_its_tasks(root):
    table = label_map(root)
    assert table["task"].value_counts().to_dict() == TASKS and table.index.tolist() == list(range(1, 229))
    assert table.loc[89].tolist() == ["Hosiery, Stockings, Tights", "category"]
    assert table.loc[101, "name"] == "Leopard And Cheetah"


def test_other_line_ends_are_the_same_label_map(root):
    table = label_map(root)
    path = root / "imaterialist" / LABEL_MAP
    path.write_bytes(fixture.label_map().replace(b"\r\n", b"\n") + b"\n")
    assert label_map(root).equals(table)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda text: text.replace('"', ""), r"row 89 \(line 90\): '89,1,Hosiery, Stockings, Tights,category' is not"),
        (lambda text: text.replace("5,1,Athletic Shirts,category\r\n", ""), r"row 5 \(line 6\): '6,1,Athletic Sho"),
        (lambda text: text.replace("\r\n228,6,Zebra,pattern", ""), "27 labels of task pattern instead of 28"),
        (lambda text: text.replace("Zebra,pattern", "Zebra,patern"), r"row 228 \(line 229\): '228,6,Zebra,patern'"),
        (lambda text: text.replace("Zebra,pattern", "Zebra,style"), "27 labels of task pattern instead of 28"),
        (lambda text: text.replace("labelName", "name"), "must start with labelId,taskId,labelName,taskName"),
        (lambda text: text.replace('"Hosiery', 'a"Hosiery'), r"row 89"),
        (lambda text: text.replace("Beaded", '"Beaded'), "not a readable CSV file|row 13"),
        (lambda text: "", "not a readable CSV file|must start with"),
        (lambda text: text.replace("Zebra", "Zibra"), "a name or task differs from the official file"),
    ],
)
def test_an_edited_label_map_is_refused(root, edit, reason):
    path = root / "imaterialist" / LABEL_MAP
    path.write_bytes(edit(fixture.label_map().decode()).encode())
    with pytest.raises(DataError, match=f"{LABEL_MAP}:? (?:{reason})"):
        load(root)


def test_the_label_map_alone_is_told_from_the_data_set(root):
    folder = root / "imaterialist"
    for name in ("train.json", "val.json", "test.json"):
        (folder / name).unlink()
    assert imaterialist.find(root) is None and imaterialist.partial(root) == "label map only"
    assert len(label_map(root)) == 228
    with pytest.raises(DataError, match="imaterialist: not found under .* Download train.json"):
        load(root)
    (folder / LABEL_MAP).unlink()
    assert imaterialist.partial(root) is None
    with pytest.raises(DataError, match="not found under"):
        label_map(root)


def test_annotations_without_the_label_map_say_where_it_is(root):
    (root / "imaterialist" / LABEL_MAP).unlink()
    with pytest.raises(DataError, match=rf"{LABEL_MAP}: not there. Download .*imat_fashion_comp"):
        load(root)


def test_truncated_picture_is_named(root):
    path = root / "imaterialist" / "train" / "2.jpg"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="row 1: .*train/2.jpg: damaged picture"):
        pixels(load(root).images, 8)


def test_urls_of_both_spellings(root, tmp_path):
    fixture.write(tmp_path / "kaggle", kaggle=True)
    authors, kaggle = (imaterialist.urls(Tree(place / "imaterialist")) for place in (root, tmp_path / "kaggle"))
    assert authors == kaggle and len(authors) == 9
    assert authors["train", "4"] == "https://shop.invalid/train/4-large"
    change(root, "train.json", lambda data: data["images"][0].update(url=[]) or data["images"][1].pop("url") and None)
    found = imaterialist.urls(Tree(root / "imaterialist"))
    assert found["train", "1"] == found["train", "2"] == ""


def test_every_label_has_a_phrase():
    table = fixture.LABELS
    phrases = [phrase(entry[1:], fixture.TASKS[entry[0]]) for entry in table]
    assert len(set(phrases)) == 228  # no two labels become one
    assert all(text == text.strip().lower() and text for text in phrases)


@pytest.mark.real(f"imaterialist-2018/{LABEL_MAP}")
def test_real_label_map(real_data):
    data = (real_data / "imaterialist-2018" / LABEL_MAP).read_bytes()
    assert hashlib.md5(data).hexdigest() == MD5
    table = label_map(real_data)
    assert table["task"].value_counts().to_dict() == TASKS
    assert [f"{name}" for name in table["name"]] == [entry[1:] for entry in fixture.LABELS]
    assert fixture.label_map() == data


@pytest.mark.real("imaterialist")
def test_real_counts(real_data):
    catalog = load(real_data, pictures=False)
    expected = {split: SOURCE.expected[split] for split in ("train", "validation")}
    assert catalog.products["split"].value_counts().to_dict() == expected

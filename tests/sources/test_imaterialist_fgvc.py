from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from fixtures import imaterialist_fgvc as fixture
from fixtures.imaterialist_fgvc import image_id

from ofclip.errors import DataError, SettingError
from ofclip.images import pixels
from ofclip.sources.imaterialist_fgvc import SOURCE, find, load, phrase
from ofclip.sources.splits import split_groups


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fixture.write(tmp_path)
    return tmp_path


def test_segments_become_products(root):
    catalog = load(root)
    table = catalog.products
    ids = [image_id(number) for number in (1, 2, 3, 4)]
    assert list(table["id"]) == list(table["group"]) == ids
    assert list(table["split"]) == list(split_groups([*ids, image_id(5)]))[:4]
    assert table["categories"].tolist() == [("dress",), ("pants", "shirt, blouse"), ("shoe",), ()]
    assert table["category"].tolist() == ["dress", pd.NA, "shoe", pd.NA]
    assert table["parts"].tolist() == [("neckline", "sleeve"), ("zipper",), (), ("sleeve", "neckline")]
    assert table["attributes"].tolist() == [
        ("sheath (dress)", "symmetrical", "maxi (length)", "no non-textile material", "floral", "v-neck"),
        ("tight (fit)", "symmetrical", "bead(a)"),
        (),
        ("v-neck",),
    ]
    assert catalog.captions == [
        "sheath dress symmetrical maxi length floral v-neck dress",
        "tight fit symmetrical bead pants and shirt or blouse",
        "shoe",
        "v-neck sleeve and neckline",
    ]
    assert [len(texts) for texts in table["texts"]] == [4, 4, 1, 4]
    assert not any("no non" in text for texts in table["texts"] for text in texts)
    assert [catalog.images.open(row).size for row in range(4)] == [(11, 20), (12, 20), (13, 20), (14, 20)]
    assert catalog.skipped == (f"imaterialist-fgvc: no picture train/{image_id(5)}.jpg",)
    assert set(SOURCE.labels) <= set(catalog.labels)


def test_the_older_edition_has_attributes_after_the_class(tmp_path):
    fixture.write(tmp_path, "2019", fixture.FOLDERS["2019"])
    table = load(tmp_path).products
    assert table["attributes"].tolist() == [("maxi (length)", "no opening", "floral"), ("tight (fit)",), (), ()]
    assert table["categories"].tolist() == [("dress",), ("pants", "shirt, blouse"), ("shoe",), ()]
    assert table["texts"][0][0] == "maxi length floral dress" and table["texts"][3] == ("sleeve",)
    assert table["id"][0] == image_id(1)


def test_an_edition_can_be_chosen(tmp_path):
    for edition, folder in fixture.FOLDERS.items():
        fixture.write(tmp_path, edition, folder)
    assert load(tmp_path).fingerprint == load(tmp_path, edition="2020").fingerprint
    assert load(tmp_path, edition="2019").products["attributes"][0] == ("maxi (length)", "no opening", "floral")
    with pytest.raises(SettingError, match="unknown edition of imaterialist-fgvc '2021': did you mean"):
        load(tmp_path, edition="2021")


def test_a_missing_edition_is_told(root, tmp_path):
    with pytest.raises(DataError, match="train.csv: is of the edition of 2020, not 2019; leave out edition="):
        load(root, edition="2019")
    (root / "imaterialist-fgvc").rename(root / fixture.FOLDERS["2020"])
    with pytest.raises(DataError, match="the edition of 2019 is not under .* Download"):
        load(root, edition="2019")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_are_the_same_data(root, tmp_path, kind):
    packed = tmp_path / "packed"
    packed.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(packed / f"{fixture.FOLDERS['2020']}.zip", "w") as archive:
            for name, data in fixture.files().items():
                archive.writestr(name, data)
    else:
        with tarfile.open(packed / "imaterialist-fgvc.tar", "w") as archive:
            archive.add(root / "imaterialist-fgvc", "imaterialist-fgvc")
    assert load(packed).fingerprint == load(root).fingerprint


def test_pictures_may_stay_in_their_zip_and_the_table_too(root):
    folder = root / "imaterialist-fgvc"
    expected = load(root).fingerprint
    with zipfile.ZipFile(folder / "train.zip", "w") as archive:
        for path in (folder / "train").iterdir():
            archive.write(path, path.name)
            path.unlink()
    with zipfile.ZipFile(folder / "train.csv.zip", "w") as archive:
        archive.write(folder / "train.csv", "train.csv")
    (folder / "train.csv").unlink()
    assert load(root).fingerprint == expected


def test_texts_alone_and_splits(root):
    for path in (root / "imaterialist-fgvc" / "train").iterdir():
        path.unlink()
    everything = load(root, pictures=False)
    assert len(everything) == 5 and everything.skipped == ()
    parts = [load(root, split=split, pictures=False) for split in SOURCE.splits]
    assert sum(map(len, parts)) == 5 and all(set(part.products["split"]) <= {name} for part, name in
                                             zip(parts, SOURCE.splits, strict=True))  # fmt: skip
    with pytest.raises(DataError, match="none of the pictures train/<image id>.jpg; unpack .* pictures=False"):
        load(root)


def swap(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


ROW = f"{image_id(2)},5 3 34 4,20,12,6,"
BAD = {
    "a column less": (ROW, f"{image_id(2)},5 3 34 4,20,6,", r"row 5 \(line 6\): "),
    "no id": (ROW, ",5 3 34 4,20,12,6,", r"row 5 \(line 6\): '' is no image id"),
    "an id that climbs": (ROW, "../2,5 3 34 4,20,12,6,", r"row 5 \(line 6\): '../2' is no image id"),
    "no height": (ROW, f"{image_id(2)},5 3 34 4,,12,6,", r"row 5 \(line 6\): height '' and width '12' are no numbers"),
    "unknown class": (ROW, f"{image_id(2)},5 3 34 4,20,12,46,", r"row 5 \(line 6\): class '46' is not in label_desc"),
    "unknown attribute": ('"135,115"', '"135,284"', r"row 5 \(line 6\): attribute '284' is not in label_descriptions"),
    "open quote": ('"135,115"', '"135,115', r"row 5 \(line 6\): attribute '\"135' is not in label_descriptions"),
    "empty attribute": ('"135,115"', '"135,,115"', r"row 5 \(line 6\): attribute '' is not in label_descriptions"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_raises_or_its_picture_is_left_out_whole(root, name):
    old, new, reason = BAD[name]
    path = root / "imaterialist-fgvc" / "train.csv"
    path.write_text(swap(path.read_text(), old, new))
    with pytest.raises(DataError, match=f"train.csv {reason}.*; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert "train.csv row 5: " in catalog.skipped[0]
    # nothing after the row is swallowed, and where the row says which picture it is of, no half of it stays
    assert image_id(4) in set(catalog.products["id"])
    whole = name in ("no height", "unknown class", "unknown attribute", "open quote", "empty attribute")
    assert not whole or image_id(2) not in set(catalog.products["id"])


def test_other_columns_are_named(root):
    path = root / "imaterialist-fgvc" / "train.csv"
    text = path.read_text()
    path.write_text(swap(text, "Height,Width", "Height,Breadth"))
    with pytest.raises(DataError, match="train.csv: lacks the columns Width; use the official file"):
        load(root)
    path.write_text(swap(text, "ClassId,AttributesIds", "AttributesIds,ClassId,More"))
    with pytest.raises(DataError, match="must end with ClassId or AttributesIds"):
        load(root)
    path.write_text("")
    with pytest.raises(DataError, match="lacks the columns ImageId, Enc"):
        load(root)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda data: fixture.descriptions("2019"), "92 attributes instead of the 294 of 2020; use that"),
        (lambda data: {**data, "categories": data["categories"][:-1]}, "45 categories instead of the 46"),
        (lambda data: data["attributes"][3].pop("name") and data, "entry 4 of attributes has no id of its own, name"),
        (lambda data: data["attributes"][3].update(id=2) or data, "entry 4 of attributes has no id of its own"),
        (lambda data: data["categories"][0].update(name=" ") or data, "entry 1 of categories has no id"),
        (lambda data: {**data, "categories": {}}, "0 categories instead of the 46"),
        (lambda data: {**data, "categories": [7]}, "entry 1 of categories has no id"),
        (lambda data: [], "0 categories instead of the 46"),
    ],
)
def test_other_label_descriptions_are_refused(root, edit, reason):
    path = root / "imaterialist-fgvc" / "label_descriptions.json"
    path.write_text(json.dumps(edit(fixture.descriptions())))
    with pytest.raises(DataError, match=f"label_descriptions.json: {reason}"):
        load(root)


def test_damaged_or_missing_files_are_named(root):
    folder = root / "imaterialist-fgvc"
    path = folder / "label_descriptions.json"
    for text in (path.read_text()[:-20], '{"categories": [], "categories": []}', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(DataError, match="label_descriptions.json: not a whole JSON file"):
            load(root)
    path.unlink()
    with pytest.raises(DataError, match="label_descriptions.json: not there. Download"):
        load(root)
    (folder / "train.csv").unlink()
    assert find(root) is None
    with pytest.raises(DataError, match="imaterialist-fgvc: not found under"):
        load(root)


def test_truncated_picture_is_named(root):
    path = root / "imaterialist-fgvc" / "train" / f"{image_id(3)}.jpg"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"row 2: .*{image_id(3)}.jpg: damaged picture"):
        pixels(load(root).images, 8)


def test_phrases():
    names = ("dress (coat )", "dolman (sleeve), batwing (sleeve)", "a-line", "applique(a)")
    assert [phrase(name) for name in names] == ["dress coat", "dolman sleeve or batwing sleeve", "a-line", "applique"]


@pytest.mark.real("imaterialist-fgvc")
def test_real_files(real_data):
    assert len(load(real_data, pictures=False)) > 40_000

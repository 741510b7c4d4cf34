from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ofclip.errors import DataError, SettingError
from ofclip.images import pixels
from ofclip.sources import get, load_catalog
from ofclip.sources.kagl import COLUMNS, captions, make_split, read_styles

HEADER = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
STYLES = f"""{HEADER}
7,Men,Apparel,Topwear,Shirts,Navy Blue,Fall,2011,Casual,Turtle "Slim" Shirt, checked, blue
3,,Apparel,Topwear,Shirts,NA,Fall,,,Turtle Shirt
9,Women,Accessories,Bags,Handbags,Red,Summer,2012,Casual,Murcia Handbag
5,Girls,Apparel,Topwear,Tops,Red,,2012,Party,Doodle Top
"""
SPLIT = "id,split,group\n7,train,7\n3,train,7\n9,val,9\n5,test,5\n"


@pytest.fixture
def make(tmp_path, jpeg):
    """A function that writes a root in the official layout, zipped or unpacked."""

    def build(
        zipped: bool, styles: str = STYLES, split: str | None = SPLIT, pictures=("7", "3", "9", "5")
    ) -> Path:
        root = tmp_path / ("zipped" if zipped else "unpacked")
        folder = root / "kagl"
        folder.mkdir(parents=True, exist_ok=True)
        files = {"styles.csv": styles.encode()}
        files |= {f"images/{name}.jpg": jpeg(int(name)) for name in pictures}
        if zipped:
            with zipfile.ZipFile(folder / "kagl_60x80.zip", "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
        else:
            (folder / "images").mkdir(exist_ok=True)
            for name, data in files.items():
                (folder / name).write_bytes(data)
        if split:
            (folder / "split.csv").write_text(split)
        return root

    return build


@pytest.mark.parametrize("zipped", [True, False])
def test_official_layout_becomes_a_catalog(make, zipped):
    catalog = load_catalog("kagl", data=make(zipped))
    assert list(catalog.products["id"]) == ["7", "3", "9", "5"]
    assert list(catalog.products["split"]) == ["train", "train", "val", "test"]
    assert list(catalog.products["group"]) == ["7", "7", "9", "5"]
    assert catalog.captions[0] == 'Turtle "Slim" Shirt, checked, blue'
    assert catalog.labels[:2] == ["articleType", "baseColour"]
    assert list(catalog.label("articleType")) == ["Shirts", "Shirts", "Handbags", "Tops"]
    assert catalog.label("baseColour").isna().tolist() == [False, True, False, False]
    assert catalog.label("gender")[1] is pd.NA
    assert catalog.images.open(0).size == (60, 80)
    assert catalog.skipped == ()


def test_archive_and_folder_are_the_same_data(make):
    zipped, unpacked = (load_catalog("kagl", data=make(kind)) for kind in (True, False))
    assert zipped.fingerprint == unpacked.fingerprint


def test_usual_name_of_the_unpacked_folder_is_found(make):
    root = make(False)
    (root / "kagl").rename(root / "fashion-product-images-small")
    assert len(load_catalog("kagl", data=root)) == 4


def test_one_split(make):
    catalog = load_catalog("kagl", "train", data=make(True))
    assert list(catalog.products["id"]) == ["7", "3"]
    assert catalog.images.name(1) == "kagl_60x80.zip:images/3.jpg"


def test_larger_pictures_take_their_table_from_the_smaller_archive(make, jpeg):
    root = make(True)
    with pytest.raises(DataError, match="kagl_168x224.zip: not found; leave out size=168x224"):
        load_catalog("kagl", data=root, size="168x224")
    with zipfile.ZipFile(root / "kagl" / "kagl_168x224.zip", "w") as archive:
        archive.writestr("images/9.jpg", jpeg(9, (168, 224)))
    catalog = load_catalog("kagl", data=root, size="168x224")
    assert list(catalog.products["id"]) == ["9"]
    assert catalog.images.open(0).size == (168, 224)
    with pytest.raises(SettingError, match="unknown size of kagl '168x225': did you mean '168x224'"):
        load_catalog("kagl", data=root, size="168x225")


def test_rows_without_a_picture_or_a_split_are_listed(make):
    split = SPLIT.replace("3,train,7\n", "")
    catalog = load_catalog("kagl", data=make(True, split=split, pictures=("7", "3", "5")))
    assert list(catalog.products["id"]) == ["7", "5"]
    assert catalog.skipped == (
        "styles.csv: no picture images/9.jpg in kagl_60x80.zip",
        "split.csv: does not list id 3",
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("8,Men,Apparel,Topwear", "4 of 10 columns"),
        ("3,,Apparel,Topwear,Shirts,Red,Fall,,,Twice", "id '3' is empty or repeated"),
        (",,Apparel,Topwear,Shirts,Red,Fall,,,Nameless", "id '' is empty or repeated"),
    ],
)
def test_bad_row_raises_with_its_number_or_is_listed(make, row, reason):
    lines = STYLES.splitlines()
    root = make(True, styles="\n".join([*lines[:3], row, *lines[3:]]))
    with pytest.raises(DataError, match=rf"kagl_60x80.zip:styles.csv row 3 \(line 4\): {reason}"):
        load_catalog("kagl", data=root)
    catalog = load_catalog("kagl", data=root, skip_bad=True)
    assert list(catalog.products["id"]) == ["7", "3", "9", "5"]
    assert catalog.skipped == (f"kagl_60x80.zip:styles.csv row 3: {reason}",)


def test_missing_columns_are_named():
    with pytest.raises(DataError, match="styles.csv: lacks the columns year, usage; use the official file"):
        read_styles(HEADER.replace("year,usage,", "").encode(), "styles.csv")
    moved = ",".join(("productDisplayName", *COLUMNS[:-1]))
    with pytest.raises(DataError, match="styles.csv: must end with productDisplayName"):
        read_styles(moved.encode(), "styles.csv")


def test_line_ends_byte_order_mark_and_foreign_letters_are_read():
    data = ("\ufeff" + HEADER + "\r\n7,,,,,,,,,Café\u2028Shirt\r\n\r\n").encode()
    table, skipped = read_styles(data, "styles.csv")
    assert table["productDisplayName"].tolist() == ["Café\u2028Shirt"] and skipped == []


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        ("id,part\n7,train\n", "lacks the columns split, group"),
        (SPLIT.replace("val", "valid"), r"row 3: '9,valid,9'"),
        (SPLIT + "5,test,5\n", r"row 5: '5,test,5' repeats an id"),
        (SPLIT.replace("3,train,7", "3,train"), r"row 2: '3,train,'"),
        ("\n", "not a readable CSV file"),
    ],
)
def test_bad_split_file_is_named(make, split, reason):
    with pytest.raises(DataError, match=rf"split.csv:? {reason}"):
        load_catalog("kagl", data=make(True, split=split))


def test_truncated_archive_is_named(make):
    root = make(True)
    path = root / "kagl" / "kagl_60x80.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="kagl_60x80.zip: not a whole zip archive"):
        load_catalog("kagl", data=root)


def test_truncated_picture_is_named_with_its_row(make):
    root = make(False)
    path = root / "kagl" / "images" / "9.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    catalog = load_catalog("kagl", data=root)
    with pytest.raises(DataError, match="row 2: .*9.jpg: damaged picture"):
        pixels(catalog.images, 16)
    assert [row for row, _ in pixels(catalog.images, 16, skip_bad=True).bad] == [2]


def test_folder_without_pictures_says_how_to_obtain_them(make):
    root = make(False, pictures=())
    (root / "kagl" / "images").rmdir()
    with pytest.raises(DataError, match="images: not found; unpack the pictures there. Download"):
        load_catalog("kagl", data=root)


def test_captions_leave_out_what_is_unknown():
    table, _ = read_styles(STYLES.encode(), "styles.csv")
    assert captions(table) == [
        (
            'Turtle "Slim" Shirt, checked, blue',
            "navy blue shirts",
            "men's navy blue shirts for casual use, fall",
        ),
        ("Turtle Shirt", "shirts", "shirts, fall"),
        ("Murcia Handbag", "red handbags", "women's red handbags for casual use, summer"),
        ("Doodle Top", "red tops", "girls' red tops for party use"),
    ]
    bare = pd.DataFrame([["7", *[""] * 8, ""], ["8", *[""] * 8, "Shirt"]], columns=list(COLUMNS))
    assert captions(bare) == [(), ("Shirt",)]


def test_without_a_split_file_whole_groups_stay_together(make):
    catalog = load_catalog("kagl", data=make(True, split=None))
    assert catalog.fingerprint == load_catalog("kagl", data=make(False, split=None)).fingerprint
    assert list(catalog.products["group"]) == ["7", "3", "9", "5"]


def test_groups_chain_titles_and_identical_pictures():
    ids = pd.Series(["1", "2", "3", "4", "5", "6"])
    titles = pd.Series(["Red  Shirt", "red shirt", "Blue Bag", "Hat", "", ""])
    split = make_split(ids, titles, [10, 11, 11, 12, 13, 14])
    assert list(split["group"]) == ["1", "1", "1", "4", "5", "6"]
    assert split["split"].iloc[:3].nunique() == 1


def test_shares_of_the_split_are_85_5_10_and_stable_when_rows_go():
    ids = pd.Series(np.arange(4000).astype(str))
    split = make_split(ids, "title " + ids, list(range(4000)))["split"]
    shares = split.value_counts(normalize=True)
    assert [shares[name] for name in ("train", "val", "test")] == pytest.approx([0.85, 0.05, 0.10], abs=0.02)
    fewer = make_split(ids[::3], "title " + ids[::3], list(range(0, 4000, 3)))["split"]
    assert (fewer == split[fewer.index]).all()


@pytest.mark.real("kagl")
def test_real_counts(real_data):
    catalog = load_catalog("kagl", data=real_data)
    assert catalog.products["split"].value_counts().to_dict() == dict(get("kagl").expected)
    assert catalog.label("articleType").nunique() == 141
    assert catalog.label("gender").notna().sum() == 14_888
    groups = catalog.products.groupby("group")["split"].nunique()
    assert (groups == 1).all()


@pytest.mark.real("kagl")
def test_real_counts_of_the_larger_pictures(real_data):
    catalog = load_catalog("kagl", data=real_data, size="168x224")
    assert catalog.products["split"].value_counts().to_dict() == {"train": 8_144, "val": 445, "test": 983}


@pytest.mark.real("kagl")
def test_real_pictures_of_the_test_split_decode(real_data):
    found = pixels(load_catalog("kagl", "test", data=real_data).images, 32)
    assert found.array.shape == (4_381, 32, 32, 3) and found.bad == ()

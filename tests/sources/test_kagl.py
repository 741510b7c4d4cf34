from __future__ import annotations

import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
from fixtures import kagl as fixture

from ofclip.errors import DataError, SettingError
from ofclip.images import AbsentImages, pixels
from ofclip.sources import get, load_catalog
from ofclip.sources.kagl import COLUMNS, LABELS, captions, make_split, read_split, read_styles

IDS = ["15970", "39386", "59263", "21379", "53759", "1855", "30805"]


@pytest.fixture
def root(tmp_path):
    fixture.write(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def zipped(tmp_path):
    fixture.write_zipped(tmp_path / "zipped")
    return tmp_path / "zipped"


def change(root, old: str, new: str, name: str = "styles.csv") -> None:
    path = root / "kagl" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_official_layout_becomes_a_catalog(root):
    catalog = load_catalog("kagl", data=root)
    products = catalog.products
    assert list(products["id"]) == IDS
    assert list(products["split"]) == ["train", "train", "val", "val", "test", "train", "train"]
    assert list(products["group"]) == ["15970", "39386", "59263", "59263", "53759", "1855", "1855"]
    assert list(products["texts"]) == [
        (
            'Turtle "Slim" Check, Navy Blue, Shirt',
            "navy blue shirts",
            "men's navy blue shirts for casual use, fall",
        ),
        ("Peter England Party Jeans", "jeans", "jeans, summer"),
        ("Titan Women Silver Watch", "silver watches", "women's silver watches for casual use, winter"),
        ("titan women silver watch", "black track pants", "men's black track pants, fall"),
        ("Doodle Red Top", "red tops", "girls' red tops for party use"),
        ("deodorant", "unisex deodorant for casual use, spring"),
        ("Fabindia Café Shoes", "green casual shoes", "boys' green casual shoes for ethnic use, summer"),
    ]
    assert catalog.labels == list(LABELS)
    assert {str(products[name].dtype) for name in LABELS} == {"string"}
    values = products[list(LABELS)].astype(object).where(products[list(LABELS)].notna(), None)
    assert [tuple(row) for row in values.to_numpy()] == [
        ("Shirts", "Navy Blue", "Apparel", "Topwear", "Men", "Fall", "2011", "Casual"),
        ("Jeans", None, "Apparel", "Bottomwear", None, "Summer", None, None),
        ("Watches", "Silver", "Accessories", "Watches", "Women", "Winter", "2016", "Casual"),
        ("Track Pants", "Black", "Apparel", "Bottomwear", "Men", "Fall", "2011", None),
        ("Tops", "Red", "Apparel", "Topwear", "Girls", None, "2012", "Party"),
        ("Deodorant", None, "Personal Care", "Fragrance", "Unisex", "Spring", "2017", "Casual"),
        ("Casual Shoes", "Green", "Footwear", "Shoes", "Boys", "Summer", "2012", "Ethnic"),
    ]
    assert catalog.label("gender")[1] is pd.NA
    assert [catalog.images.open(i).size for i in range(7)] == [(60, 80)] * 7
    assert catalog.images.open(5).tobytes() == catalog.images.open(6).tobytes() != catalog.images.open(0).tobytes()
    assert catalog.skipped == (f"{root}/kagl/styles.csv: no picture images/26960.jpg in kagl",)


@pytest.mark.parametrize("form", ["kagl.zip", "kagl.tar", "kagl.tar.gz", "kagl/archive.zip", "kagl/archive.tar.gz"])
def test_as_downloaded_is_the_same_data(root, tmp_path, form):
    name, _, ending = form.partition(".")
    packed = tmp_path / "packed" / name
    shutil.make_archive(str(packed), {"zip": "zip", "tar": "tar", "tar.gz": "gztar"}[ending], root / "kagl")
    catalog = load_catalog("kagl", data=tmp_path / "packed")
    assert catalog.fingerprint == load_catalog("kagl", data=root).fingerprint
    assert catalog.images.name(1).endswith(":images/39386.jpg")


@pytest.mark.parametrize("top", ["", "fashion-dataset/fashion-dataset/"])
def test_archive_of_small_pictures_is_the_same_data(root, tmp_path, top):
    fixture.write_zipped(tmp_path / "zipped", top)
    catalog = load_catalog("kagl", data=tmp_path / "zipped")
    assert catalog.fingerprint == load_catalog("kagl", data=root).fingerprint
    assert catalog.images.name(1) == f"kagl_60x80.zip:{top}images/39386.jpg"


def test_the_copy_within_kaggles_archive_changes_nothing(root):
    before = load_catalog("kagl", data=root).fingerprint
    (root / "kagl" / "myntradataset" / "images").mkdir(parents=True)
    shutil.copy(root / "kagl" / "styles.csv", root / "kagl" / "myntradataset")
    shutil.copy(root / "kagl" / "images" / "1855.jpg", root / "kagl" / "myntradataset" / "images" / "26960.jpg")
    assert load_catalog("kagl", data=root).fingerprint == before


def test_usual_name_of_the_unpacked_folder_is_found(root):
    before = load_catalog("kagl", data=root).fingerprint
    (root / "kagl").rename(root / "fashion-product-images-small")
    assert load_catalog("kagl", data=root).fingerprint == before


def test_one_split(zipped):
    catalog = load_catalog("kagl", "val", data=zipped)
    assert list(catalog.products["id"]) == ["59263", "21379"]
    assert catalog.captions == ["Titan Women Silver Watch", "titan women silver watch"]
    assert catalog.images.name(1) == "kagl_60x80.zip:images/21379.jpg"


def test_without_pictures_all_rows_are_read(root):
    whole = load_catalog("kagl", data=root)
    shutil.rmtree(root / "kagl" / "images")
    catalog = load_catalog("kagl", data=root, pictures=False)
    assert list(catalog.products["id"]) == [*IDS, "26960"] and catalog.skipped == ()
    pd.testing.assert_frame_equal(catalog.products.iloc[:7], whole.products)
    assert isinstance(catalog.images, AbsentImages) and catalog.images.name(7) == "images/26960.jpg"
    with pytest.raises(DataError, match="holds none of the pictures .* pictures=False. Download"):
        load_catalog("kagl", data=root)


def test_larger_pictures_take_their_table_from_the_smaller_archive(zipped):
    with pytest.raises(DataError, match="kagl_168x224.zip: not found; leave out size=168x224"):
        load_catalog("kagl", data=zipped, size="168x224")
    with zipfile.ZipFile(zipped / "kagl" / "kagl_168x224.zip", "w") as archive:
        archive.writestr("images/59263.jpg", fixture.jpeg(3, (168, 224)))
    catalog = load_catalog("kagl", data=zipped, size="168x224")
    assert list(catalog.products["id"]) == ["59263"]
    assert catalog.images.open(0).size == (168, 224)
    with pytest.raises(SettingError, match="unknown size of kagl '168x225': did you mean '168x224'"):
        load_catalog("kagl", data=zipped, size="168x225")


def test_rows_that_the_split_does_not_list_are_listed(root):
    change(root, "39386,train,39386\n", "", "split.csv")
    catalog = load_catalog("kagl", data=root)
    assert list(catalog.products["id"]) == [IDS[0], *IDS[2:]]
    assert catalog.skipped[1:] == (f"{root}/kagl/split.csv: does not list id 39386",)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("8,Men,Apparel,Topwear", "4 of 10 columns"),
        ("39386,,Apparel,Topwear,Shirts,Red,Fall,,,Twice", "id '39386' is repeated"),
        (",,Apparel,Topwear,Shirts,Red,Fall,,,Nameless", "id '' is no number"),
        ("../8,,Apparel,Topwear,Shirts,Red,Fall,,,Outside", "id '../8' is no number"),
        ("8,,Apparel,Topwear,Shirts,Fall,2011,Casual,Red, shirt", "year 'Casual' is no year"),
    ],
)
def test_bad_row_raises_with_its_number_or_is_listed(root, row, reason):
    change(root, "59263,", f"{row}\n59263,")
    with pytest.raises(DataError, match=rf"kagl/styles.csv row 3 \(line 4\): {reason}"):
        load_catalog("kagl", data=root)
    catalog = load_catalog("kagl", data=root, skip_bad=True)
    assert list(catalog.products["id"]) == IDS
    assert catalog.skipped[0].startswith(f"{root}/kagl/styles.csv row 3 (line 4): {reason}")


def test_missing_columns_are_named(root):
    change(root, "year,usage,", "")
    with pytest.raises(DataError, match="styles.csv: lacks the columns year, usage; use the official file"):
        load_catalog("kagl", data=root)
    moved = ",".join(("productDisplayName", *COLUMNS[:-1]))
    with pytest.raises(DataError, match="styles.csv: must end with productDisplayName"):
        read_styles(moved, "styles.csv")


def test_missing_table_says_how_to_obtain_it(root):
    (root / "kagl" / "styles.csv").unlink()
    with pytest.raises(DataError, match="kagl: holds no styles.csv. Download"):
        load_catalog("kagl", data=root)


@pytest.mark.parametrize("encode", [lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.encode("latin-1")])
def test_line_ends_byte_order_mark_and_latin_1_change_nothing(root, encode):
    before = load_catalog("kagl", data=root).fingerprint
    path = root / "kagl" / "styles.csv"
    path.write_bytes(encode(path.read_text().replace("\n", "\r\n") + "\r\n"))
    assert load_catalog("kagl", data=root).fingerprint == before


def test_text_that_is_neither_utf_8_nor_latin_1_is_named(root):
    path = root / "kagl" / "styles.csv"
    path.write_bytes(path.read_text().replace("é", "’").encode("cp1252"))
    with pytest.raises(DataError, match="styles.csv line 8: neither utf-8 .* nor latin-1"):
        load_catalog("kagl", data=root, skip_bad=True)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id,split,group", "id,part,group", "lacks the columns split; "),
        ("59263,val", "59263,valid", r"row 3 \(line 4\): '59263,valid,59263' repeats an id or lacks"),
        ("21379,val", "59263,val", r"row 4 \(line 5\): '59263,val,59263' repeats"),
        ("39386,train,39386", "39386,train", r"row 2 \(line 3\): '39386,train' "),
        (fixture.SPLIT, "", "lacks the columns id, split, group"),
    ],
)
def test_bad_split_file_is_named(root, old, new, reason):
    change(root, old, new, "split.csv")
    with pytest.raises(DataError, match=rf"split.csv:? {reason}"):
        load_catalog("kagl", data=root)


def test_truncated_archive_is_named(zipped):
    path = zipped / "kagl" / "kagl_60x80.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="kagl_60x80.zip: not a whole zip archive"):
        load_catalog("kagl", data=zipped)


def test_half_unpacked_archive_is_named(zipped):
    """What an interrupted unpacking leaves: the archive, some whole pictures, and one cut short."""
    (zipped / "kagl" / "kagl_60x80.zip").rename(zipped / "kagl" / "archive.zip")
    before = load_catalog("kagl", data=zipped).fingerprint
    images = zipped / "kagl" / "images"
    images.mkdir()
    (images / "15970.jpg").write_bytes(fixture.files()["images/15970.jpg"])
    assert load_catalog("kagl", data=zipped).fingerprint == before
    (images / "39386.jpg").write_bytes(fixture.files()["images/39386.jpg"][:300])
    with pytest.raises(DataError, match=r"39386.jpg: 300 bytes, but .* as archive.zip:images/39386.jpg; unpack it"):
        load_catalog("kagl", data=zipped)


def test_truncated_picture_is_named_with_its_row(root):
    path = root / "kagl" / "images" / "59263.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    catalog = load_catalog("kagl", data=root)
    with pytest.raises(DataError, match="row 2: .*59263.jpg: damaged picture"):
        pixels(catalog.images, 16)
    assert [row for row, _ in pixels(catalog.images, 16, skip_bad=True).bad] == [2]


def test_captions_leave_out_what_is_unknown():
    bare = pd.DataFrame([["7", *[""] * 8, ""], ["8", *[""] * 8, "Shirt"]], columns=list(COLUMNS))
    assert captions(bare) == [(), ("Shirt",)]


def test_without_a_split_file_whole_groups_stay_together(root, zipped):
    for folder in (root, zipped):
        (folder / "kagl" / "split.csv").unlink()
    catalog = load_catalog("kagl", data=root)
    assert catalog.fingerprint == load_catalog("kagl", data=zipped).fingerprint
    assert list(catalog.products["group"]) == ["15970", "39386", "59263", "59263", "53759", "1855", "1855"]
    assert set(catalog.products["split"]) <= {"train", "val", "test"}
    texts = load_catalog("kagl", data=root, pictures=False)
    pd.testing.assert_frame_equal(texts.products.iloc[:7], catalog.products)


def test_groups_chain_titles_and_identical_pictures():
    ids = pd.Series(["1", "2", "3", "4", "5", "6", "7"])
    titles = pd.Series(["Red  Shirt", "red shirt", "Blue Bag", "Hat", "", "", "Sock"])
    split = make_split(ids, titles, [10, 11, 11, None, 13, 14, None])
    assert list(split["group"]) == ["1", "1", "1", "4", "5", "6", "7"]
    assert split["split"].iloc[:3].nunique() == 1


def test_shares_of_the_split_are_85_5_10_and_stable_when_rows_go():
    ids = pd.Series(np.arange(4000).astype(str))
    split = make_split(ids, "title " + ids, list(range(4000)))["split"]
    shares = split.value_counts(normalize=True)
    assert [shares[name] for name in ("train", "val", "test")] == pytest.approx([0.85, 0.05, 0.10], abs=0.02)
    fewer = make_split(ids[::3], "title " + ids[::3], list(range(0, 4000, 3)))["split"]
    assert (fewer == split[fewer.index]).all()


def test_split_file_is_read_by_column_name():
    table = read_split("group,id,split\ng,7,val\n", "split.csv")
    assert table.loc["7"].to_dict() == {"split": "val", "group": "g"}


@pytest.mark.real("kagl")
def test_real_counts(real_data):
    catalog = load_catalog("kagl", data=real_data)
    assert catalog.products["split"].value_counts().to_dict() == dict(get("kagl").expected)
    assert catalog.label("articleType").nunique() == 141
    assert catalog.label("gender").notna().sum() == 14_888
    groups = catalog.products.groupby("group")["split"].nunique()
    assert (groups == 1).all()
    texts = load_catalog("kagl", data=real_data, pictures=False)
    pd.testing.assert_frame_equal(texts.products, catalog.products)


@pytest.mark.real("kagl")
def test_real_counts_of_the_larger_pictures(real_data):
    catalog = load_catalog("kagl", data=real_data, size="168x224")
    assert catalog.products["split"].value_counts().to_dict() == {"train": 8_144, "val": 445, "test": 983}


@pytest.mark.real("kagl")
def test_real_pictures_of_the_test_split_decode(real_data):
    found = pixels(load_catalog("kagl", "test", data=real_data).images, 32)
    assert found.array.shape == (4_381, 32, 32, 3) and found.bad == ()

from __future__ import annotations

import random
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from fixtures import fashion_gen as fixture

from ofclip.errors import DataError, OfclipError
from ofclip.images import AbsentImages, JoinedImages, pixels
from ofclip.sources.fashion_gen import LABELS, SOURCE, TEXTS, find, load

TRAIN = "fashiongen_256_256_train.h5"
VALIDATION = "fashiongen_256_256_validation.h5"
BRAND = "Société"
DENIM = ("Long sleeve denim jacket in blue. Appliqué at bust.", "Blue Denim Jacket")
BLACK = (
    "Straight-leg jeans in black. Zip-fly.",
    "Black Jeans",
    "Straight-leg jeans in black. Zip-fly. Tonal stitching. Made in Italy.",
)


@pytest.fixture
def root(tmp_path):
    fixture.write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / "fashion-gen"


def rewrite(folder, split="train", **changes):
    """Write a split's file anew with some keys changed, or left out if None."""
    content = fixture.columns(split) | changes
    content = {key: values for key, values in content.items() if values is not None}
    fixture.write_file(folder / fixture.FILE.format(split), content)


def text(*values: bytes) -> np.ndarray:
    return np.array(values, "S160").reshape(-1, 1)


def test_official_layout_becomes_a_catalog(root):
    catalog = load(root)
    table = catalog.products
    assert list(table["id"]) == [
        "train-000000", "train-000001", "train-000002", "train-000003", "validation-000000", "validation-000001",
    ]  # fmt: skip
    assert list(table["split"]) == ["train"] * 4 + ["validation"] * 2
    assert list(table["group"]) == ["152775", "152775", "80627", "152775", "1", "1"]
    bag = ("Leather tote in white.", "Long sleeve denim jacket in blue. Appliqué at bust.")
    assert list(table["texts"]) == [DENIM, DENIM, BLACK, DENIM, bag, bag]
    assert catalog.labels == list(LABELS)
    assert list(table["category"]) == ["JACKETS & COATS"] * 2 + ["JEANS", "JACKETS & COATS"] + ["TOTE BAGS"] * 2
    assert list(table["subcategory"])[1:3] == ["DENIM JACKETS", "JEANS"]
    assert list(table["gender"])[1:3] == ["Women", "Men"]
    assert list(table["department"])[3:5] == ["CLOTHING", "BAGS"]
    assert list(table["season"]) == ["SS2017"] * 6
    assert list(table["brand"]) == [BRAND] * 6  # one in utf-8, one in latin-1
    assert list(table["composition"])[:3] == ["100% cotton.", "100% cotton.", pd.NA]
    assert list(table["pose"]) == [f"id_gridfs_{view}" for view in (1, 2, 1, 3, 1, 4)]
    assert isinstance(catalog.images, JoinedImages) and catalog.skipped == ()
    assert catalog.images.name(5) == f"{VALIDATION}:input_image[1]"
    for row, (split, number) in enumerate([*(("train", i) for i in range(4)), ("validation", 0), ("validation", 1)]):
        picture = catalog.images.open(row)
        assert picture.mode == "RGB" and picture.size == (256, 256)
        assert (np.asarray(picture) == fixture.picture(split, number)).all()
    assert set(SOURCE.labels) <= set(catalog.labels)


def test_equal_wherever_it_lies(root, folder, tmp_path):
    before = load(root).fingerprint
    (folder / "fashion").mkdir()
    for path in list(folder.glob("*.h5")):
        path.rename(folder / "fashion" / path.name)
    folder.rename(root / "fashiongen")
    assert find(root) == root / "fashiongen"
    assert load(root).fingerprint == before
    assert load(root, split="train").fingerprint != load(root, split="validation").fingerprint


def test_one_split_needs_one_file(root, folder):
    assert list(load(root, split="validation").products["id"]) == ["validation-000000", "validation-000001"]
    (folder / TRAIN).unlink()
    assert load(root, split="validation").images.open(1).size == (256, 256)
    with pytest.raises(DataError, match=f"holds no {TRAIN}; put it there, or load split='validation' alone. Ask"):
        load(root)


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_to_be_unpacked(root, folder, tmp_path, ending):
    packed = tmp_path / "packed"
    shutil.make_archive(str(packed / "fashion-gen"), ending, folder)
    message = f"{TRAIN} is in an archive, where HDF5 cannot be read; unpack it into fashion-gen/"
    with pytest.raises(DataError, match=message):
        load(packed)
    shutil.make_archive(str(folder / "files"), ending, folder)
    (folder / TRAIN).unlink()
    with pytest.raises(DataError, match=message):
        load(root)
    assert len(load(root, split="validation")) == 2


def test_texts_alone_need_no_pictures(root, folder):
    pictured = load(root)
    for split in ("train", "validation"):
        rewrite(folder, split, input_image=None)
    catalog = load(root, pictures=False)
    assert isinstance(catalog.images, AbsentImages)
    assert catalog.images.name(5) == pictured.images.name(5)
    pd.testing.assert_frame_equal(catalog.products, pictured.products)
    with pytest.raises(DataError, match=f"{TRAIN}: input_image is missing or empty.* Ask the authors.*pictures=False"):
        load(root)


def test_pictures_that_were_never_stored_are_missing(root, folder):
    rewrite(folder, input_image=None)
    with h5py.File(folder / TRAIN, "a") as file:
        file.create_dataset("input_image", (4, 256, 256, 3), np.uint8, chunks=(1, 256, 256, 3))
    with pytest.raises(DataError, match="input_image is missing or empty"):
        load(root)


def test_copies_without_names_are_read(root, folder):
    rewrite(folder, input_name=None)
    texts = load(root, split="train").products["texts"]
    assert texts[0] == DENIM[:1] and texts[2] == (BLACK[0], BLACK[2])


@pytest.mark.parametrize("key", [*TEXTS, *LABELS.values(), "input_productID", "index", "index_2", "input_msrpUSD"])
def test_missing_key_is_named(root, folder, key):
    rewrite(folder, **{key: None})
    if key == "input_name":
        assert len(load(root)) == 6
        return
    with pytest.raises(DataError, match=f"{TRAIN}: lacks the key {key}; use the official file"):
        load(root)


@pytest.mark.parametrize(
    ("key", "values", "reason"),
    [
        ("input_brand", text(b"a", b"b", b"c"), "input_brand has 3 rows, input_productID has 4"),
        ("index_2", np.arange(5), "index_2 has 5 rows, input_productID has 4"),
        ("input_image", fixture.columns("validation")["input_image"], "input_image has 2 rows, input_productID has 4"),
        ("input_brand", np.arange(4).reshape(4, 1), "input_brand must be byte strings, not int64"),
        ("input_description", np.zeros((4, 1), "S70000"), r"input_description must be byte strings, not \|S70000"),
        ("input_description", np.zeros((4, 2), "S8"), r"input_description must be \(N, 1\), not \(4, 2\)"),
        ("input_productID", text(b"1", b"2", b"3", b"4"), r"input_productID must be whole numbers, not \|S160"),
        ("input_image", np.zeros((4, 8, 8, 3)), r"input_image must be uint8 .*, not float64 \(4, 8, 8, 3\)"),
        ("input_image", np.zeros((4, 8, 8, 1), np.uint8), r"input_image must be uint8 .* not uint8 \(4, 8, 8, 1\)"),
    ],
)
def test_wrong_table_is_named(root, folder, key, values, reason):
    rewrite(folder, **{key: values})
    with pytest.raises(DataError, match=f"{TRAIN}: {reason}"):
        load(root)


def test_texts_elsewhere_are_refused(root, folder, tmp_path):
    """A table can point to any file of the machine."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * 640)
    rewrite(folder, input_brand=None)
    with h5py.File(folder / TRAIN, "a") as file:
        file.create_dataset("input_brand", (4, 1), "S160", external=[(str(secret), 0, 640)])
    message = "input_brand is no table in this file"
    with pytest.raises(DataError, match=message):
        load(root)
    rewrite(folder, input_brand=None)
    with h5py.File(folder / TRAIN, "a") as file:
        file["input_brand"] = h5py.ExternalLink(str(folder / VALIDATION), "/input_brand")
    with pytest.raises(DataError, match=message):
        load(root)
    rewrite(folder, input_brand=None)
    with h5py.File(folder / TRAIN, "a") as file:
        file.create_group("input_brand")
    with pytest.raises(DataError, match=message):
        load(root)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("input_description", b"", "input_description is empty"),
        ("input_description", b" \t ", "input_description is empty"),
        ("input_description", b"It\x92s red.", "input_description is neither utf-8 nor latin-1"),
        ("input_gender", b"Wo\0men", "input_gender is neither utf-8 nor latin-1"),
    ],
)
def test_bad_row_raises_with_its_number_or_is_listed(root, folder, key, value, reason):
    values = fixture.columns("train")[key]
    values[1] = value
    rewrite(folder, **{key: values})
    with pytest.raises(DataError, match=f"{TRAIN} row 2: {reason}; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.skipped == (f"{folder / TRAIN} row 2: {reason}",)
    assert list(catalog.products["id"])[:3] == ["train-000000", "train-000002", "train-000003"]
    assert catalog.images.name(1) == f"{TRAIN}:input_image[2]"
    assert (np.asarray(catalog.images.open(2)) == fixture.picture("train", 3)).all()
    assert load(root, skip_bad=True, pictures=False).images.name(1) == f"{TRAIN}:input_image[2]"


def test_truncated_file_is_named(root, folder):
    data = (folder / TRAIN).read_bytes()
    for end in (0, 7, 300, len(data) // 2, len(data) - 1):
        (folder / TRAIN).write_bytes(data[:end])
        with pytest.raises(DataError, match=f"{TRAIN}: damaged or no HDF5 .*; fetch it again"):
            load(root)


def test_damaged_picture_is_named_with_its_row(root, folder):
    path = folder / TRAIN
    with h5py.File(path) as file:
        chunk = file["input_image"].id.get_chunk_info(2)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + 20] = bytes(20)
    path.write_bytes(data)
    catalog = load(root)
    assert catalog.fingerprint == load(root).fingerprint
    with pytest.raises(DataError, match=rf"row 2: {TRAIN}:input_image\[2\]: damaged"):
        pixels(catalog.images, 16)
    assert [row for row, _ in pixels(catalog.images, 16, skip_bad=True).bad] == [2]


def test_flipped_bytes_never_raise_anything_foreign(root, folder):
    path = folder / VALIDATION
    data = path.read_bytes()
    draw = random.Random(0)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.unlink()
        path.write_bytes(damaged)
        try:
            catalog = load(root, split="validation", skip_bad=draw.random() < 0.5)
            assert catalog.fingerprint
            catalog.images.open(0)
        except OfclipError:
            pass


def test_nothing_there_says_how_to_obtain_it(tmp_path):
    with pytest.raises(DataError, match="fashion-gen: not found under .* Ask the authors"):
        load(tmp_path)
    (tmp_path / "fashion-gen").mkdir()
    (tmp_path / "fashion-gen" / "readme.txt").write_text("soon")
    with pytest.raises(DataError, match=f"holds no {TRAIN}"):
        load(tmp_path)

from __future__ import annotations

import shutil

import numpy as np
import pytest
from fixtures import clothing_co_parsing as fixture
from PIL import Image

from ofclip.errors import DataError, NoPictures, SettingError
from ofclip.images import AbsentImages, pixels
from ofclip.sources import load_catalog
from ofclip.sources.ccp import LABELS, masks

NAME = "clothing-co-parsing"
PIXEL = "annotations/pixel-level/0001.mat"
TAGS = "annotations/image-level/1005.mat"


@pytest.fixture
def root(tmp_path):
    fixture.write(tmp_path / "data")
    return tmp_path / "data"


def load(root, split=None, **options):
    return load_catalog(NAME, split, data=root, **options)


def put(root, name: str, data: bytes) -> None:
    (root / NAME / name).write_bytes(data)


def test_official_layout_becomes_a_catalog(root):
    catalog = load(root)
    products = catalog.products
    assert list(products["id"]) == list(products["group"]) == ["0001", "0002", "0003", "1005", "1006"]
    assert list(products["split"]) == ["pixel-level"] * 3 + ["image-level"] * 2
    assert list(products["texts"]) == [("boots, dress",), ("jeans, shirt",), (), ("bag, dress",), ()]
    assert products["tags"].fillna("none").tolist() == [
        "boots, dress, hair", "jeans, shirt, skin", "none", "bag, dress, hair", "none",
    ]  # fmt: skip
    assert [catalog.images.open(i).size for i in range(5)] == [(30, 40)] * 5 and catalog.skipped == ()
    assert pixels(catalog.images, 16).array.shape == (5, 16, 16, 3)
    assert len(set(LABELS)) == 59


@pytest.mark.parametrize("name", ["clothing-co-parsing-master", "ccp", "zip"])
def test_as_downloaded_is_the_same_data(root, tmp_path, name):
    expected = load(root).fingerprint
    if name == "zip":
        shutil.make_archive(str(tmp_path / "other" / NAME), "zip", root, NAME)
    else:
        shutil.copytree(root / NAME, tmp_path / "other" / name)
    assert load(tmp_path / "other").fingerprint == expected


def test_one_split_and_no_pictures(root):
    assert list(load(root, "image-level").products["id"]) == ["1005", "1006"]
    shutil.rmtree(root / NAME / "photos")
    with pytest.raises(NoPictures, match="holds none of the photographs"):
        load(root)
    catalog = load(root, pictures=False)
    assert len(catalog) == 5 and isinstance(catalog.images, AbsentImages)
    assert len(load(root, pictures=None)) == 5


def test_masks_are_the_labels_of_the_pixels(root):
    catalog = load(root, "pixel-level").take([1, 0])
    found = list(masks(catalog, root))
    assert [labels.shape for labels in found] == [(40, 30)] * 2 and found[0].dtype == np.uint8
    for labels, number in zip(found, ("0002", "0001"), strict=True):
        assert np.array_equal(labels, fixture.pixels(fixture.PIXELS[number]))


def test_masks_of_a_photograph_without_labels_of_pixels_are_refused(root):
    with pytest.raises(SettingError, match="photograph 1005 has no labels of pixels; load the split 'pixel-level'"):
        list(masks(load(root, "image-level"), root))


def test_labels_of_another_size_than_the_photograph_are_named(root):
    put(root, PIXEL, fixture.mat(groundtruth=fixture.pixels((0, 14), (20, 15))))
    with pytest.raises(DataError, match="0001.mat: labels for 15x20 pixels, the photograph has 30x40"):
        list(masks(load(root, "pixel-level"), root))


HDF5 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(128) + b"\x89HDF\r\n\x1a\n"
WRONG = [
    (PIXEL, b"", "damaged .mat file"),
    (PIXEL, fixture.mat(groundtruth=fixture.pixels((0, 14)))[:-20], "damaged .mat file"),
    (PIXEL, b"no such thing" * 40, "damaged .mat file"),
    (PIXEL, HDF5, "is of MATLAB 7.3"),
    (PIXEL, fixture.mat(groundtruth=fixture.pixels((0, 59))), "label 59 is none of 0 to 58"),
    (PIXEL, fixture.mat(groundtruth=np.full((4, 4), 0.5)), "label 0.5 is none of"),
    (PIXEL, fixture.mat(groundtruth=np.full((4, 4), np.nan)), "label nan is none of"),
    (PIXEL, fixture.mat(groundtruth=np.zeros((2, 2, 2))), r"groundtruth has the shape \(2, 2, 2\), not"),
    (PIXEL, fixture.mat(groundtruth=np.zeros((0, 0))), r"groundtruth has the shape \(0, 0\), not"),
    (PIXEL, fixture.mat(truth=np.zeros((2, 2))), "holds no variable 'groundtruth'"),
    (PIXEL, fixture.mat(groundtruth={"a": 1}), r"holds a struct of shape \(1, 1\) as 'groundtruth'"),
    (TAGS, fixture.mat(tags="dress"), "holds a char of shape"),
    (TAGS, fixture.mat(tags=np.array([[-1.0]])), "label -1.0 is none of"),
]


# the files hold the time at which they were made: names made of them would differ between processes
@pytest.mark.parametrize(("name", "data", "reason"), WRONG, ids=range(len(WRONG)))
def test_bad_annotation_raises_or_is_listed(root, name, data, reason):
    put(root, name, data)
    with pytest.raises(DataError, match=f"{name}: {reason}") as error:
        load(root)
    assert "\n" not in str(error.value)
    catalog = load(root, skip_bad=True)
    assert len(catalog) == 4 and len(catalog.skipped) == 1 and name in catalog.skipped[0]


def test_uncompressed_and_floating_labels_are_read_too(root):
    before = load(root).fingerprint
    put(root, PIXEL, fixture.mat(compress=False, groundtruth=fixture.pixels(fixture.PIXELS["0001"]).astype(float)))
    assert load(root).fingerprint == before


def test_a_photograph_without_annotation_raises_or_is_listed(root):
    (root / NAME / PIXEL).unlink()
    with pytest.raises(DataError, match="0001.jpg: has no annotation"):
        load(root)
    assert load(root, skip_bad=True).skipped == ("photos/0001.jpg: has no annotation",)


def test_a_missing_photograph_is_listed(root):
    (root / NAME / "photos/0002.jpg").unlink()
    catalog = load(root)
    assert list(catalog.products["id"]) == ["0001", "0003", "1005", "1006"]
    assert catalog.skipped == ("photos/0002.jpg: not there",)


def test_a_list_of_other_labels_is_refused(root):
    names = np.empty((1, 59), dtype=object)
    names[0] = LABELS[::-1]
    put(root, "label_list.mat", fixture.mat(label_list=names))
    with pytest.raises(DataError, match="label_list.mat: not the official 59 labels"):
        load(root)
    (root / NAME / "label_list.mat").unlink()
    assert len(load(root)) == 5


def test_a_folder_without_annotations_says_how_to_obtain_them(root, tmp_path):
    shutil.rmtree(root / NAME / "annotations")
    with pytest.raises(DataError, match="no annotations/pixel-level/<number>.mat. Clone"):
        load(root)


def test_grey_photographs_are_rgb(root):
    catalog = load(root)
    assert Image.open(root / NAME / "photos/0002.jpg").mode == "L"
    assert catalog.images.open(1).mode == "RGB"


@pytest.mark.real(NAME)
def test_real_counts(real_data):
    catalog = load(real_data)
    assert catalog.products["split"].value_counts().to_dict() == {"pixel-level": 1_004, "image-level": 1_094}

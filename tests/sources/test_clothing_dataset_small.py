from __future__ import annotations

import shutil

import pytest
from fixtures import clothing_dataset_small as fixture

from ofclip.errors import DataError
from ofclip.images import AbsentImages, pixels
from ofclip.sources import get, load_catalog
from ofclip.sources.clothing_dataset_small import CLASSES

NAME = "clothing-dataset-small"


@pytest.fixture
def root(tmp_path):
    fixture.write(tmp_path / "data")
    return tmp_path / "data"


def load(root, split=None, **options):
    return load_catalog(NAME, split, data=root, **options)


def add(root, name: str, data: bytes) -> None:
    path = root / NAME / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_official_layout_becomes_a_catalog(root):
    catalog = load(root)
    products = catalog.products
    assert list(products["id"]) == [
        "test/hat/9c2a2d86",
        "test/longsleeve/copy",
        "train/dress/009b3c31",
        "train/dress/041c6bde",
        "train/t-shirt/009b3c31",
        "validation/hat/3a5d5a51",
    ]
    assert list(products["split"]) == ["test", "test", "train", "train", "train", "validation"]
    assert list(products["class"]) == ["hat", "longsleeve", "dress", "dress", "t-shirt", "hat"]
    assert list(products["texts"]) == [(name,) for name in products["class"]]
    twin = "test/longsleeve/copy"  # the same picture as train/dress/009b3c31
    assert list(products["group"]) == [
        "test/hat/9c2a2d86", twin, twin, "train/dress/041c6bde", "train/t-shirt/009b3c31", "validation/hat/3a5d5a51",
    ]  # fmt: skip
    assert str(products["class"].dtype) == "string" and catalog.labels == ["class"]
    assert [catalog.images.open(i).size for i in range(6)] == [(40, 30)] * 6
    assert catalog.skipped == ()


@pytest.mark.parametrize(
    ("form", "top"),
    [
        ("clothing-dataset-small/clothing-dataset-small_160.zip", ""),
        ("clothing-dataset-small/clothing-dataset-small-master.zip", "clothing-dataset-small-master"),
        ("clothing-dataset-small.zip", ""),
        ("clothing-dataset-small.tar", ""),
        ("clothing-dataset-small.tar.gz", "clothing-dataset-small"),
    ],
)
def test_as_downloaded_is_the_same_data(root, tmp_path, form, top):
    inner = tmp_path / "inner"
    shutil.copytree(root / NAME, inner / top)
    name, _, ending = form.partition(".")
    kind = {"zip": "zip", "tar": "tar", "tar.gz": "gztar"}[ending]
    shutil.make_archive(str(tmp_path / "packed" / name), kind, inner)
    assert load(tmp_path / "packed").fingerprint == load(root).fingerprint


def test_one_split(root):
    catalog = load(root, "train")
    assert list(catalog.label("class")) == ["dress", "dress", "t-shirt"]
    assert catalog.images.name(1) == f"{root}/{NAME}/train/dress/041c6bde.JPG"


def test_without_pictures_the_table_is_the_same(root):
    catalog = load(root, pictures=False)
    assert catalog.products.equals(load(root).products)
    assert isinstance(catalog.images, AbsentImages) and catalog.images.name(0) == "test/hat/9c2a2d86.png"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("test/hat/0.jpg", b"", "empty file"),
        ("test/hats/0.jpg", b"some", "class 'hats' is none of the ten"),
        ("train/dress/041c6bde.png", b"some", "has the name of another picture"),
    ],
)
def test_bad_file_raises_or_is_listed(root, name, data, reason):
    before = load(root)
    add(root, name, data)
    with pytest.raises(DataError, match=f"{name}: {reason}; fetch it again or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.skipped == (f"{name}: {reason}",)
    assert catalog.fingerprint == before.fingerprint


def test_truncated_picture_is_named_with_its_row(root):
    add(root, "train/dress/009b3c31.jpg", fixture.files()["train/dress/009b3c31.jpg"][:-200])
    catalog = load(root)
    with pytest.raises(DataError, match="row 2: .*train/dress/009b3c31.jpg: damaged picture"):
        pixels(catalog.images, 16)
    assert [row for row, _ in pixels(catalog.images, 16, skip_bad=True).bad] == [2]


def test_truncated_archive_is_named(root):
    shutil.make_archive(str(root / NAME / "clothing-dataset-small_160"), "zip", root / NAME)
    path = root / NAME / "clothing-dataset-small_160.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="clothing-dataset-small_160.zip: not a whole zip archive"):
        load(root)


def test_folder_without_pictures_says_how_to_obtain_them(tmp_path):
    (tmp_path / NAME / "train").mkdir(parents=True)
    with pytest.raises(DataError, match="no pictures <split>/<class>/<file>.jpg. Clone"):
        load(tmp_path)


@pytest.mark.real(NAME)
def test_real_counts_and_pictures(real_data):
    catalog = load(real_data)
    assert catalog.products["split"].value_counts().to_dict() == dict(get(NAME).expected)
    assert sorted(catalog.label("class").unique()) == sorted(CLASSES)
    assert catalog.products["group"].nunique() <= len(catalog) and catalog.skipped == ()
    test = catalog.where(split="test")
    assert test.label("class").value_counts()[["hat", "skirt", "shoes"]].tolist() == [12, 12, 73]
    assert pixels(test.images, 32).bad == ()

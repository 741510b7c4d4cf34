from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ofclip.errors import DataError
from ofclip.images import pixels
from ofclip.sources import get, load_catalog

FILES = [
    "train/hat/1.jpg",
    "train/dress/1.jpg",
    "train/dress/2.JPG",
    "validation/hat/3.jpg",
    "test/t-shirt/1.jpg",
]


@pytest.fixture
def make(tmp_path, jpeg):
    """A function that writes a root in the official layout, zipped or unpacked; `extra` replaces or adds."""

    def build(zipped: bool, extra: dict[str, bytes] | None = None) -> Path:
        root = tmp_path / ("zipped" if zipped else "unpacked")
        folder = root / "clothing-dataset-small"
        folder.mkdir(parents=True)
        files = {name: jpeg(seed, (40, 30)) for seed, name in enumerate(FILES)}
        files |= {"LICENSE": b"CC0", "train/dress/notes.txt": b"no picture"} | (extra or {})
        if zipped:
            with zipfile.ZipFile(folder / "clothing-dataset-small_160.zip", "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
        else:
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        return root

    return build


@pytest.mark.parametrize("zipped", [True, False])
def test_official_layout_becomes_a_catalog(make, zipped):
    catalog = load_catalog("clothing-dataset-small", data=make(zipped))
    assert list(catalog.products["id"]) == [
        "test/t-shirt/1",
        "train/dress/1",
        "train/dress/2",
        "train/hat/1",
        "validation/hat/3",
    ]
    assert list(catalog.products["split"]) == ["test", "train", "train", "train", "validation"]
    assert list(catalog.label("class")) == ["t-shirt", "dress", "dress", "hat", "hat"]
    assert list(catalog.products["texts"])[0] == ("t-shirt",)
    assert catalog.products["group"].nunique() == 5
    assert catalog.images.open(0).size == (40, 30)


def test_archive_and_folder_are_the_same_data(make):
    zipped, unpacked = (load_catalog("clothing-dataset-small", data=make(kind)) for kind in (True, False))
    assert zipped.fingerprint == unpacked.fingerprint


def test_one_split(make):
    catalog = load_catalog("clothing-dataset-small", "train", data=make(True))
    assert len(catalog) == 3
    assert catalog.images.name(2) == "clothing-dataset-small_160.zip:train/hat/1.jpg"


def test_identical_pictures_share_a_group(make, jpeg):
    root = make(True, {"test/hat/copy.jpg": jpeg(0, (40, 30))})
    catalog = load_catalog("clothing-dataset-small", data=root)
    groups = catalog.products.set_index("id")["group"]
    assert groups["train/hat/1"] == groups["test/hat/copy"] == "test/hat/copy"
    assert groups.nunique() == 5


@pytest.mark.parametrize("zipped", [True, False])
def test_empty_file_raises_or_is_listed(make, zipped):
    root = make(zipped, {"test/hat/0.jpg": b""})
    with pytest.raises(DataError, match="test/hat/0.jpg is an empty file"):
        load_catalog("clothing-dataset-small", data=root)
    catalog = load_catalog("clothing-dataset-small", data=root, skip_bad=True)
    assert len(catalog) == 5
    assert catalog.skipped == ("test/hat/0.jpg: empty file",)


def test_truncated_picture_is_named_with_its_row(make, jpeg):
    catalog = load_catalog("clothing-dataset-small", data=make(True, {"train/dress/1.jpg": jpeg(1)[:-200]}))
    with pytest.raises(DataError, match="row 1: clothing-dataset-small_160.zip:train/dress/1.jpg: damaged"):
        pixels(catalog.images, 16)
    assert [row for row, _ in pixels(catalog.images, 16, skip_bad=True).bad] == [1]


def test_truncated_archive_is_named(make):
    root = make(True)
    path = root / "clothing-dataset-small" / "clothing-dataset-small_160.zip"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="clothing-dataset-small_160.zip: not a whole zip archive"):
        load_catalog("clothing-dataset-small", data=root)


def test_folder_without_pictures_says_how_to_obtain_them(tmp_path):
    (tmp_path / "clothing-dataset-small" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match="no pictures <split>/<class>/<file>.jpg. Clone"):
        load_catalog("clothing-dataset-small", data=tmp_path)


@pytest.mark.real("clothing-dataset-small")
def test_real_counts_and_pictures(real_data):
    catalog = load_catalog("clothing-dataset-small", data=real_data)
    assert catalog.products["split"].value_counts().to_dict() == dict(get("clothing-dataset-small").expected)
    assert catalog.label("class").nunique() == 10
    test = catalog.where(split="test")
    assert pixels(test.images, 32).bad == ()

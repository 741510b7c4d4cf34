from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from fixtures import fashion_mnist as fixture
from fixtures.fashion_mnist import LABELS, PICTURES, files, idx

from ofclip.errors import DataError
from ofclip.images import AbsentImages
from ofclip.sources import get, load_catalog
from ofclip.sources.fashion_mnist import CLASSES


def write(folder: Path, name: str, data: bytes, zipped: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if zipped:
        (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
    else:
        (folder / name).write_bytes(data)


@pytest.fixture
def make(tmp_path):
    """A function that writes a root in the official layout: 12 training pictures, 5 for test."""

    def build(zipped: bool = True, folder: str = "fashion-mnist") -> Path:
        root = tmp_path / f"zipped {zipped} {folder.partition('/')[0]}"
        for name, data in files().items():
            write(root / folder, name, data, zipped)
        return root

    return build


def test_fixture_is_the_official_layout(tmp_path, make):
    fixture.write(tmp_path / "fixture")
    assert load_catalog("fashion-mnist", data=tmp_path / "fixture").fingerprint == (
        load_catalog("fashion-mnist", data=make()).fingerprint
    )


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw", "fashion-mnist/data/fashion"])
def test_official_layout_becomes_a_catalog(make, zipped, folder):
    catalog = load_catalog("fashion-mnist", data=make(zipped, folder))
    assert catalog.products["split"].value_counts().to_dict() == {"train": 12, "test": 5}
    assert catalog.products["id"].iloc[[0, 12]].tolist() == ["train-00000", "test-00000"]
    assert catalog.label("class").tolist() == [CLASSES[label] for label in [*LABELS, *LABELS[:5]]]
    assert catalog.captions[0] == "t-shirt/top"
    for row in (3, 14):
        np.testing.assert_array_equal(np.asarray(catalog.images.open(row))[..., 0], 255 - PICTURES[row % 12])


def test_gzipped_and_unpacked_are_the_same_data(make):
    zipped, unpacked = (load_catalog("fashion-mnist", data=make(kind)) for kind in (True, False))
    assert zipped.fingerprint == unpacked.fingerprint


@pytest.mark.parametrize(("kind", "ending"), [("zip", "zip"), ("gztar", "tar.gz")])
@pytest.mark.parametrize("inside", [True, False])
def test_as_downloaded_in_an_archive_is_the_same_data(make, tmp_path, kind, ending, inside):
    root = make()
    target = tmp_path / "packed" / ("fashion-mnist/archive" if inside else "fashion-mnist")
    shutil.make_archive(str(target), kind, root / "fashion-mnist")
    packed = load_catalog("fashion-mnist", data=tmp_path / "packed")
    assert packed.fingerprint == load_catalog("fashion-mnist", data=root).fingerprint


def test_without_pictures_the_labels_are_enough(make):
    root = make()
    whole = load_catalog("fashion-mnist", data=root)
    for path in (root / "fashion-mnist").glob("*images*"):
        path.unlink()
    catalog = load_catalog("fashion-mnist", data=root, pictures=False)
    assert catalog.products.equals(whole.products)
    assert isinstance(catalog.images, AbsentImages) and catalog.images.name(13) == "test-00001"
    with pytest.raises(DataError, match="train-images-idx3-ubyte.gz: not found. Download"):
        load_catalog("fashion-mnist", data=root)


def test_pictures_as_stored_are_other_pictures(make):
    root = make()
    stored = load_catalog("fashion-mnist", "test", data=root, invert=False)
    np.testing.assert_array_equal(np.asarray(stored.images.open(2))[..., 1], PICTURES[2])
    assert stored.fingerprint != load_catalog("fashion-mnist", "test", data=root).fingerprint


def test_one_split_needs_only_its_own_files(make):
    root = make()
    for path in (root / "fashion-mnist").glob("train-*"):
        path.unlink()
    assert len(load_catalog("fashion-mnist", "test", data=root)) == 5
    with pytest.raises(DataError, match="train-labels-idx1-ubyte.gz: not found. Download"):
        load_catalog("fashion-mnist", "train", data=root)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(("kind", "rows"), [("images-idx3", 7), ("labels-idx1", 9)])
def test_file_cut_short_raises_with_the_row_or_keeps_what_is_whole(make, zipped, kind, rows):
    root = make(zipped)
    name = f"train-{kind}-ubyte"
    data = idx(PICTURES if kind == "images-idx3" else LABELS)
    header, row = (16, 784) if kind == "images-idx3" else (8, 1)
    write(root / "fashion-mnist", name, data[: header + rows * row + row // 2], zipped)
    with pytest.raises(DataError, match=rf"{name}(\.gz)? row {rows}: cut off"):
        load_catalog("fashion-mnist", data=root)
    catalog = load_catalog("fashion-mnist", "train", data=root, skip_bad=True)
    assert len(catalog) == rows
    assert len(catalog.skipped) == 12 - rows and f"row {rows}: cut off" in catalog.skipped[0]


def test_gzip_stream_cut_short_keeps_the_rows_before(make):
    root = make()
    path = root / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:5000])  # noise does not compress: six rows and a bit
    with pytest.raises(DataError, match="train-images-idx3-ubyte.gz row [56]: cut off"):
        load_catalog("fashion-mnist", "train", data=root)
    assert len(load_catalog("fashion-mnist", "train", data=root, skip_bad=True)) in (5, 6)


def test_damaged_gzip_is_named(make):
    root = make()
    path = root / "fashion-mnist" / "t10k-images-idx3-ubyte.gz"
    data = bytearray(path.read_bytes())
    data[1000] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte.gz: damaged gzip file"):
        load_catalog("fashion-mnist", "test", data=root)
    path.write_bytes(b"<html>" + data)
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte.gz: not an IDX file of bytes, it starts with 3c68746d"):
        load_catalog("fashion-mnist", "test", data=root)


def test_file_that_claims_too_much_is_named(make):
    root = make(False)
    folder = root / "fashion-mnist"
    labels = bytearray(idx(LABELS[:5]))
    labels[4] = 255  # four thousand million rows: nobody lists those as cut off
    write(folder, "t10k-labels-idx1-ubyte", bytes(labels), False)
    with pytest.raises(DataError, match="promises 4278190085 rows, the official file has 10000"):
        load_catalog("fashion-mnist", "test", data=root, skip_bad=True)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    write(folder, "t10k-labels-idx1-ubyte", bytes(2**27), True)
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte.gz: unpacks to more than"):
        load_catalog("fashion-mnist", "test", data=root, skip_bad=True)


@pytest.mark.parametrize("data", ["", "0000", "00000d03" + "00" * 40, "000008030000"])
def test_other_files_are_named(make, data):
    root = make(False)
    write(root / "fashion-mnist", "t10k-images-idx3-ubyte", bytes.fromhex(data), False)
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte: not an IDX file of bytes"):
        load_catalog("fashion-mnist", "test", data=root)


def test_files_that_do_not_belong_together_are_named(make):
    root = make(False)
    folder = root / "fashion-mnist"
    write(folder, "t10k-labels-idx1-ubyte", idx(LABELS[:4]), False)
    with pytest.raises(DataError, match="5 pictures but 4 labels"):
        load_catalog("fashion-mnist", "test", data=root)
    write(folder, "t10k-images-idx3-ubyte", idx(PICTURES[:4, :14]), False)
    with pytest.raises(DataError, match=r"its rows have the shape \(14, 28\) instead of \(28, 28\)"):
        load_catalog("fashion-mnist", "test", data=root)


def test_unknown_label_raises_with_its_row_or_is_listed(make):
    root = make(False)
    write(root / "fashion-mnist", "t10k-labels-idx1-ubyte", idx(np.array([0, 1, 10, 3, 4], np.uint8)), False)
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte row 2: label 10 is not 0-9"):
        load_catalog("fashion-mnist", "test", data=root)
    catalog = load_catalog("fashion-mnist", "test", data=root, skip_bad=True)
    assert list(catalog.products["id"]) == ["test-00000", "test-00001", "test-00003", "test-00004"]
    assert len(catalog.skipped) == 1
    np.testing.assert_array_equal(np.asarray(catalog.images.open(2))[..., 0], 255 - PICTURES[3])


@pytest.mark.real("fashion-mnist")
def test_real_counts(real_data):
    catalog = load_catalog("fashion-mnist", data=real_data)
    assert catalog.products["split"].value_counts().to_dict() == dict(get("fashion-mnist").expected)
    assert set(catalog.label("class").value_counts()) == {7_000}


@pytest.mark.real("fashion-mnist")
def test_real_files_are_the_official_ones(real_data):
    card = get("fashion-mnist")
    for name, md5 in card.md5.items():
        assert hashlib.md5((card.find(real_data) / name).read_bytes()).hexdigest() == md5

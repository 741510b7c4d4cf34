from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from ofclip.errors import DataError
from ofclip.sources import get, load_catalog
from ofclip.sources.fashion_mnist import CLASSES

PICTURES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = (np.arange(12) % 10).astype(np.uint8)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


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
        for prefix, n in (("train", 12), ("t10k", 5)):
            write(root / folder, f"{prefix}-images-idx3-ubyte", idx(PICTURES[:n]), zipped)
            write(root / folder, f"{prefix}-labels-idx1-ubyte", idx(LABELS[:n]), zipped)
        return root

    return build


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw"])
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
    with pytest.raises(DataError, match="train-images-idx3-ubyte.gz: not found. Download"):
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
    path.write_bytes(b"<html>" + path.read_bytes())
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte.gz: damaged gzip file"):
        load_catalog("fashion-mnist", "test", data=root)


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
    with pytest.raises(DataError, match=r"holds \(14, 28\) instead of 28x28 pictures"):
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
@pytest.mark.parametrize(
    ("name", "md5"),
    [("train", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"), ("t10k", "bef4ecab320f06d8554ea6380940ec79")],
)
def test_real_files_are_the_official_ones(real_data, name, md5):
    path = get("fashion-mnist").find(real_data) / f"{name}-images-idx3-ubyte.gz"
    assert hashlib.md5(path.read_bytes()).hexdigest() == md5

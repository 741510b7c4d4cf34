from __future__ import annotations

import os
import pickle
import time

import h5py
import numpy as np
import pytest
from PIL import Image

from ofclip.errors import DataError
from ofclip.images import JoinedImages, hdf5, pixels
from ofclip.images.hdf5 import MAX_OPEN, HDF5Images, table

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)


def write(path, values=PIXELS, key="input_image", **options):
    path.unlink(missing_ok=True)
    with h5py.File(path, "w") as file:
        file.create_dataset(key, data=values, **options)
    return path


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "a.h5", chunks=(1, 6, 5, 3), compression="gzip")


def test_pictures_are_the_rows(path):
    images = HDF5Images(path)
    assert len(images) == 20 and not images.resizes
    assert images.name(17) == "a.h5:input_image[17]"
    assert all(np.array_equal(images.open(i), PIXELS[i]) for i in range(20))
    assert isinstance(images.open(0), Image.Image) and images.open(0).mode == "RGB" and images.open(0).size == (5, 6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (4, 3, 5, 1)},
        {"chunks": (20, 2, 2, 3), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": (3, 6, 5, 3), "compression": "lzf"},
        {"chunks": (3, 6, 5, 3), "fletcher32": True},
    ],
)
def test_any_usual_way_to_store_them(tmp_path, options):
    images = HDF5Images(write(tmp_path / "b.h5", key="pictures", **options), "pictures")
    assert all(np.array_equal(images.open(i), PIXELS[i]) for i in (0, 7, 19))


def test_subset_keeps_order_names_and_pictures(path):
    images = HDF5Images(path)
    part = pickle.loads(pickle.dumps(images.subset([3, 0, 3]).subset(np.array([1, 2]))))
    assert len(part) == 2 and part.rows.tolist() == [0, 3]
    assert [part.name(i) for i in range(2)] == ["a.h5:input_image[0]", "a.h5:input_image[3]"]
    assert np.array_equal(part.open(1), PIXELS[3])
    assert len(pickle.dumps(part)) < 1000  # path, key and rows, no pixels and no handle
    assert len(images.subset([])) == 0


def test_fingerprint_follows_file_rows_and_pixels(path, tmp_path):
    images = HDF5Images(path)
    copy = tmp_path / "elsewhere" / "b.h5"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    assert HDF5Images(copy).fingerprint == images.fingerprint
    inverted = write(tmp_path / "c.h5", 255 - PIXELS, chunks=(1, 6, 5, 3), compression="gzip")
    different = [
        images, images.subset(range(19)), images.subset(range(19, -1, -1)), images.subset([]), HDF5Images(inverted),
        HDF5Images(write(tmp_path / "d.h5")),
    ]  # fmt: skip
    assert len({store.fingerprint for store in different}) == len(different)


def test_fingerprint_reads_few_pictures_of_a_large_file(tmp_path, monkeypatch):
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:
        pictures = file.create_dataset("input_image", (250_000, 256, 256, 3), np.uint8, chunks=(1, 256, 256, 3))
        pictures[249_999] = 7
    read = []
    monkeypatch.setattr(hdf5.Table, "read", lambda self, row: read.append(row) or np.zeros((256, 256, 3), np.uint8))
    images = HDF5Images(path)
    assert images.fingerprint and len(read) == hdf5.SAMPLE and read[0] == 0 and read[-1] == 249_999


def test_damaged_picture_is_named_and_leaves_the_fingerprint(path):
    with h5py.File(path) as file:
        chunk = file["input_image"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + 2 : chunk.byte_offset + 12] = bytes(10)
    path.write_bytes(data)
    images = HDF5Images(path)
    with pytest.raises(DataError, match=r"a.h5:input_image\[0\]: damaged or no HDF5 \(.*; fetch it again"):
        images.open(0)
    assert np.array_equal(images.open(1), PIXELS[1])
    assert images.fingerprint == HDF5Images(path).fingerprint


def test_replaced_file_is_read_anew(path):
    assert np.array_equal(HDF5Images(path).open(0), PIXELS[0])
    with h5py.File(path.with_suffix(".new"), "w") as file:
        file["input_image"] = 255 - PIXELS
    path.write_bytes(path.with_suffix(".new").read_bytes())  # the same place on the disk
    assert np.array_equal(HDF5Images(path).open(0), 255 - PIXELS[0])


def test_few_files_stay_open(tmp_path):
    stores = [HDF5Images(write(tmp_path / f"{i}.h5", PIXELS[i : i + 2])) for i in range(MAX_OPEN + 3)]
    assert len(hdf5._held) <= MAX_OPEN
    joined = JoinedImages(stores)
    assert all(np.array_equal(joined.open(2 * i + 1), PIXELS[i + 1]) for i in range(len(stores)))


def test_other_processes_open_the_file_for_themselves(path):
    images = HDF5Images(path)
    assert np.array_equal(images.open(5), PIXELS[5])  # this process holds a handle, which a fork must not use
    read, written = os.pipe()
    child = os.fork()
    if child == 0:
        right = all(np.array_equal(images.open(i), PIXELS[i]) for i in range(20))
        right &= hdf5._held[str(path)].stamp[0] == os.getpid()
        os.write(written, b"1" if right else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1) == b"1"
    assert np.array_equal(images.open(6), PIXELS[6])


def test_pixel_cache_is_made_by_worker_processes(tmp_path):
    many = np.repeat(PIXELS, 30, axis=0)
    images = HDF5Images(write(tmp_path / "many.h5", many))
    found = pixels(images, 4, how="squash", jobs=2)
    assert found.array.shape == (600, 4, 4, 3) and found.bad == ()
    assert np.array_equal(found.array[0], found.array[29]) and not np.array_equal(found.array[0], found.array[30])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (PIXELS.astype(np.float32), r"input_image must be uint8 \(N, h, w, 3\), not float32 \(20, 6, 5, 3\)"),
        (PIXELS[..., 0], r"input_image must be uint8 \(N, h, w, 3\), not uint8 \(20, 6, 5\)"),
        (PIXELS[..., :2], r".* not uint8 \(20, 6, 5, 2\)"),
        (PIXELS[:, :0], r".* not uint8 \(20, 0, 5, 3\)"),
        (np.uint8(3), "input_image is no table in this file; use the official file"),
    ],
)
def test_other_tables_are_no_pictures(tmp_path, values, reason):
    with pytest.raises(DataError, match=f"c.h5: {reason}"):
        HDF5Images(write(tmp_path / "c.h5", values))


def test_pictures_that_share_chunks_are_unpacked_once(tmp_path):
    """h5py's own choice of chunks spreads each picture over many, which hold pieces of many pictures."""
    values = np.zeros((70, 256, 256, 3), np.uint8)
    path = write(tmp_path / "a.h5", values, chunks=(64, 64, 64, 3), compression="lzf")
    found = table(path, "input_image")
    assert found._dataset.id.get_access_plist().get_chunk_cache()[1] == 64 * 256 * 256 * 3
    begin = time.process_time()
    for i in range(64):
        HDF5Images(path).open(i)
    assert time.process_time() - begin < 2  # 0.1 s where each chunk is unpacked once, 4 s otherwise


def test_missing_and_empty(tmp_path, path):
    with pytest.raises(DataError, match="a.h5: lacks the key pictures; use the official file"):
        HDF5Images(path, "pictures")
    assert table(path, "pictures", optional=True) is None
    with pytest.raises(DataError, match="none.h5: cannot be read"):
        HDF5Images(tmp_path / "none.h5")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.create_dataset("input_image", (4, 8, 8, 3), np.uint8)
    with pytest.raises(DataError, match="empty.h5: input_image holds no pixels; fetch it again"):
        HDF5Images(tmp_path / "empty.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(DataError, match="text.h5: damaged or no HDF5"):
        HDF5Images(tmp_path / "text.h5")


def test_values_outside_of_the_file_are_refused(tmp_path, path):
    message = "input_image is no table in this file"
    (tmp_path / "raw").write_bytes(PIXELS.tobytes())
    with h5py.File(tmp_path / "external.h5", "w") as file:
        outside = [(str(tmp_path / "raw"), 0, PIXELS.nbytes)]
        file.create_dataset("input_image", PIXELS.shape, np.uint8, external=outside)
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(PIXELS.shape, np.uint8)
        layout[:] = h5py.VirtualSource(str(path), "input_image", PIXELS.shape)
        file.create_virtual_dataset("input_image", layout)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["input_image"] = h5py.ExternalLink(str(path), "/input_image")
    for name in ("external", "virtual", "link"):
        with pytest.raises(DataError, match=f"{name}.h5: {message}"):
            HDF5Images(tmp_path / f"{name}.h5")


def test_chunks_that_are_too_short_are_not_read(tmp_path):
    """HDF5 itself reads past their end."""
    black = np.zeros((6, 64, 64, 3), np.uint8)
    path = write(tmp_path / "a.h5", black, chunks=(2, 64, 64, 3), compression="gzip")
    with h5py.File(path) as file:
        chunk = file["input_image"].id.get_chunk_info(1)
    data = path.read_bytes()

    unpacked = bytearray(data)  # the message that names the filters says nothing
    unpacked[data.rindex(b"\x0b\x00", 0, data.index(b"deflate"))] = 0
    path.write_bytes(unpacked)
    for i in range(6):
        with pytest.raises(DataError, match=rf"a.h5:input_image\[{i}\]: damaged or no HDF5 \(a chunk is too short\)"):
            HDF5Images(path).open(i)

    masked = bytearray(data)  # one chunk claims that it was not compressed
    where = data.index(chunk.byte_offset.to_bytes(8, "little")) - 48  # size, mask and five numbers of eight bytes
    assert data[where : where + 4] == chunk.size.to_bytes(4, "little")
    masked[where + 4] = 255
    path.unlink()
    path.write_bytes(masked)
    images = HDF5Images(path)
    for i in range(6):
        if i in (2, 3):
            with pytest.raises(DataError, match="a chunk is too short"):
                images.open(i)
        else:
            assert np.asarray(images.open(i)).max() == 0
    with pytest.raises(DataError, match=r"input_image\[0:3\]: .* too short"):
        table(path, "input_image").read(slice(0, 3))
    assert table(path, "input_image").read(slice(4, 6)).shape == (2, 64, 64, 3)


def test_chunks_that_did_not_shrink_are_read(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    path = write(tmp_path / "a.h5", noise, chunks=(1, 64, 64, 3), compression="lzf", fletcher32=True)
    with h5py.File(path) as file:
        assert file["input_image"].id.get_chunk_info(0).filter_mask  # stored as they are
    assert np.array_equal(HDF5Images(path).open(1), noise[1])


def test_unknown_filters_are_refused(tmp_path):
    path = write(tmp_path / "a.h5", PIXELS.astype(np.int32), key="other", chunks=(1, 6, 5, 3), scaleoffset=0)
    with pytest.raises(DataError, match=r"other is packed in an unknown way \(filters \[6\]\); fetch it again"):
        table(path, "other")

from __future__ import annotations

import pickle
import zlib

import numpy as np
import pyarrow as pa
import pytest
from fixtures import hub

from ofclip.errors import DataError
from ofclip.images import decode, pixels
from ofclip.images.arrow import ArrowImages, read_arrow

TORN = hub.picture(3)["bytes"][:120]
PICTURES = [
    hub.picture(0), hub.picture(1, (40, 20)), None, {"bytes": b"", "path": "x.jpg"}, {"bytes": None, "path": "y.jpg"},
    {"bytes": b"no picture", "path": None}, {"bytes": TORN, "path": None}, hub.picture(7),
]  # fmt: skip


def stream(path, pictures, chunk=2, kind=hub.PICTURE):
    table = pa.table({"image": pa.array(pictures, kind), "n": list(range(len(pictures)))})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return path


@pytest.fixture
def store(tmp_path) -> ArrowImages:
    files = [stream(tmp_path / "a.arrow", PICTURES[:5]), stream(tmp_path / "b.arrow", PICTURES[5:])]
    return ArrowImages(files, "Marqo/toy data")


def test_pictures_are_read_by_row_through_files_and_chunks(store):
    assert len(store) == 8
    assert store.name(7) == "Marqo/toy data[7]"
    for row in (0, 1, 7):
        assert store.read(row) == PICTURES[row]["bytes"]
        assert np.array_equal(store.open(row), decode(PICTURES[row]["bytes"], "x"))
    assert store.open(1).size == (40, 20)


def test_what_is_no_picture_is_named(store):
    for row in (2, 4):
        with pytest.raises(DataError, match=rf"Marqo/toy data\[{row}\]: no picture; fetch it again"):
            store.open(row)
    for row, reason in ((3, "empty file"), (5, "not a JPEG"), (6, "damaged picture")):
        with pytest.raises(DataError, match=rf"Marqo/toy data\[{row}\]: {reason}"):
            store.open(row)
    assert [row for row, _ in pixels(store, 8, skip_bad=True).bad] == [2, 3, 4, 5, 6]


def test_sizes_and_checksums_are_those_of_the_bytes(store):
    lengths = [len((entry or {}).get("bytes") or b"") for entry in PICTURES]
    assert store.sizes.tolist() == lengths
    sums = [zlib.crc32((entry or {}).get("bytes") or b"") for entry in PICTURES]
    assert store.entries() == list(zip(lengths, sums, strict=True))


def test_a_subset_keeps_order_names_and_what_it_is(store):
    few = store.subset([7, 0]).subset(np.array([1, 0]))
    assert [few.name(i) for i in range(2)] == ["Marqo/toy data[0]", "Marqo/toy data[7]"]
    assert few.read(1) == PICTURES[7]["bytes"] and few.sizes.tolist() == [store.sizes[0], store.sizes[7]]
    assert len(store.subset([])) == 0 and store.subset([]).sizes.tolist() == []


def test_fingerprint_depends_on_content_and_order_alone(store, tmp_path):
    again = ArrowImages([stream(tmp_path / "c.arrow", PICTURES, chunk=3)], "another name")
    assert again.fingerprint == store.fingerprint == ArrowImages(store.files, "x").fingerprint
    assert store.subset([0, 1]).fingerprint == again.subset([0, 1]).fingerprint
    assert store.subset([1, 0]).fingerprint != store.subset([0, 1]).fingerprint
    changed = [*PICTURES[:7], hub.picture(8)]
    assert ArrowImages([stream(tmp_path / "d.arrow", changed)], "x").fingerprint != store.fingerprint


def test_a_file_that_changed_is_seen(tmp_path):
    path = tmp_path / "a.arrow"
    before = ArrowImages([stream(path, PICTURES[:1])], "x")
    first = before.fingerprint
    assert ArrowImages([stream(path, PICTURES[7:])], "x").fingerprint != first


def test_workers_map_the_files_for_themselves(store):
    data = pickle.dumps(store)
    assert len(data) < 2_000
    assert pickle.loads(data).read(7) == PICTURES[7]["bytes"]


def test_other_columns_are_named(tmp_path):
    path = stream(tmp_path / "a.arrow", ["x.jpg"], kind=pa.string())
    with pytest.raises(DataError, match=r"a.arrow: column image is string, not pictures \(bytes and path\)"):
        ArrowImages([path], "x")
    with pytest.raises(DataError, match=r"a.arrow: lacks the columns photo \(it has image, n\)"):
        ArrowImages([path], "x", column="photo")
    with pytest.raises(DataError, match="gone.arrow: cannot be read"):
        ArrowImages([tmp_path / "gone.arrow"], "x")


def test_damaged_files_are_named_and_read_no_memory_that_is_not_theirs(tmp_path):
    path = stream(tmp_path / "a.arrow", PICTURES)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    wrong = [whole[:cut] for cut in (0, 1, 40, len(whole) // 2, len(whole) - 300)]
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(0, 256)
        wrong.append(bytes(data))
    raised = 0
    for number, data in enumerate(wrong):
        damaged = tmp_path / f"{number}.arrow"
        damaged.write_bytes(data)
        try:
            store = ArrowImages([damaged], "x")
            _ = store.fingerprint
            for row in range(len(store)):
                try:
                    store.open(row)
                except DataError:
                    pass
        except DataError as error:
            assert str(damaged) in str(error) and "\n" not in str(error)
            raised += 1
    assert raised > 20
    with pytest.raises(DataError, match="0.arrow: not a whole file of its kind"):
        read_arrow(tmp_path / "0.arrow")

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import asdict
from weakref import WeakSet

import fsspec
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ofclip.catalog import Catalog
from ofclip.errors import DataError, OfclipError, SettingError
from ofclip.images import ArrayImages, fit, pixels
from ofclip.shards import (
    ShardImages,
    ShardOrder,
    ShardPixels,
    check_shards,
    load_shards,
    open_shards,
    write_shards,
)
from ofclip.shards.index import Index, Shard


@pytest.fixture
def written(toy, tmp_path):
    """A catalogue of 60 products, and the folder of its shards of 7."""
    catalog = toy(60)
    write_shards(catalog, tmp_path / "out", 7, jobs=1)
    return catalog, tmp_path / "out"


@pytest.fixture
def remote(written):
    """The same on a storage that is no disk."""
    memory = fsspec.filesystem("memory")
    memory.put(str(written[1]) + "/", "/bucket/toy/", recursive=True)
    yield "memory://bucket/toy"
    memory.rm("/bucket", recursive=True)


def rows(samples) -> list[int]:
    return [sample.row for sample in samples]


# as a Catalog


def test_the_catalogue_comes_back_value_by_value(written):
    catalog, out = written
    found = load_shards(out)
    assert_frame_equal(found.products, catalog.products)
    assert (found.name, found.labels, found.skipped) == (catalog.name, catalog.labels, catalog.skipped)
    assert found.label("type")[0] is pd.NA and found.products["attributes"][2] == ("red", "long")
    for i in range(len(catalog)):
        assert np.array_equal(np.asarray(found.images.open(i)), np.asarray(catalog.images.open(i)))
    assert found.images.read(30) == catalog.images.read(30)
    assert found.images.name(30) == f"{out}/shard-000004.tar:000000030.jpg"
    test = load_shards(out, "test")
    assert list(test.products["id"]) == list(catalog.where(split="test").products["id"])
    assert test.images.read(4) == catalog.images.read(12)


def test_pictures_kept_byte_by_byte_are_the_same_data(written):
    catalog, out = written
    part = np.arange(4, 60)  # those before are a GIF, which is stored as PNG
    assert load_shards(out).take(part).fingerprint == catalog.take(part).fingerprint
    assert open_shards(out).index.fingerprint == catalog.fingerprint
    assert len(open_shards(out)) == 60


def test_all_types_of_columns_come_back(toy, tmp_path):
    products = toy(3).products.astype({"id": object, "type": "str", "unknown": object})
    catalog = Catalog("types", products, ArrayImages(np.zeros((3, 4, 5), np.uint8), "grey"))
    write_shards(catalog, tmp_path / "types", jobs=1)
    found = load_shards(tmp_path / "types").products
    assert list(found.dtypes) == list(products.dtypes)
    assert found["unknown"].isna().all() and found["type"].isna().tolist() == [True, False, False]
    assert found["type"][1] == "type1"


@pytest.mark.parametrize("where", ["disk", "memory"])
def test_images_are_a_store_like_any_other(written, remote, where):
    catalog, out = written
    images = open_shards(out if where == "disk" else remote).images()
    assert isinstance(images, ShardImages) and len(images) == 60
    again = pickle.loads(pickle.dumps(images.subset([50, 3, 3]).subset([2, 0])))
    assert again.read(1) == catalog.images.read(50) and len(again.shards) == 2
    assert again.fingerprint == images.subset([3, 50]).fingerprint != images.subset([50, 3]).fingerprint
    assert np.array_equal(pixels(images, 16).array, pixels(catalog.images, 16).array)
    assert open_shards(out).images([7]).read(0) == catalog.images.read(7)


def test_shards_can_be_made_of_shards(written, tmp_path):
    write_shards(load_shards(written[1]), tmp_path / "again", 11, jobs=1)
    assert load_shards(tmp_path / "again").fingerprint == load_shards(written[1]).fingerprint


# as a stream


@pytest.mark.parametrize("where", ["disk", "memory"])
def test_a_stream_holds_every_sample_once(written, remote, where):
    catalog, out = written
    shards = open_shards(out if where == "disk" else remote)
    samples = list(shards.stream(16, seed=1, window=3))
    assert sorted(rows(samples)) == list(range(60)) and rows(samples) != list(range(60))
    for sample in samples:
        assert sample.texts == catalog.products["texts"][sample.row]
        assert np.array_equal(sample.picture, fit(catalog.images.open(sample.row, 16), 16))
    assert rows(samples) == rows(shards.stream(16, seed=1, window=3, threads=1))
    assert rows(samples) == ShardOrder(shards.sizes, seed=1, window=3).rows(0).tolist()
    others = [rows(shards.stream(16, seed=2, window=3)), rows(shards.stream(16, seed=1, epoch=1, window=3))]
    assert len({tuple(each) for each in [rows(samples), *others]}) == 3


@pytest.mark.parametrize(("ranks", "workers"), [(1, 1), (2, 1), (3, 2), (7, 1), (2, 40)])
def test_ranks_and_workers_share_an_epoch_evenly(written, ranks, workers):
    shards = open_shards(written[1])
    parts = [
        rows(shards.stream(8, seed=3, window=2, rank=rank, ranks=ranks, worker=worker, workers=workers))
        for rank in range(ranks)
        for worker in range(workers)
    ]
    assert sorted(row for part in parts for row in part) == list(range(60))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_a_stream_goes_on_anywhere_without_reading_what_came_before(written):
    shards = open_shards(written[1])
    whole = rows(shards.stream(8, seed=5, window=2))
    for start in (0, 1, 13, 14, 59, 60, 99):
        assert rows(shards.stream(8, seed=5, window=2, start=start)) == whole[start:]
    part = rows(shards.stream(8, seed=5, window=2, rank=1, ranks=2))
    assert rows(shards.stream(8, seed=5, window=2, rank=1, ranks=2, start=10)) == part[10:]
    # the shards of windows that lie before are not even there
    rest = whole[42:]
    for number in set(range(len(shards.sizes))) - {row // 7 for row in rest}:
        (written[1] / f"shard-{number:06d}.tar").unlink()
        (written[1] / f"shard-{number:06d}.jsonl").unlink()
    assert rows(open_shards(written[1]).stream(8, seed=5, window=2, start=42)) == rest
    with pytest.raises(DataError, match="not found"):
        list(open_shards(written[1]).stream(8, seed=5, window=2))


def test_a_stream_opens_each_shard_once_and_holds_few_at_a_time(toy, tmp_path, monkeypatch):
    write_shards(toy(960), tmp_path / "out", 40, jobs=1)
    shards, opened, alive, most = open_shards(tmp_path / "out"), [], WeakSet(), []
    real = type(shards.storage).blob

    def blob(storage, name, size):
        found = real(storage, name, size)
        opened.append(name)
        alive.add(found)
        most.append(len(alive))
        return found

    monkeypatch.setattr(type(shards.storage), "blob", blob)
    assert len(rows(shards.stream(8, window=2, threads=1))) == 960
    assert len(opened) == len(set(opened)) == 24
    assert max(most) <= 9 + 4  # the kept ones, and those that threads are opening


def test_a_stream_that_is_left_early_ends_its_threads(written):
    import threading

    before = threading.active_count()
    samples = open_shards(written[1]).stream(8, threads=4)
    next(samples)
    samples.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(
    "wrong",
    [{"size": 0}, {"start": -1}, {"window": 0}, {"rank": 2, "ranks": 2}, {"rank": -1}, {"ranks": 2, "worker": 1}],
)
def test_settings_of_a_stream_out_of_range_are_named(written, wrong):
    with pytest.raises(SettingError):
        open_shards(written[1]).stream(**{"size": 8, **wrong})


# pixels for training


@pytest.mark.parametrize("where", ["disk", "memory"])
def test_pixels_are_those_of_the_cache(written, remote, where):
    catalog, out = written
    found = ShardPixels(load_shards(out if where == "disk" else remote).images, 16, window=2, threads=3)
    cached = pixels(catalog.images, 16).array
    order = found.order(seed=4)
    for step in range(12):
        wanted = order.rows(0, 7 * step, 7 * step + 7)
        found.prefetch(order.rows(0, 7 * step + 7, 7 * step + 14))
        assert np.array_equal(found.gather(wanted), cached[wanted])
    assert np.array_equal(found.gather([59, 0, 59]), cached[[59, 0, 59]])
    assert found.gather([]).shape == (0, 16, 16, 3) and len(found) == 60
    found.close()


def test_pixels_and_order_of_a_part_of_the_rows(written):
    test = load_shards(written[1], "test")
    found = ShardPixels(test.images, 16)
    assert sorted(found.order(0).rows(3).tolist()) == list(range(20))
    assert np.array_equal(found.gather([5]), pixels(test.images, 16).array[[5]])
    with pytest.raises(SettingError, match="rows must be in the order of the shards"):
        ShardPixels(test.images.subset([19, 0]), 16).order(0)
    with pytest.raises(SettingError, match="size 0"):
        ShardPixels(test.images, 0)


# the order


def slow_rows(sizes, seed, window, epoch) -> list[int]:
    """The plain way: the shards one window after the other."""
    from ofclip.shards.order import generator

    shards = [s for s in generator(seed, 0, epoch).permutation(len(sizes)).tolist() if sizes[s]]
    found = []
    for number, start in enumerate(range(0, len(shards), window)):
        inside = [sum(sizes[:s]) + i for s in shards[start : start + window] for i in range(sizes[s])]
        found += generator(seed, 1, epoch, number).permutation(inside).tolist()
    return found


@pytest.mark.parametrize("window", [1, 2, 5, 6, 100])
def test_order_is_the_plain_one_by_slice_and_by_row(window):
    sizes = [5, 3, 0, 7, 1, 4]
    order = ShardOrder(sizes, seed=9, window=window)
    for epoch in (0, 1, 7):
        whole = slow_rows(sizes, 9, window, epoch)
        assert order.rows(epoch).tolist() == whole and sorted(whole) == list(range(20))
        assert [order.row(epoch, position) for position in range(20)] == whole
        for start, stop in ((0, 0), (3, 11), (19, 30), (8, 9), (25, 30)):
            assert order.rows(epoch, start, stop).tolist() == whole[start:stop]
    again = pickle.loads(pickle.dumps(order))
    assert again.rows(1, 4, 9).tolist() == order.rows(1, 4, 9).tolist()


def test_only_a_window_of_shards_is_needed_at_a_time():
    order = ShardOrder([10] * 40, seed=0, window=4)
    for start in range(0, 400, 40):
        assert len(set(order.shards_of(order.rows(2, start, start + 40)).tolist())) == 4
    mixed = ShardOrder([10] * 40, seed=0, window=40).rows(0)
    assert np.abs(np.corrcoef(np.arange(400), mixed)[0, 1]) < 0.2


@pytest.mark.parametrize(("sizes", "window"), [([], 8), ([0, 0], 8), ([3], 0)])
def test_an_order_of_nothing_is_an_error(sizes, window):
    with pytest.raises(SettingError):
        ShardOrder(sizes, 0, window)


# what is damaged


def cut(path):
    path.write_bytes(path.read_bytes()[:-700])


def flip(path, at=800):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def remove(path):
    path.unlink()


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("shard-000002.tar", cut, r"shard-000002.tar: cut short, [\d,]+ of [\d,]+ bytes"),
        ("shard-000002.tar", flip, r"shard-000002.tar:0000000\d\d.\w+: wrong checksum, the shard was changed"),
        ("shard-000002.tar", remove, "shard-000002.tar: not found; write or fetch"),
        ("shard-000002.jsonl", cut, "shard-000002.jsonl: wrong checksum"),
        ("shard-000002.jsonl", flip, "shard-000002.jsonl: wrong checksum"),
        ("shard-000002.jsonl", remove, "shard-000002.jsonl: not found"),
        ("index.json", cut, "index.json: damaged"),
        ("index.json", remove, "index.json: not found"),
    ],
)
@pytest.mark.parametrize("where", ["disk", "memory"])
def test_damage_is_named(written, name, damage, message, where):
    _, out = written
    damage(out / name)
    url = str(out)
    if where == "memory":
        url = "memory://damaged"
        fsspec.filesystem("memory").put(str(out) + "/", "/damaged/", recursive=True)
    try:
        with pytest.raises(DataError, match=message):
            list(open_shards(url).stream(8))
        with pytest.raises(DataError, match=message):
            ShardPixels(load_shards(url).images, 8).gather(range(60))
        if name != "index.json":
            faults = check_shards(url)
            assert len(faults) == 1 and name in faults[0]
    finally:
        if where == "memory":
            fsspec.filesystem("memory").rm("/damaged", recursive=True)


def test_a_cut_shard_is_named_by_a_single_picture_too(written):
    cut(written[1] / "shard-000002.tar")
    images = load_shards(written[1]).images
    path = written[1] / "shard-000002.tar"
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DataError, match=r"shard-000002.tar:000000014.jpg: cut short, 88 of [\d,]+ bytes"):
        images.open(14)


def test_whole_shards_pass_the_check(written, remote):
    assert check_shards(written[1]) == [] and check_shards(remote) == []


def test_no_flipped_byte_of_index_or_table_goes_unseen(written):
    _, out = written
    rng = np.random.default_rng(0)
    for name in ("index.json", "shard-000003.jsonl"):
        path = out / name
        whole = path.read_bytes()
        for at in rng.integers(0, len(whole), 60):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ int(rng.integers(1, 256))]) + whole[at + 1 :])
            with pytest.raises(OfclipError):
                load_shards(out)
        path.write_bytes(whole)
    assert len(load_shards(out)) == 60


def test_an_index_of_another_format_or_with_a_path_is_refused(written):
    index = open_shards(written[1]).index
    climbing = Index(**{**asdict(index), "shards": (Shard("../shard-000000.tar", 1, 1, "", ""),)})
    with pytest.raises(DataError, match="changed since it was written"):
        Index.loads(climbing.dumps().encode(), "index.json")
    body = json.loads(index.dumps())
    for wrong in ("[]", "3", '{"digest": 1}', json.dumps({**body, "shards": None}), "[" * 100_000):
        with pytest.raises(DataError, match="index.json: "):
            Index.loads(wrong.encode(), "index.json")


def test_format_is_named_when_it_is_newer(written, monkeypatch):
    index = open_shards(written[1]).index
    monkeypatch.setattr("ofclip.shards.index.FORMAT", 2)
    newer = index.dumps().encode()
    monkeypatch.undo()
    with pytest.raises(DataError, match="has format 2, this ofclip reads 1"):
        Index.loads(newer, "index.json")


def test_storages_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(SettingError, match="nonsense://bucket: this storage cannot be read"):
        open_shards("nonsense://bucket")
    with pytest.raises(DataError, match="memory://nowhere/index.json: not found"):
        open_shards("memory://nowhere")
    (tmp_path / "index.json").mkdir()
    with pytest.raises(DataError, match="index.json: cannot be read"):
        open_shards(tmp_path)


def test_shards_are_read_over_http(written):
    pytest.importorskip("aiohttp")
    import functools
    import threading
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    catalog, out = written
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(out))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            shards = open_shards(f"http://127.0.0.1:{server.server_port}/")
            assert sorted(rows(shards.stream(8))) == list(range(60))
            assert shards.images().read(30) == catalog.images.read(30)  # by a server that knows no ranges
            assert check_shards(shards.storage.url) == []
            (out / "shard-000001.tar").unlink()
            with pytest.raises(DataError, match="shard-000001.tar: not found"):
                list(shards.stream(8))
        finally:
            server.shutdown()


def test_a_path_as_file_url_is_the_disk(written):
    assert open_shards(f"file://{written[1]}").storage.system is None
    copy = written[1].parent / "with space"
    shutil.copytree(written[1], copy)
    assert len(load_shards(copy)) == 60

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from shard_toys import pictures

from ofclip.catalog import Catalog
from ofclip.errors import DataError, SettingError
from ofclip.images import AbsentImages, ArrayImages, JoinedImages
from ofclip.shards import load_shards, open_shards, write_shards
from ofclip.shards.index import Index


def tars(folder) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def members(path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def test_members_are_what_webdataset_expects(toy, tmp_path):
    catalog = toy(25)
    index = write_shards(catalog, tmp_path / "out", 10, jobs=1)
    assert [(shard.name, shard.samples) for shard in index.shards] == [
        ("shard-000000.tar", 10), ("shard-000001.tar", 10), ("shard-000002.tar", 5),
    ]  # fmt: skip
    found = members(tmp_path / "out" / "shard-000000.tar")
    assert list(found)[:8] == [
        "000000000.png", "000000000.json",
        "000000001.jpg", "000000001.json", "000000001.txt",
        "000000002.webp", "000000002.json", "000000002.txt",
    ]  # fmt: skip
    assert "000000007.txt" not in found and "000000000.txt" not in found  # they have no text
    assert found["000000001.jpg"] == catalog.images.read(1)
    assert found["000000001.txt"].decode() == "dress 1"
    assert json.loads(found["000000002.json"]) == {
        "id": "../2/x", "split": "train", "group": "g1", "texts": list(catalog.products["texts"][2]),
        "labels": {"type": "type2", "attributes": ["red", "long"], "unknown": None},
    }  # fmt: skip
    for shard in index.shards:
        data = (tmp_path / "out" / shard.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (shard.bytes, shard.sha256)
    assert index == Index.loads((tmp_path / "out" / "index.json").read_bytes(), "index.json")
    assert (index.name, index.fingerprint) == ("toy", catalog.fingerprint)
    assert index.skipped == ("row 9: not there",)
    sizes = json.loads((tmp_path / "out" / "sizes.json").read_text())
    assert sizes == {"shard-000000.tar": 10, "shard-000001.tar": 10, "shard-000002.tar": 5}


def test_headers_hold_nothing_of_this_machine(toy, tmp_path):
    write_shards(toy(3), tmp_path / "out", jobs=1)
    with tarfile.open(tmp_path / "out" / "shard-000000.tar") as archive:
        for member in archive:
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
            assert member.mode == 0o644 and member.isreg()


def test_same_catalogue_gives_the_same_bytes_in_any_number_of_processes(toy, tmp_path):
    catalog = toy(25)
    write_shards(catalog, tmp_path / "a", 4, jobs=1)
    write_shards(toy(25), tmp_path / "b", 4, jobs=2)
    assert tars(tmp_path / "a") == tars(tmp_path / "b")
    other = replace(catalog, products=catalog.products.assign(type="x"))
    write_shards(other, tmp_path / "c", 4, jobs=1)
    assert tars(tmp_path / "a") != tars(tmp_path / "c")


def test_webdataset_reads_it(toy, tmp_path):
    wds = pytest.importorskip("webdataset")
    catalog = toy(25)
    write_shards(catalog, tmp_path / "out", 10, jobs=1)
    urls = str(tmp_path / "out" / "shard-{000000..000002}.tar")
    pipeline = wds.WebDataset(urls, shardshuffle=False).decode("pilrgb").rename(image="jpg;png;webp")
    samples = list(pipeline)
    assert [sample["__key__"] for sample in samples] == [f"{i:09d}" for i in range(25)]
    assert [sample["json"]["id"] for sample in samples] == list(catalog.products["id"])
    assert [sample.get("txt") for sample in samples] == [c or None for c in catalog.captions]
    for i in (0, 3, 4, 20):
        assert np.array_equal(np.asarray(samples[i]["image"]), np.asarray(catalog.images.open(i)))


def test_open_clips_trainer_counts_and_reads_it(toy, tmp_path):
    data = pytest.importorskip("open_clip_train.data")
    from types import SimpleNamespace

    write_shards(toy(25), tmp_path / "out", 10, jobs=1)
    urls = str(tmp_path / "out" / "shard-{000000..000002}.tar")
    assert data.get_dataset_size(urls) == (25, 3)
    options = SimpleNamespace(
        train_data=None, val_data=urls, val_num_samples=25, batch_size=7, workers=0, world_size=1, seed=0
    )
    loader = data.get_wds_dataset(
        options, lambda image: np.asarray(image.resize((8, 8))), False, tokenizer=lambda text: [text]
    ).dataloader
    texts = [text for _, batch in loader for text in batch]
    assert texts == [f"dress {i}" for i in range(25) if i % 7]


@pytest.mark.parametrize("encoding", ["keep", "jpg", "png"])
def test_pictures_are_shrunk_and_encoded_as_asked(toy, tmp_path, encoding):
    catalog = toy(8)
    write_shards(catalog, tmp_path / "out", size=20, encoding=encoding, quality=95, jobs=1)
    found = members(tmp_path / "out" / "shard-000000.tar")
    kinds = [name.split(".")[1] for name in found if not name.endswith(("json", "txt"))]
    assert kinds == (["png", "jpg", "png", "png", "jpg", "jpg", "jpg", "jpg"] if encoding == "keep" else [encoding] * 8)
    stored = load_shards(tmp_path / "out")
    for i in range(8):
        assert stored.images.open(i).size == (20, 30)
        reference = catalog.images.open(i).resize((20, 30), Image.Resampling.BICUBIC, reducing_gap=3.0)
        assert np.abs(np.asarray(stored.images.open(i)).astype(int) - np.asarray(reference)).mean() < 6
    assert stored.fingerprint != catalog.fingerprint


def test_small_pictures_are_left_as_they_are(toy, tmp_path):
    catalog = toy(8)
    write_shards(catalog, tmp_path / "out", size=40, jobs=1)
    found = members(tmp_path / "out" / "shard-000000.tar")
    assert found["000000006.jpg"] == catalog.images.read(6)
    write_shards(catalog, tmp_path / "jpg", encoding="jpg", jobs=1)
    found = members(tmp_path / "jpg" / "shard-000000.tar")
    assert found["000000006.jpg"] == catalog.images.read(6) and found["000000000.jpg"] != catalog.images.read(0)


def test_pixels_and_drawings_become_png_without_loss(tmp_path, toy):
    array = np.random.default_rng(0).integers(0, 256, (6, 9, 7), dtype=np.uint8)
    files = toy(4)
    joined = JoinedImages([ArrayImages(array, "array"), files.images]).subset([1, 9, 0, 6])
    products = files.products.iloc[:4]
    catalog = Catalog("mixed", products, joined)
    write_shards(catalog, tmp_path / "out", jobs=1)
    stored = load_shards(tmp_path / "out")
    for i in range(4):
        assert np.array_equal(np.asarray(stored.images.open(i)), np.asarray(joined.open(i)))
    found = members(tmp_path / "out" / "shard-000000.tar")
    assert "000000000.png" in found and found["000000003.png"] == files.images.read(0)

    import ofclip

    drawn = ofclip.load_catalog("atelier/street", n=3)
    write_shards(drawn, tmp_path / "drawn", size=32, jobs=1)
    again = load_shards(tmp_path / "drawn")
    assert np.array_equal(np.asarray(again.images.open(2)), np.asarray(drawn.images.open(2, size=32)))


def test_finished_shards_are_kept_and_damaged_ones_made_again(toy, tmp_path):
    catalog, out = toy(25), tmp_path / "out"
    write_shards(catalog, out, 5, jobs=1)
    before = tars(out)
    stamps = {path.name: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    (out / "index.json").unlink()  # as if killed before the end
    (out / "shard-000001.tar").unlink()
    (out / "shard-000002.tar").write_bytes((out / "shard-000002.tar").read_bytes()[:-600])
    data = bytearray((out / "shard-000003.tar").read_bytes())
    data[700] ^= 1
    (out / "shard-000003.tar").write_bytes(data)
    table = (out / "shard-000004.jsonl").read_bytes()
    (out / "shard-000004.jsonl").write_bytes(table[:-20])
    (out / ".shard-000001.tar.abc.part").write_bytes(b"half")
    write_shards(catalog, out, 5, jobs=1)
    assert tars(out) == before
    kept = {path.name for path in out.glob("*.tar") if path.stat().st_mtime_ns == stamps[path.name]}
    assert kept == {"shard-000000.tar"}


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(toy, tmp_path):
    catalog, out = toy(25), tmp_path / "out"
    write_shards(catalog, tmp_path / "whole", 5, jobs=1)
    code = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import shard_toys
from ofclip.catalog import Catalog
from ofclip.shards import write, write_shards
from ofclip.tree import Tree
def kill(*arguments, count=[0], real=write.encode):
    count[0] += 1
    if count[0] == 13: os._exit(9)
    return real(*arguments)
write.encode = kill
files = shard_toys.pictures(25)
images = Tree({str(tmp_path / "toy25.zip")!r}).images(files)
write_shards(Catalog("toy", shard_toys.table(25), images, ("row 9: not there",)), {str(out)!r}, 5, jobs=1)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=100).returncode == 9
    assert (out / "shard-000001.tar").exists() and not (out / "index.json").exists()
    assert list(out.glob(".*.part"))  # what was half-written is under another name
    with pytest.raises(DataError, match=r"index.json: not found"):
        open_shards(out)
    write_shards(catalog, out, 5, jobs=1)
    assert tars(out) == tars(tmp_path / "whole")


def test_a_folder_of_other_shards_is_refused(toy, tmp_path):
    out = tmp_path / "out"
    write_shards(toy(12), out, 5, jobs=1)
    before = tars(out)
    for other, samples, size in ((toy(11), 5, None), (toy(12), 6, None), (toy(12), 5, 8)):
        with pytest.raises(SettingError, match="shard-000000.jsonl: is of another catalogue or of other settings"):
            write_shards(other, out, samples, size=size, jobs=1)
    assert tars(out) == before
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "shard-000000.tar").write_bytes(b"someone else's")
    with pytest.raises(SettingError, match="shard-000000.tar: is of another catalogue"):
        write_shards(toy(12), foreign, jobs=1)
    assert (foreign / "shard-000000.tar").read_bytes() == b"someone else's"


def test_bad_pictures_raise_or_are_listed(toy, tmp_path):
    files = pictures_with_faults(25)
    catalog = toy(25, files)
    with pytest.raises(DataError, match=r"toy row 6: toy25.zip:img/6.jpg: damaged picture .*; --skip-bad lists"):
        write_shards(catalog, tmp_path / "a", 5, jobs=1)
    index = write_shards(catalog, tmp_path / "a", 5, skip_bad=True, jobs=1)
    assert [shard.name for shard in index.shards] == [f"shard-{i:06d}.tar" for i in (0, 1, 2, 4)]  # 15-19 are all bad
    assert [shard.samples for shard in index.shards] == [5, 4, 5, 5]
    assert len(index.skipped) == 7
    assert index.skipped[1].startswith("row 6, id id 6: toy25.zip:img/6.jpg: damaged picture (")
    assert index.skipped[2] == "row 15, id id 15: toy25.zip:img/15.jpg: empty file; fetch it again or skip it"
    stored = load_shards(tmp_path / "a")
    good = [i for i in range(25) if i not in (6, 15, 16, 17, 18, 19)]
    assert list(stored.products["id"]) == list(catalog.products["id"][good])
    assert stored.images.read(8) == catalog.images.read(9)
    assert stored.take(range(4, 19)).fingerprint == catalog.take(good[4:]).fingerprint
    # what was left out is still listed when the finished shards are kept
    assert write_shards(catalog, tmp_path / "a", 5, skip_bad=True, jobs=1).skipped == index.skipped
    with pytest.raises(DataError, match="row 6"):
        write_shards(catalog, tmp_path / "a", 5, jobs=1)


def pictures_with_faults(n: int) -> dict[str, bytes]:
    files = pictures(n)
    files["img/6.jpg"] = files["img/6.jpg"][:-300]
    return {name: b"" if name[4:6] in ("15", "16", "17", "18", "19") else data for name, data in files.items()}


def test_a_catalogue_without_products_is_an_error(toy, tmp_path):
    with pytest.raises(DataError, match="toy: no products to write"):
        write_shards(toy(3).take([]), tmp_path / "out", jobs=1)
    catalog = toy(3)
    absent = Catalog("toy", catalog.products, AbsentImages(["a", "b", "c"]))
    with pytest.raises(DataError, match="toy row 0: a: the catalogue was loaded without pictures"):
        write_shards(absent, tmp_path / "out", jobs=1)
    with pytest.raises(DataError, match="toy: no product has a sound picture; the first fault is: row 0"):
        write_shards(absent, tmp_path / "out", skip_bad=True, jobs=1)
    assert not list((tmp_path / "out").iterdir())


def test_columns_that_are_no_text_are_refused(toy, tmp_path):
    catalog = toy(3)
    wrong = (("type", [1, 2, 3], "int"), ("texts", ["a", "b", "c"], "str"), ("id", [1, 2, 3], "int"))
    for name, values, found in wrong:
        products = catalog.products.assign(**{name: pd.Series(values, dtype=object)})
        with pytest.raises(DataError, match=f"toy: column {name} must hold str, or tuples of str, not {found}"):
            write_shards(replace(catalog, products=products), tmp_path / "out", jobs=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"samples": 0}, "samples=0"),
        ({"size": 0}, "size=0"),
        ({"quality": 101}, "quality=101: choose 1 to 100"),
        ({"encoding": "jpeg"}, "unknown encoding 'jpeg': did you mean 'jpg'"),
    ],
)
def test_settings_out_of_range_are_named(toy, tmp_path, settings, message):
    with pytest.raises(SettingError, match=message):
        write_shards(toy(3), tmp_path / "out", jobs=1, **settings)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_and_checks(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from ofclip.cli.shards import shards

    runner, out = CliRunner(), str(tmp_path / "out")
    options = ["--split", "test", "--out", out, "--samples-per-shard", "4", "--size", "32", "--jobs", "1"]
    result = runner.invoke(shards, ["write", "clothing-dataset-small", *options, "--data", str(dataset(tmp_path))])
    assert result.exit_code == 0 and "10 samples in 3 shards" in result.output
    ids = list(load_shards(out).products["id"])
    assert len(ids) == 10 and ids != sorted(ids)  # shuffled once
    result = runner.invoke(shards, ["check", out])
    assert result.exit_code == 0 and "10 samples in 3 shards are whole" in result.output
    (tmp_path / "out" / "shard-000001.tar").unlink()
    result = runner.invoke(shards, ["check", out])
    assert result.exit_code == 1 and "shard-000001.tar: not found" in result.output


def dataset(tmp_path):
    for i in range(10):
        path = tmp_path / "clothing-dataset-small" / "test" / "hat" / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.full((48, 40, 3), 20 * i, np.uint8))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG")
        path.write_bytes(buffer.getvalue())
    return tmp_path

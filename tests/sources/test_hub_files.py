from __future__ import annotations

import builtins
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fixtures import hub as fixture

from ofclip.errors import DataError
from ofclip.files import cache_dir
from ofclip.images import pixels
from ofclip.sources import load_catalog


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """All seven sets, unharmed: tests that change something copy it."""
    folder = tmp_path_factory.mktemp("hub data")
    fixture.write(folder)
    return folder


@pytest.fixture
def own(root, tmp_path) -> Path:
    shutil.copytree(root / "hub" / "polyvore", tmp_path / "hub" / "polyvore")
    return tmp_path


def test_datasets_reads_the_fixture_as_pictures(root):
    datasets = pytest.importorskip("datasets")
    folder = root / "hub" / "polyvore" / "data"
    files = {"data": [str(path) for path in sorted(folder.glob("*.parquet"))]}
    loaded = datasets.load_dataset("parquet", data_files=files, split="data", cache_dir=str(cache_dir() / "test"))
    assert isinstance(loaded.features["image"], datasets.Image) and loaded.features["text"].dtype == "string"
    assert loaded[0]["image"].size == (24, 32) and loaded[3]["item_ID"] == "100010727_1"


def test_copies_of_any_kind_are_the_same_data(root, tmp_path):
    datasets = pytest.importorskip("datasets")
    expected = load_catalog("hub/polyvore", data=root)
    fixture.saved(tmp_path / "ours")
    whole = datasets.Dataset(fixture.rows("polyvore").cast(datasets.Features(
        {"image": datasets.Image()} | dict.fromkeys(("category", "text", "item_ID"), datasets.Value("string"))
    ).arrow_schema))  # fmt: skip
    whole.save_to_disk(str(tmp_path / "theirs" / "Marqo" / "polyvore"))
    datasets.DatasetDict({"data": whole}).save_to_disk(str(tmp_path / "dict" / "hub" / "polyvore"))
    fixture.parquet(tmp_path / "one" / "Marqo" / "polyvore" / "train.parquet", fixture.rows("polyvore"))
    for name in ("ours", "theirs", "dict", "one"):
        catalog = load_catalog("hub/polyvore", data=tmp_path / name)
        assert catalog.fingerprint == expected.fingerprint, name
        assert len(catalog.skipped) == 2


def test_missing_files_of_a_series_are_named(own):
    place = own / "hub" / "polyvore" / "data"
    (place / "data-00000-of-00002.parquet").unlink()
    with pytest.raises(DataError, match="1 of 2 data files, number 00000 is missing; `ofclip sources fetch hub/poly"):
        load_catalog("hub/polyvore", data=own)
    fixture.parquet(own / "hub" / "polyvore" / "old" / "0000.parquet", fixture.rows("polyvore"))
    with pytest.raises(DataError, match="data files in .*data and in .*old; keep one copy"):
        load_catalog("hub/polyvore", data=own)


def rewritten(root: Path, change) -> Path:
    """A root whose polyvore is one file of changed rows."""
    path = root / "hub" / "polyvore" / "data" / "data-00000-of-00001.parquet"
    shutil.rmtree(root / "hub", ignore_errors=True)
    fixture.parquet(path, change(fixture.rows("polyvore")))
    return path


def put(name: str, values: list, kind: pa.DataType | None = None):
    def change(table: pa.Table) -> pa.Table:
        number = table.column_names.index(name)
        return table.set_column(number, name, pa.array(values, kind))

    return change


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        (["a", "b", "c", "d", "e", "a"], "item_ID 'a' again"),
        (["a", "b", "c", "d", "e", None], "no item_ID"),
        (["a", "b", "c", "d", "e", " "], "no item_ID"),
    ],
)
def test_bad_ids_raise_with_their_row_or_are_listed(tmp_path, ids, reason):
    path = rewritten(tmp_path, put("item_ID", ids, pa.string()))
    place = f"{path} row 6 (Marqo/polyvore data[5])"
    with pytest.raises(DataError) as error:
        load_catalog("hub/polyvore", data=tmp_path)
    assert str(error.value) == f"{place}: {reason}; fetch it again or use --skip-bad"
    catalog = load_catalog("hub/polyvore", data=tmp_path, skip_bad=True)
    assert list(catalog.products["id"]) == ["a", "b", "d"]
    assert catalog.skipped[-1] == f"{place}: {reason}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table.drop_columns(["text"]), r"lacks the columns text \(it has image, category, item_ID\)"),
        (put("text", [1, 2, 3, 4, 5, 6]), "column text is int64, not text"),
        (put("text", [["a"]] * 6), "column text is list<.*>, not text"),
        (put("item_ID", [0.5] * 6), "column item_ID is double, not text"),
        (put("category", [True] * 6), "column category is bool, not text"),
        (put("image", ["x.jpg"] * 6), r"column image is string, not pictures \(bytes and path\)"),
        (lambda table: table.drop_columns(["image"]), r"lacks the columns image"),
    ],
)
def test_another_schema_is_named(tmp_path, change, reason):
    path = rewritten(tmp_path, change)
    with pytest.raises(DataError, match=reason) as error:
        load_catalog("hub/polyvore", data=tmp_path)
    assert str(path) in str(error.value)


def test_columns_of_other_but_sane_types_are_read(tmp_path):
    def change(table: pa.Table) -> pa.Table:
        table = put("category", ["Bags", None] * 3)(table)
        table = table.set_column(1, "category", table["category"].dictionary_encode())
        table = put("text", ["a", "b", "c", "d", "e", "f"], pa.large_string())(table)
        return put("item_ID", [1, 2, 3, 4, 5, 6], pa.int32())(table)

    rewritten(tmp_path, change)
    catalog = load_catalog("hub/polyvore", data=tmp_path, pictures=False)
    assert list(catalog.products["id"]) == ["1", "2", "3", "4", "5", "6"]
    assert catalog.label("category").isna().tolist() == [False, True] * 3
    rewritten(tmp_path, put("category", [None] * 6, pa.null()))
    assert load_catalog("hub/polyvore", data=tmp_path, pictures=False).label("category").isna().all()


def test_text_that_is_not_utf8_is_named_with_its_row(tmp_path):
    texts = pa.array([b"a", b"b", b"caf\xe9", b"d", b"e", b"f"], pa.binary())
    path = rewritten(tmp_path, lambda table: table.set_column(2, "text", texts.view(pa.string())))
    with pytest.raises(DataError, match=rf"{path.name} row 3: column text is not utf-8"):
        load_catalog("hub/polyvore", data=tmp_path)


def test_pictures_that_are_none_or_no_pictures(tmp_path):
    shown = [fixture.picture(0), {"bytes": b"GIF?", "path": None}, fixture.picture(2)]
    shown += [None, {"bytes": None, "path": "elsewhere.jpg"}, {"bytes": fixture.picture(5)["bytes"][:99], "path": ""}]
    rewritten(tmp_path, put("image", shown, fixture.PICTURE))
    catalog = load_catalog("hub/polyvore", data=tmp_path)
    assert list(catalog.products["id"]) == ["100002074_1", "100002074_2", "100010727_4"]
    assert [why.rsplit(": ")[1] for why in catalog.skipped] == ["no text", "no picture", "no picture"]
    with pytest.raises(DataError, match=r"row 1: Marqo/polyvore data\[1\]: not a JPEG"):
        pixels(catalog.images, 16)
    assert [row for row, _ in pixels(catalog.images, 16, skip_bad=True).bad] == [1, 2]
    rewritten(tmp_path, put("image", [None] * 6, fixture.PICTURE))
    with pytest.raises(DataError, match="no row has its picture; fetch it again, or load it with pictures=False"):
        load_catalog("hub/polyvore", data=tmp_path)
    assert len(load_catalog("hub/polyvore", data=tmp_path, pictures=False)) == 5


@pytest.mark.parametrize("cut", [0, 4, 200, -9, -1])
def test_truncated_parquet_is_named(own, cut):
    path = own / "hub" / "polyvore" / "data" / "data-00001-of-00002.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    for pictures in (True, False):
        with pytest.raises(DataError, match="data-00001-of-00002.parquet: not a whole file of its kind"):
            load_catalog("hub/polyvore", data=own, pictures=pictures)


def test_a_copy_that_changed_is_read_anew(own):
    before = load_catalog("hub/polyvore", data=own).fingerprint
    rows = fixture.rows("polyvore").slice(0, 3)
    shown = pa.array([fixture.picture(row) for row in (50, 51, 52)], fixture.PICTURE)
    fixture.parquet(own / "hub/polyvore/data/data-00000-of-00002.parquet", rows.set_column(0, "image", shown))
    catalog = load_catalog("hub/polyvore", data=own)
    assert catalog.images.read(0) == fixture.picture(50)["bytes"] and catalog.fingerprint != before


def test_nothing_is_written_beside_the_data(own):
    def listing() -> list[str]:
        return sorted(path.relative_to(own).as_posix() for path in own.rglob("*"))

    before = listing()
    _ = load_catalog("hub/polyvore", data=own).fingerprint
    assert listing() == before


def test_damaged_bytes_raise_our_errors_alone(tmp_path):
    rng = np.random.default_rng(1)
    fixture.saved(tmp_path / "saved")
    fixture.write(tmp_path / "parquet", ["polyvore"])
    raised = 0
    for kind, rounds in (("saved", 100), ("parquet", 100)):
        files = sorted((tmp_path / kind).rglob("data-*"))
        for _ in range(rounds):
            file = files[rng.integers(len(files))]
            whole = file.read_bytes()
            data = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.2 else whole)
            for place in rng.integers(0, max(len(data), 1), 2) if data else ():
                data[place] = rng.integers(256)
            file.write_bytes(data)
            try:
                catalog = load_catalog("hub/polyvore", data=tmp_path / kind, pictures=kind == "saved", skip_bad=True)
                _ = catalog.fingerprint
                if kind == "saved":
                    pixels(catalog.images, 8, skip_bad=True)
            except DataError:
                raised += 1
            file.write_bytes(whole)
    assert raised > 30


@pytest.mark.parametrize(("library", "wanted"), [("datasets", "pictures of"), ("pyarrow", "needs pyarrow")])
def test_a_missing_extra_is_told(own, monkeypatch, library, wanted):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name.split(".")[0] == library:
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=rf"{wanted}.*install the extra: pip install 'ofclip\[hub\]'"):
        load_catalog("hub/polyvore", data=own)


def test_many_rows_are_quick_and_names_of_rows_right(tmp_path):
    n = 30_000
    plain = fixture.table("polyvore", [("Bags", f"bag {row % 5000}", f"{row}_1") for row in range(n)], [None] * n)
    for number in range(3):
        name = f"data-{number:05d}-of-00003.parquet"
        path = tmp_path / "hub" / "polyvore" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(plain.slice(number * 10_000, 10_000), path)
    catalog = load_catalog("hub/polyvore", data=tmp_path, pictures=False)
    assert len(catalog) == n and catalog.captions[12_345] == "bag 2345"
    assert pd.Series(catalog.captions).nunique() == 5000

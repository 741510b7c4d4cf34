from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ofclip.catalog import Catalog
from ofclip.errors import DataError, SettingError
from ofclip.images import AbsentImages, ArrayImages, FileImages, JoinedImages
from ofclip.tasks.duplicates import DISTANCE, KINDS, duplicates, false_negatives, hashes, leakage, near_pairs, without
from ofclip.tree import Tree


def drawing(seed: int, size: tuple[int, int] = (60, 80)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((120, 160), Image.Resampling.BICUBIC).resize(size)


def jpeg(seed: int, size: tuple[int, int] = (60, 80), quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    drawing(seed, size).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture
def make(tmp_path):
    """A function that makes a Catalog from (picture, split, *texts) per product; a picture is encoded, or a seed."""

    def build(name: str, rows: list[tuple]) -> Catalog:
        folder = tmp_path / name
        folder.mkdir()
        for number, (shown, *_) in enumerate(rows):
            (folder / f"{number}.jpg").write_bytes(shown if isinstance(shown, bytes) else jpeg(shown))
        ids = [f"{name}{number}" for number in range(len(rows))]
        products = pd.DataFrame(
            {"id": ids, "split": [row[1] for row in rows], "group": ids, "texts": [row[2:] for row in rows]}
        )
        return Catalog(name, products, Tree(folder).images(f"{number}.jpg" for number in range(len(rows))))

    return build


def shopped(make) -> Catalog:
    return make(
        "shop",
        [
            (1, "train", "Red Dress", "dress"),
            (1, "train", "red  dress"),  # the same picture, the same caption but for case and spaces
            (2, "train", "Blue Jeans", "jeans"),
            (3, "test", "Red Dress"),
            (jpeg(2, (168, 224), 70), "test", "Denim"),  # the jeans, larger and encoded again
            (4, "test"),
            (5, "test", ""),
        ],
    )


def copied(make) -> Catalog:
    return make("copy", [(3, "test", "JEANS"), (jpeg(1, (90, 120)), "test", "Hat"), (9, "test", "Hat")])


def counts(table: pd.DataFrame, *domains: str) -> dict[str, object]:
    row = table.set_index(["dataset", "split", "other", "other_split"]).loc[domains]
    return row.to_dict()


def test_counts_per_split_and_across(make):
    table = duplicates(shopped(make), jobs=1)
    assert list(table.columns) == [
        "dataset", "split", "other", "other_split",
        "products", "picture_exact", "picture_near", "caption_exact", "caption_folded",
    ]  # fmt: skip
    expected = {
        ("train", "train"): (3, 2, 2, 0, 2),
        ("train", "test"): (3, 0, 1, 1, 2),
        ("test", "train"): (4, 0, 1, 1, 1),
        ("test", "test"): (4, 0, 0, 0, 0),
    }
    found = {(row.split, row.other_split): tuple(row)[5:] for row in table.itertuples()}
    assert found == expected


def test_counts_across_sources(make):
    table = duplicates([shopped(make), copied(make)], jobs=1)
    assert len(table) == 9
    columns = ("products", "picture_exact", "picture_near", "caption_exact", "caption_folded")
    assert counts(table, "shop", "train", "copy", "test") == dict(zip(columns, (3, 0, 2, 0, 0), strict=True))
    assert counts(table, "shop", "test", "copy", "test") == dict(zip(columns, (4, 1, 1, 0, 0), strict=True))
    assert counts(table, "copy", "test", "shop", "train") == dict(zip(columns, (3, 0, 1, 0, 0), strict=True))
    assert counts(table, "copy", "test", "copy", "test") == dict(zip(columns, (3, 0, 0, 2, 2), strict=True))


def test_counts_without_pictures_are_missing_for_pictures_alone(make):
    shop, copy = shopped(make), copied(make)
    blind = Catalog(copy.name, copy.products, AbsentImages(copy.products["id"]))
    table = duplicates([shop, blind], jobs=1)
    assert counts(table, "shop", "train", "shop", "train")["picture_exact"] == 2
    for domains in (("shop", "train", "copy", "test"), ("copy", "test", "copy", "test")):
        found = counts(table, *domains)
        assert pd.isna(found["picture_exact"]) and pd.isna(found["picture_near"])
    assert counts(table, "copy", "test", "copy", "test")["caption_exact"] == 2
    assert duplicates(blind)["caption_folded"].tolist() == [2]
    assert leakage(shop, blind)["kind"].tolist() == ["caption"]


def test_leaks_name_both_sides_and_the_strictest_kind(make):
    shop = shopped(make)
    table = leakage(shop, copied(make), jobs=1)
    rows = table[["kind", "benchmark", "training"]].values.tolist()
    assert rows == [
        ["picture exact", "copy0", "shop3"],
        ["picture near", "copy1", "shop0"],  # the nearest, and the other equal one
        ["picture near", "copy1", "shop1"],
        ["caption", "copy0", "shop2"],  # any of the training texts, the first of the benchmark's
    ]
    assert table["difference"].isna().tolist() == [False, False, False, True]
    assert table["difference"][0] == 0 and 0 < table["difference"][1] == table["difference"][2] <= 6


def test_leaks_can_be_left_out(make):
    shop, copy = shopped(make), copied(make)
    leaks = leakage(shop, copy, jobs=1)
    rest = without(shop, leaks)
    assert list(rest.products["id"]) == ["shop2", "shop4", "shop5", "shop6"]
    assert set(leakage(rest, copy, jobs=1)["kind"]) == {"caption"}
    assert list(without(shop, leaks, kinds=["caption"]).products["id"]) == [f"shop{i}" for i in (0, 1, 3, 4, 5, 6)]
    assert without(shop, leaks, kinds="picture exact").images.name(3).endswith("4.jpg")
    assert leakage(without(shop, leaks, KINDS), copy, jobs=1).empty
    with pytest.raises(SettingError, match="unknown kind of leak 'picture': did you mean 'picture near'"):
        without(shop, leaks, ["picture"])


def test_nothing_shared_is_an_empty_table(make):
    shop = shopped(make)
    table = leakage(shop, make("far", [(70, "test", "Sock"), (71, "test", "Tie")]), jobs=1)
    assert table.empty and list(table.columns) == ["kind", "benchmark", "training", "difference"]
    assert len(without(shop, table)) == len(shop)


def test_one_shape_in_two_colours_is_no_duplicate(make):
    # its hash is the same: what decides is the difference of the pixels
    red, blue = (Image.new("RGB", (60, 80), "white") for _ in range(2))
    for image, colour in ((red, (200, 40, 40)), (blue, (40, 40, 200))):
        image.paste(colour, (15, 20, 45, 60))
    rows = []
    for image in (red, blue):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        rows.append((buffer.getvalue(), "train", "shirt"))
    catalog = make("shirts", rows)
    found = hashes(catalog, jobs=1)
    assert len(near_pairs(found, distance=DISTANCE)[0]) == 1
    assert duplicates(catalog, jobs=1)["picture_near"].tolist() == [0]
    assert duplicates(catalog, difference=100, jobs=1)["picture_near"].tolist() == [2]


def test_counts_and_leaks_are_those_of_brute_force():
    rng = np.random.default_rng(4)
    base = np.stack([np.asarray(drawing(seed, (32, 32))) for seed in range(12)])
    chosen = base[rng.integers(0, 12, 90)].astype(int)
    noise = rng.choice([0, 3, 30], 90)[:, None, None, None] * rng.standard_normal(chosen.shape)
    shown = np.clip(chosen + noise, 0, 255).astype(np.uint8)
    shown[40:50] = shown[:10]
    texts = [(f"text {number}",) for number in rng.integers(0, 60, 90)]
    ids = [str(number) for number in range(90)]
    split = np.array(["train", "test"])[(np.arange(90) >= 50).astype(int)]
    products = pd.DataFrame({"id": ids, "split": split, "group": ids, "texts": texts})
    # pictures are cached at twice the side of their thumbnails
    catalog = Catalog("toy", products, ArrayImages(shown.repeat(2, axis=1).repeat(2, axis=2), "toy"))

    found = hashes(catalog)
    rms = np.sqrt(((shown[:, None].astype(float) - shown[None].astype(float)) ** 2).mean((2, 3, 4)))
    apart = np.array([[bin(int(x) ^ int(y)).count("1") for y in found] for x in found])
    near = (apart <= DISTANCE) & (rms <= 6)
    relations = {
        "picture_exact": rms == 0,
        "picture_near": near,
        "caption_exact": np.array([[x == y for y in texts] for x in texts]),
    }
    table = duplicates(catalog).set_index(["split", "other_split"])
    for column, relation in relations.items():
        relation = relation & ~np.eye(90, dtype=bool)
        for one in ("train", "test"):
            for other in ("train", "test"):
                expected = relation[np.ix_(split == one, split == other)].any(1).sum()
                assert table.loc[(one, other), column] == expected, (column, one, other)
    assert 0 < table.loc[("train", "test"), "picture_near"] < 50

    leaks = leakage(catalog.where(split="train"), catalog.where(split="test"))
    pictures = leaks[leaks["kind"] != "caption"]
    across = near[:50, 50:]
    assert set(pictures["training"]) == {str(i) for i in np.flatnonzero(across.any(1))}
    assert set(pictures["benchmark"]) == {str(50 + j) for j in np.flatnonzero(across.any(0))}
    for row in pictures.itertuples():
        i, j = int(row.training), int(row.benchmark)
        assert near[i, j] and row.difference == pytest.approx(rms[i, j])
        assert row.kind == KINDS[int(rms[i, j] > 0)]
        nearest = rms[i, 50:][near[i, 50:]].min(), rms[:50, j][near[:50, j]].min()
        assert any(row.difference == pytest.approx(least) for least in nearest), (
            "each row is the nearest for one of its sides"
        )


def test_damaged_pictures_are_named_or_equal_none(make):
    rows = [(1, "train", "a"), (jpeg(2)[:150], "train", "b"), (jpeg(3)[:150], "train", "c"), (1, "train", "d")]
    catalog = make("torn", rows)
    for function in (hashes, duplicates):
        with pytest.raises(DataError, match="row 1: .*1.jpg: damaged picture"):
            function(catalog, jobs=1)
    assert duplicates(catalog, jobs=1, skip_bad=True)["picture_exact"].tolist() == [2]
    leaks = leakage(catalog, catalog, jobs=1, skip_bad=True)
    assert set(leaks["training"][leaks["kind"] == "picture exact"]) == {"torn0", "torn3"}
    assert hashes(catalog, jobs=1, skip_bad=True)[1] == 0


def test_stores_of_any_kind_are_compared(make):
    shop = shopped(make)
    joined = Catalog("joined", shop.products, JoinedImages([shop.images]))
    assert isinstance(shop.images, FileImages)
    assert duplicates(joined, jobs=1).iloc[:, 4:].equals(duplicates(shop, jobs=1).iloc[:, 4:])


def test_catalogues_of_one_name_and_split_are_one_domain(make):
    shop = shopped(make)
    parts = [shop.take([0, 2]), shop.take([1, 3, 4, 5, 6])]
    assert duplicates(parts, jobs=1).equals(duplicates(shop, jobs=1))


def test_captions_that_occur_often_do_not_multiply(make):
    n = 300
    products = pd.DataFrame(
        {"id": [str(i) for i in range(n)], "split": "train", "group": "g", "texts": [("jeans",)] * n}
    )
    many = Catalog("many", products, AbsentImages(products["id"]))
    table = leakage(many, many)
    assert len(table) <= 2 * n and table["benchmark"].nunique() == table["training"].nunique() == n
    assert len(without(many, table, "caption")) == 0
    assert false_negatives(many.captions, [64])["rate"].tolist() == [1.0]


def test_no_catalogue_and_empty_ones():
    assert duplicates([]).empty
    products = pd.DataFrame({"id": [], "split": [], "group": [], "texts": []}, dtype=object)
    nothing = Catalog("nothing", products, ArrayImages(np.empty((0, 8, 8), np.uint8), "nothing"))
    assert duplicates(nothing).empty and leakage(nothing, nothing).empty and len(hashes(nothing)) == 0


@pytest.mark.real("kagl")
def test_most_pictures_of_kagl_are_found_again_at_another_size(real_data):
    from ofclip.sources import load_catalog

    small = load_catalog("kagl", "test", data=real_data)
    large = load_catalog("kagl", "test", data=real_data, size="168x224")
    leaks = leakage(small, large)
    pictures = leaks[leaks["kind"] != "caption"]
    assert (pictures["benchmark"].nunique() / len(large)) > 0.98
    again = pictures.loc[pictures["benchmark"] == pictures["training"], "benchmark"].nunique()
    assert again / len(large) > 0.97

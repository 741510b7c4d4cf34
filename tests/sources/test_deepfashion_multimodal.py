from __future__ import annotations

import json
import shutil

import pytest
from fixtures.deepfashion_multimodal import CAPTIONS, DENIM, FILES, HALTER, JACKET, TANK, TANK_BACK, UNTOLD, write

from ofclip.errors import DataError
from ofclip.sources.deepfashion_multimodal import FABRICS, PATTERNS, SHAPES, SOURCE, load

NAME = "deepfashion-multimodal"


@pytest.fixture
def root(tmp_path):
    write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / NAME


def values(catalog, columns, row):
    return [None if value is None or value != value else value for value in (
        catalog.products[column].astype(object).where(catalog.products[column].notna(), None).iloc[row]
        for column in columns
    )]  # fmt: skip


def test_official_layout_becomes_a_catalog(root):
    catalog = load(root)
    products = catalog.products
    assert products["id"].tolist() == [name.removesuffix(".jpg") for name in (TANK, DENIM, JACKET)]
    assert products["group"].tolist() == ["id_00007969", "id_00000080", "id_00000084"]
    assert products["texts"].tolist() == [
        ("Her tank shirt has no sleeves, cotton fabric and solid color patterns. It has a round neckline.",),
        ("This person wears a tank top. The pants are with denim fabric.",),
        ("His sweater has long sleeves.",),
    ]
    assert catalog.labels == ["gender", "category", "view", *SHAPES, *FABRICS, *PATTERNS]
    assert products["gender"].tolist() == ["WOMEN", "MEN", "MEN"]
    assert products["category"].tolist() == ["Tees_Tanks", "Denim", "Jackets_Vests"]
    assert products["view"].tolist() == ["side", "additional", "back"]
    assert values(catalog, SHAPES, 0) == [None] * 12
    assert values(catalog, SHAPES, 1) == [
        None, "long", "no", "no", "no", "no", "no", "no", "hidden", "round", "no", "yes",
    ]  # fmt: skip
    assert values(catalog, SHAPES, 2) == [
        "long-sleeve", None, None, "no", None, None, "no", "no", "hidden", None, None, None,
    ]  # fmt: skip
    assert values(catalog, FABRICS, 0) == ["cotton", "cotton", None]
    assert values(catalog, FABRICS, 2) == ["knitted", None, "leather"]
    assert values(catalog, PATTERNS, 1) == ["pure color", "pure color", None]
    assert values(catalog, PATTERNS, 2) == ["striped", None, "lattice"]
    assert catalog.images.names == tuple(f"images/{name}" for name in (TANK, DENIM, JACKET))
    assert [catalog.images.open(i).size for i in range(3)] == [(30, 44)] * 3
    there = root / NAME
    assert catalog.skipped == (
        f"{there}/captions.json '{TANK_BACK}': empty caption",
        f"{there}/labels/shape/shape_anno_all.txt row 3: repeats the row of {JACKET}",
        f"captions.json {HALTER}: no picture images/{HALTER}",
        f"images/{UNTOLD}: no caption in captions.json",
        f"images/{TANK_BACK}: no caption in captions.json",
    )


def test_codes_are_named_as_the_corrected_readme_has_them(root):
    halter = load(root, pictures=False)
    row = halter.products["id"].tolist().index(HALTER.removesuffix(".jpg"))
    assert values(halter, SHAPES, row) == [
        "sleeveless", None, None, "no", "have a glasses in hand or clothes", "no", "no", "yes", "no", "suspenders",
        "no", "no",
    ]  # fmt: skip
    assert values(halter, FABRICS, row) == ["chiffon", "other", None]
    assert values(halter, PATTERNS, row) == ["color block", "other", None]
    assert [len(names) for names in SHAPES.values()] == [6, 5, 4, 3, 5, 3, 3, 3, 5, 7, 3, 3]


def test_whole_items_share_a_split(root, folder):
    captions = {f"WOMEN-Dresses-id_{i:08}-0{k}_1_front.jpg": "A dress." for i in range(300) for k in (1, 2, 3)}
    (folder / "captions.json").write_text(json.dumps(captions))
    products = load(root, pictures=False).products
    assert (products.groupby("group")["split"].nunique() == 1).all()
    assert set(products["split"]) == set(SOURCE.splits)
    assert load(root, split="train", pictures=False).products["split"].unique().tolist() == ["train"]
    assert len(products) == 900


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_the_same_data(root, folder, tmp_path, ending):
    shutil.make_archive(str(tmp_path / "packed" / NAME), ending, folder)
    assert load(tmp_path / "packed").fingerprint == load(root).fingerprint


def test_archives_of_parts_are_the_same_data(root, folder):
    before = load(root).fingerprint
    for part in ("images", "labels"):
        shutil.make_archive(str(folder / part), "zip", folder, part)
        shutil.rmtree(folder / part)
    assert load(root).fingerprint == before
    shutil.unpack_archive(folder / "labels.zip", folder / "labels")  # labels/labels/shape, as unpackers leave it
    (folder / "labels.zip").unlink()
    shutil.unpack_archive(folder / "images.zip", folder / "all")
    (folder / "all" / "images").rename(folder / "image")
    (folder / "images.zip").unlink()
    assert load(root).fingerprint == before


def test_without_pictures_texts_and_labels_are_read_alone(root, folder):
    shutil.rmtree(folder / "images")
    with pytest.raises(DataError, match="holds none of the 4 pictures, such as images/WOMEN.*Follow https.*=False"):
        load(root)
    catalog = load(root, pictures=False)
    assert len(catalog) == 4 and len(catalog.skipped) == 2
    with pytest.raises(DataError, match="without pictures"):
        catalog.images.open(0)


@pytest.mark.parametrize("name", ["captions.json", *FILES])
def test_a_missing_file_is_named(root, folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"holds no {name}"):
        load(root)


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("labels/shape/shape_anno_all.txt", f"{TANK} 0 1 2", "3 of 12 labels"),
        ("labels/shape/shape_anno_all.txt", f"{TANK} 0 0 0 0 0 0 0 0 0 7 0 0", "neckline '7' is none of 0 to 6"),
        ("labels/shape/shape_anno_all.txt", f"{DENIM} 0 0 0 0 0 0 0 0 0 0 0 0", "contradicts a row before"),
        ("labels/texture/fabric_ann.txt", f"{UNTOLD} 1 1", "2 of 3 labels"),
        ("labels/texture/fabric_ann.txt", f"{UNTOLD} 1 8 1", "lower_fabric '8' is none of 0 to 7"),
        ("labels/texture/pattern_ann.txt", f"{UNTOLD} 1 1 -1", "outer_pattern '-1' is none of 0 to 7"),
        ("labels/texture/pattern_ann.txt", f"{UNTOLD} 1 1 \u00b2", "outer_pattern '\u00b2' is none of 0 to 7"),
        ("labels/texture/pattern_ann.txt", "a.jpg 1 1 1", "'a.jpg' is no <gender>-<category>"),
    ],
)
def test_a_bad_row_of_labels_raises_with_its_number_or_is_listed(root, folder, name, row, reason):
    (folder / name).write_text(f"{FILES[name]}\n{row}\n")
    number = FILES[name].count("\n") + 2
    with pytest.raises(DataError, match=f"{name} row {number}: {reason}.*; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert len(catalog) == 3 and sum(f"row {number}: " in reason for reason in catalog.skipped) == 1
    assert values(catalog, SHAPES, 1)[9] == "round"


@pytest.mark.parametrize(
    ("captions", "reason"),
    [
        ({**CAPTIONS, "a.jpg": "A dress."}, "'a.jpg': no <gender>-<category>"),
        ({**CAPTIONS, HALTER: 7}, f"'{HALTER}': expected text, found a whole number"),
        ({**CAPTIONS, HALTER: ["A top."]}, f"'{HALTER}': expected text, found a list"),
        ({**CAPTIONS, HALTER: None}, f"'{HALTER}': expected text, found nothing"),
    ],
)
def test_a_bad_caption_raises_or_is_listed(root, folder, captions, reason):
    (folder / "captions.json").write_text(json.dumps(captions))
    with pytest.raises(DataError, match=f"captions.json {reason}.*; mend it"):
        load(root)
    assert len(load(root, skip_bad=True)) == 3


def test_a_caption_told_twice_raises_or_keeps_the_first(root, folder):
    text = json.dumps(CAPTIONS)
    (folder / "captions.json").write_text(f'{text[:-1]}, "{TANK}": "Another."}}')
    with pytest.raises(DataError, match="captions.json: the key 'WOMEN-Tees_Tanks.* repeats"):
        load(root)
    assert load(root, skip_bad=True).captions[0].startswith("Her tank shirt")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps(CAPTIONS)[:-20], "captions.json line 1: not JSON"),
        ('["A dress."]', "captions.json: expected an object, found a list"),
        ("7", "captions.json: expected an object, found a whole number"),
    ],
)
def test_captions_of_another_shape_are_refused(root, folder, text, reason):
    (folder / "captions.json").write_text(text)
    with pytest.raises(DataError, match=reason):
        load(root, skip_bad=True)


def test_no_captions_at_all_leave_an_empty_catalogue(root, folder):
    (folder / "captions.json").write_text("{}")
    assert len(load(root)) == 0


def test_the_card_is_complete():
    assert all(vars(SOURCE)[name] for name in ("summary", "text", "citation", "home", "fields", "defects"))

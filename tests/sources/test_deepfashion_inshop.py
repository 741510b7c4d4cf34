from __future__ import annotations

import json
import shutil

import pytest
from fixtures.deepfashion_inshop import BLAZER, NOTES, ROWS, jpeg, partition, write

from ofclip.errors import DataError
from ofclip.sources.deepfashion_inshop import SOURCE, captions, load

NAME = "deepfashion-inshop"


@pytest.fixture
def root(tmp_path):
    write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / NAME


def test_official_layout_becomes_a_catalog(root):
    catalog = load(root)
    products = catalog.products
    assert products["id"].tolist() == [name.removesuffix(".jpg") for name, _, _ in ROWS[:-1]]
    assert products["split"].tolist() == ["train", "train", "query", "gallery", "query", "gallery"]
    assert products["group"].tolist() == [item for _, item, _ in ROWS[:-1]]
    assert catalog.labels == ["gender", "category", "view", "variant", "colour"]
    assert products["gender"].tolist() == ["WOMEN", "WOMEN", "MEN", "MEN", "MEN", "MEN"]
    assert products["category"].tolist() == ["Dresses", "Dresses", "Denim", "Denim", "Jackets_Vests", "Suiting"]
    assert products["view"].tolist() == ["front", "side", "additional", "back", "full", "front"]
    assert products["variant"].tolist() == ["02", "02", "01", "46", "01", "01"]
    assert products["colour"].tolist() == ["Black-blush", "Black-blush", "Brown", "Brown", "Navy", "Navy"]
    dress = ("A babydoll dress. Voilà!", "A babydoll dress. Voilà! Unlined.", "black-blush dresses")
    blazer = ("A simple blazer with flap pockets!", "A simple blazer with flap pockets! Fully lined. 100% rayon.")
    assert products["texts"].tolist() == [
        dress,
        dress,
        ("Slim jeans.", 'Slim jeans. Zip fly. 32" inseam.', "denim"),
        ("Slim jeans.", 'Slim jeans. Zip fly. 32" inseam.', "denim"),
        (*blazer, "navy jackets and vests"),
        (*blazer, "navy suiting"),
    ]
    assert catalog.images.names[0] == "img/WOMEN/Dresses/id_00000002/02_1_front.jpg"
    assert [catalog.images.open(i).size for i in range(6)] == [(24, 32)] * 6
    notes, rows = (root / NAME / name for name in ("Anno/list_description_inshop.json", "Eval/list_eval_partition.txt"))
    assert catalog.skipped == (
        f"{notes} entry 5: tells item 'id_00000094' again in the same words",
        f"{rows} row 7 (line 9): no picture img/WOMEN/Graphic_Tees/id_00000007/01_6_flat.jpg",
    )


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_the_same_data(root, folder, tmp_path, ending):
    packed = tmp_path / "packed"
    shutil.make_archive(str(packed / NAME), ending, folder)
    assert load(packed).fingerprint == load(root).fingerprint
    assert load(packed).images.open(0).size == (24, 32)


def test_archives_of_parts_and_other_folders_around_are_the_same_data(root, folder):
    before = load(root).fingerprint
    shutil.make_archive(str(folder / "Img" / "img"), "zip", folder / "Img", "img")
    shutil.rmtree(folder / "Img" / "img")
    assert load(root).fingerprint == before
    (root / "around").mkdir()
    folder.rename(root / "around" / "In-shop Clothes Retrieval Benchmark")
    (root / "around").rename(folder)
    assert load(root).fingerprint == before


def test_the_publisher_s_folder_is_found(root, folder):
    folder.rename(root / "In-shop Clothes Retrieval Benchmark")
    assert len(load(root)) == 6


def test_one_split(root):
    catalog = load(root, split="query")
    assert catalog.products["id"].tolist() == [
        "MEN/Denim/id_00000089/01_7_additional",
        "MEN/Jackets_Vests/id_00000094/01_4_full",
    ]
    assert catalog.images.names[1] == "img/MEN/Jackets_Vests/id_00000094/01_4_full.jpg"


def test_without_pictures_texts_and_labels_are_read_alone(root, folder):
    shutil.rmtree(folder / "Img")
    with pytest.raises(DataError, match="holds none of the 7 pictures, such as img/WOMEN.*Ask for the In-shop.*=False"):
        load(root)
    catalog = load(root, pictures=False)
    assert len(catalog) == 7
    assert catalog.products["texts"].iloc[6] == ("heather grey graphic tees",)
    with pytest.raises(DataError, match="img/WOMEN/Dresses/id_00000002/02_1_front.jpg: .*without pictures"):
        catalog.images.open(0)


@pytest.mark.parametrize("name", ["Anno/list_description_inshop.json", "Eval/list_eval_partition.txt"])
def test_a_missing_file_is_named(root, folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"holds no {name}"):
        load(root, pictures=False)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("img/WOMEN/Dresses/id_00000002/02_4_full.jpg id_00000002", "2 of 3 columns"),
        ("img/WOMEN/Dresses/id_00000002/02_4_full.jpg id_00000002 val", "evaluation status 'val' is none of train"),
        ("img/WOMEN/Dresses/id_00000002/02_4_full.jpg id_00000003 train", "item 'id_00000003' is not that of img/W"),
        ("img/KIDS/Dresses/id_00000002/02_4_full.jpg id_00000002 train", "is no img/<gender>/<category>"),
        ("img/WOMEN/Dresses/id_00000002/../../02_4_full.jpg id_00000002 train", "is no img/<gender>/<category>"),
        ("img/WOMEN/Dresses/id_00000002/02_1_front.jpg id_00000002 query", "img/W.*02_1_front.jpg repeats"),
        ("img/WOMEN/Dresses/id_00000099/02_1_front.jpg id_00000099 train", "has no item id_00000099"),
    ],
)
def test_a_bad_row_raises_with_its_number_or_is_listed(root, folder, row, reason):
    lines = partition().split("\n")
    lines[0] = "8"
    lines.insert(4, row)
    (folder / "Eval" / "list_eval_partition.txt").write_text("\n".join(lines))
    with pytest.raises(DataError, match=rf"partition.txt row 3 \(line 5\): .*{reason}.*; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert len(catalog) == 6
    assert sum("row 3 (line 5)" in reason for reason in catalog.skipped) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (partition().replace("7\n", "52712\n", 1), r"line 1: says '52712' rows, 7 are there"),
        (partition().rsplit("img/", 1)[0], r"line 1: says '7' rows, 6 are there"),
    ],
)
def test_a_wrong_number_of_rows_raises_or_is_listed(root, folder, text, reason):
    (folder / "Eval" / "list_eval_partition.txt").write_text(text)
    with pytest.raises(DataError, match=f"list_eval_partition.txt {reason}"):
        load(root)
    assert len(load(root, skip_bad=True)) == 6


@pytest.mark.parametrize("text", ["", "7", "3\nimage_name evaluation_status\nimg/a.jpg train\n", partition()[2:]])
def test_the_partition_of_another_benchmark_is_refused(root, folder, text):
    (folder / "Eval" / "list_eval_partition.txt").write_text(text)
    with pytest.raises(DataError, match="line 2: not the header 'image_name item_id evaluation_status'"):
        load(root, skip_bad=True)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "expected an object, found text"),
        ({"color": "Red", "description": []}, "lacks 'item'"),
        ({"item": 2, "color": "Red", "description": []}, "item: expected text, found a whole number"),
        ({"item": "id_1", "description": []}, "lacks 'color'"),
        ({"item": "id_1", "color": None, "description": []}, "color: expected text, found nothing"),
        ({"item": "id_1", "color": "Red", "description": "A top."}, "description: expected a list, found text"),
        ({"item": "id_1", "color": "Red", "description": ["A top.", 7]}, "description: expected text, found a whole"),
        ({**BLAZER, "color": "Red"}, "tells item 'id_00000094' in other words than an entry before"),
    ],
)
def test_a_bad_description_raises_with_its_number_or_is_listed(root, folder, entry, reason):
    (folder / "Anno" / "list_description_inshop.json").write_text(json.dumps([*NOTES[:4], entry]))
    with pytest.raises(DataError, match=f"list_description_inshop.json entry 5: {reason}.*; mend it"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert len(catalog) == 6 and "entry 5: " in catalog.skipped[0]
    assert catalog.products["colour"].iloc[5] == "Navy"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps(NOTES, indent=4)[:300], r"inshop.json line \d+: not JSON"),
        ("{}", "inshop.json: expected a list, found an object"),
        ("[[[", "inshop.json line 1: not JSON"),
    ],
)
def test_descriptions_of_another_shape_are_refused(root, folder, text, reason):
    (folder / "Anno" / "list_description_inshop.json").write_text(text)
    with pytest.raises(DataError, match=reason):
        load(root, skip_bad=True)


def test_an_unknown_colour_is_left_out(root, folder):
    notes = [{**note, "color": " "} for note in NOTES]
    (folder / "Anno" / "list_description_inshop.json").write_text(json.dumps(notes))
    catalog = load(root)
    assert catalog.label("colour").isna().all()
    assert catalog.products["texts"].iloc[0][-1] == "dresses"


def test_captions_do_not_repeat():
    assert captions(("Denim",), None, "Denim") == ("Denim", "Denim.", "denim")
    assert captions(("A top.",), None, "Tees_Tanks") == ("A top.", "tees and tanks")
    assert captions((), None, "Graphic_Tees") == ("graphic tees",)
    assert captions((), "Red", "New_Things") == ("red new things",)


def test_damaged_pictures_are_named(root, folder):
    path = folder / "Img" / "img" / ROWS[0][0]
    path.write_bytes(jpeg(0)[:-200])
    catalog = load(root)
    with pytest.raises(DataError, match="02_1_front.jpg: damaged picture"):
        catalog.images.open(0)


def test_the_card_is_complete():
    assert all(vars(SOURCE)[name] for name in ("summary", "text", "citation", "home", "fields", "defects"))
    assert sum(SOURCE.expected.values()) == 52_712

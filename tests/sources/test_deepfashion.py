from __future__ import annotations

import random
import shutil

import pytest
from fixtures import deepfashion as fixture
from fixtures.deepfashion import CATEGORIES, GONE, ROWS, categories, labels, pictures, table

from ofclip.errors import DataError, OfclipError, SettingError
from ofclip.images import AbsentImages
from ofclip.sources.deepfashion import COARSE, FINE, SOURCE, captions, find, load, phrase
from ofclip.sources.deepfashion_files import positives

BLOUSE = "Sheer_Pleated-Front_Blouse"


@pytest.fixture
def root(tmp_path):
    fixture.write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / "deepfashion"


def test_official_layout_becomes_a_catalog(root, folder):
    catalog = load(root)
    products = catalog.products
    assert products["id"].tolist() == [row[0] for row in ROWS[:-1]]
    assert products["split"].tolist() == ["train", "val", "test", "train"]
    assert products["group"].tolist() == [BLOUSE, BLOUSE, "A-Line_Cotton_Dress", "Tee"]
    assert products["texts"].tolist() == [
        ("abstract chevron print cotton blouse with v-neck and pocket", "Sheer Pleated-Front Blouse", "blouse"),
        ("blouse", "Sheer Pleated-Front Blouse"),
        ("summer a-line cotton dress", "A-Line Cotton Dress", "dress"),
        ("a name as long as its column is tee with zip", "Tee"),
    ]
    assert catalog.labels == ["category", "category_type", "attributes", *COARSE]
    assert products["category"].tolist() == ["Blouse", "Blouse", "Dress", "Tee"]
    assert products["category_type"].tolist() == ["upper", "upper", "full", "upper"]
    assert products["attributes"].tolist() == [
        ("abstract", "abstract chevron", "abstract chevron print", "cotton", "v-neck", "pocket"),
        (),
        ("a-line", "cotton", "dress", "summer"),
        ("a name as long as its column is", "zip"),
    ]
    assert products["textures"].tolist() == [
        ("abstract", "abstract chevron", "abstract chevron print"), (), (), (),
    ]  # fmt: skip
    assert products["fabrics"].tolist() == [("cotton",), (), ("cotton",), ()]
    assert products["shapes"].tolist() == [(), (), ("a-line", "dress"), ()]
    assert products["parts"].tolist() == [("v-neck", "pocket"), (), (), ("zip",)]
    assert products["styles"].tolist() == [(), (), ("summer",), ("a name as long as its column is",)]
    assert [catalog.images.open(i).size for i in range(4)] == [(20, 30), (21, 30), (22, 30), (23, 30)]
    assert catalog.images.names[3] == "img/Tee/img_00000007.jpg"
    assert catalog.skipped == (f"{folder / 'Eval/list_eval_partition.txt'} row 5 (line 7): no picture {GONE}",)
    assert set(SOURCE.labels) <= set(catalog.labels)


def test_fine_annotations_are_a_set_of_their_own(root):
    catalog = load(root, annotations="fine")
    products = catalog.products
    assert products["id"].tolist() == [row[0] for row in fixture.FINE_ROWS]
    assert products["split"].tolist() == ["train", "train", "val", "test"]
    assert catalog.labels == ["category", "category_type", "attributes", *FINE]
    assert products["attributes"][0] == ("floral", "long_sleeve", "no_dress", "v_neckline", "chiffon", "loose")
    assert [products[column].tolist() for column in ("textures", "lengths", "fits")] == [
        [("floral",), ("solid",), ("solid",), ("pleated",)],
        [("no_dress",), ("no_dress",), ("maxi_length",), ("no_dress",)],
        [("loose",), ("conventional",), ("tight",), ("conventional",)],
    ]
    assert products["sleeves"][2] == ("sleeveless",) and products["necklines"][1] == ("no_neckline",)
    assert catalog.captions == [
        "loose floral chiffon long sleeve blouse with v-neckline",
        "solid cotton short sleeve tee",
        "tight maxi solid cotton sleeveless dress with square neckline",
        "pleated chiffon long sleeve blouse with crew neckline",
    ]
    assert catalog.images.open(1).size == (23, 30) and catalog.skipped == ()
    with pytest.raises(SettingError, match="unknown annotations of deepfashion 'fein': did you mean 'fine'"):
        load(root, annotations="fein")


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_the_same_data(root, folder, tmp_path, ending):
    packed = tmp_path / "packed"
    shutil.make_archive(str(packed / "deepfashion"), ending, folder)
    assert load(packed).fingerprint == load(root).fingerprint


def test_archives_of_parts_and_the_publisher_s_folders_are_the_same_data(root, folder):
    before = load(root).fingerprint
    shutil.make_archive(str(folder / "Img" / "img"), "zip", folder / "Img", "img")
    shutil.rmtree(folder / "Img" / "img")
    shutil.make_archive(str(folder / "Anno_coarse"), "zip", folder, "Anno_coarse")
    shutil.rmtree(folder / "Anno_coarse")
    assert load(root).fingerprint == before
    folder.rename(root / "Category and Attribute Prediction Benchmark")
    assert find(root) and load(root).fingerprint == before


def test_older_release_keeps_its_lists_in_anno(root, folder):
    before = load(root).fingerprint
    (folder / "Anno_coarse").rename(folder / "Anno")
    assert load(root).fingerprint == before


def test_one_split(root):
    assert load(root, split="train").products["id"].tolist() == [ROWS[0][0], ROWS[3][0]]
    assert load(root, split="test").products["category"].tolist() == ["Dress"]


def test_texts_alone_need_no_pictures(root, folder):
    shutil.rmtree(folder / "Img")
    catalog = load(root, pictures=False)
    assert len(catalog) == 5 and catalog.skipped == () and isinstance(catalog.images, AbsentImages)
    assert catalog.captions[4] == "summer coat" and catalog.images.name(4) == GONE
    with pytest.raises(DataError, match="holds none of the 5 pictures, such as img/.* Ask for .*pictures=False"):
        load(root)


def test_captions_say_each_thing_once():
    named = [("print", "textures"), ("summer", "styles"), ("floral", "textures"), ("denim", "fabrics")]
    assert phrase("Cutoffs", named) == "summer print floral denim cutoff shorts"
    assert phrase("Cutoffs", [*named, ("floral print", "textures")]) == "summer floral print denim cutoff shorts"
    assert phrase("Button-Down", [("shirt", "shapes"), ("pocket", "parts"), ("collar", "parts")]) == (
        "button-down shirt with pocket and collar"
    )
    assert phrase("Dress", [("no_neckline", "necklines"), ("no_dress", "lengths"), ("dress", "shapes")]) == "dress"
    assert captions("dress", "Dress", "_") == ("dress",)
    assert captions("dress", "Dress", "Dress") == ("dress",)
    assert captions("red tee", "Tee", "Tee") == ("red tee", "Tee")
    assert captions("a-line dress", "Dress", "A-Line_Dress") == ("a-line dress", "dress")


# the lists of names: no row may be too few or elsewhere


def test_edited_list_of_46_categories_is_refused_and_explained(root, folder):
    path = folder / "Anno_coarse/list_category_cloth.txt"
    merged = {"Cape3", "Nightdress3", "Shirtdress3", "Sundress3"}
    edited = categories([row for row in CATEGORIES if row not in merged])
    for data in (edited, edited.replace(b"46\n", b"50\n")):  # the copy that circulates says 50
        path.write_bytes(data)
        for skip_bad in (False, True):
            with pytest.raises(DataError, match="has 46 rows instead of 50.* after Caftan .* Use the official file"):
                load(root, skip_bad=skip_bad)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (CATEGORIES[:-1], "has 49 rows and says '49', instead of 50"),
        ([*CATEGORIES, "Scarf1"], "has 51 rows and says '51', instead of 50"),
        ([CATEGORIES[1], CATEGORIES[0], *CATEGORIES[2:]], r"row 1 \(line 3\): 'Blazer +1' instead of 'Anorak 1'"),
        ([*CATEGORIES[:40], "Dress2", *CATEGORIES[41:]], r"row 41 \(line 43\): 'Dress +2' instead of 'Dress 3'"),
    ],
)
def test_other_list_of_categories_is_refused(root, folder, rows, reason):
    for part in ("coarse", "fine"):
        path = folder / f"Anno_{part}/list_category_cloth.txt"
        path.write_bytes(categories(rows))
        with pytest.raises(DataError, match=f"Anno_{part}/list_category_cloth.txt:? {reason}"):
            load(root, annotations=part, skip_bad=True)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda text: text.replace(f"{'a-line':<28} 3", "a-line 9"), r"row 1 \(line 3\): 'a-line 9' does not end with"),
        (lambda text: text.replace(f"{'zip':<28} 4", "zip"), r"row 1000 \(line 1002\): 'zip' does not end with a type"),
        (lambda text: text.replace(f"{'zip':<28} 4\n", ""), "has 999 rows and says '1000', instead of 1000"),
        (lambda text: text.replace("attribute_type", "type"), "line 2: .* not the header 'attribute_name attribute_t"),
        (lambda text: "", "line 2: '' is not the header"),
    ],
)
def test_other_list_of_attributes_is_refused(root, folder, edit, reason):
    path = folder / "Anno_coarse/list_attr_cloth.txt"
    path.write_text(edit(path.read_text()))
    with pytest.raises(DataError, match=f"list_attr_cloth.txt:? {reason}"):
        load(root, skip_bad=True)


def test_fine_attributes_are_known_by_their_place(root, folder):
    path = folder / "Anno_fine/list_attr_cloth.txt"
    path.write_text(path.read_text().replace("striped", "stripes"))
    with pytest.raises(DataError, match=r"list_attr_cloth.txt row 3 \(line 5\): 'stripes' instead of 'striped'"):
        load(root, annotations="fine", skip_bad=True)


# the lists of pictures


@pytest.mark.parametrize(
    ("file", "data", "reason", "left"),
    [
        ("list_category_img", pictures("category_label", [3, 3, 51, 18, 39]), "row 3 .* '51' is none of 1 to 50", 4),
        ("list_category_img", pictures("category_label", [0, 3, 41, 18, 39]), "row 1 .* '0' is none of 1 to 50", 4),
        ("list_category_img", pictures("category_label", ["", 3, 41, 18, 39]), r"row 1 \(line 3\): 1 of 2 columns", 4),
        ("list_category_img", pictures("category_label", ["3 3", 3, 41, 18, 39]), "row 1 .*: 3 of 2 columns", 4),
        ("list_eval_partition", pictures("evaluation_status", ["trian", "val", "val", "val", "val"]),
         "row 1 .*: evaluation_status 'trian' is none of train, val, test", 4),
        ("list_eval_partition", table("image_name  evaluation_status", [f"{row[0]}  val" for row in ROWS[:4]]),
         f"list_category_img.txt: {GONE} is not in list_eval_partition.txt", 4),
        ("list_eval_partition", table("image_name  evaluation_status",
         [f"{row[0]}  val" for row in (*ROWS, ROWS[0])]), f"row 6 .*: {ROWS[0][0]} repeats", 5),
        ("list_eval_partition", table("image_name  evaluation_status",
         [*(f"{row[0]}  val" for row in ROWS), "img/a/1.jpg val"]), "row 6 .*category_img.txt has no img/a/1.jpg", 5),
        ("list_eval_partition", pictures("evaluation_status", ["val"] * 5).replace(b"img/Tee/img", b"/Tee/img"),
         "row 4 .*: '/Tee/img_00000007.jpg' is no img/<item>/<picture>.jpg", 4),
        ("list_category_img", pictures("category_label", [3, 3, 41, 18, 39]).replace(b"5\n", b"7\n", 1),
         "line 1: says '7' rows, 5 are there", 5),
        ("list_attr_img", pictures("attribute_labels", [labels((), 1000)] * 5).replace(b"5\n", b"289222\n", 1),
         "line 1: says '289222' rows, 5 are there", 5),
        ("list_attr_img", pictures("attribute_labels", [labels((), 999), *[labels((), 1000)] * 4]),
         "row 1 .*: 999 of 1000 labels", 4),
        ("list_attr_img", pictures("attribute_labels", [*[labels((), 1000)] * 4, labels((), 1000)[:-2] + " 2"]),
         "row 5 .*: 1000 of 1000 labels, or one that is not 1, -1 or 0", 4),
        ("list_attr_img", pictures("attribute_labels", [labels((), 1000)] * 5).replace(b"img/Tee", b"img:Tee"),
         "row 4 .*: 'img:Tee/img_00000007.jpg' is no img/", 4),
        ("list_attr_img", table("image_name  attribute_labels",
         [f"{row[0]} {labels((), 1000)}" for row in (*ROWS, ROWS[0])]), f"row 6 .*: {ROWS[0][0]} repeats", 5),
        ("list_attr_img", table("image_name  attribute_labels",
         [f"{row[0]} {labels((), 1000)}" for row in ROWS[1:]]), f"row 1 .*: list_attr_img.txt has no {ROWS[0][0]}", 4),
    ],
)  # fmt: skip
def test_bad_row_raises_with_its_number_or_is_listed(root, folder, file, data, reason, left):
    (folder / ("Eval" if "eval" in file else "Anno_coarse") / f"{file}.txt").write_bytes(data)
    with pytest.raises(DataError, match=f"{reason}.*; mend it or use --skip-bad"):
        load(root, pictures=False)
    catalog = load(root, pictures=False, skip_bad=True)
    assert len(catalog) == left and catalog.skipped


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("train.txt", "img/Tee/", "Tee/", "train.txt row 2: 'Tee/img_00000007.jpg' is no img/"),
        ("test.txt", BLOUSE, "Tee", None),
        ("train_cate.txt", "18", "51", "train.txt row 2: category '51' in train_cate.txt is none of 1 to 50"),
        ("train_attr.txt", "1 0 0 ", "0 0 ", "train.txt row 1: train_attr.txt has other than 26 labels"),
        ("val.txt", "A-Line_Cotton_Dress/img_00000001", "Tee/img_00000007", "val.txt row 1: img/Tee.* repeats"),
    ],
)
def test_bad_row_of_the_fine_set(root, folder, file, old, new, reason):
    path = folder / "Anno_fine" / file
    path.write_text(path.read_text().replace(old, new, 1))
    if reason is None:
        assert load(root, annotations="fine").skipped[0].endswith("test.txt row 1: no picture img/Tee/img_00000001.jpg")
        return
    with pytest.raises(DataError, match=reason):
        load(root, annotations="fine")
    assert len(load(root, annotations="fine", skip_bad=True)) == 3


def test_lines_of_the_fine_set_must_go_together(root, folder):
    path = folder / "Anno_fine/train_cate.txt"
    path.write_text("3\n")
    with pytest.raises(DataError, match="train_cate.txt: has 1 lines, the list of pictures 2; use the official file"):
        load(root, annotations="fine", skip_bad=True)


@pytest.mark.parametrize("file", ["Anno_coarse/list_attr_img.txt", "Eval/list_eval_partition.txt"])
def test_missing_file_is_named(root, folder, file):
    (folder / file).unlink()
    with pytest.raises(DataError, match=f"holds no {file}"):
        load(root)


def test_fast_labels_equal_slow_ones():
    def slow(line: bytes, n: int) -> tuple[int, ...] | None:
        words = line.split()
        good = len(words) == n and set(words) <= {b"1", b"-1", b"0"}
        return tuple(i for i, word in enumerate(words) if word == b"1") if good else None

    draw = random.Random(0)
    for _ in range(2000):
        odd = [b"2", b"11", b"-", b"--1", b"1-1", b"\t1"]
        words = draw.choices([b"1", b"-1", b"0", *odd], [20, 60, 9, *[0.2] * len(odd)], k=12)
        line = b"".join(b" " * draw.randint(1, 3) + word for word in words) + draw.choice([b"", b"\n", b" \r\n"])
        if b"\t" in line:  # the official files have none
            assert positives(line, 12) is None
        else:
            assert positives(line, 12) == slow(line, 12), line


def test_damaged_bytes_never_raise_anything_foreign(root, folder):
    draw = random.Random(0)
    files = [path for path in folder.rglob("*") if path.is_file()]
    for turn in range(60):
        path = files[turn % len(files)]
        data = path.read_bytes()
        at, damaged = draw.randrange(len(data)), bytearray(data)
        if draw.random() < 0.7:
            damaged[at] ^= 1 << draw.randrange(8)
        else:
            del damaged[at : at + draw.randrange(1, 90)]
        path.write_bytes(damaged)
        try:
            catalog = load(root, annotations=draw.choice(["coarse", "fine"]), skip_bad=draw.random() < 0.5)
            assert catalog.fingerprint
            for i in range(len(catalog)):
                catalog.images.open(i)
        except OfclipError as error:
            assert "\n" not in str(error)
        path.write_bytes(data)

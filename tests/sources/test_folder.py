"""Own data: a folder of pictures and a CSV file, and everything that can be wrong with them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ofclip import load_folder
from ofclip.embeddings import embed
from ofclip.errors import DataError, OfclipError, SettingError
from ofclip.models import build_model
from ofclip.sources import get, load_catalog
from ofclip.sources.example import write_example
from ofclip.sources.folder import SPLITS

HEAD = "id,image,text\n"


@pytest.fixture
def shop(tmp_path: Path, jpeg: Callable[..., bytes]) -> Path:
    """A folder of six pictures, of which the last two are the same, without a CSV file."""
    folder = tmp_path / "shop"
    (folder / "img").mkdir(parents=True)
    for number in range(6):
        (folder / "img" / f"{number}.jpg").write_bytes(jpeg(min(number, 4)))
    return folder


def table(folder: Path, text: str, name: str = "products.csv") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder


def rows(*lines: str, head: str = HEAD) -> str:
    return head + "\n".join(lines) + "\n"


PLAIN = rows(*(f"{number},img/{number}.jpg,a red dress {number}" for number in range(6)))


def refused(folder: Path, **options: object) -> str:
    with pytest.raises(DataError) as error:
        load_folder(folder, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_three_columns_are_enough(shop: Path) -> None:
    catalog = load_folder(table(shop, PLAIN))
    assert catalog.name == f"folder:{shop}" and catalog.labels == [] and catalog.skipped == ()
    assert catalog.products["id"].tolist() == list("012345")
    assert catalog.captions[3] == "a red dress 3" and catalog.images.open(3).size == (60, 80)
    groups = catalog.products["group"].tolist()
    assert groups[4] == groups[5] and len(set(groups)) == 5, "one picture twice is one product"
    assert set(catalog.products["split"]) <= set(SPLITS)
    assert sum(len(part) for part in parts(shop)) == 6


def parts(folder: Path) -> list:
    found = []
    for split in SPLITS:
        try:
            found.append(load_folder(folder, split))
        except DataError as error:
            assert f"no products in split {split!r}; there are" in str(error)
    return found


def test_every_column_is_read(shop: Path) -> None:
    text = rows(
        ' 1 , ./img\\0.jpg ,"Red, ""wild""\n dress",red dress,train,a,dress,',
        "2,img/1.jpg,blue hat,,train,a,hat,blue",
        "3,img/2.jpg,,sock,test,,NA,",
        ",,,,,,,",
        head="id,image,text,text2,split,group,type,base colour\r\n\r\n",
    )
    catalog = load_folder(table(shop, "\ufeff" + text))
    assert catalog.products["texts"].tolist() == [('Red, "wild" dress', "red dress"), ("blue hat",), ("sock",)]
    assert catalog.products["split"].tolist() == ["train", "train", "test"]
    assert catalog.products["group"].tolist() == ["1", "1", "3"]
    assert catalog.labels == ["type", "base colour"]
    assert catalog.label("type").tolist() == ["dress", "hat", "NA"], "a word is a word"
    assert catalog.label("base colour").isna().tolist() == [True, False, True]
    assert len(load_folder(shop, "test")) == 1


def test_the_csv_can_have_another_name_and_the_pictures_be_zipped(shop: Path) -> None:
    table(shop, PLAIN, "list.csv")
    assert len(load_folder(shop)) == 6 and load_folder(shop / "list.csv").name.endswith("list.csv")
    with zipfile.ZipFile(shop / "img.zip", "w") as archive:
        for path in sorted((shop / "img").iterdir()):
            archive.write(path, f"img/{path.name}")
            path.unlink()
    assert load_folder(shop).images.open(2).size == (60, 80)


def test_texts_alone_need_no_reading_of_pictures(shop: Path) -> None:
    table(shop, PLAIN)
    assert not load_folder(shop, pictures=False).images.present


def test_equal_folders_have_equal_fingerprints_and_a_changed_picture_another(
    shop: Path, jpeg: Callable[..., bytes]
) -> None:
    before = load_folder(table(shop, PLAIN)).fingerprint
    assert load_folder(shop).fingerprint == before
    (shop / "img/0.jpg").write_bytes(jpeg(77))
    assert load_folder(shop).fingerprint != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "products.csv: empty; its first line must name the columns id, image, text"),
        ("\n\n", "products.csv: empty"),
        (HEAD, "products.csv: no products; there are no rows"),
        ("id;image;text\n1;a;b\n", "line 1: cells are separated by semicolons; save the file with commas"),
        ("id\timage\ttext\n", "line 1: cells are separated by tabs"),
        ("id,Image,text\n", "line 1: lacks the column 'image' (there is 'Image')"),
        ("id,image\n", "line 1: lacks the column 'text' (there are id, image)"),
        ("id,image,text,,x\n", "line 1: column 4 has no name"),
        ("id,image,text,a,a\n", "line 1: the column 'a' occurs twice"),
        ("id,image,text,texts\n", "line 1: 'texts' is no name for a column here"),
        (rows("1,img/0.jpg,a,b"), "products.csv row 1 (line 2): 4 cells, expected 3; put cells that hold commas into"),
        (rows("1,img/0.jpg,a", "", "2,img/1.jpg"), "row 2 (line 4): 2 cells, expected 3"),
        (rows("1,img/0.jpg,a", '2,img/1.jpg,"b'), "products.csv line 3: not CSV (unexpected end of data)"),
        (rows('1,img/0.jpg,"a"b'), "products.csv line 2: not CSV"),
        (rows(",img/0.jpg,a"), "row 1 (line 2): id is empty"),
        (rows('"1\n2",img/0.jpg,a'), "row 1 (line 2): id '1\\n2' holds a line break"),
        (rows("7,img/0.jpg,a", "8,img/1.jpg,a", "7,img/2.jpg,b"), "row 3 (line 4): id '7' is that of row 1 already"),
        (rows("1,img/0.jpg,  "), "row 1 (line 2): text is empty"),
        (rows("1,,a"), "row 1 (line 2): image is empty"),
        (rows("1,img/9.jpg,a"), "row 1 (line 2): picture img/9.jpg not found; mend it or use --skip-bad"),
        (rows("1,img/0.JPG,a"), "picture img/0.JPG not found; there is img/0.jpg"),
        (rows("1,0.png,a"), "picture 0.png not found; there is img/0.jpg"),
        (rows("1,img,a"), "row 1 (line 2): picture img not found"),
        (rows("1,../secret.jpg,a"), "image '../secret.jpg' lies outside the folder"),
        (rows("1,img/../../secret.jpg,a"), "lies outside the folder"),
        (rows("1,/etc/hostname,a"), "image '/etc/hostname' lies outside the folder"),
        (rows("1,C:\\pictures\\0.jpg,a"), "lies outside the folder"),
        (rows("1,https://shop.example/0.jpg,a"), "is an address; put the picture into the folder"),
        (rows("1,img/0.jpg,a,tset", head="id,image,text,split\n"), "split 'tset' is none of train, val, test"),
        (rows("1,img/0.jpg,a,", head="id,image,text,split\n"), "split '' is none of"),
        (
            rows("1,img/0.jpg,a,train,g", "2,img/1.jpg,a,test,g", head="id,image,text,split,group\n"),
            "row 2 (line 3): is in test, but row 1, which shows the same product or picture, in train",
        ),
        (
            rows("1,img/4.jpg,a,train", "2,img/5.jpg,a,test", head="id,image,text,split\n"),
            "row 2 (line 3): is in test, but row 1",
        ),
        ("id,image,text\n1,img/0.jpg,a\0b\n", "products.csv line 2: holds bytes of zero"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_row(shop: Path, text: str, message: str) -> None:
    (shop.parent / "secret.jpg").write_bytes((shop / "img/0.jpg").read_bytes())
    table(shop, text)
    assert message in (found := refused(shop)), found
    assert "products.csv" in found


def test_a_cell_without_end_is_refused(shop: Path) -> None:
    table(shop, rows(f"1,img/0.jpg,{'a' * 200_000}"))
    assert "products.csv line 2: not CSV (field larger than field limit" in refused(shop)


def test_bad_rows_are_left_out_and_listed_on_demand(shop: Path) -> None:
    (shop / "img/3.jpg").write_bytes(b"")
    lines = ["1,img/0.jpg,a", "1,img/1.jpg,a", "2,img/9.jpg,a", "3,img/2.jpg,", "4,img/3.jpg,a", "5,img/1.jpg,b"]
    table(shop, rows(*lines))
    assert "row 2 (line 3): id '1'" in refused(shop)
    catalog = load_folder(shop, skip_bad=True)
    assert catalog.products["id"].tolist() == ["1", "5"]
    assert [reason.partition("row ")[2].partition(":")[0] for reason in catalog.skipped] == [
        "2 (line 3)", "3 (line 4)", "4 (line 5)", "5 (line 6)",
    ]  # fmt: skip
    assert "picture img/3.jpg is an empty file" in catalog.skipped[-1]


def test_a_picture_that_is_none_is_named_when_it_is_read(shop: Path) -> None:
    (shop / "img/0.jpg").write_text("no picture at all")
    catalog = load_folder(table(shop, PLAIN))
    with pytest.raises(DataError, match="img/0.jpg"):
        embed(build_model("ofclip-RN-8-64"), catalog)


def test_what_holds_no_csv_says_what_to_name(shop: Path) -> None:
    assert "there: not found; name a folder that holds products.csv" in refused(shop / "there")
    assert "holds no products.csv; write one" in refused(shop)
    assert "0.jpg: not a folder and not a .csv file" in refused(shop / "img/0.jpg")
    table(shop, PLAIN, "a.csv"), table(shop, PLAIN, "b.csv")
    assert "holds 2 CSV files; name one, as in folder:" in refused(shop)
    assert len(load_folder(shop / "b.csv")) == 6
    table(shop, PLAIN)
    assert len(load_folder(shop)) == 6, "products.csv is the one"


def test_an_unknown_split_gets_the_nearest(shop: Path) -> None:
    with pytest.raises(SettingError, match="unknown split of folder:.* 'tets': did you mean 'test'"):
        load_folder(table(shop, PLAIN), "tets")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from('id,image\n"text;/.\\01é\ufeff\0 '), max_size=60), st.booleans())
def test_any_text_gives_a_catalogue_or_one_line(shop: Path, text: str, skip: bool) -> None:
    table(shop, HEAD * (len(text) % 3 > 0) + text)
    try:
        catalog = load_folder(shop, skip_bad=skip)
    except OfclipError as error:
        assert "products.csv" in str(error) and "\n" not in str(error)
    else:
        assert len(catalog)


def test_own_data_are_a_source_like_any_other(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    write_example(shop, products=30)
    own = get(f"folder:{shop}")
    assert own.labels == ("type", "colour", "pattern")
    assert own.find(Path("elsewhere")) == shop / "products.csv" and own.splits == ("train", "val", "test")
    whole = load_catalog(f"folder:{shop}")
    assert len(whole) == 30 and whole.labels == list(own.labels)
    assert whole.fingerprint == load_folder(shop).fingerprint
    assert len(load_catalog(f"folder:{shop}", split="test")) == (whole.products["split"] == "test").sum()
    with pytest.raises(SettingError, match="unknown split of folder:.*: did you mean 'test'"):
        load_catalog(f"folder:{shop}", split="tets")

from __future__ import annotations

import shutil

import pytest
from fixtures.fashion200k import DRESS, LABELS, PICTURES, TOP, write

from ofclip.errors import DataError, NoPictures
from ofclip.images import AbsentImages
from ofclip.sources.fashion200k import SOURCE, load, texts_of

NAME = "fashion200k"
DAY, BLAZERS = "dresses/casual_and_day_dresses/51727804/51727804", "jackets/blazers_and_suit_jackets/70000002/70000002"
TANKS = "tops/sleeveless_and_tank_tops/90000004/90000004"
IDS = [
    f"{DAY}_0", f"{DAY}_1", "dresses/gowns/60000001/60000001_0", "dresses/gowns/60000001/60000001_0#2", f"{BLAZERS}_0",
    f"{BLAZERS}_1", "pants/skinny_pants/80000003/80000003_3", f"{DAY}_0#2", f"{DAY}_2", f"{TANKS}_0", f"{TANKS}_0#2",
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    write(tmp_path)
    return tmp_path


@pytest.fixture
def folder(root):
    return root / NAME


def append(folder, name, data):
    with (folder / "labels" / f"{name}_detect_all.txt").open("ab") as file:
        file.write(data)


def test_official_layout_becomes_a_catalog(root, folder):
    catalog = load(root)
    products = catalog.products
    assert products["id"].tolist() == IDS
    assert products["split"].tolist() == ["train"] * 7 + ["test"] * 4
    assert products["group"].tolist() == [
        "51727804", "51727804", "60000001", "60000001", "70000002", "70000002", "80000003", "51727804", "51727804",
        "90000004", "90000004",
    ]  # fmt: skip
    green = ("green linen-blend a-line dress",)
    assert products["texts"].tolist() == [
        green,
        green,
        ("Red gowns with pockets", "red gown, pocket"),
        ("red silk gown",),
        ("embellished wool jacket black",),
        ("appliqué jacket",),
        ("women's blue skinny-fit jeans",),
        green,
        ("black dress",),
        ("striped sleeveless top",),
        ("striped sleeveless top",),
    ]
    assert catalog.labels == ["category", "subcategory"]
    assert products["category"].tolist() == [
        "dress", "dress", "dress", "dress", "jacket", "jacket", "pants", "dress", "dress", "skirt", "top",
    ]  # fmt: skip
    assert products["subcategory"].tolist() == [
        "casual and day dresses", "casual and day dresses", "gowns", "gowns", "blazers and suit jackets",
        "blazers and suit jackets", "skinny pants", "casual and day dresses", "casual and day dresses",
        "sleeveless and tank tops", "sleeveless and tank tops",
    ]  # fmt: skip
    assert catalog.images.names[7] == catalog.images.names[0] == PICTURES[0]
    assert catalog.images.open(7).tobytes() == catalog.images.open(0).tobytes() != catalog.images.open(1).tobytes()
    assert [catalog.images.open(i).size for i in range(len(catalog))] == [(16, 24)] * len(catalog)
    labels = folder / "labels"
    assert catalog.skipped == (
        f"{labels}/dress_train_detect_all.txt line 4: repeats {labels}/dress_train_detect_all.txt line 1",
        f"{labels}/pants_train_detect_all.txt line 2: no description",
        f"{labels}/top_test_detect_all.txt line 2: no picture {TOP}_1.jpeg",
    )


def test_products_in_both_splits_share_a_group(root):
    splits = load(root).products.groupby("group")["split"].nunique()
    assert splits[splits > 1].index.tolist() == ["51727804"]


@pytest.mark.parametrize("ending", ["zip", "tar", "gztar"])
def test_archives_are_the_same_data(root, folder, tmp_path, ending):
    shutil.make_archive(str(tmp_path / "packed" / NAME), ending, folder)
    assert load(tmp_path / "packed").fingerprint == load(root).fingerprint


def test_the_official_archive_of_pictures_is_the_same_data(root, folder):
    before = load(root).fingerprint
    shutil.make_archive(str(folder / "women"), "gztar", folder, "women")
    shutil.rmtree(folder / "women")
    assert load(root).fingerprint == before


def test_texts_and_labels_need_no_pictures(root, folder):
    shutil.rmtree(folder / "women")
    catalog = load(root, pictures=False)
    assert isinstance(catalog.images, AbsentImages) and catalog.images.name(0) == f"{DRESS}_0.jpeg"
    assert catalog.products["id"].tolist() == [*IDS, f"{TANKS}_1"]
    with pytest.raises(NoPictures, match="holds none of the 12 pictures.*pictures=False"):
        load(root)


def test_one_split(root):
    assert load(root, split="test").products["id"].tolist() == IDS[7:]


def test_spaces_for_tabs_are_named(root, folder):
    path = folder / "labels" / "dress_train_detect_all.txt"
    path.write_text(LABELS["dress_train"].replace("\t", "    "))
    fault = r"dress_train_detect_all\.txt line 1: 1 of 3 columns apart by tabs .*; there are spaces for tabs; mend it"
    with pytest.raises(DataError, match=fault):
        load(root)
    assert sum("spaces for tabs" in reason for reason in load(root, skip_bad=True).skipped) == 5


@pytest.mark.parametrize(
    "line, fault",
    [
        (b"women/dresses/gowns/1/1_0.jpeg\t-1", "2 of 3 columns"),
        (b"women/dresses/gowns/1/1_0.jpeg\t-1\tred\tgown", "4 of 3 columns"),
        (b"women/dresses/gowns/1/2_0.jpeg\t-1\tred gown", "'women/dresses/gowns/1/2_0.jpeg' is no women/<category>"),
        (b"women/../../etc/passwd\t-1\tred gown", "is no women/<category>"),
        (b"women/dresses/gowns/1/1_0.jpeg\tNaN\tred gown", "detection score 'NaN' is no number"),
        (b"women/dresses/gowns/1/1_0.jpeg\t-1,5\tred gown", "detection score '-1,5' is no number"),
    ],
)
def test_bad_rows_are_named_and_can_be_skipped(root, folder, line, fault):
    append(folder, "dress_test", b"\n" + line + b"\n")
    with pytest.raises(DataError, match=rf"dress_test_detect_all\.txt line 4: .*{fault}.*; mend it or use --skip-bad"):
        load(root)
    catalog = load(root, skip_bad=True)
    assert catalog.products["id"].tolist() == IDS and len(catalog.skipped) == 4


def test_text_of_another_encoding_is_named_or_read(root, folder):
    append(folder, "jacket_test", "women/jackets/coats/1/1_0.jpeg\t-1\tcafé coat\n".encode("latin-1"))
    assert load(root, pictures=False).products["texts"].tolist().count(("café coat",)) == 1
    append(folder, "jacket_test", b"women/jackets/coats/1/1_1.jpeg\t-1\tcaf\x92 coat\n")
    with pytest.raises(DataError, match=r"jacket_test_detect_all\.txt line 2: neither utf-8"):
        load(root)


def test_a_missing_label_file_is_named(root, folder):
    (folder / "labels" / "skirt_test_detect_all.txt").unlink()
    with pytest.raises(DataError, match=r"holds no labels/skirt_test_detect_all\.txt"):
        load(root)


def test_phrases_follow_only_where_they_differ():
    assert texts_of("Black Dress") == ("Black Dress",)
    assert texts_of("lace dresses in black") == ("lace dresses in black", "lace dress, black")
    assert texts_of("100%") == ("100%",)


def test_the_card_has_the_official_counts():
    assert dict(SOURCE.expected) == {"train": 172_049, "test": 29_789}

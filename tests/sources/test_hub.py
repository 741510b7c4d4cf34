from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fixtures import hub as fixture

from ofclip.errors import DataError, SettingError
from ofclip.images import AbsentImages, pixels
from ofclip.images.arrow import ArrowImages
from ofclip.sources import get, hub, load_catalog


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


def values(catalog, *columns: str) -> list[list]:
    return (
        catalog.products[list(columns)]
        .astype(object)
        .where(catalog.products[list(columns)].notna(), None)
        .values.tolist()
    )


def test_polyvore_value_by_value(root):
    catalog = load_catalog("hub/polyvore", data=root)
    assert catalog.name == "hub/polyvore" and catalog.labels == ["category"]
    assert values(catalog, "id", "split", "group", "texts", "category") == [
        ["100002074_1", "data", "100002074_1", ("knit long sleeve dress",), "Day Dresses"],
        ["100002074_2", "data", "100002074_2", ("isabel marant étoile boots",), "Boots"],
        ["100010727_1", "data", "100010727_1", ("bag",), "Handbags"],
        ["100010727_4", "data", "100010727_4", ("bag",), "Coats"],
    ]
    assert catalog.products["category"].dtype == "string"
    assert isinstance(catalog.images, ArrowImages)
    assert [catalog.images.name(i) for i in range(4)] == [f"Marqo/polyvore data[{row}]" for row in (0, 1, 3, 5)]
    assert [catalog.images.read(i) for i in range(4)] == [fixture.picture(row)["bytes"] for row in (0, 1, 3, 5)]
    assert catalog.images.open(0).size == (24, 32)
    place = root / "hub" / "polyvore" / "data"
    assert catalog.skipped == (
        f"{place / 'data-00000-of-00002.parquet'} row 3 (Marqo/polyvore data[2]): no text",
        f"{place / 'data-00001-of-00002.parquet'} row 2 (Marqo/polyvore data[4]): no picture",
    )


def test_texts_and_labels_without_pictures_need_none(root, monkeypatch):
    monkeypatch.setattr(hub, "arrow_files", lambda files: pytest.fail("pictures were read"))
    catalog = load_catalog("hub/polyvore", "data", data=root, pictures=False)
    assert list(catalog.products["id"]) == [f"{product}" for product in (
        "100002074_1", "100002074_2", "100010727_1", "100010727_2", "100010727_4",
    )]  # fmt: skip
    assert isinstance(catalog.images, AbsentImages) and catalog.images.name(4) == "Marqo/polyvore data[5]"
    assert len(catalog.skipped) == 1


def test_kagl_groups_titles_and_takes_years_as_text(root):
    catalog = load_catalog("hub/kagl", data=root)
    assert values(catalog, "id", "group", "texts", "year", "usage", "baseColour", "category3") == [
        ["15970", "15970", ("Turtle Check Men Shirt",), "2011", "Casual", "Navy Blue", "Shirts"],
        ["15971", "15970", ("turtle check men shirt",), None, "Casual", "Navy Blue", "Shirts"],
        ["9", "9", ("Murcia Bag",), "2012", None, None, "Handbags"],
    ]
    assert catalog.label("year").dtype == "string"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            "deepfashion-inshop",
            [
                ["MEN_Denim_id_00000080_01_1_front", "id_00000080", ("Slim. || Woven",), None],
                ["MEN_Denim_id_00000080_02_3_back", "id_00000080", ("Slim. || Woven",), None],
                ["WOMEN_Tees_Tanks_id_00004380_03_3_back", "id_00004380", ("Soft.",), "tanks"],
            ],
        ),
        (
            "deepfashion-multimodal",
            [
                ["MEN-Denim-id_00000080-01_7_additional", "id_00000080", ("The fabric is cotton.",), None],
                ["MEN-Denim-id_00000080-02_7_additional", "id_00000080", ("Her shirt has long sleeves.",), None],
                ["WOMEN-Tees_Tanks-id_00007962-09_1_front", "id_00007962", ("Her shirt has long sleeves.",), None],
            ],
        ),
        (
            "fashion200k",
            [
                [
                    "51727804_0",
                    "51727804",
                    ("green. worn by a mannequin.", "green a-line dress"),
                    "green a-line dress",
                ],
                ["51727804_1", "51727804", ("dress. it is green.", "green a-line dress"), "green a-line dress"],
                ["89183641_12", "89183641", ("womenâ\x80\x99s blouse",), "womenâ\x80\x99s blouse"],
            ],
        ),
    ],
)
def test_ids_name_the_product(root, part, expected):
    assert values(load_catalog(f"hub/{part}", data=root), "id", "group", "texts", "category3") == expected


def test_atlas_groups_titles(root):
    catalog = load_catalog("hub/atlas", data=root)
    assert values(catalog, "group", "texts", "sub-category") == [
        ["Men-Western_Wear-Shorts_742e", ("ADIDAS Solid Men's Shorts",), "Shorts"],
        ["Men-Western_Wear-Shorts_742e", ("Adidas Solid Men's Shorts",), "Shorts"],
        ["Women-Ethnic_Wear-Lehenga_Choli_741_F_large", ("Navy Blue Lehenga",), "Lehenga_Choli"],
    ]


def test_imaterialist_captions_are_composed(root):
    catalog = load_catalog("hub/imaterialist", data=root)
    assert values(catalog, "id", "group", "texts", "color", "sleeve") == [
        [
            "4",
            "4",
            (
                "black white polyester spandex bodycon dresses, long sleeved, shoulder drapes, female",
                "black white dresses",
            ),
            "Black White",
            "Long Sleeved",
        ],
        ["6", "6", ("fashion sets, male", "fashion sets"), None, None],
        ["1000001", "1000001", ("jumpsuits overalls & rompers",), None, None],
    ]


@pytest.mark.parametrize("part", hub.PARTS)
def test_every_set_decodes(root, part):
    catalog = load_catalog(f"hub/{part}", data=root)
    assert pixels(catalog.images, 16).array.shape == (len(catalog), 16, 16, 3)
    assert set(catalog.labels) == set(hub.PARTS[part].labels) <= set(get("hub").labels)


@pytest.mark.parametrize("name", ["hub/polyvore", "hub/Marqo/polyvore", "Marqo/polyvore"])
def test_folders_of_several_names_are_found(own, name):
    if name != "hub/polyvore":
        (own / "hub" / "polyvore").rename(own / "moved")
        (own / name).parent.mkdir(exist_ok=True, parents=True)
        (own / "moved").rename(own / name)
    assert hub.find(own) == hub.find_part(own, "polyvore") == own / name
    assert hub.find_part(own, "kagl") is None
    assert len(load_catalog("hub/polyvore", data=own)) == 4


def test_names_of_repositories_are_found_as_they_are_spelled(tmp_path):
    fixture.write(tmp_path, ["kagl"])
    (tmp_path / "Marqo").mkdir()
    (tmp_path / "hub" / "kagl").rename(tmp_path / "Marqo" / "KAGL")
    assert len(load_catalog("hub/kagl", data=tmp_path)) == 3


def test_a_part_that_is_not_there_says_how_to_get_it(own, tmp_path):
    with pytest.raises(DataError) as error:
        load_catalog("hub/kagl", data=own)
    message = str(error.value)
    assert message.startswith(f"hub/kagl: not found under {own}. Run `ofclip sources fetch hub/kagl`")
    assert "online=True" in message and "--data or OFCLIP_DATA" in message and "\n" not in message
    assert hub.find(tmp_path / "empty") is None
    with pytest.raises(SettingError, match="unknown part of hub 'polyvor': did you mean 'polyvore'"):
        load_catalog("hub/polyvor", data=own)
    with pytest.raises(SettingError, match="hub: name a part, as in hub/atlas"):
        load_catalog("hub", data=own)


class Downloads:
    """A stand-in for the hub: copies a repository from a folder, or fails."""

    def __init__(self, source: Path, error: Exception | None = None):
        self.source, self.error, self.asked = source, error, []

    def __call__(self, repository: str, *, local_dir: Path, **settings: object) -> str:
        self.asked.append((repository, settings))
        if self.error:
            raise self.error
        shutil.copytree(self.source / "hub" / "polyvore", local_dir, dirs_exist_ok=True)
        return str(local_dir)


@pytest.fixture
def reachable(monkeypatch, tmp_path):
    """A function that puts a stand-in in the hub's place, with the network allowed and a cache of its own."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "cache"))

    def make(source: Path, error: Exception | None = None) -> Downloads:
        import huggingface_hub

        downloads = Downloads(source, error)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", downloads)
        return downloads

    return make


def test_fetch_downloads_the_parquet_files_into_the_data_root(root, tmp_path, reachable):
    downloads, told = reachable(root), []
    get("hub").fetch(tmp_path / "data", told.append, part="polyvore")
    assert downloads.asked == [
        ("Marqo/polyvore", {
            "repo_type": "dataset", "revision": "main", "allow_patterns": ["data/*.parquet", "README.md"],
        })
    ]  # fmt: skip
    assert told == [f"Marqo/polyvore: 2 files in {tmp_path / 'data' / 'hub' / 'polyvore'}"]
    assert (
        load_catalog("hub/polyvore", data=tmp_path / "data").fingerprint
        == load_catalog("hub/polyvore", data=root).fingerprint
    )


def test_nothing_is_downloaded_unless_asked_for(root, tmp_path, reachable, monkeypatch):
    downloads = reachable(root)
    with pytest.raises(DataError, match="hub: not found"):
        load_catalog("hub/polyvore", data=tmp_path)
    load_catalog("hub/polyvore", data=root, online=True)
    assert downloads.asked == [], "a local copy comes first"
    assert len(hub.load(tmp_path, part="polyvore", online=True)) == 4
    assert len(downloads.asked) == 1 and not (tmp_path / "hub").exists()
    assert (tmp_path / "cache" / "hub" / "polyvore" / "data").is_dir()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert len(hub.load(tmp_path, part="polyvore", online=True)) == 4, "what was downloaded before"
    with pytest.raises(DataError, match="hub/kagl: HF_HUB_OFFLINE is set; unset it to download"):
        hub.load(tmp_path, part="kagl", online=True)
    assert len(downloads.asked) == 1


def test_a_download_that_fails_is_told_in_one_line(root, tmp_path, reachable):
    reachable(root, ConnectionError("no\n route"))
    with pytest.raises(DataError) as error:
        hub.fetch(tmp_path, part="polyvore")
    assert str(error.value) == ("hub/polyvore: Marqo/polyvore was not downloaded whole (no route); run the same again")
    with pytest.raises(SettingError, match="hub: name a part, as in hub/atlas. Known: atlas, deepfashion-inshop"):
        hub.fetch(tmp_path)


def test_counts_and_card():
    card = get("hub")
    assert card.expected == {part: entry.rows for part, entry in hub.PARTS.items()} == {
        "atlas": 78_370, "deepfashion-inshop": 52_591, "deepfashion-multimodal": 42_537, "fashion200k": 201_624,
        "imaterialist": 721_065, "kagl": 44_434, "polyvore": 94_096,
    }  # fmt: skip
    assert card.parts == tuple(hub.PARTS) and card.splits == ("data",)
    assert all([card.summary, card.text, card.citation, card.home, card.fields, card.defects, card.obtain, card.fetch])
    assert "fashion200k: `text` looks generated" in card.defects[0]

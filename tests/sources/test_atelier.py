from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pandas as pd
import pytest

from ofclip.errors import SettingError
from ofclip.sources import load_catalog
from ofclip.sources.atelier import (
    DOMAINS,
    HELD_OUT,
    TRAINING,
    held_out_combinations,
    is_reserved,
    masks,
    product,
    render,
)
from ofclip.sources.atelier.vocabulary import COLOURS, FABRICS, PATTERNS, TYPES
from ofclip.sources.atelier.world import ATTRIBUTES, companions

# of 40 rows, and of 6 pictures, of seed 3; a change of drawing code changes them and `VERSION` together
TABLES = {
    "studio": "3ae226a5c031ec37",
    "pairs": "c9014f0ee94d4d05",
    "phrases": "b6947b88531a1f42",
    "tags": "2209322c29387018",
    "street": "ef102de2116dc9f7",
    "flatlay": "1d21f339e68c036e",
    "grey": "0c0329612b59ea62",
    "sketch": "4fdba5f30339dddb",
}
PICTURES = {
    ("studio", 64): "8e98c44e01ed4b76",
    ("pairs", 64): "3c148015339bc1be",
    ("phrases", 64): "80d87f03e9c829a4",
    ("tags", 64): "233bf6c4ea0b46e0",
    ("street", 64): "e79b5d877aa91f1d",
    ("flatlay", 64): "f0767d5e05751ef5",
    ("grey", 64): "4c73c93d46dce0da",
    ("sketch", 64): "0415d03fd655d065",
    ("studio", 256): "e24b889532d7069c",
    ("street", 256): "517104a3643a4818",
}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def first_of(domain: str, **wanted: object):
    """Return the first product of a domain with the given attributes."""
    candidates = (product(0, domain, i) for i in range(20_000))
    return next(p for p in candidates if all(getattr(p, name) == value for name, value in wanted.items()))


def test_the_shop_is_as_large_as_it_claims():
    assert len(TYPES) >= 24 and len(COLOURS) == 14 and len(PATTERNS) >= 10 and len(FABRICS) >= 10
    used = {name for kind in TYPES.values() for name in kind.attributes}
    assert used == {"sleeve", "neckline", "length", "fit", "closure", "heel", "strap"}
    assert {p for kind in TYPES.values() for p in kind.patterns} == set(PATTERNS)
    assert {f for kind in TYPES.values() for f in kind.fabrics} == set(FABRICS)


@pytest.mark.parametrize("domain", DOMAINS)
def test_table_is_the_same_everywhere(domain):
    table = load_catalog(f"atelier/{domain}", n=40, seed=3).products
    assert sha(table.to_csv(index=False, lineterminator="\n").encode()) == TABLES[domain]


@pytest.mark.parametrize(("domain", "size"), list(PICTURES))
def test_pictures_are_the_same_everywhere(domain, size):
    pictures = load_catalog(f"atelier/{domain}", n=6, seed=3).images
    assert sha(b"".join(pictures.open(i, size=size).tobytes() for i in range(6))) == PICTURES[domain, size]


def test_any_subset_is_drawn_alone():
    whole = load_catalog("atelier/tags", n=30)
    some = whole.take([29, 4])
    assert some.products["id"].tolist() == ["tags-0-29", "tags-0-4"]
    again = pickle.loads(pickle.dumps(some.images))
    assert again.open(1, size=64).tobytes() == whole.images.open(4, size=64).tobytes()
    assert some.images.fingerprint == again.fingerprint != whole.images.fingerprint
    assert len(again) == 2 and again.open(0).size == (256, 256) and "product 4 of seed 0" in again.name(1)


def test_seeds_and_domains_are_different_streams():
    shops = [load_catalog(f"atelier/{domain}", n=50, seed=seed) for domain in DOMAINS for seed in (0, 1)]
    looks = [tuple(shop.products["group"]) for shop in shops]
    assert len(set(looks)) == len(looks)


def test_longer_catalogues_start_with_the_shorter_one():
    short, long = (load_catalog("atelier/street", n=n).products for n in (20, 60))
    pd.testing.assert_frame_equal(short, long.iloc[:20])


def test_splits_keep_groups_together():
    table = load_catalog("atelier/phrases", n=3000).products
    assert table.groupby("group")["split"].nunique().max() == 1
    shares = table["split"].value_counts(normalize=True)
    assert 0.77 < shares["train"] < 0.83 and 0.08 < shares["val"] < 0.12 and 0.08 < shares["test"] < 0.12
    same = table[table["group"].duplicated(keep=False)].sort_values("group")
    assert len(same) and same.groupby("group")[list(ATTRIBUTES)].nunique(dropna=False).max().max() == 1
    only = load_catalog("atelier/phrases", split="val", n=3000).products
    assert only["id"].tolist() == table.loc[table["split"] == "val", "id"].tolist()


def test_labels_are_what_the_picture_shows():
    parts = ("street", "grey", "sketch")
    street, grey, sketch = (load_catalog(f"atelier/{part}", n=200).products for part in parts)
    assert list(street.columns[4:]) == list(ATTRIBUTES)
    assert street["colour"].notna().all() and grey["colour"].isna().all() and sketch["fabric"].isna().all()
    assert grey["sleeve"].isna().any() and grey["sleeve"].notna().any()
    assert all(value is pd.NA for value in street["heel"][street["category"] == "bags"])


def test_reserved_combinations_are_held_out_and_only_they():
    reserved = held_out_combinations()
    assert {name for _, _, name in reserved} == set(TYPES)
    trained, held = set(), set()
    for domains, seen in ((TRAINING, trained), (HELD_OUT, held)):
        for domain in domains:
            for p in (product(0, domain, i) for i in range(3000)):
                pairs = {("colour", p.colour, p.type), ("pattern", p.pattern, p.type)}
                assert is_reserved(p) == bool(pairs & reserved)
                seen |= pairs
    assert not trained & reserved
    assert reserved <= held
    assert {value for kind, value, _ in trained if kind == "colour"} == set(COLOURS)
    assert {value for kind, value, _ in trained if kind == "pattern"} == set(PATTERNS)


@pytest.mark.parametrize("domain", DOMAINS)
def test_masks_are_exact(domain):
    for p in (product(0, domain, i) for i in range(6)):
        small, large = masks(p, domain, 64), masks(p, domain, 192)
        stack = np.stack(list(large.values()))
        assert stack.sum(axis=0).max() == 1, "parts overlap"
        assert stack.any(axis=0).mean() > 0.02
        for part, area in small.items():
            shrunk = large[part].reshape(64, 3, 64, 3).mean(axis=(1, 3)) if part in large else np.zeros((64,
                64))
            # pixels that the finer mask calls wholly inside or outside are so at the coarser size
            sure = (shrunk < 0.01) | (shrunk > 0.99)
            assert (area == (shrunk > 0.5))[sure].mean() > 0.995


def test_masks_lie_on_the_drawn_parts():
    p = first_of("studio", type="t-shirt", colour="red", pattern="plain", sleeve="short")
    areas, pixels = masks(p, "studio", 128), np.asarray(render(p, "studio", 128), dtype=int)
    assert {"body", "sleeve", "collar"} <= set(areas)
    shirt = np.any(list(areas.values()), axis=0)
    red = (pixels[:, :, 0] - pixels[:, :, 1]) > 40
    assert (red & shirt).sum() / (red | shirt).sum() > 0.97
    columns = np.flatnonzero(areas["body"].any(axis=0))
    sleeves = np.flatnonzero(areas["sleeve"].any(axis=0))
    assert sleeves.min() < columns.min() < columns.max() < sleeves.max()


@pytest.mark.parametrize(("kind", "parts"), [
    ("sneakers", {"upper", "sole"}), ("handbag", {"body", "strap"}), ("hoodie", {"hood", "sleeve", "pocket"}),
    ("jeans", {"leg", "waistband", "pocket"}), ("sun hat", {"crown", "brim"}),
    ("blazer", {"collar", "sleeve"}),
])
def test_parts_of_a_type(kind, parts):
    assert parts <= set(masks(first_of("studio", type=kind), "studio", 96))


def test_street_masks_leave_out_other_garments():
    p = next(p for p in (product(0, "street", i) for i in range(500)) if p.category == "bottoms")
    assert "sleeve" not in masks(p, "street", 96)
    for i in range(60):
        main = product(0, "street", i)
        others = companions(main)
        assert 1 <= len(others) <= 2 and all(other.type != main.type for other in others)


@pytest.mark.parametrize("kind", list(TYPES))
def test_every_value_of_every_type_can_be_drawn(kind):
    seen = set()
    wanted = {(name, value) for name, values in TYPES[kind].attributes.items() for value in values}
    wanted |= {("pattern", value) for value in TYPES[kind].patterns}
    for i in range(2000):
        p = product(5, "sketch", i, (kind,))
        new = {(name, getattr(p, name)) for name, _ in wanted} & (wanted - seen)
        if new:
            seen |= new
            pixels = np.asarray(render(p, "studio", 48))
            assert pixels.std() > 4 and masks(p, "studio", 48)
        if seen == wanted:
            return
    pytest.fail(f"never drawn: {wanted - seen}")


def test_colours_look_like_themselves():
    for name, rgb in COLOURS.items():
        kind = "coat" if ("colour", name, "sweater") in held_out_combinations() else "sweater"
        p = first_of("studio", type=kind, colour=name, pattern="plain")
        shown = np.asarray(render(p, "studio", 64), dtype=float)[masks(p, "studio", 64)["body"]].mean(axis=0)
        nearest = min(COLOURS, key=lambda other: np.abs(np.array(COLOURS[other]) - shown).sum())
        assert nearest == name or np.abs(np.array(rgb) - shown).mean() < 30, (name, shown)


def test_wrong_settings():
    with pytest.raises(SettingError, match="did you mean 'street'"):
        load_catalog("atelier/streets")
    with pytest.raises(SettingError, match="n=0"):
        load_catalog("atelier/street", n=0)
    with pytest.raises(SettingError, match="seed=-1"):
        load_catalog("atelier/street", n=5, seed=-1)
    with pytest.raises(SettingError, match="unknown part"):
        render(product(0, "studio", 0), "studios", 32)

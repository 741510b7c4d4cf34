from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toybook import DATASETS, checkout, record
from toyresults import data as toy_data

from ofclip import sources
from ofclip.book.cards import counts, fragments
from ofclip.book.markup import GENERATED
from ofclip.records import Record


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = checkout(tmp_path_factory.mktemp("cards"), ("atelier", "fashion-mnist"))
    fragments([Record.load(path) for path in sorted(root.glob("work/laptop/*/*.json"))], root)
    return root


def test_every_source_has_a_card_with_what_its_card_says(root: Path) -> None:
    text = (root / GENERATED / "cards.md").read_text()
    assert text.count("\n\n## ") == len(sources.names()) - 1
    for name in sources.names():
        card = sources.get(name)
        assert f"`{name}`" in text
        for part in card.parts:
            assert f"`{part}`" in text
        table = root / GENERATED / "cards" / f"{name}.fields.csv"
        assert table.exists() == bool(card.fields)


def test_found_is_what_the_records_counted_and_a_set_that_was_not_here_has_no_number(root: Path) -> None:
    rows = (root / GENERATED / "sets.csv").read_text().splitlines()
    [here] = [row for row in rows if "Fashion\\-MNIST" in row]
    assert here.endswith("38\\,900\"")
    [absent] = [row for row in rows if row.startswith("KAGL")]
    assert absent.endswith("not here")


def test_counts_add_up_over_the_parts_of_a_source() -> None:
    results = [toy_data(np.random.default_rng(0), name) for name in DATASETS["atelier"]]
    assert counts([record("01-data", *results)]) == {"atelier": {"train": 4 * 37400, "test": 4 * 1500}}
    assert counts([record("02-training", *results)]) == {}

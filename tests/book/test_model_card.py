from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import toybook
from prose import typed

from ofclip.book import evidence, model_card, tables
from ofclip.book.build import collect
from ofclip.book.markup import GENERATED, escape
from ofclip.errors import VerdictError
from ofclip.experiments import ROOT


@pytest.fixture(scope="module")
def rows() -> list[evidence.Evidence]:
    return evidence.read(ROOT, model_card.TABLE)


def test_every_limit_is_shown_by_its_published_record(rows):
    published = evidence.published(ROOT, "results/laptop", rows)
    assert set(published) == {row.record for row in rows}, "a Record is not published"
    model_card.check(rows, published)
    for row in rows:
        evidence.measure(row, published[row.record])
        assert row.front.endswith(".") and not typed(f"{row.front}\n{row.what}")


def test_a_limit_against_its_record_is_refused(rows):
    published = evidence.published(ROOT, "results/laptop", rows)
    first = replace(rows[0], side="above")
    with pytest.raises(VerdictError, match=f"limits.csv says {first.front!r}, .* expected above"):
        model_card.check([first], published)


def test_the_card_has_the_numbers_the_links_and_the_facts_of_training(tmp_path: Path, rows) -> None:
    root = toybook.checkout(tmp_path, ("atelier",))
    for name in {row.record for row in rows if row.experiment == "03-zero-shot"}:
        place = root / "results/laptop" / f"{name}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "results/laptop" / f"{name}.json", place)
    model_card.fragments([one for one in collect("laptop", root) if one.record.experiment == "02-training"], root)
    text = (root / GENERATED / "limits.md").read_text()
    found = evidence.measure(rows[0], evidence.published(root, "results/laptop", rows[:1])[rows[0].record])
    number = f"**{tables.number(found.value)}** ({found.interval}), {rows[0].side} {found.against}. "
    assert number + "{doc}`Zero-shot classification </book/03-zero-shot>`" in text
    assert "no Record here" in text and all(f"**{escape(row.front)}**" in text for row in rows)
    facts = (root / GENERATED / "weights.csv").read_text()
    assert "final loss" in facts and "architecture" in facts

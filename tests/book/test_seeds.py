from __future__ import annotations

import csv
from pathlib import Path

import pytest
from records_helpers import make_metric, make_record

from ofclip.book import seeds
from ofclip.book.markup import GENERATED
from ofclip.records import Record, Table
from ofclip.records.tolerances import spread_table

NAME = "results/laptop/04-retrieval/kagl.json"


def publish(root: Path, *runs: dict[str, float]) -> None:
    """Save a Record of seeds, of runs that measured other values of metrics."""
    found = [[make_record(metrics=[make_metric(value, name) for name, value in run.items()])] for run in runs]
    spread = {"spread": Table.of(spread_table(found))}
    make_record(experiment="seeds", tables=spread, metrics=[]).save(root / "results/laptop/seeds/kagl.json")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    metrics = [
        make_metric(0.25, "steady", interval=(0.20, 0.30)),
        make_metric(0.25, "shaky", interval=(0.20, 0.30)),
        make_metric(0.25, "without", interval=None),
        make_metric(0.25, "all alike", interval=(0.25, 0.25)),
    ]
    make_record(metrics=metrics).save(tmp_path / NAME)
    runs = [(0.24, 0.1), (0.25, 0.2), (0.26, 0.3)]
    others = {"without": 0.2, "all alike": 0.25, "not published": 0.1}
    publish(tmp_path, *({"steady": steady, "shaky": shaky, **others} for steady, shaky in runs))
    return tmp_path


def rows(root: Path) -> list[dict[str, str]]:
    with (root / GENERATED / "seeds" / "kagl.csv").open() as file:
        return list(csv.DictReader(file.read().replace("\\", "").splitlines()))


def test_the_spread_stands_beside_the_interval_the_widest_first(root: Path) -> None:
    seeds.fragments("laptop", root)
    shaky, steady = rows(root)  # what has no interval, or none to compare with, is left out
    assert (shaky["metric"], steady["metric"]) == ("shaky", "steady")
    assert (shaky["published"], shaky["95 % interval"]) == ("0.250", "0.200 to 0.300")
    assert (shaky["mean of seeds"], shaky["lowest"], shaky["highest"]) == ("0.200", "0.100", "0.300")
    # an interval of 0.1 is that of a standard deviation of 0.05 / 1.96
    assert (shaky["sd of seeds"], shaky["sd of seeds / of queries"]) == ("0.100", "3.92")
    assert (steady["sd of seeds"], steady["sd of seeds / of queries"]) == ("0.0100", "0.392")


def test_it_is_said_in_words_and_where_it_comes_from(root: Path) -> None:
    seeds.fragments("laptop", root)
    text = (root / GENERATED / "seeds.md").read_text()
    assert "**kagl**, 3 seeds: of 2 numbers with an interval, 50% vary more" in text
    assert "the median is 2.16 times as much" in text
    record = Record.load(root / "results/laptop/seeds/kagl.json")
    assert record.id[:8] in text and "{download}`results/laptop/seeds/kagl.json" in text
    assert "`0123456789`" in text and "Parameters and inputs" in text


def test_without_a_published_record_of_seeds_the_page_says_so(tmp_path: Path) -> None:
    seeds.fragments("laptop", tmp_path)
    assert (tmp_path / GENERATED / "seeds.md").read_text() == "No spread over seeds is published.\n"


def test_seeds_of_what_is_not_published_are_not_shown(tmp_path: Path) -> None:
    publish(tmp_path, {"steady": 0.1}, {"steady": 0.2})
    seeds.fragments("laptop", tmp_path)
    assert (tmp_path / GENERATED / "seeds.md").read_text() == "No spread over seeds is published.\n"

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from records_helpers import make_metric, make_record

from ofclip.errors import OfclipError
from ofclip.metrics.metric import Metric
from ofclip.records import Record, Table
from ofclip.records.reproduce import OUTSIDE, reproduce, same_machine

NAMES = [f"metric {number}" for number in range(40)]


def made(metrics: list[Metric], source: str = "atelier", device: str = "cpu") -> Record:
    record = make_record(metrics=metrics, source=source)
    record.key.weights["model"] = "w"
    record.cost.device = device
    return record


def write(root: Path, folder: str, record: Record) -> None:
    record.save(root / folder / "laptop" / record.experiment / f"{record.source}.json")


def values(*changed: float) -> list[Metric]:
    """Forty metrics, the first ones with other values."""
    return [make_metric(value, name) for name, value in zip(NAMES, [*changed, *[0.25] * 40], strict=False)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one published Record, and a measured spread of 0.03 for all metrics but the last."""
    write(tmp_path, "results", made(values()))
    row = {"record": "04-retrieval/atelier", "dataset": "kagl", "split": "test", "tolerance": 0.03}
    frame = pd.DataFrame([{**row, "metric": name} for name in NAMES[:-1]])
    seeds = make_record(experiment="seeds", source="atelier", metrics=[], tables={"spread": Table.of(frame)})
    write(tmp_path, "results", seeds)
    return tmp_path


def test_on_the_same_machine_numbers_must_be_equal(root: Path) -> None:
    write(root, "work", made(values()))
    found = reproduce("laptop", root)
    assert found.holds and found.checked[0].here and len(found.checked) == 1
    write(root, "work", made(values(0.2500001)))
    assert not reproduce("laptop", root).holds
    assert reproduce("laptop", root, elsewhere=True).holds


def test_elsewhere_they_must_lie_within_the_tolerance_but_for_a_few(root: Path) -> None:
    write(root, "work", made(values(*[0.27] * 40), device="another"))
    found = reproduce("laptop", root)
    assert found.holds and not found.checked[0].here and found.share == 0
    write(root, "work", made(values(0.285), device="another"))  # within the interval, and still outside
    found = reproduce("laptop", root)
    assert found.holds and found.share == pytest.approx(1 / 39)
    write(root, "work", made(values(0.285, 0.285), device="another"))
    found = reproduce("laptop", root)
    assert not found.holds and found.share == pytest.approx(2 / 39) and found.share > OUTSIDE
    assert not reproduce("laptop", root, elsewhere=False).holds


def test_a_metric_without_a_tolerance_is_shown_and_not_judged(root: Path) -> None:
    other = [*values()[:-1], make_metric(0.9, NAMES[-1])]
    write(root, "work", made(other, device="another"))
    found = reproduce("laptop", root)
    assert found.holds and found.share == 0 and len(found.checked[0].judged) == 39
    assert found.checked[0].comparison.counts["differs"] == 1


def test_elsewhere_a_trained_model_may_decide_what_is_counted(root: Path) -> None:
    fewer = [make_metric(0.25, NAMES[0], n=39), *values()[1:]]
    record = made(fewer, device="another")
    write(root, "work", record)
    assert reproduce("laptop", root).holds
    assert not reproduce("laptop", root, elsewhere=False).holds
    record.key.data["kagl@test"] = "other products"
    write(root, "work", record)
    assert not reproduce("laptop", root).holds
    for folder in ("results", "work"):  # nothing is trained
        untrained = make_record(metrics=fewer if folder == "work" else values(), source="atelier")
        write(root, folder, untrained)
    assert not reproduce("laptop", root, elsewhere=True).holds


@pytest.mark.parametrize("change", [{"definition": "another"}, {"name": "renamed"}])
def test_nothing_excuses_a_metric_that_is_another_one(root: Path, change: dict) -> None:
    for device in ("cpu", "another"):
        write(root, "work", made([*values()[:-1], make_metric(**{"name": NAMES[-1], **change})], device=device))
        found = reproduce("laptop", root)
        assert not found.holds and found.checked[0].wrong


def test_drawings_must_be_run_and_photographs_need_not(root: Path) -> None:
    write(root, "results", made(values(), source="kagl"))
    with pytest.raises(OfclipError, match="work/laptop/04-retrieval/atelier.json is missing: `ofclip run"):
        reproduce("laptop", root)
    write(root, "work", made(values()))
    assert reproduce("laptop", root).not_run == ("04-retrieval/kagl",)
    assert reproduce("laptop", root).json()["not run"] == ["04-retrieval/kagl"]


def test_nothing_published_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OfclipError, match="no published Records in results/gpu"):
        reproduce("gpu", tmp_path)


def test_a_machine_is_its_device_cores_and_libraries() -> None:
    assert same_machine(make_record(), make_record())
    for part, name, value in (("cost", "device", "gpu"), ("cost", "cores", 4), ("key", "lock", "m")):
        other = make_record()
        setattr(getattr(other, part), name, value)
        assert not same_machine(make_record(), other)

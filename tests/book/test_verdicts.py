from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import toybook
from prose import typed

from ofclip import sources
from ofclip.book import evidence, verdicts
from ofclip.book.build import collect
from ofclip.book.evidence import Evidence, Measured, holds, measure
from ofclip.book.markup import GENERATED
from ofclip.book.verdicts import NOT, REPRODUCED, UNTESTABLE, WITHIN, Row, follows
from ofclip.errors import DataError, SettingError, VerdictError
from ofclip.experiments import ROOT
from ofclip.metrics.metric import Metric
from ofclip.records import Record, Table
from ofclip.tasks.result import Result

SHARE = Metric("accuracy@1", "share", "higher", "kagl", "test", 9, 0.5, (0.4, 0.6), 0.1, 0.9)
TABLE = pd.DataFrame({"way": ["crop", "pad"], "change": [-0.2, None], "low": [-0.3, None], "high": [-0.1, None]})
ROW = Evidence(("1",), "03-zero-shot", "kagl", "kagl@test", "accuracy@1", "", "", "above", "chance", "classes", "")


@pytest.fixture
def record() -> Record:
    base = replace(SHARE, name="baseline", value=0.3, interval=None, chance=None)
    other = replace(SHARE, dataset="other", value=0.9)
    return toybook.record("03-zero-shot", Result([other, SHARE, base], {"effects": TABLE}))


@pytest.mark.parametrize(
    ("side", "interval", "line", "outcome"),
    [
        ("above", (0.2, 0.3), (0.1, 0.1), "yes"),
        ("above", (0.2, 0.3), (0.2, 0.2), "undecided"),
        ("above", (0.2, 0.3), (0.4, 0.5), "no"),
        ("below", (0.2, 0.3), (0.4, 0.5), "yes"),
        ("below", (0.2, 0.3), (0.25, 0.5), "undecided"),
        ("below", (0.2, 0.3), (0.1, 0.15), "no"),
        ("apart", (0.2, 0.3), (0, 0), "yes"),
        ("apart", (-0.2, -0.1), (0, 0), "yes"),
        ("apart", (-0.2, 0.1), (0, 0), "undecided"),
        ("", (0.2, 0.3), (0, 0), ""),
    ],
)
def test_an_interval_lies_on_a_side_wholly_or_not_at_all(side, interval, line, outcome):
    assert holds(side, interval, line) == outcome


def test_a_metric_is_read_on_its_own_data_and_held_against_chance_or_another(record):
    assert measure(ROW, record) == Measured(0.5, 0.4, 0.6, 0.1, 0.1, 0.1, "yes")
    assert measure(replace(ROW, than="baseline"), record) == Measured(0.5, 0.4, 0.6, 0.3, 0.3, 0.3, "yes")
    assert measure(replace(ROW, than="ceiling"), record).holds == "no"
    assert measure(replace(ROW, than="0", side="below"), record).line == 0


def test_a_cell_of_a_table_is_read_with_its_interval(record):
    row = replace(ROW, number="change", table="effects", where="way=crop", than="0", side="below")
    assert measure(row, record) == Measured(-0.2, -0.3, -0.1, 0, 0, 0, "yes")
    assert measure(row, record).interval == "-0.300 to -0.100" and measure(row, record).against == "0.00"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"number": "accuracy"}, "has no 'accuracy' on kagl@test, which 'classes' of the book rests on"),
        ({"data": "kagl@val"}, "on kagl@val"),
        ({"number": "baseline"}, "has no chance"),
        ({"than": "start"}, "has no 'start'"),
        ({"table": "effects", "number": "change", "where": "way=squash", "than": "0"}, "has 0 rows where way=squash"),
        ({"table": "effects", "number": "change", "where": "kind=crop", "than": "0"}, "has 0 rows"),
        ({"table": "effects", "number": "gain", "where": "way=crop", "than": "0"}, "no column 'gain'"),
        ({"table": "effects", "number": "change", "where": "way=pad", "than": "0"}, "change is missing"),
        ({"table": "sweep", "number": "change", "where": "way=pad", "than": "0"}, "unknown table"),
    ],
)
def test_a_number_that_is_not_there_is_named(record, changes, message):
    with pytest.raises(SettingError, match=message):
        measure(replace(ROW, **changes), record)


def row(outcome: str | None, side: str = "above") -> Row:
    return Row(replace(ROW, side=side), outcome and Measured(0.5, 0.4, 0.6, 0, 0, 0, outcome), None)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([], UNTESTABLE),
        (["yes", "yes"], REPRODUCED),
        (["yes", "undecided"], WITHIN),
        (["yes", "undecided", "no"], NOT),
        (["yes", None], None),
    ],
)
def test_a_verdict_follows_from_the_worst_of_its_numbers(outcomes, verdict):
    assert follows(map(row, outcomes)) == verdict


def test_a_number_that_only_stands_beside_decides_nothing():
    assert follows([row("", side="")]) == UNTESTABLE and follows([row("", side=""), row("yes")]) == REPRODUCED


@pytest.fixture(scope="module")
def claims() -> list[verdicts.Claim]:
    return verdicts.read(ROOT)


def test_every_stated_verdict_follows_from_the_published_records(claims):
    verdicts.check(claims)
    for claim in claims:
        assert follows(claim.of("photographs")) == claim.verdict, f"claim {claim.claim}: a Record is not published"
        assert claim.mechanism != "no Record", claim.claim


def test_claims_are_in_words_and_say_why(claims):
    assert len({claim.claim for claim in claims}) == len(claims) >= 9
    for claim in claims:
        assert claim.why.endswith((".", ")")) and claim.short and claim.made
        assert not typed(f"{claim.text}\n{claim.short}\n{claim.why}\n{claim.made}"), claim.claim


def test_all_four_verdicts_occur_and_drawings_decide_none(claims):
    assert {claim.verdict for claim in claims} == set(verdicts.VERDICTS)
    for claim in claims:
        assert {row.evidence.pictures for row in claim.rows} <= {"photographs", "drawings"}
        if claim.verdict == UNTESTABLE:
            assert not claim.of("photographs")


def test_evidence_is_of_published_numbers_and_of_planned_runs():
    rows = evidence.read(ROOT)
    assert len({(*row.claims, row.record, row.data, row.number, row.where, row.than) for row in rows}) == len(rows)
    for one in rows:
        assert sources.get(one.source).pictures == one.pictures
        assert bool(one.table) == bool(one.where) and (not one.front or one.side)


def test_what_is_said_of_printed_numbers_is_in_the_printed_tables(claims):
    reasons = {claim.claim: claim.why for claim in claims}
    marqo = pd.read_csv(ROOT / "results/reported/marqo_leaderboard_2024-08-09.csv")
    marqo = marqo[(marqo["task"] == "Text-To-Image") & (marqo["metric"] == "AvgRecall")]
    wide = marqo.pivot(index="dataset", columns="model", values="value")
    assert "each of the six sets" in reasons["3b"] and len(wide) == 6
    for better in ("FashionCLIP2.0", "ViT-B-16-laion2b_s34b_b88k"):
        assert (wide["OpenFashionCLIP"] < wide[better]).all()
    authors = pd.read_csv(ROOT / "results/reported/fashionclip_readme_zero_shot.csv")
    wide = authors.pivot(index="dataset", columns="model", values="value")
    assert "on all three sets" in reasons["6"] and len(wide) == 3
    assert (wide["LAION CLIP"] > wide["OpenAI CLIP"]).all()
    assert (wide["FashionCLIP 2.0"] > wide["FashionCLIP 1.0"]).all()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of toy Records with the published ones of the book."""
    root = toybook.checkout(tmp_path_factory.mktemp("checkout"), ("atelier", "kagl"))
    for one in {row.record for row in evidence.read(ROOT)}:
        place = root / "results/laptop" / f"{one}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "results/laptop" / f"{one}.json", place)
    return root


@pytest.fixture
def root(built: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return shutil.copytree(built, tmp_path / "checkout")


def cells(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False).replace(r"\\", "", regex=True)
    return frame.rename(columns=lambda column: column.replace("\\", ""))


def test_the_page_shows_each_claim_with_its_numbers_and_links(root: Path, claims) -> None:
    verdicts.fragments(collect("laptop", root), root)
    text = (root / GENERATED / "verdicts.md").read_text()
    for claim in claims:
        assert f"(claim-{claim.claim})=" in text and f"**Verdict: {claim.verdict}.**" in text
    shown = cells(root / GENERATED / "verdicts/7a-photographs.csv").iloc[0]
    metrics = Record.load(ROOT / "results/laptop/03-zero-shot/kagl.json").metrics
    value = next(metric for metric in metrics if metric.name == "articleType accuracy@1")
    assert shown["value"] == f"{value.value:.3f}" and shown["holds"] == "yes"
    assert shown["95 % interval"] == f"{value.interval[0]:.3f} to {value.interval[1]:.3f}"
    assert "{download}`kagl </results/laptop/03-zero-shot/kagl.json>`" in text and "</book/03-zero-shot>`" in text
    overview = cells(root / GENERATED / "verdicts/all.csv")
    assert list(overview["verdict"]) == [claim.verdict for claim in claims]
    front = (root / GENERATED / "front.md").read_text()
    first = next(claim for claim in claims if claim.verdict == REPRODUCED)
    assert f"**Reproduced:** {{ref}}`{first.short} <claim-{first.claim}>`" in front
    assert "a mechanism not seen:* {ref}" in front
    assert "forest.svg" in front and (root / GENERATED / "front/forest.svg").is_file()


def test_a_verdict_against_the_records_stops_the_build(root: Path) -> None:
    path = root / verdicts.TABLE
    path.write_text(path.read_text().replace(",not reproduced,", ",reproduced,"))
    message = "claim 7b 'reproduced', and the Records of results/laptop say 'not reproduced'"
    with pytest.raises(VerdictError, match=message) as error:
        verdicts.fragments([], root)
    assert "Master categories" in str(error.value) and "\n" not in str(error.value)


def test_without_published_records_nothing_is_claimed(root: Path) -> None:
    shutil.rmtree(root / "results/laptop")
    verdicts.fragments(collect("laptop", root), root)
    text = (root / GENERATED / "verdicts.md").read_text()
    assert "**Verdict: reproduced (by Records that are not here).**" in text
    overview = cells(root / GENERATED / "verdicts/all.csv")
    assert "no Record" in set(overview["in drawings"])
    assert "forest.svg" not in (root / GENERATED / "front.md").read_text()


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        (verdicts.TABLE, "claim,paper", "id,paper", "the columns are id, paper"),
        (verdicts.TABLE, ",not testable here,", ",perhaps,", "row 1: say reproduced, not reproduced"),
        (evidence.TABLE, "claims,experiment", "claim,experiment", "the columns are claim, experiment"),
        (evidence.TABLE, ",above,", ",over,", "row 1: name claims, a planned experiment"),
        (evidence.TABLE, "03-zero-shot", "03-naming", "row 1: name claims, a planned experiment"),
        (evidence.TABLE, "2a 5b,", "2a 99,", "no claim 99 in book/verdicts.csv"),
    ],
)
def test_a_table_that_says_less_is_refused(tmp_path: Path, table: str, old: str, new: str, message: str) -> None:
    (tmp_path / "book").mkdir()
    for name in (verdicts.TABLE, evidence.TABLE):
        shutil.copy(ROOT / name, tmp_path / name)
    path = tmp_path / table
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=message):
        verdicts.read(tmp_path)


def test_a_run_that_measures_less_has_no_outcome_and_a_published_record_must_have_it(record) -> None:
    missing = replace(ROW, number="another")
    assert evidence.look_up(missing, {"03-zero-shot/kagl": record}, strict=False) is None
    assert evidence.look_up(ROW, {}) is None
    with pytest.raises(SettingError, match="has no 'another'"):
        evidence.look_up(missing, {"03-zero-shot/kagl": record})


def test_over_seeds_it_is_counted_how_often_a_row_holds(record) -> None:
    def run(value: float, low: float) -> dict[str, Record]:
        metrics = [replace(SHARE, value=value, interval=(low, 0.9))]
        return {"03-zero-shot/kagl": record.model_copy(update={"metrics": metrics})}

    others = [replace(ROW, side=""), replace(ROW, than="baseline"), replace(ROW, source="atelier")]
    rows = [ROW, replace(ROW, claims=("2",)), *others]
    found = evidence.over_seeds(rows, [run(0.5, 0.4), run(0.6, 0.4), run(0.2, 0.05)])
    [line] = found.to_dict("records")  # a row that decides nothing, or that a run has no number for, is left out
    assert (line["yes"], line["undecided"], line["no"], line["runs"]) == (2, 1, 0, 3)
    assert (line["lowest"], line["highest"]) == (0.2, 0.6)
    seeds = record.model_copy(update={"tables": {evidence.SEEDED: Table.of(found)}})
    assert evidence.seeds([seeds, record]) == {evidence.known(ROW): "2 of 3"}


def test_what_other_seeds_say_stands_beside_the_numbers(root: Path) -> None:
    wanted = next(row for row in evidence.read(root) if "7a" in row.claims and row.pictures == "photographs")
    there = evidence.published(root, verdicts.PUBLISHED, [wanted])
    found = evidence.over_seeds([wanted], [there, there])
    shutil.rmtree(root / verdicts.PUBLISHED / "seeds", ignore_errors=True)
    published = Record.load(root / verdicts.PUBLISHED / "03-zero-shot/kagl.json")
    made = published.model_copy(update={"experiment": "seeds", "tables": {evidence.SEEDED: Table.of(found)}})
    made.save(root / verdicts.PUBLISHED / "seeds/kagl.json")
    verdicts.fragments(collect("laptop", root), root)
    shown = cells(root / GENERATED / "verdicts/7a-photographs.csv")
    assert shown["seeds"].iloc[0] == "2 of 2"
    assert "seeds" not in cells(root / GENERATED / "verdicts/7b-photographs.csv")

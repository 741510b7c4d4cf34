from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import toybook

from ofclip import sources
from ofclip.book import comparisons, reported
from ofclip.book.build import collect
from ofclip.book.comparisons import COLUMNS, fragments, read
from ofclip.book.markup import GENERATED
from ofclip.errors import DataError, OfclipError
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records import Record

REPORTED = sorted((ROOT / "results" / "reported").glob("*.csv"))


def printed() -> set[tuple[str, str, str]]:
    """Every file, data set and task of which a number was printed."""
    found = set()
    for path in REPORTED:
        frame = pd.read_csv(path, dtype=str)
        tasks = frame["task"] if "task" in frame else [""] * len(frame)
        found |= set(zip([path.stem] * len(frame), frame["dataset"], tasks, strict=True))
    return found


def test_every_printed_number_is_compared_or_says_why_not() -> None:
    rows = read(ROOT)
    named = set(zip(rows["reported"], rows["dataset"], rows["task"], strict=True))
    missing = {one for one in printed() if one not in named and (*one[:2], "") not in named}
    assert not missing
    known = printed() | {(*one[:2], "") for one in printed()}
    assert named <= known


def test_every_comparison_is_with_a_planned_run_and_has_a_reason() -> None:
    for row in read(ROOT).itertuples():
        assert row.why.endswith(".") and not any(sign.isdigit() for sign in row.why)
        assert bool(row.experiment) == bool(row.source) == bool(row.data) == bool(row.ours)
        if row.experiment:
            assert row.source in EXPERIMENTS[row.experiment].sources and row.ours.count("{}") == 1
            assert row.data.partition("@")[0] in sources.names()
        else:
            assert row.comparable == "no"


@pytest.mark.parametrize("row", [row for row in read(ROOT).itertuples() if row.experiment], ids=str)
def test_our_number_is_in_the_published_record(row) -> None:
    path = ROOT / "results" / "laptop" / row.experiment / f"{row.source}.json"
    assert path.is_file(), f"{row.experiment} on {row.source} is not published"
    dataset, _, split = row.data.partition("@")
    names = {metric.name for metric in Record.load(path).metrics if (metric.dataset, metric.split) == (dataset, split)}
    frame = pd.read_csv(ROOT / "results" / "reported" / f"{row.reported}.csv", dtype=str)
    own = frame[frame["dataset"] == row.dataset]
    own = own[own["task"] == row.task] if row.task else own
    for metric in own["metric"].unique():
        assert row.ours.format(comparisons.WORDS.get(metric, metric)) in names


def page(root: Path, name: str) -> str:
    return (root / GENERATED / f"comparisons-{name}.md").read_text(encoding="utf-8")


def cells(root: Path, name: str) -> pd.DataFrame:
    frame = pd.read_csv(root / GENERATED / "comparisons" / f"{name}.csv", dtype=str, keep_default_na=False)
    return frame.replace(r"\\", "", regex=True).rename(columns=lambda column: column.replace("\\", ""))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return toybook.checkout(tmp_path, ("atelier", "kagl"))


def test_printed_and_measured_stand_together_with_the_verdict(root: Path) -> None:
    shown = collect("laptop", root)
    fragments(shown, root)
    record = Record.load(root / "work/laptop/06-product-search/kagl.json")
    table = cells(root, "marqo_leaderboard_2024-08-09-0")
    theirs = table[table["from"] == "printed"].set_index("model")
    assert len(theirs) == 6 and theirs.loc["OpenFashionCLIP", "Recall@10"] == "0.325"
    measured = next(m for m in record.metrics if (m.name, m.split) == ("text-to-image Recall@10", "all"))
    ours = table[(table["model"] == "ours (laptop)") & (table["from"] == "measured here")].iloc[0]
    assert ours["Recall@10"] == f"{measured.value:.3f}" and ours["AvgRecall"]
    assert {"95 % interval", "ours"} <= set(table["from"]) and {"chance", "ceiling"} <= set(table["model"])
    text = page(root, "marqo_leaderboard_2024-08-09")
    assert text.count("**Comparable in part.**") == 3 and f"Record {{download}}`{shown[0].path}".split("/")[0] in text
    assert "ours, before training" in cells(root, "marqo_leaderboard_2024-08-09-1")["model"].tolist()
    assert "**Comparable.**" in page(root, "marqo_best_recall")


def test_what_nothing_stands_beside_says_why(root: Path) -> None:
    fragments([one for one in collect("laptop", root) if one.record.source == "atelier"], root)
    for path in REPORTED:
        assert "**" not in page(root, path.stem)
        table = cells(root, f"{path.stem}-alone")
        assert table["why"].str.len().min() > 10
        here = table[table["data set"] == "KAGL"]["why"]
        assert here.str.contains(r"This build has no such number \(0[36]-.* on kagl\)").all()


def test_every_reported_table_is_shown_and_compared_on_the_page(root: Path) -> None:
    text = (ROOT / "book" / "reported.md").read_text(encoding="utf-8")
    reported.fragments(root)
    for path in REPORTED:
        assert f"_generated/reported-{path.stem}.md" in text and f"_generated/comparisons-{path.stem}.md" in text
        assert f"reported/{path.name}" in text
        assert (root / GENERATED / f"reported-{path.stem}.md").is_file()
        assert path.name in (ROOT / "results" / "reported" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("yes,Counted", "maybe,Counted"), "say yes, in part, no in comparable, and why"),
        ((",why", ",reason"), f"expected {', '.join(COLUMNS)}"),
    ],
)
def test_a_table_that_says_less_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "book" / "comparisons.csv", tmp_path / "book")
    path = tmp_path / "book" / "comparisons.csv"
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_comparison_with_what_was_not_printed_is_refused(root: Path) -> None:
    path = root / "book" / "comparisons.csv"
    path.write_text(path.read_text().replace("KAGL,Text-To-Image,06", "KAGL,Text-To-Sound,06"))
    with pytest.raises(OfclipError, match="marqo_leaderboard_2024-08-09 has no KAGL Text-To-Sound"):
        fragments(collect("laptop", root), root)

"""The verdict on each claim of the papers: stated in a table, checked against the Records, shown with its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ofclip.book import evidence, pages, tables
from ofclip.book.evidence import Evidence, Measured, look_up
from ofclip.book.markup import GENERATED, download, escape, figure, small, table, write
from ofclip.errors import DataError, VerdictError
from ofclip.experiments import EXPERIMENTS
from ofclip.figures import save
from ofclip.figures.verdicts import Line, forest
from ofclip.records import Record
from ofclip.records.tolerances import measured

#: The claims in our words, who makes them and where, in short, the verdict on photographs, and why, as Markdown.
TABLE = "book/verdicts.csv"
COLUMNS = ("claim", "paper", "made", "text", "short", "verdict", "why")
#: Verdicts speak of these Records, which stay the same wherever the book is built.
PUBLISHED = "results/laptop"
REPRODUCED, NOT, WITHIN, UNTESTABLE = VERDICTS = (
    "reproduced", "not reproduced", "within the interval", "not testable here",
)  # fmt: skip
#: What drawings can say, by what the same numbers would be called on photographs: a mechanism, no size.
MECHANISM = {REPRODUCED: "seen", NOT: "not seen", WITHIN: "undecided", UNTESTABLE: "not tried"}
ALT = (
    "The numbers that the main verdicts rest on, each with its interval, and with a tick for what it has to beat: "
    "guessing, the most frequent class, or the middle of the picture."
)


@dataclass(frozen=True)
class Row:
    """A row of evidence with what the published Record and this run's hold of it; None where there is no Record.

    `seeds` says in how many runs of other seeds it holds, such as "4 of 5", "" where there are none.
    """

    evidence: Evidence
    published: Measured | None
    run: Measured | None
    seeds: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim with its stated verdict, and the rows that it rests on."""

    claim: str
    paper: str
    made: str
    text: str
    short: str
    verdict: str
    why: str
    rows: tuple[Row, ...]

    def of(self, pictures: str) -> list[Row]:
        """Return the rows on photographs, or on drawings."""
        return [row for row in self.rows if row.evidence.pictures == pictures]

    @property
    def stated(self) -> str:
        """The verdict as a page shows it: a checkout may lack the Records that it rests on."""
        return self.verdict if follows(self.of("photographs")) else f"{self.verdict} (by Records that are not here)"

    @property
    def mechanism(self) -> str:
        """What drawings show of the claim; "no Record" if one of them is not published."""
        outcome = follows(self.of("drawings"))
        return MECHANISM[outcome] if outcome else "no Record"


def follows(rows: Iterable[Row]) -> str | None:
    """Return the verdict that follows from rows, or None if one of their Records is not published.

    One number on the wrong side is enough for "not reproduced", and one that is on neither side for "within the
    interval"; without any number there is nothing to test.
    """
    deciding = [row for row in rows if row.evidence.side]
    if not deciding:
        return UNTESTABLE
    found = {row.published.holds if row.published else None for row in deciding}
    if None in found:
        return None
    return NOT if "no" in found else WITHIN if "undecided" in found else REPRODUCED


def read(root: Path, run: Mapping[str, Record] | None = None) -> list[Claim]:
    """Return the claims with their numbers, those of `run` beside the published ones.

    Raises DataError for a table with another header, an unknown verdict, a missing reason, or evidence for a claim that
    is not in it; SettingError for a number that a published Record does not have.
    """
    path = root / TABLE
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(frame.columns) != COLUMNS:
        raise DataError(f"{path}: the columns are {', '.join(frame.columns)}, expected {', '.join(COLUMNS)}")
    wanted = evidence.read(root)
    if unknown := {claim for row in wanted for claim in row.claims} - set(frame["claim"]):
        raise DataError(f"{root / evidence.TABLE}: no claim {', '.join(sorted(unknown))} in {TABLE}")
    there = evidence.published(root, PUBLISHED, wanted)
    seeds = evidence.seeds(measured(Path(PUBLISHED).name, root))
    rows = [
        Row(row, look_up(row, there), look_up(row, run or {}, strict=False), seeds.get(evidence.known(row), ""))
        for row in wanted
    ]
    claims = []
    for place, row in enumerate(frame.to_dict("records"), start=1):
        if row["verdict"] not in VERDICTS or not row["why"] or not row["text"]:
            raise DataError(f"{path} row {place}: say {', '.join(VERDICTS)} as the verdict, and why")
        claims.append(Claim(**row, rows=tuple(one for one in rows if row["claim"] in one.evidence.claims)))
    return claims


def check(claims: Iterable[Claim]) -> None:
    """Raise VerdictError if a stated verdict does not follow from the published numbers on photographs.

    A claim whose Records are not all published is passed over: there is nothing to contradict it.
    """
    for claim in claims:
        outcome = follows(claim.of("photographs"))
        if outcome not in (None, claim.verdict):
            numbers = "; ".join(
                f"{row.evidence.what}: {tables.number(row.published.value)} ({row.published.interval}) "
                f"{row.evidence.side} {row.published.against}: {row.published.holds}"
                for row in claim.of("photographs")
                if row.published
            )
            raise VerdictError(
                f"{TABLE} calls claim {claim.claim} {claim.verdict!r}, and the Records of {PUBLISHED} say {outcome!r} "
                f"({numbers or 'no number on photographs'}): change the verdict and its reason, or the evidence"
            )


def fragments(shown: Sequence[pages.Shown], root: Path) -> None:
    """Write `book/_generated/verdicts.md`, all claims with their numbers, and `front.md`, the same in short."""
    claims = read(root, {one.record.name: one.record for one in shown})
    check(claims)
    folder = root / GENERATED
    overview = pd.DataFrame(
        {
            "claim": f"{one.claim}. {one.short}",
            "verdict": one.stated,
            "in drawings": one.mechanism,
            "made by": one.paper,
        }
        for one in claims
    )
    caption = "Every claim, the verdict on photographs, and whether drawings show the mechanism."
    parts = [table(overview, folder / "verdicts" / "all.csv", root, caption, fold=False)]
    parts += [_section(claim, root) for claim in claims]
    write(folder / "verdicts.md", "\n\n".join(parts) + "\n")
    write(folder / "front.md", _front(claims, root) + "\n")


def _front(claims: Sequence[Claim], root: Path) -> str:
    """Return the figure of the front page and the claims by verdict; rows that two claims share are drawn once."""
    rows = [row for claim in claims for row in claim.rows]
    drawn = {row.evidence: row.published for row in rows if row.evidence.front and row.published}
    lines = [Line(own.front, own.pictures, one.value, one.low, one.high, one.line) for own, one in drawn.items()]
    folder, parts = root / GENERATED, []
    if lines:
        parts.append(figure(save(forest(lines), folder / "front" / "forest.svg"), root, ALT))
        parts.append(links(drawn, root))
    for verdict in VERDICTS:
        if found := [one for one in claims if one.verdict == verdict]:
            parts.append(f"**{verdict.capitalize()}:** {_list(found)}")
    for outcome in ("seen", "not seen", "undecided"):
        if found := [one for one in claims if one.mechanism == outcome]:
            parts.append(f"*In drawings, a mechanism {outcome}:* {_list(found)}")
    return "\n\n".join(parts)


def _list(claims: Iterable[Claim]) -> str:
    """Return claims in short as links to their sections, in one sentence."""
    return "; ".join(f"{{ref}}`{one.short} <claim-{one.claim}>`" for one in claims) + "."


def _section(claim: Claim, root: Path) -> str:
    parts = [
        f"(claim-{claim.claim})=\n## {claim.claim}. {escape(claim.short)}",
        f"{escape(claim.text)} *{claim.paper}: {escape(claim.made)}.*",
        f"**Verdict: {claim.stated}.** {claim.why}",
    ]
    for pictures, title in (("photographs", "Photographs"), ("drawings", "Drawings: the mechanism alone")):
        rows = claim.of(pictures)
        if not rows:
            continue
        path = root / GENERATED / "verdicts" / f"{claim.claim}-{pictures}.csv"
        outcome = f": {claim.mechanism}." if pictures == "drawings" else "."
        parts.append(table(_numbers(rows), path, root, f"{title}{outcome}", fold=False))
        parts.append(links([row.evidence for row in rows], root))
    return "\n\n".join(parts)


def _numbers(rows: Sequence[Row]) -> pd.DataFrame:
    """Return what rows rest on as a page shows it; the last columns say what other seeds and this run make of it."""
    lines = []
    for row in rows:
        own, found = row.evidence, row.published
        line = {"what": own.what, "expected": f"{own.side} {own.than}" if own.side else f"beside {own.than}"}
        if found:
            line |= {"value": tables.number(found.value), "95 % interval": found.interval, "against": found.against}
        line |= {"holds": found.holds if found else "no Record", "seeds": row.seeds}
        line |= {"this run": row.run.holds if row.run else ""}
        lines.append(line)
    frame = pd.DataFrame(lines).fillna("")
    return frame.drop(columns=[name for name in ("seeds", "this run") if not frame[name].any()])


def links(rows: Iterable[Evidence], root: Path) -> str:
    """Return the small line that links to each chapter of rows, and to their published Records by the source's name."""
    chapters: dict[str, dict[str, None]] = {}
    for row in rows:
        path = Path(PUBLISHED) / f"{row.record}.json"
        record = download(path, row.source) if (root / path).is_file() else row.source
        chapters.setdefault(row.experiment, {})[record] = None
    parts = [f"{{doc}}`{EXPERIMENTS[name].title} </book/{name}>` on {', '.join(on)}" for name, on in chapters.items()]
    return small("provenance", f"{' · '.join(parts)} (the links are their Records)")

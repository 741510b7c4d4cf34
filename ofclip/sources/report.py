"""Report: what a check of a data set has found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """What a check found.

    `faults` are what must not be: a damaged file, a broken picture, an empty text, rows gone without a reason.
    `missing` is what the official data have and this copy does not, such as pictures whose URL is dead; `notes`
    are worth knowing. `found` and `expected` count products by split, or "all"; before it stands the part, if there are
    several. `rows` are those of the list at `listed`.
    """

    name: str
    faults: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    found: dict[str, int]
    expected: dict[str, int]
    rows: tuple[tuple[str, ...], ...]
    products: int
    pictures: int
    seconds: float
    listed: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing that is there is wrong; what is missing is told, and is no fault."""
        return not self.faults

    @property
    def findings(self) -> tuple[str, ...]:
        """All findings as lines, the gravest first."""
        kinds = (("fault", self.faults), ("missing", self.missing), ("note", self.notes))
        return tuple(f"{kind}: {text}" for kind, texts in kinds for text in texts)

    @property
    def rate(self) -> float:
        """Pictures decoded per second of the whole check."""
        return self.pictures / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "faulty"
        lines = [
            f"{self.name}: {verdict}, {self.products:,} products, {self.pictures:,} pictures decoded, "
            f"{self.seconds:.1f} s ({self.rate:,.0f} pictures a second)"
        ]
        parts: dict[str, list[str]] = {}
        for key in dict.fromkeys([*self.found, *self.expected]):
            part, _, split = key.rpartition(" ")
            known = f" of {self.expected[key]:,}" if key in self.expected else ""
            parts.setdefault(part, []).append(f"{split} {self.found.get(key, 0):,}{known}")
        lines += [f"  {part}{': ' if part else ''}{', '.join(counts)}" for part, counts in parts.items()]
        lines += [f"  {line}" for line in self.findings]
        if self.listed:
            lines.append(f"  list: {self.listed} ({len(self.rows):,} rows)")
        return "\n".join(lines)

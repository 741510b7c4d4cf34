"""Metric: a value that says what it is, on what, how sure, and between which bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One number with everything a reader needs to judge it.

    `definition` is one sentence that fixes the meaning (of the four meanings of recall@k, say) and the
    tie rule; `direction` is "higher", "lower" or "nearer 0" (which is better); `interval` is the 95 %
    bootstrap interval; `chance` is what guessing reaches and `ceiling` the best that the data allow.
    """

    name: str
    definition: str
    direction: str
    dataset: str
    split: str
    n: int
    value: float
    interval: tuple[float, float] | None = None
    chance: float | None = None
    ceiling: float | None = None

"""The Record of a benchmark: what the book's performance page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd


def save(
    name: str,
    source: str,
    frame: pd.DataFrame,
    modules: Sequence[str],
    parameters: Mapping[str, object],
    command: str,
    about: str,
) -> None:
    """Write results/benchmarks/<name>/<source>.json with the table `frame`; `modules` are what was measured.

    `about` says what the rows mean.

    The Record is stale once one of the modules, or one that they reach, has changed.
    """
    from ofclip.experiments import ROOT
    from ofclip.records import Recorder

    recorder = Recorder(name, source, "benchmarks", parameters, modules=modules, command=command)
    recorder.table("measured", frame)
    recorder.note("about", about)
    recorder.finish().save(ROOT / "results" / "benchmarks" / name / f"{source}.json")

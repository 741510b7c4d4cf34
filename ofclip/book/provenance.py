"""What stands under every table and figure: its Record, and the inputs and parameters that this was made from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ofclip.book.markup import download, dropdown, escape, small
from ofclip.book.tables import number
from ofclip.files import digest
from ofclip.records import Record
from ofclip.records.compare import flat


def line(record: Record, path: Path, *more: str, timed: bool = True) -> str:
    """Return the small line under a table or figure: Record, commit, command, date, cost, and what `more` there is."""
    made, cost = record.made, record.cost
    seconds = f"{number(cost.seconds)} s " if timed else ""  # a benchmark's Record begins when all is measured
    commit = f"commit `{made.commit[:10]}`" if made.commit else "a tree without a commit"
    parts = [
        f"Record {download(path)} {record.id[:8]}",
        commit + (" with uncommitted changes" if made.commit and made.dirty else ""),
        f"`{made.command}`",
        f"{made.date[:10]}, {seconds}on {escape(cost.device)}, {cost.cores} cores",
        *more,
    ]
    return small("provenance", " · ".join(parts))


def inputs(record: Record) -> str:
    """Return the directive that unfolds data, weights, libraries, code, seeds and parameters of a Record."""
    rows = [*_inputs(record), *(("parameter", f"{name} = {value}") for name, value in flat(record.parameters).items())]
    text = "\n".join(f"{kind:<12}{' '.join(value.split())}" for kind, value in rows)
    return dropdown("Parameters and inputs", f"```text\n{text}\n```", "inputs")


def _inputs(record: Record) -> Iterator[tuple[str, str]]:
    key = record.key
    yield "Record", record.id
    for kind, used in (("data", key.data), ("weights", key.weights), ("Record read", key.records)):
        for name, fingerprint in used.items():
            yield kind, f"{name} {fingerprint}"
    if key.notebook:
        yield "notebook", key.notebook
    yield "code", f"{len(key.code)} files, {digest(*sorted(key.code.items()))}"
    if key.lock:
        yield "libraries", f"requirements.txt {key.lock[:16]}"
    yield "seeds", ", ".join(_seeds(record)) or "none is set"


def _seeds(record: Record) -> Iterator[str]:
    for name, value in flat(record.parameters).items():
        if name.rpartition(".")[2] == "seed":
            yield f"{name} = {value}"

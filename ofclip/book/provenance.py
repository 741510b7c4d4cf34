"""What unfolds under every table and figure: the inputs and parameters that its Record was made from."""

from __future__ import annotations

from collections.abc import Iterator

from ofclip.book.markup import dropdown
from ofclip.files import digest
from ofclip.records import Record
from ofclip.records.compare import flat


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

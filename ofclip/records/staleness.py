"""Whether a Record still is what its notebook, code, lock, data and weights would give today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ofclip.experiments import ROOT, TRAINING, trained
from ofclip.files import sha256
from ofclip.records.closure import code_hashes, lock_hash, notebook_hash
from ofclip.records.record import Record, parameters_hash


def stale(
    record: Record, root: Path = ROOT, *, folder: Path | None = None, data: str | Path | None = None
) -> list[str]:
    """Return the reasons why a Record is stale, each naming what changed; empty if it is fresh.

    `folder` holds the Records beside it (default `work/<profile>`): its weights are compared with the note
    "weights" of the training Record there, which must be fresh itself, and so must a Record that it has read,
    whose numbers must be the same still. Data are compared only if a data
    root is given, and only those found there, since they have to be loaded; of drawn sources the code is
    the data. Only hashes of files are needed otherwise, so a check takes milliseconds.
    """
    folder = folder or root / "work" / record.profile
    reasons = _code(record, root)
    if record.key.lock != lock_hash(root):
        reasons.append("lock changed: requirements.txt")
    if record.key.parameters != parameters_hash(record.parameters):
        reasons.append("parameters changed: the Record was edited")
    reasons += _weights(record, root, folder) + _records(record, root, folder)
    if data is not None:
        reasons += _data(record, Path(data))
    return reasons


def _code(record: Record, root: Path) -> list[str]:
    then = record.key.code
    if record.made.notebook is None:
        return _differences(then, {path: sha256(root / path) for path in then if (root / path).is_file()})
    notebook = root / record.made.notebook
    if not notebook.is_file():
        return [f"notebook is gone: {record.made.notebook}"]
    changed = notebook_hash(notebook) != record.key.notebook
    reasons = [f"notebook changed: {record.made.notebook}"] if changed else []
    return reasons + _differences(then, code_hashes(notebook, record.sources, root))


def _differences(then: dict[str, str], now: dict[str, str]) -> list[str]:
    words = {path: "is new" for path in now.keys() - then.keys()}
    words |= {path: "is no longer used" for path in then.keys() - now.keys()}
    words |= {path: "changed" for path in then.keys() & now.keys() if then[path] != now[path]}
    return [f"code: {path} {words[path]}" for path in sorted(words)]


def _weights(record: Record, root: Path, folder: Path) -> list[str]:
    source = trained(record.experiment, record.source)
    path = folder / TRAINING / f"{source}.json"
    if source is None or not path.is_file():
        return []
    training = Record.load(path)
    if training.notes.get("weights") not in record.key.weights.values():
        return [f"weights: {TRAINING}/{source} made other weights"]
    reasons = stale(training, root, folder=folder)
    return [f"weights: {TRAINING}/{source} is stale ({reasons[0]})"] if reasons else []


def _records(record: Record, root: Path, folder: Path) -> list[str]:
    reasons = []
    for name, fingerprint in record.key.records.items():
        path = folder / f"{name}.json"
        if not path.is_file():
            continue
        read = Record.load(path)
        if read.fingerprint != fingerprint:
            reasons.append(f"Record: {name} holds other numbers")
        elif older := stale(read, root, folder=folder):
            reasons.append(f"Record: {name} is stale ({older[0]})")
    return reasons


def _data(record: Record, data: Path) -> list[str]:
    from ofclip import sources

    reasons = []
    for name, fingerprint in record.key.data.items():
        source, _, rest = name.partition("@")
        split, _, query = rest.partition("?")
        if source.partition("/")[0] not in sources.names():
            continue
        card = sources.get(source)
        if card.pictures == "drawings" or card.find(data) is None:
            continue
        pairs = (part.split("=", 1) for part in query.split("&") if part)
        options: dict[str, Any] = {key: _value(value) for key, value in pairs}
        catalog = sources.load_catalog(source, None if "+" in split else split, data, pictures=None, **options)
        if catalog.fingerprint != fingerprint:
            reasons.append(f"data {name} changed")
    return reasons


def _value(text: str) -> object:
    """Return an option of loading as it was given: a JSON value, or else a string."""
    try:
        return json.loads(text)
    except ValueError:
        return text

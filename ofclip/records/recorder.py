"""Recorder: collects what a run finds and what it used, and makes the Record."""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

from ofclip.errors import OfclipError, SettingError
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.records.closure import code_hashes, lock_hash, notebook_hash
from ofclip.records.cost import Meter
from ofclip.records.record import Key, Made, Record, Table, parameters_hash, plain, text

if TYPE_CHECKING:
    import pandas as pd

    from ofclip.profiles import Profile
    from ofclip.tasks.result import Result


class Fingerprinted(Protocol):
    """A Catalog, a model, a Record: a name, and a hash that is equal only if the content is."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...


class Recorder:
    """Makes the Record of one run; its clock starts when it is created.

    `profile` is a profile's name, or a profile, whose fields then join `parameters`. The numbers are those
    of `notebooks/<experiment>.ipynb`, or, where there is no notebook, of the named `modules`.

    >>> recorder = Recorder("03-zero-shot", source="kagl", profile="laptop", parameters={"templates": 7})
    >>> recorder.note("skipped", 0)
    >>> record = recorder.finish()                                                # doctest: +SKIP
    """

    def __init__(
        self,
        experiment: str,
        source: str,
        profile: str | Profile,
        parameters: Mapping[str, object] | None = None,
        *,
        modules: Iterable[str] | None = None,
        command: str | None = None,
        root: Path = ROOT,
    ) -> None:
        self.root, self.experiment, self.source = root, experiment, source
        self.profile = profile if isinstance(profile, str) else profile.name
        fields = {} if isinstance(profile, str) else profile.model_dump()
        self.parameters: dict[str, JsonValue] = plain({**fields, **(parameters or {})})
        notebook = root / "notebooks" / f"{experiment}.ipynb"
        self.notebook = notebook if modules is None else None
        self._entry = notebook if modules is None else tuple(modules)
        self._command = command or f"ofclip run {experiment} --source {source} --profile {self.profile}"
        self._commit, self._dirty = commit(root)
        # hashed now: what is edited while the run goes on did not make these numbers
        self._notebook = self.notebook and notebook_hash(self.notebook)
        self._code = code_hashes(self._entry, (source,), root)
        self._metrics: list[dict] = []
        self._tables: dict[str, Table] = {}
        self._notes: dict[str, JsonValue] = {}
        self._data: dict[str, str] = {}
        self._weights: dict[str, str] = {}
        self._records: dict[str, str] = {}
        self._meter = Meter()

    def uses(self, thing: Fingerprinted, **options: object) -> None:
        """Note a Catalog (with its options of loading), a ground truth, a model or a Record: the numbers depend on it.

        Raises SettingError for an object without a fingerprint, or if two that differ have one name.
        """
        from ofclip.catalog import Catalog
        from ofclip.sources.ground_truth import GroundTruth

        if not hasattr(thing, "fingerprint") or not hasattr(thing, "name"):
            raise SettingError(f"cannot note a {type(thing).__name__}: it has no name and fingerprint")
        name, notes = thing.name, self._weights
        if isinstance(thing, Catalog):
            query = "&".join(f"{option}={text(plain(value))}" for option, value in sorted(options.items()))
            name, notes = f"{thing.name}@{thing.split}" + (f"?{query}" if query else ""), self._data
        elif isinstance(thing, Record):
            notes = self._records
        elif isinstance(thing, GroundTruth):
            name, notes = f"{thing.task.name} by {thing.name}", self._data
        if notes.setdefault(name, thing.fingerprint) != thing.fingerprint:
            raise SettingError(f"two things that differ are called {name}: name the options of loading")

    def add(self, result: Result) -> None:
        """Append a task's metrics and tables; raises OfclipError for a value that is not finite."""
        for metric in result.metrics:
            if not all(map(math.isfinite, (metric.value, *(metric.interval or ())))):
                raise OfclipError(
                    f"{metric.name} on {metric.dataset}@{metric.split} is {metric.value}, "
                    f"interval {metric.interval}: not a number to record"
                )
            self._metrics.append(plain(asdict(metric)))
        for name, frame in result.tables.items():
            self.table(name, frame)

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Add a table; rows of a name that is there already are appended (their columns must be equal)."""
        table = Table.of(frame)
        if name in self._tables:
            if self._tables[name].columns != table.columns:
                raise SettingError(f"table {name!r} is there already, with other columns")
            table.rows = self._tables[name].rows + table.rows
        self._tables[name] = table

    def note(self, name: str, value: object) -> None:
        """Note one value under a name, such as the number of skipped pictures."""
        self._notes[name] = plain(value)

    def finish(self) -> Record:
        """Stop the clock, write the Record and return it.

        It goes where `ofclip run` wants it ($OFCLIP_RECORD), else, from a notebook run by hand, to
        `work/<profile>/<experiment>/<source>.interactive.json`; without a notebook it is only returned.
        """
        cost = self._meter.read()
        sources = {name.partition("@")[0].partition("/")[0] for name in self._data}
        code = {**code_hashes(self._entry, (self.source, *sources), self.root), **self._code}
        record = Record(
            experiment=self.experiment,
            source=self.source,
            profile=self.profile,
            title=EXPERIMENTS[self.experiment].title if self.experiment in EXPERIMENTS else self.experiment,
            parameters=self.parameters,
            metrics=self._metrics,
            tables=self._tables,
            notes=self._notes,
            made=Made(
                notebook=self.notebook and self.notebook.relative_to(self.root).as_posix(),
                command=os.environ.get("OFCLIP_COMMAND", self._command),
                commit=self._commit,
                dirty=self._dirty,
                date=datetime.now(UTC).isoformat(timespec="seconds"),
            ),
            cost=cost,
            key=Key(
                notebook=self._notebook,
                code=code,
                lock=lock_hash(self.root),
                parameters=parameters_hash(self.parameters),
                data=self._data,
                weights=self._weights,
                records=self._records,
            ),
        )
        if self.notebook:
            by_hand = self.root / "work" / self.profile / self.experiment / f"{self.source}.interactive.json"
            record.save(os.environ.get("OFCLIP_RECORD", by_hand))
        return record


def commit(root: Path) -> tuple[str | None, bool]:
    """Return the commit of the checkout and whether files other than results differ from it.

    Outside a repository, or before the first commit, it is (None, True): nothing says what the code was.
    """
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head, bool(_git(root, "status", "--porcelain", "--", ".", ":!results"))
    except (OSError, subprocess.CalledProcessError):
        return None, True


def _git(root: Path, *command: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *command], capture_output=True, text=True, check=True
    ).stdout.strip()
